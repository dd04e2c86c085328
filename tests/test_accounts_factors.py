"""SECURITY 37, 38: second factors, codes that work once, one's own sessions; and the words that are mailed."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client

from tests import factories
from tests.mails import chosen_password, link_in
from tests.signing import PASSWORD, grow_old, sign_in

SIGNED_IN = "_auth_user_id"


def code_of(secret: str, steps: int = 0) -> str:
    """The code that an app with this secret shows, some half minutes from now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


@pytest.fixture(autouse=True)
def time_stands_still(monkeypatch):
    """So that no half minute ends between making a code and using it."""
    now = time.time() // 30 * 30 + 5
    monkeypatch.setattr(time, "time", lambda: now)


def connect_app(client: Client) -> tuple[str, list[str]]:
    """Connect an authenticator app as a person does; its secret and the recovery codes."""
    page = client.get("/account/two-factor/").content.decode()
    secret = re.findall(r'<code class="secret">(\w+)</code>', page)[0]
    picture = client.get("/account/two-factor/picture/")
    assert (picture.headers["Content-Type"], b"<svg" in picture.content) == ("image/svg+xml", True)
    answer = client.post("/account/two-factor/", {"code": code_of(secret)})
    assert answer.headers["Location"] == "/account/recovery-codes/"
    shown = client.get("/account/recovery-codes/").content.decode()
    return secret, re.findall(r"<li><code>(\d+)</code></li>", shown)


@pytest.fixture
def app(as_dana, post_office):
    """Dana's authenticator app: its secret and the recovery codes."""
    return connect_app(as_dana)


def half_way(password: str = PASSWORD) -> Client:
    """A client that has given the right password and nothing more."""
    client = Client()
    answer = client.post(
        "/sign-in/",
        {"username": "dana@example.com", "password": password, "next": "/incidents/start/"},
    )
    assert (answer.headers["Location"], SIGNED_IN in client.session) == ("/sign-in/second-step/", False)
    return client


def step(client: Client, code: str):
    """The answer to a code."""
    return client.post("/sign-in/second-step/", {"code": code})


def test_line_37_the_second_step_takes_a_code_and_goes_where_one_was_going(app):
    client = half_way()
    assert client.get("/incidents/").status_code == 302
    before = client.session.session_key
    answer = step(client, code_of(app[0]))
    assert answer.headers["Location"] == "/incidents/start/"
    assert SIGNED_IN in client.session
    assert client.session.session_key != before


def test_line_37_a_code_works_once(app):
    code = code_of(app[0])
    assert step(half_way(), code).status_code == 302
    second = half_way()
    answer = step(second, code)
    assert (answer.status_code, "it was used already" in answer.content.decode()) == (422, True)
    assert SIGNED_IN not in second.session


@pytest.mark.parametrize("steps", [-2, -1, 1, 2])
def test_line_37_codes_of_other_times_are_refused(app, steps):
    assert step(half_way(), code_of(app[0], steps)).status_code == 422


def test_line_37_each_recovery_code_works_once(app):
    _, codes = app
    assert len(set(codes)) == 10
    for code in codes[:2]:
        assert step(half_way(), code).status_code == 302
        assert step(half_way(), code).status_code == 422
    assert step(half_way(), codes[2]).status_code == 302


def test_line_37_guessing_codes_is_limited(app):
    statuses = [step(half_way(), "000000").status_code for _ in range(7)]
    assert statuses == [422] * 5 + [429] * 2
    assert step(half_way(), code_of(app[0])).status_code == 429


def test_line_37_a_new_password_by_mail_does_not_bypass_the_second_step(app, post_office):
    Client().post("/sign-in/forgot/", {"email": "dana@example.com"})
    letter = post_office.wait()[-1]
    client = Client()
    answer = chosen_password(client, link_in(letter), "a new long phrase")
    assert (answer.headers["Location"], SIGNED_IN in client.session) == ("/sign-in/", False)
    client = half_way("a new long phrase")
    assert client.get("/incidents/").status_code == 302
    assert Authenticator.objects.count() == 2


def test_line_37_a_link_to_a_new_password_works_once_and_ends_all_sessions(as_dana, post_office):
    Client().post("/sign-in/forgot/", {"email": "dana@example.com"})
    link = link_in(post_office.wait()[0])
    assert [Client().get(link).status_code for _ in range(3)] == [302] * 3  # a mail scanner uses nothing up
    chosen_password(Client(), link, "a new long phrase")
    assert as_dana.get("/incidents/").status_code == 302
    page = Client().get(link).content.decode()
    assert "This link is used up" in page


def test_line_37_the_second_step_needs_the_first(app, client):
    assert step(client, code_of(app[0])).headers["Location"] == "/sign-in/"
    assert SIGNED_IN not in client.session


def test_line_37_factors_change_after_a_recent_proof_only(app, as_dana):
    grow_old(as_dana)
    for path in (
        "two-factor/remove/",
        "recovery-codes/",
        "recovery-codes/new/",
        "passkeys/new/",
        "password/",
    ):
        for method in (as_dana.get, as_dana.post):
            assert method(f"/account/{path}").headers["Location"].startswith("/account/confirm/?next="), path
    assert Authenticator.objects.count() == 2


def test_recovery_codes_are_shown_one_time_and_new_ones_void_the_old(app, as_dana):
    _, old = app
    again = as_dana.get("/account/recovery-codes/").content.decode()
    assert [code for code in old if code in again] == []
    assert as_dana.post("/account/recovery-codes/new/").headers["Location"] == "/account/recovery-codes/"
    new = re.findall(r"<li><code>(\d+)</code></li>", as_dana.get("/account/recovery-codes/").content.decode())
    assert (len(new), set(new) & set(old)) == (10, set())
    assert (step(half_way(), old[0]).status_code, step(half_way(), new[0]).status_code) == (422, 302)


def test_an_app_can_be_removed_and_the_codes_go_with_it(app, as_dana, post_office):
    assert as_dana.post("/account/two-factor/remove/").headers["Location"] == "/account/"
    assert Authenticator.objects.count() == 0
    answer = Client().post("/sign-in/", {"username": "dana@example.com", "password": PASSWORD})
    assert answer.headers["Location"] == "/incidents/"


def test_the_owner_is_told_of_every_change_by_mail(
    as_dana, incident, post_office, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        connect_app(as_dana)
        as_dana.post("/account/recovery-codes/new/")
    as_dana.post("/account/two-factor/remove/")
    new = {"new_password1": "a new long phrase", "new_password2": "a new long phrase"}
    assert as_dana.post("/account/password/", new).headers["Location"] == "/account/"
    letters = post_office.wait(4)
    assert {letter["X-Recipients"] for letter in letters} == {"dana@example.com"}
    assert {letter["Subject"] for letter in letters} == {"Your Sitroom account was changed"}
    assert {letter.get_content().splitlines()[0] for letter in letters} == {
        "An authenticator app was added.",
        "New recovery codes were made.",
        "The authenticator app was removed.",
        "The password was changed.",
    }
    assert [letter for letter in letters if "KESTREL" in letter.as_string().upper()] == []


def test_a_post_office_that_is_down_does_not_keep_an_account_from_changing(as_dana, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    new = {"new_password1": "a new long phrase", "new_password2": "a new long phrase"}
    assert as_dana.post("/account/password/", new).status_code == 302


# --- one's own sessions ----------------------------------------------------------------------------


def signed_in_from(address: str, agent: str) -> Client:
    """Dana, signed in by the form from elsewhere."""
    client = Client(REMOTE_ADDR=address, headers={"user-agent": agent})
    client.post("/sign-in/", {"username": "dana@example.com", "password": PASSWORD})
    assert client.get("/incidents/").status_code == 200
    return client


def test_line_38_sessions_are_listed_and_can_be_ended(dana):
    factories.user("ruth")
    here = signed_in_from("203.0.113.7", "Firefox here")
    there = signed_in_from("198.51.100.9", "Chromium there")
    page = here.get("/account/sessions/").content.decode()
    assert ("This browser" in page, "198.51.100.9" in page, "Chromium there" in page) == (True, True, True)
    [number] = re.findall(r'name="session" value="(\d+)"', page)
    other = Client()
    sign_in(other, factories.user("otto"))
    assert other.post("/account/sessions/", {"session": number}).status_code == 404
    assert there.get("/incidents/").status_code == 200
    assert here.post("/account/sessions/", {"session": number}).status_code == 302
    assert (there.get("/incidents/").status_code, here.get("/incidents/").status_code) == (302, 200)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36",
            "Chrome on Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
            "Safari on an iPhone",
        ),
        ("curl/8", "curl/8"),
        ("", "An unknown browser"),
    ],
)
def test_a_session_names_its_browser(dana, agent, words):
    assert words in signed_in_from("203.0.113.7", agent).get("/account/sessions/").content.decode()


def test_line_38_all_other_sessions_can_be_ended_at_once(dana):
    clients = [signed_in_from(f"203.0.113.{number}", "a browser") for number in range(3)]
    clients[0].post("/account/sessions/", {"all": "1"})
    assert [client.get("/incidents/").status_code for client in clients] == [200, 302, 302]
    assert Session.objects.count() == 1


def test_line_38_a_new_password_ends_the_other_sessions_and_keeps_this_one(dana, post_office):
    here, there = (signed_in_from(f"203.0.113.{number}", "a browser") for number in range(2))
    new = {"new_password1": "a new long phrase", "new_password2": "a new long phrase"}
    here.post("/account/password/", new)
    assert [client.get("/incidents/").status_code for client in (here, there)] == [200, 302]


# --- the account's page ----------------------------------------------------------------------------


def test_name_and_zone_can_be_changed_and_nothing_else(as_dana, dana):
    sent = {"display_name": "Dana C", "zone": "Europe/Paris", "email": "x@example.com", "is_staff": "on"}
    assert as_dana.post("/account/", {**sent, "epoch": "7"}).headers["Location"] == "/account/"
    dana.refresh_from_db()
    assert (dana.display_name, dana.zone, dana.email) == ("Dana C", "Europe/Paris", "dana@example.com")
    assert (dana.is_staff, dana.epoch) == (False, 0)


def test_a_refused_name_is_kept_on_the_page_and_not_stored(as_dana, dana):
    answer = as_dana.post("/account/", {"display_name": "Dana C", "zone": "Mars/Base"})
    page = answer.content.decode()
    assert (answer.status_code, 'value="Mars/Base"' in page, 'value="Dana C"' in page) == (422, True, True)
    dana.refresh_from_db()
    assert dana.display_name == "Dana"


def test_pages_of_incidents_ask_no_question_more(as_dana, incident, django_assert_num_queries):
    """Neither sessions nor factors are looked up on the pages that people work on."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        as_dana.get("/incidents/kestrel/")
    tables = {"usersessions", "mfa_", "account_emailaddress", "socialaccount", "accounts_cache"}
    assert [q["sql"] for q in asked if any(table in q["sql"] for table in tables)] == []


def test_the_operator_helps_somebody_who_lost_every_factor(app, as_dana):
    call_command("forget_factors", "Dana@Example.com", verbosity=0)
    assert as_dana.get("/incidents/").status_code == 302
    answer = Client().post("/sign-in/", {"username": "dana@example.com", "password": PASSWORD})
    assert answer.headers["Location"] == "/incidents/"
    with pytest.raises(CommandError, match="No account has the address nobody@example.com"):
        call_command("forget_factors", "nobody@example.com")
