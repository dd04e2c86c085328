"""Response headers that every page carries (ASVS 3.4, 14.3)."""

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class NoncedRequest(HttpRequest):
    """A request whose page may carry one inline style sheet with this nonce."""

    csp_nonce: str


def security_headers(get_response: Callable[[HttpRequest], HttpResponse]):
    """Add CSP with a nonce per response, no-store and same-origin isolation; a view's own CSP is kept.

    Static files never come here with a session, so they alone keep their own cache header.
    """

    def middleware(request: NoncedRequest) -> HttpResponse:
        request.csp_nonce = secrets.token_urlsafe(16)
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY.format(nonce=request.csp_nonce))
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware
