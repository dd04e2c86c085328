"""SECURITY 36, 38, 40, 41: attempts are limited, sessions are new, nobody learns who has an account."""

import re

import pytest
from django.core import signing
from django.test import Client

from accounts import joining
from accounts.joining import join_address
from accounts.models import User
from tests import factories
from tests.mails import chosen_password, link_in
from tests.signing import PASSWORD

SIGNED_IN = "_auth_user_id"
HERE, THERE = "203.0.113.7", "198.51.100.9"


def attempt(
    email: str, password: str = "wrong", address: str = HERE, client: Client | None = None, **headers
):
    """The answer to one attempt from an address of the network."""
    sent = {"username": email, "password": password}
    return (client or Client()).post("/sign-in/", sent, REMOTE_ADDR=address, headers=headers)


def said(response, *typed: str) -> tuple[int, str]:
    """Status and body of an answer, without what differs by chance or repeats what was typed."""
    body = response.content.decode()
    for word in typed:
        body = body.replace(word, "TYPED")
    return response.status_code, re.sub(r'(csrfmiddlewaretoken" value=")\w+', r"\1", body)


# --- 36: throttling --------------------------------------------------------------------------------


@pytest.mark.parametrize("email", ["dana@example.com", "nobody@example.com"])
def test_line_36_attempts_on_one_account_are_limited_from_wherever_they_come(dana, email):
    statuses = [attempt(email, address=f"203.0.113.{number}").status_code for number in range(7)]
    assert statuses == [422] * 5 + [429] * 2
    refused = attempt(email, PASSWORD, address=THERE)
    assert (refused.status_code, "Wait five minutes" in refused.content.decode()) == (429, True)


def test_line_36_attempts_from_one_address_are_limited_whatever_the_account(dana):
    statuses = [attempt(f"nobody{number}@example.com").status_code for number in range(22)]
    assert statuses == [422] * 20 + [429] * 2
    assert attempt("dana@example.com", PASSWORD, address=HERE).status_code == 429
    assert attempt("dana@example.com", PASSWORD, address=THERE).status_code == 302


def forged_attempts(number: int) -> list[int]:
    """Statuses of attempts from one address that claims another each time."""
    return [
        attempt(f"nobody{i}@example.com", **{"X-Forwarded-For": f"192.0.2.{i}, 192.0.2.{i}"}).status_code
        for i in range(number)
    ]


def test_line_36_a_spoofed_forwarded_header_resets_nothing(db):
    assert forged_attempts(21)[-1] == 429


def test_line_36_behind_a_trusted_proxy_only_what_the_proxy_wrote_counts(db, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert set(forged_attempts(21)) == {422}
    statuses = [
        attempt(f"nobody{i}@example.com", **{"X-Forwarded-For": f"192.0.2.{i}, {THERE}"}).status_code
        for i in range(21)
    ]
    assert statuses[-1] == 429


def test_line_36_strangers_do_not_lock_out_a_browser_that_was_here_before(dana):
    own = Client()
    assert attempt("dana@example.com", PASSWORD, client=own).status_code == 302
    own.post("/sign-out/")
    for number in range(9):
        attempt("dana@example.com", address=f"203.0.113.{number}")
    assert attempt("dana@example.com", PASSWORD, address=THERE).status_code == 429
    assert attempt("dana@example.com", PASSWORD, client=own, address=THERE).status_code == 302


def test_line_36_a_known_browser_has_a_limit_too_and_is_known_for_its_own_account_only(dana):
    factories.user("ruth")
    own = Client()
    attempt("dana@example.com", PASSWORD, client=own)
    own.post("/sign-out/")
    for email in ("dana@example.com", "ruth@example.com"):
        statuses = [
            attempt(email, client=own, address=f"203.0.113.{number}").status_code for number in range(6)
        ]
        assert statuses == [422] * 5 + [429]
    assert attempt("ruth@example.com", PASSWORD, address=THERE).status_code == 429


def test_line_36_a_forged_browser_cookie_is_worth_nothing(dana):
    for number in range(5):
        attempt("dana@example.com", address=f"203.0.113.{number}")
    forger = Client()
    forger.cookies["known"] = signing.dumps(["dana@example.com", "x"], salt="another salt")
    assert attempt("dana@example.com", PASSWORD, client=forger, address=THERE).status_code == 429


def test_line_36_right_passwords_are_not_counted(dana):
    for _ in range(8):
        assert attempt("dana@example.com", PASSWORD).status_code == 302


def test_line_36_a_new_password_by_mail_ends_the_wait(dana, post_office):
    for number in range(6):
        attempt("dana@example.com", address=f"203.0.113.{number}")
    Client().post("/sign-in/forgot/", {"email": "dana@example.com"})
    chosen_password(Client(), link_in(post_office.wait()[0]), "a new long phrase")
    assert attempt("dana@example.com", "a new long phrase", address=THERE).status_code == 302


def test_line_36_mails_to_one_address_are_limited(dana, post_office):
    for email in ("dana@example.com", "nobody@example.com"):
        statuses = [Client().post("/sign-in/forgot/", {"email": email}).status_code for _ in range(6)]
        assert statuses == [302] * 5 + [429]
    assert len(post_office.wait(5)) == 5


# --- 38: sessions ----------------------------------------------------------------------------------


def test_line_38_the_session_of_a_newcomer_is_new(client, db):
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    joined(client, join_address("new@example.com"))
    assert client.cookies["sessionid"].value != planted
    assert ("planted" in client.session, SIGNED_IN in client.session) == (False, True)


# --- 40: who has an account ------------------------------------------------------------------------


def test_line_40_asking_for_a_new_password_answers_the_same_for_all(dana, post_office):
    factories.user("closed", is_active=False)
    answers = set()
    for email in ("closed@example.com", "nobody@example.com", "dana@example.com"):
        answer = Client().post("/sign-in/forgot/", {"email": email})
        answers.add((answer.headers["Location"], said(answer, email)))
    assert len(answers) == 1
    post_office.wait()
    assert [letter["X-Recipients"] for letter in post_office.letters] == ["dana@example.com"]


def test_line_40_a_letter_to_a_new_password_names_the_site_and_nothing_else(
    dana, incident, post_office, settings
):
    Client().post("/sign-in/forgot/", {"email": "dana@example.com"}, headers={"Host": "localhost"})
    [letter] = post_office.wait()
    text = letter.get_content()
    assert letter["Subject"] == "New password for Sitroom"
    assert text.count(settings.BASE_URL) == text.count("://") == 1
    assert "KESTREL" not in letter.as_string().upper()


@pytest.mark.parametrize("why", ["forged", "of something else", "old", "of somebody with an account"])
def test_line_40_a_link_to_join_that_is_not_good_is_not_found_whatever_the_reason(
    client, dana, monkeypatch, why
):
    address = join_address("new@example.com")
    if why == "forged":
        address = "/join/forged/"
    elif why == "of something else":
        address = f"/join/{signing.dumps({'email': 'new@example.com', 'staff': True}, salt='another')}/"
    elif why == "old":
        monkeypatch.setattr(joining, "HOURS", -1)
    elif why == "of somebody with an account":
        address = join_address("Dana@Example.com")
    for answer in (client.get(address), client.post(address, JOINING)):
        assert said(answer) == said(client.get("/join/another-that-is-not-good/"))
        assert (answer.status_code, "This link does not work" in answer.content.decode()) == (404, True)


@pytest.mark.parametrize(
    "credential",
    ["", "null", "[]", "{}", '{"response": null}', '{"response": {"userHandle": "AAAA"}}', "not json",
     '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"userHandle": null, '
     '"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"}}',
     '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"userHandle": "AAAA", '
     '"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"}}'],
)  # fmt: skip
def test_line_40_a_passkey_that_is_none_is_refused_in_one_sentence(client, dana, credential):
    answer = client.post("/sign-in/passkey/", {"credential": credential})
    assert answer.status_code == 422
    assert "This passkey does not open an account here." in answer.content.decode()


# --- 41: next --------------------------------------------------------------------------------------

ELSEWHERE = [
    "//evil.example/",
    "///evil.example/",
    r"/\evil.example/",
    r"\\evil.example/",
    "https://evil.example/",
    "https:evil.example",
    "http://testserver@evil.example/",
    "javascript:alert(1)",
    " //evil.example",
    "https://localhost/",
]


@pytest.mark.parametrize("next_url", [*ELSEWHERE, "/\t/evil.example/"])
def test_line_41_signing_in_stays_on_this_host(client, dana, next_url, settings):
    settings.ALLOWED_HOSTS = ["testserver", "localhost"]
    answer = client.post("/sign-in/", {"username": dana.email, "password": PASSWORD, "next": next_url})
    assert answer.headers["Location"] == "/incidents/"


@pytest.mark.parametrize("next_url", ELSEWHERE)
def test_line_41_joining_and_confirming_stay_on_this_host(client, as_dana, next_url):
    assert joined(client, join_address("new@example.com", next_url)).headers["Location"] == "/incidents/"
    answer = as_dana.post("/account/confirm/", {"password": PASSWORD, "next": next_url})
    assert answer.headers["Location"] == "/account/confirm/continue/?next=%2Faccount%2F"
    assert as_dana.get("/account/confirm/continue/", {"next": next_url}).status_code == 404


@pytest.mark.parametrize("where", ["/sign-in/", "/account/confirm/"])
def test_line_41_a_line_break_in_next_makes_no_header(client, as_dana, where):
    sent = {"username": "dana@example.com", "password": PASSWORD, "next": "/incidents/\r\nX-Planted: 1"}
    answer = (client if where == "/sign-in/" else as_dana).post(where, sent)
    assert "X-Planted" not in answer.headers and "\n" not in answer.headers["Location"]


# --- joining ---------------------------------------------------------------------------------------

JOINING = {
    "display_name": "New Person",
    "zone": "Europe/Paris",
    "password1": "a long enough phrase",
    "password2": "a long enough phrase",
}


def joined(client: Client, address: str, **more):
    """The answer to a filled form of the joining page."""
    page = client.get(address).content.decode()
    following = re.findall(r'name="next" value="([^"]*)"', page)
    return client.post(address, {**JOINING, "next": following[0] if following else "", **more})


def test_joining_makes_the_account_and_goes_on(client, db):
    answer = joined(client, join_address("New@Example.com", "/incidents/start/"))
    user = User.objects.get()
    assert (user.email, user.display_name, user.zone) == ("new@example.com", "New Person", "Europe/Paris")
    assert (user.is_staff, user.is_superuser, user.is_active) == (False, False, True)
    assert answer.headers["Location"] == "/incidents/start/"
    assert client.session[SIGNED_IN] == str(user.pk)
    assert client.get("/account/password/").status_code == 200  # it counts as a recent proof
    assert attempt("new@example.com", JOINING["password1"]).status_code == 302


def test_joining_works_once_and_opening_the_link_uses_nothing_up(client, db):
    address = join_address("new@example.com")
    assert [client.get(address).status_code for _ in range(3)] == [200] * 3
    assert joined(client, address).status_code == 302
    assert (Client().get(address).status_code, Client().post(address, JOINING).status_code) == (404, 404)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"password2": "another long phrase"}, "The two passwords differ."),
        ({"password1": "short", "password2": "short"}, "at least 12 characters"),
        ({"password1": "new@example.com!", "password2": "new@example.com!"}, "too similar"),
        ({"zone": "Mars/Base"}, "Mars/Base is not a time zone."),
        ({"display_name": ""}, "This field is required."),
    ],
)
def test_joining_keeps_what_was_typed_but_passwords(client, db, more, sentence):
    answer = client.post(join_address("new@example.com"), {**JOINING, **more})
    page = answer.content.decode()
    typed = {**JOINING, **more}
    assert (answer.status_code, sentence in page) == (422, True)
    for name in ("display_name", "zone"):
        [field] = re.findall(rf'<input[^>]* name="{name}"[^>]*>', page)
        assert typed[name] == "" or f'value="{typed[name]}"' in field
    assert "a long enough phrase" not in page
    assert User.objects.count() == 0


def test_joining_changes_nothing_that_is_not_on_the_form(client, db):
    joined(
        client, join_address("new@example.com"), email="dana@example.com", is_staff="on", is_superuser="on"
    )
    user = User.objects.get()
    assert (user.email, user.is_staff, user.is_superuser) == ("new@example.com", False, False)


def test_joining_signs_out_whoever_was_there(as_dana):
    joined(as_dana, join_address("new@example.com"))
    assert as_dana.session[SIGNED_IN] == str(User.objects.get(email="new@example.com").pk)


@pytest.mark.parametrize("where", ["/signup/", "/accounts/signup/", "/sign-up/", "/account/email/", "/join/"])
def test_there_is_no_open_sign_up_and_no_change_of_address(as_dana, where):
    assert as_dana.get(where).status_code == 404
