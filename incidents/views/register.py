"""The reading register: who opened or took what, and when; for the commander and legal."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from incidents import reading
from incidents.converters import whole_number
from incidents.gate import requires
from incidents.reading import AccessRecord
from incidents.vocabulary import Capability

PAGE = 200


@require_GET
@requires(Capability.OVERSEE)
def register(request: HttpRequest, incident) -> HttpResponse:
    """Newest first, of everybody or of one person; the look itself is recorded."""
    reading.record(incident, request.user, AccessRecord.Kind.REGISTER)
    rows = incident.readings.select_related("user").order_by("-pk")
    if person := request.GET.get("person"):
        rows = rows.filter(user_id=_uuid(person))
    kind = request.GET.get("kind", "")
    if kind == "downloads":
        rows = rows.filter(kind__in=reading.DOWNLOADS)
    if (before := whole_number(request.GET.get("before", ""))) is not None:
        rows = rows.filter(pk__lt=before)
    shown = list(rows[:PAGE])
    context = {
        "incident": incident,
        "rows": shown,
        "kind": kind,
        "person": person or "",
        "people": reading.readers(incident),
        "more": shown[-1].pk if len(shown) == PAGE else None,
    }
    return render(request, "incidents/register.html", context)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Http404 from error
