"""Who changed what, when; with the words that changed and the way back."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from incidents import reading
from incidents.converters import whole_number
from incidents.gate import requires
from incidents.history import changes_for, described
from incidents.sections import SECTIONS
from incidents.vocabulary import Capability

PAGE = 200


@require_GET
@requires(Capability.READ)
def changes(request: HttpRequest, incident) -> HttpResponse:
    """The history of the document, of a section or of an entry, newest first."""
    rows = changes_for(incident, incident.audience)
    section = SECTIONS.get(request.GET.get("section", ""))
    kind = request.GET.get("kind", "")
    entry = request.GET.get("entry", "")
    if section:
        rows = rows.filter(section=section.name)
    if kind == "corrections":
        rows = rows.filter(action="change")
    elif kind == "hidden":
        rows = rows.filter(action__in=["remove", "restore"])
    if entry:
        rows = rows.filter(entry_id=_uuid(entry))
    if (before := whole_number(request.GET.get("before", ""))) is not None:
        rows = rows.filter(revision__lt=before)
    reading.record(incident, request.user, reading.AccessRecord.Kind.HISTORY)
    shown = list(rows[:PAGE])
    context = {
        "incident": incident,
        "rows": described(incident, shown, incident.audience),
        "section": section,
        "kind": kind,
        "entry": entry,
        "more": shown[-1].revision if len(shown) == PAGE else None,
        "open": len(shown) <= 20 and bool(entry),
    }
    return render(request, "incidents/history.html", context)


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
    return render(request, "incidents/history.html", context)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Http404 from error
