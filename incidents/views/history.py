"""Who changed what, when; with the words that changed and the way back."""

import uuid

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from incidents import reading
from incidents.converters import whole_number
from incidents.gate import requires
from incidents.history import changes_for, described
from incidents.ledger import Action
from incidents.sections import SECTIONS
from incidents.views.responses import is_fragment
from incidents.vocabulary import Capability

PAGE = 200
CORRECTIONS = Q(action__in=[Action.CHANGE, Action.AMEND])
HIDDEN = Q(action__in=[Action.REMOVE, Action.RESTORE, Action.HIDE_COMMENT, Action.SHOW_COMMENT])


@require_GET
@requires(Capability.READ)
def changes(request: HttpRequest, incident) -> HttpResponse:
    """The history of the document, of a section, a person or an entry, newest first; a fragment for the drawer."""
    rows = changes_for(incident, incident.audience)
    section = SECTIONS.get(request.GET.get("section", ""))
    kind = request.GET.get("kind", "")
    entry, person = request.GET.get("entry", ""), request.GET.get("person", "")
    people = sorted(
        rows.order_by().values_list("actor_id", "actor__display_name").distinct(),
        key=lambda pair: pair[1].lower(),
    )
    if section:
        rows = rows.filter(section=section.name)
    if entry:
        rows = rows.filter(entry_id=_uuid(entry))
    if person:
        rows = rows.filter(actor_id=_uuid(person))
    amounts = rows.order_by().aggregate(
        corrections=Count("pk", filter=CORRECTIONS), hidden=Count("pk", filter=HIDDEN)
    )
    if kind == "corrections":
        rows = rows.filter(CORRECTIONS)
    elif kind == "hidden":
        rows = rows.filter(HIDDEN)
    if (before := whole_number(request.GET.get("before", ""))) is not None:
        rows = rows.filter(revision__lt=before)
    # A drawer that is open asks again whenever something changed.
    record = reading.record_once if is_fragment(request) else reading.record
    record(incident, request.user, reading.AccessRecord.Kind.HISTORY, subject="")
    shown = list(rows[:PAGE])
    context = {
        "incident": incident,
        "rows": described(incident, shown, incident.audience),
        "section": section,
        "kind": kind,
        "entry": entry,
        "person": _uuid(person) if person else None,
        "people": people,
        "sections": SECTIONS.values(),
        **amounts,
        "more": shown[-1].revision if len(shown) == PAGE else None,
        "open": len(shown) <= 20 and bool(entry),
    }
    return _shown(request, context)


@require_GET
@requires(Capability.READ)
def change(request: HttpRequest, incident, revision: int) -> HttpResponse:
    """One change with its words."""
    row = changes_for(incident, incident.audience).filter(revision=revision).first()
    if row is None:
        raise Http404
    reading.record(incident, request.user, reading.AccessRecord.Kind.HISTORY, subject=f"revision {revision}")
    context = {
        "incident": incident,
        "rows": described(incident, [row], incident.audience),
        "open": True,
        "single": True,
    }
    return _shown(request, context)


def _shown(request: HttpRequest, context: dict) -> HttpResponse:
    if is_fragment(request):
        return render(request, "incidents/_history.html", {**context, "drawer": True})
    return render(request, "incidents/history.html", context)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Http404 from error
