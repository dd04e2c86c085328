"""Single sign-on against a provider in a process of its own, honest and dishonest."""

import html
import re

import httpx
import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from accounts.joining import join_address
from accounts.models import User
from tests import factories
from tests.identity_provider import CLIENT, SECRET
from tests.running_provider import Provider
from tests.signing import grow_old, sign_in

SIGNED_IN = "_auth_user_id"


@pytest.fixture
def provider(running, settings):
    """A provider that the operator has configured."""
    app = {"provider_id": "sso", "name": "Larkmere", "client_id": CLIENT, "secret": SECRET}
    app["settings"] = {"server_url": running}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    settings.BASE_URL = "http://testserver"
    return Provider(running)


def away(page) -> str:
    """Where a page sends the browser."""
    assert page.status_code == 200, page.content.decode()
    [link] = re.findall(r'<a class="btn solid big" href="([^"]*)">Go there', page.content.decode())
    return html.unescape(link)


def came_back(page) -> str:
    """The path to which the provider sends the browser."""
    return httpx.get(away(page)).headers["Location"].removeprefix("http://testserver")


def sign_on(client: Client, next_url: str = "", where: str = "/sign-in/sso/", **more):
    """The answer to a whole sign-on."""
    return client.get(came_back(client.post(where, {"next": next_url, **more})))


def refusal(answer) -> str:
    """What a calm page says."""
    assert answer.status_code == 403, (answer.status_code, answer.headers)
    return html.unescape(re.findall(r'<p class="lead">(.*?)</p>', answer.content.decode())[0])


BROKEN = "The answer was not what this site had asked for. Start again."
UNVERIFIED = "It gave no e-mail address that it has verified, and no other address is taken."
NOBODY = "No account here has the address that it gave. An incident's commander lets people in by name."
ANOTHER = "It signed in somebody else, or did not ask again. You are still signed in here as before."


def test_without_a_provider_there_is_no_button_and_no_door(client, db):
    assert "sign-in/sso" not in client.get("/sign-in/").content.decode()
    assert (client.post("/sign-in/sso/").status_code, client.get("/sign-in/sso/back/").status_code) == (
        404,
        404,
    )


def test_signing_on_opens_the_account_with_the_verified_address(client, dana, provider):
    assert "Sign in with Larkmere" in client.get("/sign-in/").content.decode()
    answer = sign_on(client, "/incidents/start/")
    assert answer.headers["Location"] == "/incidents/start/"
    assert client.session[SIGNED_IN] == str(dana.pk)
    link = SocialAccount.objects.get()
    assert (link.user, link.uid, link.extra_data) == (dana, "person-1", {})
    [asked] = provider.asked
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    dana.refresh_from_db()
    assert dana.check_password("correct horse battery")


def test_signing_on_again_goes_by_the_providers_name_for_the_person(client, dana, provider):
    sign_on(client)
    factories.user("ruth")
    provider.behaves(email="ruth@example.com")
    again = Client()
    sign_on(again)
    assert again.session[SIGNED_IN] == str(dana.pk)


def test_an_address_that_the_provider_gave_to_somebody_else_does_not_open_the_account(client, dana, provider):
    sign_on(client)
    provider.behaves(sub="person-2")
    answer = sign_on(Client())
    assert refusal(answer).startswith("It knows somebody else by this address than before.")
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ({"claims": {"nonce": "that of somebody else"}}, BROKEN),
        ({"claims": {"nonce": None}}, BROKEN),
        ({"claims": {"iss": "http://elsewhere.example"}}, BROKEN),
        ({"claims": {"aud": "another site"}}, BROKEN),
        ({"claims": {"exp": 1}}, BROKEN),
        ({"claims": {"sub": "person-2"}}, BROKEN),
        ({"forge": True}, BROKEN),
        ({"email_verified": False}, UNVERIFIED),
        ({"email_verified": None}, UNVERIFIED),
        ({"email_verified": "false"}, UNVERIFIED),
        ({"email_verified": 1}, UNVERIFIED),
        ({"email": "dana@example.\u212aom"}, UNVERIFIED),
        ({"email": ""}, UNVERIFIED),
        ({"email": "nobody@example.com"}, NOBODY),
        ({"email": "closed@example.com"}, NOBODY),
    ],
    ids=lambda value: str(value)[:40],
)
def test_line_40_an_answer_that_is_not_good_is_refused_calmly(client, dana, provider, behaviour, sentence):
    factories.user("closed", is_active=False)
    provider.behaves(**behaviour)
    assert refusal(sign_on(client)) == sentence
    assert SIGNED_IN not in client.session
    assert (SocialAccount.objects.count(), User.objects.count()) == (0, 2)


def test_an_answer_counts_in_the_session_that_asked_and_once(client, dana, provider):
    back = came_back(client.post("/sign-in/sso/"))
    assert refusal(Client().get(back)) == BROKEN
    assert client.get(back).status_code == 302
    client.post("/sign-out/")
    assert refusal(client.get(back)) == BROKEN


def test_an_answer_to_another_question_is_refused(client, dana, provider):
    """The code of one sign-on with the state of another: the nonce tells."""
    first, second = (came_back(client.post("/sign-in/sso/")) for _ in range(2))
    code = re.findall(r"code=([^&]*)", first)[0]
    mixed = re.sub(r"code=[^&]*", f"code={code}", second)
    assert refusal(client.get(mixed)) == BROKEN


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?code=x", "?code=x&state=y"])
def test_coming_back_with_nothing_good_is_refused(client, dana, provider, query):
    assert refusal(client.get(f"/sign-in/sso/back/{query}")) == BROKEN


def test_somebody_who_says_no_at_the_provider_comes_back_calmly(client, dana, provider):
    state = re.findall(r"state=([^&]*)", away(client.post("/sign-in/sso/")))[0]
    assert refusal(client.get(f"/sign-in/sso/back/?error=access_denied&state={state}")) == BROKEN


def test_a_provider_that_is_down_is_said_to_be(client, dana, provider):
    provider.behaves(down=True)
    answer = client.post("/sign-in/sso/")
    assert refusal(answer) == "It could not be reached. Try again in a minute, or sign in another way."


def test_line_41_signing_on_stays_on_this_host(client, dana, provider):
    assert sign_on(client, "//evil.example/").headers["Location"] == "/incidents/"


def test_line_37_signing_on_does_not_bypass_the_second_step(client, dana, provider):
    Authenticator.objects.create(user=dana, type="totp", data={"secret": "A" * 32})
    assert sign_on(client).headers["Location"] == "/sign-in/second-step/"
    assert SIGNED_IN not in client.session


def test_line_38_signing_on_rotates_the_session(client, dana, provider):
    back = came_back(client.post("/sign-in/sso/"))
    before = client.session.session_key
    client.get(back)
    assert client.session.session_key != before


# --- joining ---------------------------------------------------------------------------------------

NAMED = {"display_name": "New Person", "zone": "Europe/Paris", "provider": "1"}


def test_joining_by_the_provider_needs_no_password(client, db, provider):
    provider.behaves(email="New@Example.com")
    answer = sign_on(client, "/incidents/start/", join_address("new@example.com"), **NAMED)
    assert answer.headers["Location"] == "/incidents/start/"
    user = User.objects.get()
    assert (user.display_name, user.zone, user.has_usable_password()) == ("New Person", "Europe/Paris", False)
    assert client.session[SIGNED_IN] == str(user.pk)


def test_joining_by_the_provider_takes_the_invited_address_only(client, db, provider):
    provider.behaves(email="another@example.com")
    assert refusal(sign_on(client, "", join_address("new@example.com"), **NAMED)) == NOBODY
    assert User.objects.count() == 0


# --- proving again who one is ----------------------------------------------------------------------


@pytest.fixture
def dana_by_provider(dana, provider):
    """Dana, who has no password and signed on long ago."""
    dana.set_unusable_password()
    dana.save()
    client = Client()
    sign_on(client)
    provider.behaves()
    grow_old(client)
    return client


def confirmed(client: Client):
    """The answer after a proof through the provider."""
    asked = client.get("/account/password/")
    return sign_on(client, "/account/password/", asked.headers["Location"], provider="1")


def test_line_39_a_sign_on_alone_is_no_proof(client, dana, provider):
    """The browser may have been signed in at the provider for days."""
    sign_on(client)
    assert client.get("/account/password/").status_code == 302


def test_line_39_the_provider_is_told_to_ask_again(dana_by_provider, provider):
    answer = confirmed(dana_by_provider)
    [asked] = provider.asked
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert answer.headers["Location"] == "/account/confirm/continue/?next=%2Faccount%2Fpassword%2F"
    assert dana_by_provider.get("/account/password/").status_code == 200


@pytest.mark.parametrize(
    "behaviour",
    [{"asks_again": False}, {"claims": {"auth_time": None}}, {"sub": "2", "email": "ruth@example.com"}],
)
def test_line_39_a_provider_that_did_not_ask_again_proves_nothing(
    dana, dana_by_provider, provider, behaviour
):
    factories.user("ruth")
    provider.behaves(**behaviour)
    assert refusal(confirmed(dana_by_provider)) == ANOTHER
    assert dana_by_provider.session[SIGNED_IN] == str(dana.pk)
    assert dana_by_provider.get("/account/password/").status_code == 302
    assert SocialAccount.objects.filter(user__email="ruth@example.com").count() == 0


def test_somebody_with_nothing_to_confirm_with_is_told_how(dana):
    dana.set_unusable_password()
    dana.save()
    page = sign_in(Client(), dana, recent=False).get("/account/confirm/").content.decode()
    assert "This account has nothing to confirm with." in page


def test_line_39_somebody_with_a_password_and_no_sign_on_is_not_offered_the_provider(dana, provider):
    page = sign_in(Client(), dana, recent=False).get("/account/confirm/").content.decode()
    assert "Larkmere" not in page
