"""What an indicator is: its type, its normal form, and how it is written so that nobody opens it. Floor 0."""

import ipaddress
import re

from incidents.vocabulary import IndicatorType as T

ROUNDS = 5  # layers of brackets that are taken off
HEX = {32: T.MD5, 40: T.SHA1, 64: T.SHA256}
HOST = re.compile(r"(?=.{4,253}$)([a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE)
FANGED = {T.IPV4, T.IPV6, T.DOMAIN, T.HOSTNAME, T.URL, T.EMAIL}


def refang(text: str) -> str:
    """The plain form of hxxp://evil[.]example, user[at]host and the like."""
    text = re.sub(r"\s+", " ", text.strip())
    for _ in range(ROUNDS):
        before = text
        text = re.sub(r" ?[\[({] ?(?:\.|dot) ?[\])}]\.? ?", ".", text, flags=re.IGNORECASE)
        text = re.sub(r" ?[\[({] ?(?:@|at) ?[\])}] ?", "@", text, flags=re.IGNORECASE)
        text = re.sub(r"\[:\]", ":", text)
        text = re.sub(r"\[:?//\]", "://", text)
        text = re.sub(r"(^|(?<=\W))h(?:xx|\*\*)p(?=s?:)", "http", text, flags=re.IGNORECASE)
        if text == before:
            break
    return text


def guess_type(value: str) -> str:
    """The type of a plain value; OTHER where nothing is certain."""
    if re.fullmatch(r"cve-\d{4}-\d{4,}", value, re.IGNORECASE):
        return T.CVE
    if re.fullmatch(r"[0-9a-f]+", value, re.IGNORECASE) and len(value) in HEX:
        return HEX[len(value)]
    if re.match(r"[a-z][a-z0-9+.-]*://", value, re.IGNORECASE):
        return T.URL
    try:
        return T.IPV4 if ipaddress.ip_network(value, strict=False).version == 4 else T.IPV6
    except ValueError:
        pass
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        return T.EMAIL
    return T.DOMAIN if HOST.fullmatch(value) else T.OTHER


def normalise(kind: str, value: str) -> str:
    """The form in which two spellings of one indicator are equal: refanged, hosts and hashes in lower case."""
    value = refang(value) if kind in FANGED else value.strip()
    if kind in {T.MD5, T.SHA1, T.SHA256, T.DOMAIN, T.HOSTNAME, T.EMAIL, T.IPV6}:
        return value.lower()
    if kind == T.CVE:
        return value.upper()
    if kind == T.URL and (
        found := re.match(r"([a-z][a-z0-9+.-]*://)([^/?#]*)(.*)", value, re.IGNORECASE | re.DOTALL)
    ):
        scheme, host, rest = found.groups()
        return scheme.lower() + host.lower() + rest
    return value


def defang(kind: str, value: str) -> str:
    """The form that is shown and copied: hxxps://payload.evil[.]example/x, 203.0.113[.]126."""
    kind = kind or guess_type(value)
    if kind not in {*FANGED, T.OTHER}:
        return value
    value = re.sub(r"(^|(?<=\W))http(?=s?:)", "hxxp", value, flags=re.IGNORECASE)
    if kind == T.OTHER:
        return value
    if kind == T.IPV6:
        return re.sub(r":(?=[^:]*$)", "[:]", value)
    start = value.find("://") + 3 if kind == T.URL and "://" in value else 0
    end = len(value)
    if kind != T.EMAIL and (stop := re.search("[/?#]", value[start:])):
        end = start + stop.start()
    host = re.sub(r"\.(?=[^.]*$)", "[.]", value[start:end]).replace("@", "[@]")
    return value[:start] + host + value[end:]
