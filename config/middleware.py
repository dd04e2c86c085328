"""Response headers that every answer carries (ASVS 3.4, 14.3), whether Django makes it or not."""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


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
        policy = POLICY.format(nonce=request.csp_nonce)
        for name, value in {"Content-Security-Policy": policy, **ALWAYS}.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


def raw_headers() -> list[tuple[bytes, bytes]]:
    """The headers of an answer that no middleware of Django sees: the live stream, a body that is not read.

    Such an answer is no page, so its policy allows nothing. HSTS goes along whatever the scheme is: browsers
    ignore it without TLS (RFC 6797, 8.1).
    """
    headers = {
        **ALWAYS,
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = (
            f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        )
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
