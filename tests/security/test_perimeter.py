"""What every answer carries, whoever makes it; cookies; where a redirect may lead; what a GET may do."""

import re
import subprocess
import sys
from urllib.parse import urlencode

import httpx
import pytest
from django.test import Client

from tests.browser.server import ROOT
from tests.markup import filled, parse
from tests.room import stored
from tests.security.production import BROKEN, HOST
from tests.test_matrix import ADMIN, TABLE, address

EVERYWHERE = {
    "strict-transport-security": "max-age=63072000; includeSubDomains; preload",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
SOURCE = re.compile(r"'self'|'none'|'nonce-[\w-]{22,}'")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def faults(answer: httpx.Response, static: bool = False) -> list[str]:
    """What is wrong with the headers of an answer."""
    found = [
        f"{name}: {answer.headers.get(name)}"
        for name, value in EVERYWHERE.items()
        if answer.headers.get_list(name) != [value]
    ]
    if not static and "no-store" not in answer.headers.get("cache-control", ""):
        found.append(f"cache-control: {answer.headers.get('cache-control')}")
    if "access-control-allow-origin" in answer.headers:
        found.append("access-control-allow-origin")
    policies = answer.headers.get_list("content-security-policy")
    rules = dict(rule.partition(" ")[::2] for rule in "".join(policies).split("; "))
    if (len(policies), rules.get("default-src"), rules.get("frame-ancestors")) != (1, "'none'", "'none'"):
        found.append(f"policy: {policies}")
    rules.pop("sandbox", None)
    sources = " ".join(rules.values()).split()
    return found + [source for source in sources if not SOURCE.fullmatch(source)]


@pytest.fixture(scope="module")
def answers(production) -> dict[str, httpx.Response]:
    """Every kind of answer by its name."""
    return dict(every_answer(production))


def every_answer(production):
    """Name and answer of each kind: routes, fragments, faults, files, the PDF, streams, bodies, sign-out."""
    commander, outsider = production.poster("commander"), production.poster("outsider")
    pages = {**production.addresses, "no such page": "/nothing/", "no such file": "/static/nothing.css"}
    for name, where in pages.items():
        if not where.endswith("/live/"):
            yield f"page {name}", commander.get(where)
            yield f"fragment {name}", commander.get(where, headers={"HX-Request": "true"})
            yield f"outsider {name}", outsider.get(where)
            yield f"stranger {name}", production.visitor().get(where)
            if "sign-out" not in where and "logout" not in where:
                yield f"post {name}", outsider.post(where)
        yield f"no token {name}", production.visitor("commander").post(where)
    live = production.addresses["incidents/<codename:codename>/live/"]
    yield "a stream refused", outsider.get(live)
    yield "a stream without a session", production.visitor().get(live)
    with commander.stream("GET", live) as stream:
        yield "a stream", stream
    yield "the admin site", production.visitor("superuser").get("/admin/accounts/user/")
    yield "a form with a fault", commander.post("/incidents/kestrel/theories/")
    yield "a page that breaks", commander.get(BROKEN)
    yield "a body that is too large", commander.post("/sign-in/", content=b"x" * (2**22))
    yield "a method that nobody knows", commander.request("TRACE", "/incidents/")
    yield "a host that is not ours", commander.get("/incidents/", headers={"Host": "evil.example"})
    yield "signing out", production.poster("reader").post(production.names["sign-out"])


def test_line_15_every_kind_of_answer_carries_the_headers(answers):
    assert {name: found for name, answer in answers.items() if (found := faults(answer))} == {}
    statuses = {answer.status_code for answer in answers.values()}
    assert statuses >= {200, 302, 400, 401, 403, 404, 405, 413, 422, 500}


def test_line_14_nothing_that_is_signed_in_may_be_kept(answers):
    told = {name: answer.headers.get("cache-control", "") for name, answer in answers.items()}
    assert {name: value for name, value in told.items() if "no-store" not in value} == {}


def test_line_14_signing_out_tells_the_browser_to_forget(answers):
    told = answers["signing out"].headers["clear-site-data"]
    assert {'"cache"', '"storage"'} <= set(told.split(", "))


def test_line_15_static_files_carry_the_headers_and_are_for_this_site_only(production):
    for name in ("css/tokens.css", "js/document.js", "mark.svg"):
        answer = production.visitor("commander").get(f"/static/{name}")
        assert (name, answer.status_code, faults(answer, static=True)) == (name, 200, [])
        assert ("set-cookie" in answer.headers, "vary" in answer.headers) == (False, False)


def test_line_42_without_tls_everything_but_the_way_to_it_is_refused(production):
    for where in production.addresses.values():
        if not where.endswith("/live/"):
            answer = production.visitor("commander", tls=False).get(where)
            assert (answer.status_code, answer.headers["location"]) == (301, f"https://{HOST}{where}")


def test_line_42_nonces_are_never_used_twice(production):
    visitor = production.visitor("commander")
    policies = [visitor.get("/incidents/").headers["content-security-policy"] for _ in range(3)]
    assert len(set(policies)) == 3


# --- cookies ---------------------------------------------------------------------------------------


def test_line_38_production_cookies_are_bound_to_this_host(production):
    page = production.visitor().get(production.names["sign-in"])
    [form] = [
        form
        for form in parse(page.content).all("form")
        if [field for field in form.all("input") if field.attrs.get("type") == "password"]
    ]
    sent = filled(form)
    for field in form.all("input"):
        if field.attrs.get("type") in ("email", "password"):
            known = "commander@example.com", "correct horse battery"
            sent[field.attrs["name"]] = known[field.attrs["type"] == "password"]
    cookies = [page.headers["set-cookie"]]
    visitor = production.visitor()
    visitor.headers["Cookie"] = cookies[0].partition(";")[0]
    answer = visitor.post(production.names["sign-in"], data=sent)
    assert answer.status_code == 302
    cookies += answer.headers.get_list("set-cookie")
    found = set()
    for cookie in cookies:
        pair, *attributes = cookie.split("; ")
        told = {attribute.lower() for attribute in attributes}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= told
        assert [attribute for attribute in told if attribute.startswith("domain")] == []
        found.add(pair.partition("=")[0])
    assert found >= {"__Host-session", "__Host-csrf"}
    assert [name for name in found if not name.startswith("__Host-")] == []


def test_line_38_every_cookie_is_bound_to_this_host(production, answers):
    new = {"email": "new@example.com", "display_name": "New", "zone": "UTC"}
    added = production.poster("superuser").post("/admin/accounts/user/add/", data=new)
    assert added.status_code == 302  # with a word for the next page, which is kept on the server
    cookies = [c for answer in [added, *answers.values()] for c in answer.headers.get_list("set-cookie")]
    assert [cookie for cookie in cookies if not cookie.startswith("__Host-")] == []


# --- where a redirect leads ------------------------------------------------------------------------

AWAY = [
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "https://evil.example/",
    f"https://{HOST}@evil.example/",
    f"//{HOST}@evil.example/",
    "/%0d%0aLocation: https://evil.example/",
    "\r\nLocation: https://evil.example/",
    "/\t/evil.example/",
    "javascript:alert(1)",
]


def leads_away(answer) -> bool:
    """Whether an answer sends the browser to another host, or a line of its own into the headers."""
    target = answer.headers.get("Location", "/")
    return not re.match(r"/(?![/\\\s])", target) or bool(re.search(r"[\r\n\t]", target))


@pytest.mark.parametrize("persona", ["anonymous", "commander"])
def test_line_41_no_route_redirects_to_another_host(room, monkeypatch, persona):
    monkeypatch.setattr("incidents.report.print_pdf", lambda html, found: b"%PDF-")
    client, found = room.client(persona), []
    for away in AWAY:
        told = dict.fromkeys(("next", "return", "url", "redirect", "continue"), away)
        for route in TABLE:
            where = f"{address(route, room)}?{urlencode(told)}"
            answers = [client.get(where)] + ([client.post(where, told)] if "out" not in route else [])
            found += [(route, away) for answer in answers if leads_away(answer)]
    assert found == []


# --- forged requests, and requests that only ask ----------------------------------------------------


@pytest.mark.parametrize("persona", ["anonymous", "commander"])
def test_line_42_nothing_is_taken_without_the_token(room, persona):
    key = room.client(persona).cookies
    client = Client(enforce_csrf_checks=True)
    client.cookies = key
    before = stored()
    for route in TABLE:
        for method in UNSAFE:
            sent = client.generic(method, address(route, room), headers={"Origin": "https://evil.example"})
            refused = {403, 405} if persona == "commander" else {302, 403, 405}
            assert sent.status_code in refused, (route, method, sent.status_code)
    assert stored() == before


@pytest.mark.parametrize("persona", ["executive", "responder", "commander"])
def test_line_42_asking_never_writes(room, persona, monkeypatch):
    monkeypatch.setattr("incidents.report.print_pdf", lambda html, found: b"%PDF-")
    client, before = room.client(persona), stored()
    for route in TABLE:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = client.generic(method, address(route, room) if route != ADMIN else "/admin/")
            if answer.streaming:
                b"".join(answer)
    assert stored() == before


# --- the settings ------------------------------------------------------------------------------------


def test_line_42_the_deployment_check_has_nothing_to_say(production):
    environment = {**production.environment, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (1 silenced).\n")
