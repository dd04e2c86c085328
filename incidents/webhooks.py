"""Tells chats that something happened: codename and link, signed. Floor 7.

The address is the commander's choice, so the server must not be led to where only it can reach: HTTPS only, every
address that the name stands for is checked, the connection goes to the address that was checked, redirects are
not followed, and of the answer only the status is read (OWASP: server-side request forgery).
"""

import contextlib
import hashlib
import hmac
import ipaddress
import json
import logging
import socket
import ssl
import threading
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone

from incidents.hooks import HookCall, HookEvent, Webhook

log = logging.getLogger("sitroom.webhooks")
PATIENCE = 5.0  # seconds for one call, from the name to the status; and for all calls of one round
ANSWER = 1_000  # bytes of it that are read at most
# Addresses inside which another address travels: what they lead to cannot be told from outside.
TUNNELS = [ipaddress.ip_network(net) for net in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48")]


class Unreachable(Exception):
    """The message was not taken; the text says why, in words for the commander."""


def check_url(url: str) -> None:
    """An address that can be called; else ValidationError. Where its name leads is asked again at every call."""
    try:
        parts = urlsplit(url)
        known = parts.scheme == "https" and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known:
        raise ValidationError("The address must begin with https:// and the name of a host.")
    address = _spelt_out(parts.hostname or "")
    if address and not is_allowed(address):
        raise ValidationError("This address is not on the public internet, so nothing would be sent.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValidationError("The address must hold neither a user name nor a #fragment.")


def _spelt_out(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is without asking: written as one, in any way that a resolver takes, or this machine."""
    host = host.rstrip(".")
    if f".{host}".endswith(".localhost"):  # RFC 6761, section 6.3
        host = "127.0.0.1"
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host)
    with contextlib.suppress(OSError, ValueError):
        return ipaddress.ip_address(socket.inet_aton(host))
    return None


def send_due() -> int:
    """Send what is due, for five seconds at most; how many messages were taken."""
    end, taken = time.monotonic() + PATIENCE, 0
    for call in HookCall.due().select_related("webhook__incident"):
        if time.monotonic() > end:
            break
        if not call.webhook.url or call.is_stale:
            call.drop()
        elif call.claim():
            try:
                taken += _sent(call)
            except DatabaseError:
                raise
            except Exception:  # one message keeps no other from going out
                log.exception("a webhook could not be called; the message is dropped")
                call.drop()
    return taken


def _sent(call: HookCall) -> bool:
    hook = call.webhook
    try:
        deliver(hook.url, body(call), hook.secret(), str(call.pk))
    except Unreachable as fault:
        log.warning("a webhook could not be called (attempt %d)", call.tries + 1)
        Webhook.objects.filter(pk=hook.pk, url=hook.url).update(fault=str(fault)[:100])
        return False
    call.sent()
    Webhook.objects.filter(pk=hook.pk, url=hook.url).update(fault="", told_at=timezone.now())
    return True


def body(call: HookCall) -> bytes:
    """The message, as chats understand it: codename, what kind, link."""
    incident = call.webhook.incident
    page = "summary" if call.event == HookEvent.SUMMARY else "document"
    link = settings.BASE_URL + reverse(page, args=[incident.slug])
    words = f"{incident.codename}: {HookEvent(call.event).label}. {link}"
    return json.dumps({"text": words}).encode()


def signature(secret: str, timestamp: str, sent: bytes) -> str:
    """HMAC-SHA256 (hex) over the timestamp, a full stop and the body."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + sent, hashlib.sha256).hexdigest()


def deliver(url: str, sent: bytes, secret: str, name: str) -> None:
    """POST a body to an address, signed; Unreachable unless the answer is a 2xx within five seconds.

    `name` is the message's own: the same at each attempt, so that a receiver can leave out a repeated one.
    """
    end = time.monotonic() + PATIENCE
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Sitroom",
        "Connection": "close",
        "X-Sitroom-Message": name,
        "X-Sitroom-Timestamp": timestamp,
        "X-Sitroom-Signature": f"sha256={signature(secret, timestamp, sent)}",
    }
    try:
        address = checked_address(host, port, end)
        with socket.create_connection((address, port), timeout=_left(end)) as plain:
            plain.settimeout(_left(end))
            with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as line:
                line.settimeout(_left(end))
                connection = HTTPConnection(host, port)
                connection.sock = line
                target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
                connection.request("POST", target, sent, {**headers, "Host": parts.netloc})
                status = _status(line, end)
    except ssl.SSLCertVerificationError as fault:
        raise Unreachable("Its certificate is not valid for this name.") from fault
    except TimeoutError as fault:
        raise Unreachable("It did not answer within five seconds.") from fault
    except (OSError, HTTPException, ValueError) as fault:
        raise Unreachable("The connection failed.") from fault
    if not 200 <= status < 300:
        raise Unreachable(f"It answered with status {status}.")


def checked_address(host: str, port: int, end: float) -> str:
    """The address that a name stands for; Unreachable where any of them is not one of the public internet's.

    Those in SITROOM_WEBHOOK_NETWORKS are allowed: chat servers of one's own.
    """
    addresses = _resolved(host, port, end)
    for address in addresses:
        if not is_allowed(ipaddress.ip_address(address.partition("%")[0])):
            raise Unreachable("Its address is not on the public internet.")
    return addresses[0]


def is_allowed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether the server may call this address."""
    inner = getattr(address, "ipv4_mapped", None) or address
    if any(inner in network for network in settings.WEBHOOK_NETWORKS):
        return True
    if any(inner in network for network in TUNNELS):
        return False
    odd = inner.is_multicast or inner.is_reserved or getattr(inner, "is_site_local", False)
    return inner.is_global and not odd


def _resolved(host: str, port: int, end: float) -> list[str]:
    """Every address of a name. The system's resolver knows no time limit: it is asked in a thread that can be left."""
    found: list[str] = []

    def ask() -> None:
        for *_, place in _getaddrinfo(host, port):
            found.append(str(place[0]))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_left(end))
    if asking.is_alive() or not found:
        raise Unreachable("Its name is not known.")
    return list(found)


def _getaddrinfo(host: str, port: int) -> list:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []


def _status(line: ssl.SSLSocket, end: float) -> int:
    """The status of the answer; of its rest nothing is read."""
    answer = b""
    while b"\n" not in answer:
        line.settimeout(_left(end))
        more = line.recv(ANSWER - len(answer))
        if not more:
            raise HTTPException("no status")
        answer += more
    first = answer.split(b"\n", 1)[0].split()
    if len(first) < 2 or not first[0].startswith(b"HTTP/1.") or not first[1].isdigit():
        raise HTTPException("no status")
    return int(first[1])


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
