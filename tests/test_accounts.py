"""Accounts: signing in and out, links for development, the admin form, and the headers of every page."""

import base64
import html
import io
import logging
import os
import re
import subprocess
import sys
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client

from accounts import links
from accounts.models import User
from accounts.sealing import seal_key
from config.logs import OneLine
from incidents.incident import Incident
from tests import factories
from tests.mails import chosen_password, link_in

PASSWORD = "correct horse battery"
REFUSAL = "This e-mail and password do not belong together. Your e-mail is kept; type the password again."
SIGNED_IN = "_auth_user_id"


def sign_in(client: Client, email: str = "dana@example.com", password: str = PASSWORD, **more):
    """The answer to the sign-in form."""
    return client.post("/sign-in/", {"username": email, "password": password, **more})


# --- signing in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", ["dana@example.com", "Dana@Example.COM"])
def test_signing_in_opens_the_list_whatever_the_case_of_the_address(client, dana, email):
    assert sign_in(client, email).headers["Location"] == "/incidents/"
    assert client.session[SIGNED_IN] == str(dana.pk)


def test_signing_in_goes_where_one_wanted_to_go(client, incident):
    asked = client.get("/incidents/kestrel/history/").headers["Location"]
    assert asked == "/sign-in/?next=/incidents/kestrel/history/"
    page = client.get(asked).content.decode()
    assert '<input type="hidden" name="next" value="/incidents/kestrel/history/">' in page
    assert sign_in(client, next="/incidents/kestrel/history/").headers["Location"] == (
        "/incidents/kestrel/history/"
    )


def answer_of(response, email: str) -> str:
    """A refusal without what differs by chance or repeats what was typed."""
    said = response.content.decode().replace(email, "ADDRESS")
    return re.sub(r'(csrfmiddlewaretoken" value=")\w+', r"\1", said)


def test_every_failure_to_sign_in_answers_the_same(client, dana):
    factories.user("closed", is_active=False)
    tried = {
        "dana@example.com": "wrong",
        "DANA@example.com": PASSWORD + " ",
        "nobody@example.com": PASSWORD,
        "closed@example.com": PASSWORD,
    }
    answers = {email: sign_in(client, email, password) for email, password in tried.items()}
    assert {answer.status_code for answer in answers.values()} == {422}
    assert len({answer_of(answer, email) for email, answer in answers.items()}) == 1
    assert SIGNED_IN not in client.session
    for email, answer in answers.items():
        said = answer.content.decode()
        assert (said.count(REFUSAL), f'value="{email}"' in said) == (1, True)
        assert (PASSWORD in said, "wrong" in said) == (False, False)


def test_session_rotates_at_sign_in(client, dana):
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    sign_in(client)
    assert client.cookies["sessionid"].value != planted
    assert not Session.objects.filter(pk=planted).exists()


def test_session_of_another_person_is_not_taken_over(client, dana):
    factories.user("ruth")
    sign_in(client)
    first = client.cookies["sessionid"].value
    client.post("/sign-out/")
    sign_in(client, "ruth@example.com")
    assert (client.cookies["sessionid"].value == first, Session.objects.count()) == (False, 1)


def test_a_changed_password_ends_the_sessions(client, dana):
    sign_in(client)
    dana.set_password("another long password")
    dana.save()
    assert client.get("/incidents/").status_code == 302


def test_a_closed_account_is_out_at_once(client, dana):
    sign_in(client)
    User.objects.update(is_active=False)
    assert client.get("/incidents/").status_code == 302


def test_signing_in_asks_for_the_csrf_token(dana):
    client = Client(enforce_csrf_checks=True)
    answer = sign_in(client)
    assert (answer.status_code, "Nothing was changed." in answer.content.decode()) == (403, True)


@pytest.mark.parametrize("verb", ["get", "put", "delete"])
def test_signing_out_takes_a_post(client, dana, verb):
    sign_in(client)
    assert getattr(client, verb)("/sign-out/").status_code == 405
    assert client.get("/incidents/").status_code == 200


@pytest.mark.parametrize("door", ["/sign-out/", "/admin/logout/"])
def test_signing_out_clears_browser_and_session(client, dana, door):
    sign_in(client)
    answer = client.post(door)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert (answer.cookies["sessionid"].value, Session.objects.count()) == ("", 0)
    assert client.get("/incidents/").status_code == 302


def test_a_page_that_deletes_its_own_words_leaves_those_of_others_on_the_device(client, dana):
    sign_in(client)
    answer = client.post("/sign-out/", {"wipes": "own"})
    assert answer.headers["Clear-Site-Data"] == '"cache"'


# --- links for development -------------------------------------------------------------------------


def test_a_link_signs_in_during_development(client, dana, settings):
    settings.DEBUG = True
    address = links.sign_in_link(dana, "http://testserver")
    assert client.get(address).headers["Location"] == "/incidents/"
    assert client.session[SIGNED_IN] == str(dana.pk)


@pytest.mark.parametrize("why", ["no development", "forged", "old", "closed", "of something else"])
def test_a_link_that_is_not_good_is_not_found(client, dana, settings, monkeypatch, why):
    settings.DEBUG = why != "no development"
    address = links.sign_in_link(dana, "")
    if why == "forged":
        address = address[:-2] + ("A/" if address[-2] != "A" else "B/")
    elif why == "old":
        monkeypatch.setattr(links, "HOURS", -1)
    elif why == "closed":
        User.objects.update(is_active=False)
    elif why == "of something else":
        monkeypatch.setattr(links, "SALT", "another salt")
    assert client.get(address).status_code == 404
    assert SIGNED_IN not in client.session


# --- accounts --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_addresses_are_kept_in_lower_case():
    user = User.objects.create_user("Dana@Example.COM", PASSWORD, display_name="Dana")
    assert (user.email, User.objects.get_by_natural_key("DANA@example.com")) == ("dana@example.com", user)


def test_one_address_is_one_account(dana):
    with pytest.raises(ValidationError):
        User.objects.create_user("DANA@example.com", PASSWORD, display_name="Another")


@pytest.mark.parametrize("zone", ["Mars/Base", "europe/paris", "", "../etc/passwd", "Europe/Paris\x00"])
def test_a_time_zone_must_exist(db, zone):
    with pytest.raises(ValidationError):
        factories.user("dana", zone=zone)


def test_a_superuser_made_on_the_command_line_sees_no_incident(incident, client, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command(
        "createsuperuser", interactive=False, email="Root@Example.com", display_name="Root", verbosity=0
    )
    sign_in(client, "root@example.com")
    assert client.get("/admin/").status_code == 200
    assert list(client.get("/incidents/").context["open"]) == []
    assert client.get("/incidents/kestrel/").status_code == 404


@pytest.mark.parametrize(
    ("name", "initials"),
    [("Dana", "D"), ("Dana de la Cruz", "DC"), ("  ", "?"), ("☃ Ruth", "R"), ("(x) Åse", "Å")],
)
def test_initials_are_letters(name, initials):
    assert User(display_name=name).initials == initials


@pytest.fixture
def office(client, db):
    """A client of somebody who manages accounts."""
    factories.user("office", is_staff=True, is_superuser=True)
    sign_in(client, "office@example.com")
    return client


ACCOUNTS = "/admin/accounts/user/"


def test_an_account_made_in_the_admin_site_can_sign_in_once_it_has_a_password(office, post_office):
    sent = {"email": "New@Example.com", "display_name": "New", "zone": "Europe/Paris"}
    assert office.post(f"{ACCOUNTS}add/", sent).status_code == 302
    new = User.objects.get(email="new@example.com")
    assert (new.has_usable_password(), new.is_staff, new.is_superuser, new.is_active) == (
        False,
        False,
        False,
        True,
    )
    assert sign_in(Client(), "new@example.com", "").status_code == 422
    sent = {"action": "send_new_password_link", "_selected_action": str(new.pk)}
    assert office.post(ACCOUNTS, sent).status_code == 302
    [letter] = post_office.wait()
    assert letter["X-Recipients"] == "new@example.com"
    assert chosen_password(Client(), link_in(letter), "a long enough phrase").status_code == 302
    assert sign_in(Client(), "new@example.com", "a long enough phrase").status_code == 302


def test_nobody_sets_a_password_for_somebody_else(office, dana):
    """Whoever could would be able to sign in as a commander."""
    assert office.get(f"{ACCOUNTS}{dana.pk}/password/").status_code == 302
    page = office.get(f"{ACCOUNTS}{dana.pk}/change/").content.decode()
    assert ('name="password' in page, "/password/" in page, 'name="email"' in page) == (False, False, False)


def test_an_address_is_not_changed_in_the_admin_site(office, dana):
    """Invitations are bound to it, and links to a new password go to it."""
    sent = {"email": "office@elsewhere.example", "display_name": "Dana C", "zone": "UTC", "is_active": "on"}
    assert office.post(f"{ACCOUNTS}{dana.pk}/change/", sent).status_code == 302
    dana.refresh_from_db()
    assert (dana.email, dana.display_name) == ("dana@example.com", "Dana C")


def test_the_admin_site_shows_neither_factors_nor_sessions_nor_incidents(office):
    page = office.get("/admin/").content.decode()
    assert set(re.findall(r'href="/admin/(\w+/\w+/)"', page)) == {"accounts/user/"}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("email", "OFFICE@example.com", "already exists"),
        ("email", "not an address", "Enter a valid email address."),
        ("zone", "Mars/Base", "Mars/Base is not a time zone."),
        ("display_name", "", "This field is required."),
        ("display_name", "x" * 81, "at most 80 characters"),
    ],
)
def test_the_admin_form_refuses_with_a_sentence(office, field, value, sentence):
    sent = {"email": "new@example.com", "display_name": "New", "zone": "UTC", field: value}
    answer = office.post(f"{ACCOUNTS}add/", sent)
    assert (answer.status_code, sentence in answer.content.decode()) == (200, True)
    assert User.objects.count() == 1


@pytest.mark.parametrize("who", ["anonymous", "dana"])
def test_the_admin_site_sends_others_away(client, dana, who):
    if who == "dana":
        sign_in(client)
    answer = client.get("/admin/", follow=True)
    assert (answer.status_code, answer.request["PATH_INFO"]) == (
        (200, "/sign-in/") if who == "anonymous" else (403, "/admin/login/")
    )


# --- headers ---------------------------------------------------------------------------------------

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'nonce-NONCE'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ("/sign-in/", 302),
        ("/incidents/", 200),
        ("/incidents/start/", 200),
        ("/incidents/kestrel/", 200),
        ("/incidents/kestrel/people/", 200),
        ("/incidents/kestrel/history/", 200),
        ("/incidents/kestrel/timeline/", 200),
        ("/incidents/kestrel/status/", 405),
        ("/incidents/nothing/", 404),
        ("/nothing/", 404),
        ("/admin/", 302),
        ("/admin/login/", 403),
    ],
)
def test_every_page_carries_the_security_headers(as_dana, incident, where, status):
    answers = [as_dana.get(where) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
        assert "no-store" in answer.headers["Cache-Control"]
        policy = re.sub(r"'nonce-[\w-]{20,}'", "'nonce-NONCE'", answer.headers["Content-Security-Policy"])
        assert set(policy.split("; ")) == POLICY
    one, other = (answer.headers["Content-Security-Policy"] for answer in answers)
    assert one != other


def test_the_sign_in_page_carries_the_security_headers(client, db):
    for answer in (client.get("/sign-in/"), sign_in(client)):
        assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
        assert "no-store" in answer.headers["Cache-Control"]


def test_a_host_that_is_not_ours_is_refused_with_the_headers(client, db):
    answer = client.get("/sign-in/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store")


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(as_dana, incident):
    said = as_dana.get("/incidents/kestrel/").content.decode()
    loaded = re.findall(r'<(?:script|img|iframe)\b[^>]*\bsrc="([^"]*)"|<link\b[^>]*\bhref="([^"]*)"', said)
    assert [one or other for one, other in loaded if not (one or other).startswith("/static/")] == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", said) == []
    assert re.findall(r"\son\w+=", said) == []
    assert re.findall(r'\sstyle="', said) == []


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(client, dana):
    client.get("/sign-in/")
    sign_in(client)
    for name in ("sessionid", "csrftoken"):
        cookie = client.cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "Lax", "")


def test_production_cookies_are_bound_to_the_host_and_to_https(tmp_path):
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from config import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, "
            "s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS)",
        ],
        env={
            "PATH": os.environ["PATH"],
            "BASE_URL": "https://sitroom.example",
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": "x",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["__Host-session", "__Host-csrf", "True", "True", "True", "63072000"]


# --- logs ------------------------------------------------------------------------------------------


def test_a_log_line_cannot_be_forged():
    formatter = OneLine("{levelname} {message}", style="{")
    record = logging.LogRecord(
        "x", logging.WARNING, "", 0, "Not Found: %s", ("/a\r\nERROR all is lost",), None
    )
    assert formatter.format(record) == "WARNING Not Found: /a\\r\\nERROR all is lost"


def test_a_traceback_in_the_log_keeps_its_lines():
    formatter = OneLine("{message}", style="{")
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    first, *rest = formatter.format(record).splitlines()
    assert (first, rest[0]) == ("failed", "Traceback (most recent call last):")


@pytest.mark.parametrize("where", ["/%0d%0aforged", "/incidents/%0aforged/", "/sign-in/link/%0d%0aforged/"])
def test_an_address_that_is_logged_stays_on_its_line(client, db, capsys, where):
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(OneLine("{message}", style="{"))
    logging.getLogger("django.request").addHandler(handler)
    try:
        client.get(where)
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    assert [line for line in stream.getvalue().splitlines() if line.startswith("forged")] == []


def test_no_word_of_an_incident_is_logged(as_dana, incident, caplog, client):
    caplog.set_level(logging.DEBUG)
    caplog.handler.setLevel(logging.DEBUG)
    for logger in ("django.db.backends", "django.template"):
        logging.getLogger(logger).setLevel(logging.WARNING)  # as in production, where DEBUG is off
    entry = factories.entry(incident, "theories", text="canaryinthelog")
    where = f"/incidents/kestrel/theories/{entry.pk}/"
    as_dana.post(where, {"text": "canaryinthelog again", "state": "nonsense", "version": "1"})
    as_dana.post(where, {"text": "canaryinthelog again", "state": "open", "version": "1"})
    as_dana.post("/incidents/kestrel/theories/", {"text": "canaryinthelog"})
    as_dana.get(f"/incidents/kestrel/?{urlencode({'hidden': 'canary'})}")
    client.get("/incidents/kestrel/")
    assert "canaryinthelog" not in caplog.text
    assert Incident.objects.get().title not in caplog.text


def test_the_cookie_of_a_known_browser_is_out_of_reach_of_scripts(client, dana):
    sign_in(client)
    cookie = client.cookies["known"]
    assert (cookie["httponly"], cookie["samesite"], cookie["domain"], cookie["path"]) == (
        True,
        "Lax",
        "",
        "/",
    )


def settings_of(tmp_path, **environment: str) -> str:
    """What the settings of such an environment say: the word “good”, or why the start stops."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return "good" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


PRODUCTION = {
    "BASE_URL": "https://sitroom.example",
    "ALLOWED_HOSTS": "sitroom.example",
    "SECRET_KEY": "0123456789" * 6,
}
OIDC = {"SITROOM_OIDC_CLIENT_ID": "sitroom", "SITROOM_OIDC_CLIENT_SECRET": "x"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "good"),
        ({"SITROOM_OIDC_ISSUER": "https://id.example", **OIDC}, "good"),
        (
            {"SITROOM_OIDC_ISSUER": "http://id.example", **OIDC},
            "SITROOM_OIDC_ISSUER must begin with https://",
        ),
        ({"SITROOM_OIDC_ISSUER": "https://id.example"}, '"SITROOM_OIDC_CLIENT_ID" not set'),
        (
            {"SITROOM_OIDC_ISUER": "https://id.example"},
            "Unknown setting in the environment: SITROOM_OIDC_ISUER",
        ),
    ],
)
def test_a_production_configuration_is_sound_or_does_not_start(tmp_path, more, said):
    assert said in settings_of(tmp_path, **PRODUCTION, **more)


def test_the_key_for_unsent_text_is_a_persons_own_and_stands_on_their_pages_only(client, dana):
    mallory = factories.user("mallory")
    key = seal_key(dana)
    assert (len(base64.b64decode(key)), seal_key(dana) == key, seal_key(mallory) == key) == (32, True, False)
    for person in (dana, mallory):
        client.force_login(person)
        page = client.get("/incidents/").content.decode()
        assert (html.escape(key) in page, html.escape(seal_key(person)) in page) == (person == dana, True)
    client.logout()
    assert 'data-seal=""' in client.get("/sign-in/").content.decode()
