"""The address of the live stream, for a server that cannot stream."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from incidents.gate import requires
from incidents.vocabulary import Capability


@require_GET
@requires(Capability.SUMMARY)
def stream(request: HttpRequest, incident) -> HttpResponse:
    """204 tells a browser's EventSource not to ask again. Under ASGI incidents/live.py answers before this."""
    return HttpResponse(status=204)
