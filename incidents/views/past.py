"""The document as it was known at a revision or a moment; read only."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents import moments, past, reading
from incidents.gate import requires
from incidents.moments import Moment
from incidents.vocabulary import Capability, Milestone


@require_GET
@requires(Capability.READ)
def document(request: HttpRequest, incident, revision: int) -> HttpResponse:
    """The whole document at a revision."""
    then = past.at(incident, revision, incident.audience)
    if then is None:
        raise Http404
    kind = reading.AccessRecord.Kind.HISTORY
    reading.record(incident, request.user, kind, subject=f"document at revision {revision}")
    reached = [entry for entry in then.shown("timeline") if entry.milestone == Milestone.DETECTED]
    earlier, later = past.beside(incident, incident.audience, revision)
    context = {
        "incident": then.incident,
        "then": then,
        "sections": then.listed(),
        "detected": min(reached, key=lambda entry: (entry.place, entry.tie), default=None),
        "earlier": earlier,
        "later": later,
        **_typed(then.at, incident.zone),
    }
    return render(request, "incidents/past.html", context)


@require_GET
@requires(Capability.READ)
def known(request: HttpRequest, incident) -> HttpResponse:
    """A date and a time lead to the document as it was then: everything recorded up to the end of what was typed."""
    day, clock = (request.GET.get(name, "").strip() for name in ("day", "clock"))
    context = {"incident": incident, **_typed(timezone.now(), incident.zone)}
    if not day and not clock:
        return render(request, "incidents/known.html", context)
    try:
        moment = moments.parse(day, clock, incident.zone)
        revision = past.until(incident, incident.audience, moment.end)
        problem = "" if revision else "The incident had not been started then."
    except (ValueError, OverflowError) as error:
        revision, problem = None, str(error)
    if revision:
        return redirect("past", incident.slug, revision)
    context |= {"day": day, "clock": clock, "problem": problem}
    return render(request, "incidents/known.html", context, status=422)


def _typed(at: datetime, zone) -> dict[str, str]:
    """A time as the two fields of the form show it."""
    return {"day": moments.show_day(at, zone), "clock": moments.show_clock(Moment(at, "second"), zone)}
