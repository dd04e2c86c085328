"""Undo of one's own last change."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from incidents.converters import whole_number
from incidents.door import Impossible
from incidents.gate import requires
from incidents.incident import Conflict
from incidents.ledger import ENTRY_ACTIONS
from incidents.views.entries import find
from incidents.views.responses import beside, conflicting, is_fragment, written
from incidents.vocabulary import Capability


@require_POST
@requires(Capability.WRITE)
def undo(request: HttpRequest, incident) -> HttpResponse:
    """Take back the person's own newest change of an entry; `revision` says which one they mean."""
    mine = incident.changes.filter(actor=request.user, action__in=ENTRY_ACTIONS)
    asked = request.POST.get("revision", "")
    change = (mine.filter(revision=whole_number(asked)) if asked else mine).order_by("-revision").first()
    if change is None:
        return _refused(request, incident, "There is no change of yours to undo.")
    section, entry = find(incident, change.section, change.entry_id)
    try:
        saved = incident.undo(entry, change, by=request.user, hides=section.many)
    except Impossible as problem:
        return _refused(request, incident, str(problem))
    except Conflict as conflict:
        return beside(conflicting(request, incident, section, conflict, undoing=True), entry)
    _, entry = find(incident, change.section, change.entry_id)
    return written(request, incident, section, entry, merged=saved.merged, undone=True)


def _refused(request: HttpRequest, incident, problem: str) -> HttpResponse:
    template = "live/_notice.html" if is_fragment(request) else "incidents/not_undone.html"
    return render(request, template, {"incident": incident, "problem": problem}, status=409)
