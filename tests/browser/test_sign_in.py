"""Signing in as people do: passkeys with a virtual authenticator, confirming, and every page looked at."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from tests.browser.conftest import EMAILS
from tests.browser.server import PASSWORD, Server
from tests.browser.test_pages import check
from tests.identity_provider import CLIENT, SECRET
from tests.running_provider import Provider

pytestmark = pytest.mark.browser

FIXED = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}


@pytest.fixture
def local(server):
    """The server under a name: a passkey belongs to a host name, never to a bare address."""
    return server.url.replace("127.0.0.1", "localhost")


def newcomer(server, local: str, name: str) -> str:
    """The address at which somebody of this name makes an account; each test has its own person."""
    said = server.manage("invite", f"{name}-{time.time_ns()}@example.com")
    return said.splitlines()[0].replace(server.url, local)


def join(page, address: str) -> str:
    """Make an account on the page; its e-mail address."""
    page.goto(address)
    email = page.locator("main .lead b").inner_text()
    page.get_by_label("Name").fill("Nora Newcomer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/")
    return email


def authenticator(page, verified: bool = True):
    """Give the page's browser a device for passkeys."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {**FIXED, "isUserVerified": verified, "automaticPresenceSimulation": True}
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def keep_passkey(page) -> None:
    """Add a passkey on the account's page, by the keyboard."""
    page.goto(page.url.split("/incidents")[0] + "/account/passkeys/")
    page.get_by_role("link", name="Add a passkey").press("Enter")
    page.get_by_label("Name").fill("Work laptop")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Recovery codes").wait_for()


def sign_out(page) -> None:
    page.locator(".me summary").press("Enter")
    page.get_by_role("button", name="Sign out").press("Enter")
    page.get_by_role("heading", name="Sign in").wait_for()


def test_line_37_a_passkey_is_added_signs_in_and_confirms(visit, server, local):
    page = visit(None, f"{local}/sign-in/")
    session, device = authenticator(page)
    email = join(page, newcomer(server, local, "nora"))
    assert page.locator("input[name=zone]").count() == 0
    keep_passkey(page)
    [credential] = session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert (credential["isResidentCredential"], credential["rpId"]) == (True, "localhost")
    page.goto(f"{local}/account/passkeys/")
    assert page.locator(".doors b").all_inner_texts() == ["Work laptop"]
    sign_out(page)

    # The passkey alone signs in, and goes where one wanted to go.
    page.goto(f"{local}/incidents/start/")
    page.get_by_role("button", name="Sign in with a passkey").press("Enter")
    page.wait_for_url("**/incidents/start/")
    sign_out(page)

    # The password alone does not any more; the passkey is the second step.
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Second step").wait_for()
    check(page, phone=False)
    page.goto(f"{local}/incidents/")
    page.get_by_role("heading", name="Sign in").wait_for()
    page.goto(f"{local}/sign-in/second-step/")
    page.get_by_role("button", name="Use a passkey").press("Enter")
    page.wait_for_url("**/incidents/")

    # It proves again who one is, and what was typed goes on.
    grow_old(server, email)
    page.goto(f"{local}/account/passkeys/")
    page.get_by_role("button", name="Remove the passkey").press("Enter")
    page.get_by_role("heading", name="Confirm that it is you").wait_for()
    page.get_by_role("button", name="Use a passkey").press("Enter")
    page.wait_for_url("**/account/passkeys/")
    page.get_by_text("A passkey was removed.").wait_for()
    assert page.locator(".doors").count() == 0


@pytest.fixture
def with_provider(server, running):
    """A server on the same data that knows a provider, and the provider."""
    configured = Server(server.folder, beside=server)
    configured.environment |= {
        "SITROOM_OIDC_ISSUER": running,
        "SITROOM_OIDC_CLIENT_ID": CLIENT,
        "SITROOM_OIDC_CLIENT_SECRET": SECRET,
        "SITROOM_OIDC_NAME": "Larkmere",
    }
    configured.start()
    yield configured, Provider(running)
    configured.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_signing_on_through_a_provider_and_its_refusal(visit, with_provider, scripts):
    server, provider = with_provider
    provider.behaves(email=EMAILS["reader"], email_verified=False)
    page = visit(None, f"{server.url}/sign-in/?next=/incidents/start/", scripts=scripts)
    page.get_by_role("button", name="Sign in with Larkmere").press("Enter")
    page.get_by_text("It gave no e-mail address that it has verified").wait_for()
    if scripts:
        check(page, phone=False)
    provider.behaves(email=EMAILS["reader"], claims={"nonce": "another"})
    page.get_by_role("link", name="Back to signing in").press("Enter")
    page.get_by_role("button", name="Sign in with Larkmere").press("Enter")
    page.get_by_text("The answer was not what this site had asked for.").wait_for()
    provider.behaves(email=EMAILS["reader"], sub="reader")
    page.goto(f"{server.url}/sign-in/?next=/incidents/start/")
    page.get_by_role("button", name="Sign in with Larkmere").press("Enter")
    page.wait_for_url("**/incidents/start/")


def test_page_of_too_many_attempts_is_sound(visit, server):
    page = visit(None, "/sign-in/forgot/")
    for _ in range(6):
        page.goto(f"{server.url}/sign-in/forgot/")
        page.get_by_label("E-mail").fill("flooded@example.com")
        page.keyboard.press("Enter")
        page.locator("h1:not(:text('Forgot the password'))").wait_for()
    assert page.get_by_role("heading", level=1).inner_text() == "Too many attempts"
    check(page, phone=False)


def grow_old(server, email: str) -> None:
    """Let every proof of this person be an hour older."""
    server.manage(
        "shell",
        "--verbosity",
        "0",
        "-c",
        f"""
from accounts.sessions import SessionStore
from allauth.usersessions.models import UserSession
for row in UserSession.objects.filter(user__email={email!r}):
    session = SessionStore(row.session_key)
    for record in session.get("account_authentication_methods", []):
        record["at"] -= 3600
    session.modified = True
    session.save()
""",
    )


def test_a_passkey_that_is_not_there_is_said_calmly(visit, server, local):
    page = visit(None, f"{local}/sign-in/")
    authenticator(page)
    page.get_by_role("button", name="Sign in with a passkey").press("Enter")
    page.get_by_text(
        "Nothing happened: it was cancelled, or this device has no passkey for this site."
    ).wait_for()
    check(page, phone=False)


def test_line_23_a_passkey_of_a_closed_account_opens_nothing(visit, server, local):
    page = visit(None, f"{local}/sign-in/")
    authenticator(page)
    email = join(page, newcomer(server, local, "nora"))
    keep_passkey(page)
    server.manage("close_account", email)
    page.goto(f"{local}/incidents/")
    page.get_by_role("button", name="Sign in with a passkey").press("Enter")
    page.get_by_text("This passkey does not open an account here.").wait_for()


def test_a_passkey_that_was_removed_opens_nothing(visit, server, local):
    page = visit(None, f"{local}/sign-in/")
    session, device = authenticator(page)
    join(page, newcomer(server, local, "nora"))
    keep_passkey(page)
    page.goto(f"{local}/account/passkeys/")
    page.get_by_role("button", name="Remove the passkey").press("Enter")
    page.get_by_text("A passkey was removed.").wait_for()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").press("Enter")
    page.get_by_text("This passkey does not open an account here.").wait_for()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_line_39_what_was_typed_goes_on_after_confirming(visit, server, local, scripts):
    page = visit(None, f"{local}/sign-in/", scripts=scripts)
    email = join(page, newcomer(server, local, "nora"))
    page.goto(f"{local}/account/two-factor/")
    secret = page.locator(".secret").inner_text()
    grow_old(server, email)
    page.get_by_label("Code that the app shows").fill("typed")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Confirm that it is you").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    if not scripts:
        page.get_by_role("heading", name="Confirmed").wait_for()
        page.get_by_role("button", name="Go on").press("Enter")
    page.wait_for_url("**/account/two-factor/")
    assert page.get_by_label("Code that the app shows").input_value() == "typed"
    assert page.locator(".secret").inner_text() == secret


def test_a_new_password_is_set_by_the_keyboard(visit, server, local):
    page = visit(None, f"{local}/sign-in/")
    join(page, newcomer(server, local, "nora"))
    page.goto(f"{local}/account/password/")
    page.get_by_label("New password").fill("a brand new phrase")
    page.get_by_label("Once more").fill("a brand new phrase")
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/")
    page.get_by_text("The password was changed.").wait_for()


def test_an_app_is_connected_by_its_picture_or_its_key(visit, server, local):
    page = visit(None, f"{local}/sign-in/")
    join(page, newcomer(server, local, "nora"))
    page.goto(f"{local}/account/two-factor/")
    picture = page.locator(".qr")
    assert picture.evaluate("picture => picture.decode().then(() => picture.naturalWidth > 0)")
    assert min(picture.bounding_box()["width"], picture.bounding_box()["height"]) > 150
    check(page, phone=False)
    secret = page.locator(".secret").inner_text()
    page.get_by_label("Code that the app shows").fill("000000")
    page.keyboard.press("Enter")
    page.locator(".error").wait_for()
    assert page.locator(".secret").inner_text() == secret
    page.get_by_label("Code that the app shows").fill(
        format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    )
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert page.locator(".codes li").count() == 10
    check(page, phone=False)


def test_the_browser_guesses_the_time_zone(visit, server, local):
    page = visit(None, newcomer(server, local, "nora"))
    mine = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert page.get_by_label("Time zone").input_value() == mine


PAGES = {
    "account": "/account/",
    "password": "/account/password/",
    "sessions": "/account/sessions/",
    "app": "/account/two-factor/",
    "passkeys": "/account/passkeys/",
    "new passkey": "/account/passkeys/new/",
    "new codes": "/account/recovery-codes/new/",
    "confirm": "/account/confirm/",
}
OUTSIDE = {
    "sign in": "/sign-in/",
    "forgot": "/sign-in/forgot/",
    "sent": "/sign-in/forgot/sent/",
    "used up": "/sign-in/forgot/x/y/",
}


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("name", [*PAGES, *OUTSIDE, "join", "refused join"])
def test_page_of_an_account_is_sound(visit, server, name, phone):
    role = "reader" if name in PAGES else None
    path = {**PAGES, **OUTSIDE}.get(name) or newcomer(server, server.url, "nora")
    page = visit(role, path, phone=phone)
    if name == "refused join":
        page.get_by_label("Name").fill("Nora")
        page.keyboard.press("Enter")
        page.locator(".error").first.wait_for()
    check(page, phone=phone)


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_the_menu_leads_to_the_account(visit, phone):
    page = visit("reader", phone=phone)
    page.locator(".me summary").press("Enter")
    page.get_by_role("link", name="My account").press("Enter")
    assert page.get_by_role("heading", level=1).inner_text() == "My account"
    assert EMAILS["reader"] in page.locator(".sub").inner_text()
    assert re.search(r"Signed in at \d+ place", page.locator(".doors").inner_text())
