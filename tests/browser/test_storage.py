"""What a browser keeps on the device: words that are not sent yet, and nothing after signing out."""

import base64
import re

import pytest
from playwright.sync_api import Page, expect

from tests.markup import filled, parse

pytestmark = pytest.mark.browser

WORDS = "the wiki was read by somebody"
KEPT = """async () => ({
    session: Object.entries(sessionStorage),
    local: Object.entries(localStorage),
    databases: (await indexedDB.databases()).length,
    caches: (await caches.keys()).length,
    cookies: document.cookie,
})"""
NOTHING = {"session": [], "local": [], "databases": 0, "caches": 0, "cookies": ""}


def type_a_line(page: Page) -> None:
    """Write into the capture bar and do not send it."""
    page.locator("#capture [name=text]").fill(WORDS)


def sign_out(page: Page) -> None:
    """By the menu behind one's own name."""
    page.locator(".topbar .me summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def ask_again(people, incident: str) -> None:
    """Change the classification: everybody's page has to go until they accept it."""
    commander = people["commander"]
    section = commander.http.get(f"{incident}classification/").text
    [entry] = set(re.findall(r"/classification/([0-9a-f-]{36})/edit/", section))
    page = parse(commander.http.get(f"{incident}classification/{entry}/edit/").text)
    [form] = page.all("form", css="edit")
    commander.post(f"{incident}classification/{entry}/", **{**filled(form), "scheme": "Named people only"})


def test_line_14_storage_holds_unsent_words_only(visit, people, fresh):
    page = visit("responder", fresh)
    assert page.evaluate(KEPT) == NOTHING
    type_a_line(page)
    page.locator("[data-unsent]", has_text="1 kept").wait_for()
    ask_again(people, fresh)
    page.get_by_role("heading", name="The classification changed").wait_for()
    kept = page.evaluate(KEPT)
    [(key, words)] = kept.pop("local")
    assert re.fullmatch(r"unsent [0-9a-f-]{36} [0-9a-f]{24}", key)
    assert (WORDS in words, WORDS in base64.b64decode(words.split()[1]).decode("latin-1")) == (False, False)
    assert {**kept, "local": []} == NOTHING
    page.get_by_role("button", name="I accept").click()
    expect(page.locator("#cap")).to_have_value(WORDS)


def test_line_14_nothing_is_stored_after_signing_out(visit, fresh):
    page = visit("responder", fresh)
    other = page.context.new_page()
    other.goto(fresh)
    type_a_line(other)
    page.bring_to_front()
    sign_out(page)
    assert page.evaluate(KEPT) == NOTHING
    other.bring_to_front()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible(timeout=5000)
    assert other.evaluate(KEPT) == NOTHING


def test_line_14_back_shows_nothing_in_operation(visit, plain, people, fresh):
    people["commander"].add(fresh, "theories", text=WORDS, state="open")
    page = visit("responder", f"{fresh}history/", server=plain)
    page.goto(fresh)
    expect(page.locator("#theories")).to_contain_text(WORDS)
    sign_out(page)
    for _ in range(3):
        page.go_back()
        assert (WORDS in page.content(), "Sign in" in page.content()) == (False, True)
