"""What a section can do beside writing: take a step, tick it."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from incidents.door import Impossible
from incidents.gate import requires
from incidents.incident import Conflict
from incidents.sections.base import Entry, Section
from incidents.views.entries import find
from incidents.views.responses import written
from incidents.vocabulary import Capability


@require_POST
@requires(Capability.WRITE)
def act(request: HttpRequest, incident, section: str, entry_id: uuid.UUID, verb: str) -> HttpResponse:
    """A section's own verb, such as taking or ticking a next step."""
    chosen, found = find(incident, section, entry_id)
    if verb not in chosen.verbs or found.hidden:
        raise Http404
    overtaken = ""
    try:
        fields = chosen.verbs[verb](found, request.user)
        saved = incident.change(found, by=request.user, version=found.version, **fields)
    except Impossible as error:
        overtaken = str(error)
    except Conflict:
        overtaken = _overtaken(request, chosen, verb, find(incident, section, entry_id)[1])
    if overtaken:
        _, found = find(incident, section, entry_id)
        return written(request, incident, chosen, found, overtaken=overtaken)
    _, found = find(incident, section, entry_id)
    return written(request, incident, chosen, found, merged=saved.merged, change=saved.change)


def _overtaken(request, chosen: Section, verb: str, found: Entry) -> str:
    """Why a verb came too late, in the section's words if it has some."""
    try:
        chosen.verbs[verb](found, request.user)
    except Impossible as error:
        return str(error)
    return "A colleague was first. This is how it stands now."
