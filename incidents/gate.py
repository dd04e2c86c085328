"""The one gate: the only way into a view of an incident.

Floor 6. A view that is not stamped by `requires` stops the start (a system check), so that no route can
forget the access list.
"""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.core.checks import Error
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from incidents import access
from incidents.incident import Incident
from incidents.vocabulary import Capability

# About no incident in particular, or for people who are not in one yet.
OPEN_ROUTES = {"incidents", "start", "ask", "invitation", "invitation-link"} | {
    "notices",
    "notice",
    "notice-count",
    "notice-choices",
}


class MustAcknowledge(Exception):
    """The person is let in but has not accepted the classification as it stands."""

    def __init__(self, incident: Incident):
        self.incident = incident


def admit(user, slug: str, capability: str, *, accepted: bool = True) -> Incident:
    """The incident, with `held` (capabilities) and `audience` of this person set on it.

    Raises Http404 unless they may know that it exists, MustAcknowledge before they accepted the
    classification, PermissionDenied where they are in it and may not do this.
    """
    incident = access.visible_one(user, slug)
    if incident is None:
        raise Http404
    if accepted and not incident.accepted:
        raise MustAcknowledge(incident)
    incident.held = access.capabilities(user, incident)
    audience = access.audience_of(incident.held)
    if audience is None:
        raise Http404
    incident.audience = audience
    if capability not in incident.held:
        raise PermissionDenied
    return incident


def requires(capability: str, *, accepted: bool = True) -> Callable:
    """Gate a view: it gets the incident in place of the codename. `accepted=False` is for the gate's own page."""

    def gate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def gated(request: HttpRequest, codename: str, **kwargs) -> HttpResponse:
            try:
                incident = admit(request.user, codename, capability, accepted=accepted)
            except MustAcknowledge as first:
                return ask_to_acknowledge(request, first.incident)
            return view(request, incident, **kwargs)

        gated.capability = Capability(capability)  # type: ignore[attr-defined]
        return gated

    return gate


def by_method(**capabilities: str) -> Callable:
    """Gate a view whose methods need different capabilities: by_method(GET="read", POST="write")."""

    def gate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        gates = {method: requires(capability)(view) for method, capability in capabilities.items()}

        @require_http_methods(list(capabilities))
        @wraps(view)
        def gated(request: HttpRequest, codename: str, **kwargs) -> HttpResponse:
            return gates[request.method or "GET"](request, codename, **kwargs)

        gated.capability = Capability(capabilities["GET"])  # type: ignore[attr-defined]
        return gated

    return gate


def acts(capability: str, back: str = "people") -> Callable:
    """Gate a view that only acts. After a refusal its address stands in the browser: a GET leads back."""

    def gate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @by_method(GET=capability, POST=capability)
        @wraps(view)
        def acting(request: HttpRequest, incident, **kwargs) -> HttpResponse:
            return (
                redirect(back, incident.slug)
                if request.method == "GET"
                else view(request, incident, **kwargs)
            )

        return acting

    return gate


def ask_to_acknowledge(request: HttpRequest, incident: Incident) -> HttpResponse:
    """Send a page view to the acknowledgement; refuse anything else, so that nothing is written unasked."""
    if request.method != "GET" or request.headers.get("HX-Request"):
        raise PermissionDenied
    query = urlencode({"next": request.get_full_path()})
    return redirect(f"{reverse('acknowledge', args=[incident.slug])}?{query}")


def every_incident_view_is_gated(app_configs, **kwargs) -> list[Error]:
    """System check: each route of incidents/urls.py is stamped by `requires`, or is about no incident."""
    from incidents import urls

    return [
        Error(
            f"The route {pattern.name} is not gated.",
            hint="Decorate its view with @requires.",
            id="incidents.E001",
        )
        for pattern in urls.urlpatterns
        if pattern.name not in OPEN_ROUTES and not hasattr(pattern.callback, "capability")
    ]
