"""Indicators: what a value is, its normal form, and how it is shown so that nobody opens it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from incidents.indicators import defang, guess_type, normalise, refang
from incidents.sections import SECTIONS
from incidents.vocabulary import IndicatorType

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
TYPES = list(IndicatorType.values)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("203.0.113.7", "ipv4"),
        ("203.0.113.0/24", "ipv4"),
        ("2001:db8::7", "ipv6"),
        ("2001:db8::/32", "ipv6"),
        ("evil.example", "domain"),
        ("a_b.evil.example", "domain"),
        ("xn--bcher-kva.example", "domain"),
        ("https://evil.example/x?y=1", "url"),
        ("FTP://evil.example", "url"),
        ("mallory@evil.example", "email"),
        ("d41d8cd98f00b204e9800998ecf8427e", "md5"),
        ("DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "sha1"),
        (SHA256, "sha256"),
        ("CVE-2024-3094", "cve"),
        ("cve-2024-1234567", "cve"),
        ("999.0.113.7", "other"),
        ("151.34.xxx.xxx", "domain"),
        ("javascript:alert(1)", "other"),
        ("mallory", "other"),
        ("", "other"),
    ],
)
def test_type_is_guessed_from_the_value(value, kind):
    assert guess_type(value) == kind


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("hxxp://evil[.]example/x", "http://evil.example/x"),
        ("hXXps://evil[.]example", "https://evil.example"),
        ("h**p://evil(.)example", "http://evil.example"),
        ("hxxps[:]//evil{.}example", "https://evil.example"),
        ("hxxp[://]evil[.]example", "http://evil.example"),
        ("evil [.] example", "evil.example"),
        ("evil[dot]example", "evil.example"),
        ("evil (DOT) example", "evil.example"),
        ("evil[.].example", "evil.example"),
        ("mallory[@]evil[.]example", "mallory@evil.example"),
        ("mallory (at) evil [dot] example", "mallory@evil.example"),
        ("2001:db8:[:]7", "2001:db8::7"),
        ("  203.0.113[.]7 ", "203.0.113.7"),
        ("https://evil[.]example/?next=hxxp://b.example", "https://evil.example/?next=http://b.example"),
        ("[[.].]", "."),
        ("sixhxxp:", "sixhxxp:"),
    ],
)
def test_refang_gives_the_plain_form(typed, plain):
    assert refang(typed) == plain


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("url", "https://payload.evil.example/x.sh", "hxxps://payload.evil[.]example/x.sh"),
        ("url", "http://a.example/?u=https://b.example", "hxxp://a[.]example/?u=hxxps://b.example"),
        ("url", "ftp://u:p@evil.example:21/", "ftp://u:p[@]evil[.]example:21/"),
        ("url", "evil.example/x.y", "evil[.]example/x.y"),
        ("url", "http://[2001:db8::7]/x", "hxxp://[2001:db8::7]/x"),
        ("domain", "evil.example", "evil[.]example"),
        ("hostname", "localhost", "localhost"),
        ("ipv4", "203.0.113.7", "203.0.113[.]7"),
        ("ipv4", "203.0.113.0/24", "203.0.113[.]0/24"),
        ("ipv6", "2001:db8::7", "2001:db8:[:]7"),
        ("email", "mallory@evil.example", "mallory[@]evil[.]example"),
        ("email", "a/b@evil.example", "a/b[@]evil[.]example"),
        ("sha256", SHA256, SHA256),
        ("filename", "map-drives.ps1", "map-drives.ps1"),
        ("other", "see http://evil.example", "see hxxp://evil.example"),
        ("", "http://evil.example", "hxxp://evil[.]example"),
    ],
)
def test_defang_gives_a_form_that_nobody_opens(kind, value, shown):
    assert defang(kind, value) == shown


@pytest.mark.parametrize(
    ("kind", "typed", "normal"),
    [
        ("url", "HXXPS://Evil[.]Example/Path?Q=A", "https://evil.example/Path?Q=A"),
        ("domain", "EVIL[.]example ", "evil.example"),
        ("email", "Mallory[at]Evil.example", "mallory@evil.example"),
        ("sha256", f" {SHA256.upper()}", SHA256),
        ("ipv6", "2001:DB8::7", "2001:db8::7"),
        ("cve", "cve-2024-3094", "CVE-2024-3094"),
        ("account", " Svc_Deploy ", "Svc_Deploy"),
        ("filename", "Invoice[.]exe", "Invoice[.]exe"),
    ],
)
def test_normal_form_makes_two_spellings_equal(kind, typed, normal):
    assert normalise(kind, typed) == normal


label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
hosts = st.lists(label, min_size=2, max_size=5).map(".".join)
paths = st.from_regex(
    r"(/[A-Za-z0-9._~%:@!$&'*+,;=-]{0,12}){0,3}(\?[A-Za-z0-9=&./:-]{0,20})?", fullmatch=True
)
ports = st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format))
urls = st.tuples(st.sampled_from(["http", "https", "ftp"]), hosts, ports, paths).map(
    lambda parts: f"{parts[0]}://{parts[1]}{parts[2]}{parts[3]}"
)
mails = st.tuples(st.from_regex(r"[a-z0-9][a-z0-9._+/-]{0,15}", fullmatch=True), hosts).map("@".join)
VALUES = {
    "domain": hosts,
    "hostname": hosts,
    "url": urls,
    "email": mails,
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
}


@given(st.sampled_from(sorted(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind])))
@example(("url", "http://a.example/?u=http://b.example"))
@example(("email", "a/b@evil.example"))
def test_defanged_value_comes_back_and_is_no_longer_plain(pair):
    kind, value = pair
    shown = defang(kind, value)
    assert refang(shown) == value
    assert shown != value
    assert "http://" not in shown and "https://" not in shown


@given(st.sampled_from(TYPES), st.text(max_size=40))
@example("url", "[[.].]")
@example("domain", "h**p: [ dot ] ]")
def test_normal_form_is_normal_already(kind, text):
    once = normalise(kind, text)
    assert normalise(kind, once) == once


@given(st.text(max_size=60))
def test_anything_can_be_shown(text):
    for kind in ["", *TYPES]:
        defang(kind, text)
    guess_type(refang(text))


def test_indicator_is_captured_in_its_normal_form():
    captured = SECTIONS["indicators"].capture("  HXXPS://Evil[.]example/Drop.sh ", None)
    assert captured == {"type": "url", "value": "https://evil.example/Drop.sh"}


def test_indicator_form_finds_the_type_and_keeps_a_chosen_one(incident):
    section = SECTIONS["indicators"]

    def cleaned(**data):
        form = section.form(
            data, incident=incident, held=frozenset(), instance=section.model(incident=incident)
        )
        assert form.is_valid(), form.errors
        return form.cleaned_data["type"], form.cleaned_data["value"]

    assert cleaned(value="203.0.113[.]7") == ("ipv4", "203.0.113.7")
    assert cleaned(type="hostname", value="Build-01[.]corp.example") == ("hostname", "build-01.corp.example")
