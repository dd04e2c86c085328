"""Writing entries: one set of views for all twelve sections."""

import uuid

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from incidents import conversation, files, reading, rendering
from incidents.door import Impossible
from incidents.gate import by_method, requires
from incidents.incident import Conflict
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from incidents.sections.base import Entry, Section
from incidents.sections.forms import check_text, now_to_the_minute
from incidents.views.responses import (
    arrivals,
    beside,
    conflicting,
    document_url,
    form_page,
    is_fragment,
    refused,
    written,
)
from incidents.vocabulary import Capability


def find(incident, name: str, entry_id: uuid.UUID) -> tuple[Section, Entry]:
    """The section and the entry, if it is of this incident and this person may see it; else 404."""
    section = SECTIONS[name]
    if not section.many:
        entry = section.single(incident)
        if entry.pk != entry_id:
            raise Http404
    else:
        entry = section.visible(incident, incident.audience).filter(pk=entry_id).first()
        if entry is None:
            raise Http404
    entry.incident = incident
    return section, entry


@by_method(GET=Capability.READ, POST=Capability.WRITE)
def section(request: HttpRequest, incident, section: str) -> HttpResponse:
    """GET: the section as a fragment. POST: add an entry."""
    chosen = SECTIONS[section]
    if request.method == "GET":
        reading.record(incident, request.user, AccessRecord.Kind.DOCUMENT, subject=section)
        shown = rendering.listed(chosen, incident, incident.audience)
        conversation.attach(incident, incident.audience, shown.entries)
        return render(request, "live/_section.html", {"incident": incident, "listed": shown})
    if not chosen.many:
        raise Http404
    form = chosen.form(
        request.POST,
        request.FILES or None,
        incident=incident,
        held=incident.held,
        instance=chosen.model(incident=incident),
    )
    received = files.receive_from(form, incident)
    if not form.is_valid():
        return form_page(request, incident, chosen, form, status=422)
    entry = chosen.model(pk=form.cleaned_data.get("id") or uuid.uuid4(), **form.written())
    if received:
        received.put_on(entry)
    try:
        saved = incident.add(entry, by=request.user)
    except Exception as error:
        if received:
            files.discard(received)
        if not isinstance(error, Impossible):
            raise
        form.add_error(None, str(error))
        return form_page(request, incident, chosen, form, status=422)
    if saved.change is None:
        if received:
            files.discard(received)
        _, entry = find(incident, section, entry.pk)
        if form.differs(incident.former(entry, 1, by=request.user)):
            # Its first answer was lost, and the person went on typing: a change of what was stored then.
            return _change(request, incident, entry, version=1, **form.written())
    return written(request, incident, chosen, entry, change=saved.change)


@require_GET
@requires(Capability.WRITE)
def new(request: HttpRequest, incident, section: str) -> HttpResponse:
    """The form for a new entry."""
    chosen = SECTIONS[section]
    if not chosen.many:
        raise Http404
    form = chosen.form(incident=incident, held=incident.held, instance=chosen.model(incident=incident))
    if chosen.starts_now:
        form.initial["at"] = now_to_the_minute(timezone.now())
    return form_page(request, incident, chosen, form)


@by_method(GET=Capability.READ, POST=Capability.WRITE, DELETE=Capability.WRITE)
def entry(request: HttpRequest, incident, section: str, entry_id: uuid.UUID) -> HttpResponse:
    """GET: the entry as a fragment. POST: change it. DELETE: hide it."""
    chosen, found = find(incident, section, entry_id)
    if request.method == "GET":
        if found.hidden:
            raise Http404
        reading.record(incident, request.user, AccessRecord.Kind.DOCUMENT, subject=section)
        return HttpResponse(arrivals(incident, found))
    if request.method == "DELETE":
        return _set_hidden(request, incident, chosen, found, hidden=True)
    form = chosen.form(request.POST, incident=incident, held=incident.held, instance=found)
    if not form.is_valid():
        return form_page(request, incident, chosen, form, status=422)
    version, fields = form.cleaned_data.get("version") or 0, form.written()
    reason = form.cleaned_data.get("reason", "")
    if found._state.adding:
        first = incident.add(chosen.model(pk=found.pk, **fields), by=request.user).change
        _, found = find(incident, section, entry_id)
        if first:
            return written(request, incident, chosen, found, change=first)
    restore = bool(request.POST.get("restore"))
    try:
        return _change(request, incident, found, version=version, reason=reason, restore=restore, **fields)
    except Impossible as error:
        form.add_error(None, str(error))
        return form_page(request, incident, chosen, form, status=422)


@require_GET
@requires(Capability.WRITE)
def edit(request: HttpRequest, incident, section: str, entry_id: uuid.UUID) -> HttpResponse:
    """The form of an entry with its present text and version."""
    chosen, found = find(incident, section, entry_id)
    if found.hidden:
        raise Http404
    if found.needs not in incident.held:
        raise PermissionDenied
    return form_page(
        request, incident, chosen, chosen.form(incident=incident, held=incident.held, instance=found)
    )


@require_POST
@requires(Capability.WRITE)
def hide(request: HttpRequest, incident, section: str, entry_id: uuid.UUID) -> HttpResponse:
    """Hide an entry; the answer offers to undo it."""
    return _set_hidden(request, incident, *find(incident, section, entry_id), hidden=True)


@require_POST
@requires(Capability.WRITE)
def restore(request: HttpRequest, incident, section: str, entry_id: uuid.UUID) -> HttpResponse:
    """Bring a hidden entry back."""
    return _set_hidden(request, incident, *find(incident, section, entry_id), hidden=False)


@require_POST
@requires(Capability.WRITE)
def revert(request: HttpRequest, incident, section: str, entry_id: uuid.UUID, version: int) -> HttpResponse:
    """Make an earlier version the present one, as a new revision."""
    chosen, found = find(incident, section, entry_id)
    values = incident.former(found, version, by=request.user)
    if values is None:
        raise Http404
    former = chosen.model(pk=found.pk)
    former.assign(values)
    columns = [former._meta.get_field(name).attname for name in values]
    fields = {column: getattr(former, column) for column in columns}
    reason = f"Version {version} restored"
    try:
        answer = _change(
            request, incident, found, version=found.version, reason=reason, restore=True, **fields
        )
    except Impossible as error:
        return refused(request, incident, str(error))
    return beside(answer, found)


@require_POST
@requires(Capability.WRITE)
def capture(request: HttpRequest, incident) -> HttpResponse:
    """One typed line and where it goes."""
    chosen = SECTIONS.get(request.POST.get("dest", ""))
    if chosen is None or not chosen.capture_label:
        raise Http404
    text = request.POST.get("text", "").strip()
    problem = "" if text else "Nothing was written down: the line is empty."
    try:
        check_text(text)
        if len(text) > chosen.longest_line:
            problem = f"The line is too long. Use Add in {chosen.title}; your text is kept."
    except ValidationError as error:
        problem = error.messages[0]
    if problem:
        return _not_captured(request, incident, chosen, text, problem)
    try:
        chosen_id = uuid.UUID(request.POST.get("id", ""))
    except ValueError:
        chosen_id = uuid.uuid4()
    entry = chosen.model(pk=chosen_id, **chosen.capture(text, timezone.now()))
    try:
        saved = incident.add(entry, by=request.user)
    except Impossible as error:
        return _not_captured(request, incident, chosen, text, str(error))
    if saved.change is None:
        _, entry = find(incident, chosen.name, entry.pk)
    return written(request, incident, chosen, entry, change=saved.change)


def _not_captured(request, incident, chosen: Section, text: str, problem: str) -> HttpResponse:
    context = {"incident": incident, "text": text, "dest": chosen.name, "problem": problem}
    template = "live/_capture.html" if is_fragment(request) else "incidents/capture.html"
    answer = render(request, template, {**context, "destinations": SECTIONS.values()}, status=422)
    if is_fragment(request):
        answer.headers["HX-Retarget"] = "#capture form"
        answer.headers["HX-Reswap"] = "outerHTML"
    return answer


def _change(request, incident, found: Entry, **changes) -> HttpResponse:
    """Change an entry, or show both texts where a colleague was first."""
    chosen = SECTIONS[found.section]
    try:
        saved = incident.change(found, by=request.user, **changes)
    except Conflict as conflict:
        return conflicting(request, incident, chosen, conflict)
    return written(request, incident, chosen, found, merged=saved.merged, change=saved.change)


def _set_hidden(request, incident, chosen: Section, found: Entry, *, hidden: bool) -> HttpResponse:
    if not chosen.many:
        raise Http404
    saved = (incident.remove if hidden else incident.restore)(found, by=request.user)
    found.incident = incident
    if not is_fragment(request):
        return HttpResponse(status=303, headers={"Location": document_url(incident, chosen, found)})
    return written(request, incident, chosen, found, restored=not hidden, change=saved.change)
