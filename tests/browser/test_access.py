"""Who loses access loses what is on the screen; an executive sees the summary and nothing else."""

import re
import signal
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAILS

pytestmark = pytest.mark.browser

SECRET = "The token was in the wiki"


@pytest.fixture
def written(people, fresh):
    """An incident with everybody in it, and one sentence that must not be seen any more."""
    for role in ("reader", "legal", "executive"):
        people["commander"].let_in(fresh, people[role], EMAILS[role], role)
    people["commander"].add(fresh, "theories", text=SECRET, state="open")
    return fresh


def user_id(people, incident: str, role: str) -> str:
    """The id of somebody in the incident, as the list of people has it."""
    page = people["commander"].http.get(f"{incident}people/").text
    return re.search(rf'<li id="u-([0-9a-f-]+)">(?:(?!<li ).)*?{EMAILS[role]}', page, re.DOTALL)[1]


def test_line_03_a_revoked_page_blanks_within_two_seconds_and_back_shows_nothing(
    visit, plain, people, written
):
    page = visit("responder", f"{written}people/", server=plain)
    page.goto(written)
    expect(page.locator("#theories")).to_contain_text(SECRET)
    people["commander"].post(f"{written}people/{user_id(people, written, 'responder')}/remove/")
    began = time.monotonic()
    page.get_by_role("heading", name="You no longer have access").wait_for(timeout=2000)
    assert time.monotonic() - began < 2
    assert SECRET not in page.content()
    page.go_back()
    assert "People in" not in page.content()
    page.go_forward()
    assert SECRET not in page.content()


def test_line_03_a_summary_page_blanks_too(visit, people, written):
    page = visit("executive", written)
    people["commander"].post(f"{written}people/{user_id(people, written, 'executive')}/remove/")
    page.get_by_role("heading", name="You no longer have access").wait_for(timeout=2000)


def test_a_changed_classification_asks_everybody_again(visit, people, written):
    page = visit("reader", written)
    expect(page.locator("#theories")).to_contain_text(SECRET)
    editor = visit("commander", written)
    editor.locator("#classification [data-edit]").click()
    form = editor.locator("#classification form.edit")
    form.locator("[name=treatment]").fill("On paper only, and nowhere else.")
    form.locator("button.solid").click()
    page.get_by_role("heading", name="The classification changed").wait_for()
    expect(page.locator("main")).to_contain_text("On paper only")
    assert SECRET not in page.content()
    page.get_by_role("button", name="I accept").click()
    expect(page.locator("#theories")).to_contain_text(SECRET)


def test_line_14_signing_out_leaves_nothing_behind(visit, written):
    page = visit("responder", written)
    other = page.context.new_page()
    other.goto(f"{written}history/")
    page.locator(".topbar .me summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    assert SECRET not in page.content()
    assert "Sign in" in page.content()
    other.reload()
    assert SECRET not in other.content()


def test_line_14_another_tab_blanks_after_signing_out(visit, written):
    page = visit("responder", written)
    other = page.context.new_page()
    other.goto(written)
    expect(other.locator("#theories")).to_contain_text(SECRET)
    page.locator(".topbar .me summary").click()
    page.get_by_role("button", name="Sign out").click()
    other.get_by_role("heading", name="Sign in").wait_for(timeout=4000)
    assert SECRET not in other.content()


def test_the_executives_page_follows_the_summary(visit, people, written):
    page = visit("executive", written)
    assert page.url.endswith("/summary/")
    assert SECRET not in page.content()
    editor = visit("commander", written)
    editor.locator("#summary [data-edit]").click()
    form = editor.locator("#summary form.edit")
    form.locator("[name=statement]").fill("One mailbox was read. The intruder is out.")
    form.locator("[name=decisions_wanted]").fill("Close the old gateway by Friday.")
    form.locator("button.solid").click()
    expect(page.locator(".say")).to_contain_text("One mailbox was read", timeout=1000)
    expect(page.locator(".wanted")).to_contain_text("Close the old gateway")


def test_readers_are_shown_no_controls_and_lawyers_the_report(visit, written):
    page = visit("reader", written)
    for selector in (
        "#capture",
        "#theories [data-add]",
        ".entry .edit-b",
        ".topbar [data-report]",
        "#checks",
    ):
        expect(page.locator(selector).first).to_be_hidden()
    page = visit("legal", written)
    expect(page.locator(".topbar [data-report]")).to_be_visible()
    expect(page.locator("#capture")).to_be_hidden()


def test_an_outsider_learns_nothing(visit, plain, written):
    page = visit("outsider", written, server=plain)
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
    assert SECRET not in page.content()
    assert "A case of its own" not in page.content()


def test_a_page_is_not_shown_on_under_the_session_of_the_next_person(server, visit, fresh):
    page = visit("commander", fresh)
    page.locator("#cap").fill("Seen by the first")
    page.locator("#cap").press("Enter")
    expect(page.locator("#timeline .entry")).to_contain_text("Seen by the first")
    history = page.context.new_page()
    history.goto(f"{fresh}history/")
    expect(history.locator("h1")).to_have_text("History")
    server.end(signal.SIGKILL)
    try:
        page.context.clear_cookies()
    finally:
        server.start()
    other = page.context.new_page()
    other.goto(server.links["outsider"])
    expect(page.locator("body")).not_to_contain_text("Seen by the first", timeout=15_000)
    history.bring_to_front()
    history.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(history.locator("body")).not_to_contain_text("Timeline", timeout=15_000)
