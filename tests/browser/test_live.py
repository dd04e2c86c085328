"""Two browsers on one document, one of them a phone: what one writes, the other sees within a second."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAILS, Watch
from tests.browser.pages import MANY, add, choose, fill, open_form, row, shown

pytestmark = pytest.mark.browser

SECOND = 1000


@pytest.fixture(scope="module")
def pair(server, chromium, people):
    """The commander at a desk and a responder with a phone, in an incident of their own."""
    address = people["commander"].start("Two browsers")
    people["commander"].let_in(address, people["responder"], EMAILS["responder"], "responder")
    watch = Watch(server, chromium)
    desk, phone = watch.visit("commander", address), watch.visit("responder", address, phone=True)
    for page in (desk, phone):
        page.evaluate("window.loadedOnce = true")
    yield desk, phone
    for page in (desk, phone):
        assert page.evaluate("window.loadedOnce"), "a page was loaded again"
    watch.close()


def seen_within_a_second(locator, state: str = "attached") -> float:
    """Wait for what the other browser must show; the seconds that it took."""
    began = time.monotonic()
    locator.wait_for(state=state, timeout=SECOND)
    return time.monotonic() - began


@pytest.mark.parametrize("section", MANY)
def test_the_other_browser_shows_each_step_within_a_second(pair, section):
    here, there = pair if MANY.index(section) % 2 else reversed(pair)  # desk and phone take turns in writing
    first, second = f"{section} first words", f"{section} other words"
    times = []

    add(here, section, first)
    times.append(seen_within_a_second(row(there, section, first)))

    form = open_form(row(here, section, first))
    fill(form, {shown(section): second})
    form.locator("button.solid").click()
    times.append(seen_within_a_second(row(there, section, second)))
    assert row(there, section, first).count() == 0

    choose(row(here, section, second), "Hide")
    times.append(seen_within_a_second(row(there, section, second), "detached"))

    here.locator("#notice").get_by_role("button", name="Undo").click()
    times.append(seen_within_a_second(row(there, section, second)))
    row(here, section, second).wait_for()
    assert row(here, section, second).count() == row(there, section, second).count() == 1
    print(f"{section}: slowest {max(times):.3f} s")


def test_the_summary_changes_on_the_other_browser_within_a_second(pair):
    desk, phone = pair
    desk.locator("#summary [data-edit]").click()
    form = desk.locator("#summary form.edit")
    fill(form, {"statement": "One mailbox was read; the intruder is out."})
    form.locator("button.solid").click()
    seen_within_a_second(phone.locator("#summary .entry", has_text="One mailbox was read"))


def test_status_counts_and_announcements_follow(pair):
    desk, phone = pair
    before = int(phone.locator("#timeline .cnt").inner_text())
    add(desk, "timeline", "counted on the other side")
    seen_within_a_second(row(phone, "timeline", "counted on the other side"))
    assert int(phone.locator("#timeline .cnt").inner_text()) == before + 1
    assert "added this just now" in row(phone, "timeline", "counted").get_attribute("data-new")
    assert row(desk, "timeline", "counted").get_attribute("data-new") is None
    token = desk.locator(".topbar .menu input[name=csrfmiddlewaretoken]").first.input_value()
    address = desk.locator(".topbar form[action$='status/']").get_attribute("action")
    desk.request.post(address, form={"csrfmiddlewaretoken": token, "status": "contained"})
    seen_within_a_second(phone.locator("#status-tag", has_text="Contained"))
    seen_within_a_second(desk.locator("#steps [aria-current]", has_text="Contained"))


def test_an_open_menu_stays_open_when_a_colleague_changes_the_entry(pair):
    here, there = pair
    add(here, "theories", "The token was lent")
    row(there, "theories", "The token was lent").locator(".acts summary").press("Enter")
    form = open_form(row(here, "theories", "The token was lent"))
    fill(form, {"text": "The token was stolen"})
    form.locator("button.solid").click()
    changed = row(there, "theories", "The token was stolen")
    seen_within_a_second(changed)
    choice = changed.locator(".menu-list a", has_text="Hide")
    assert choice.is_visible()
    choice.click()
    seen_within_a_second(row(here, "theories", "The token was stolen"), "detached")


def test_a_form_opens_although_the_entry_was_changed_while_it_was_on_its_way(pair):
    here, there = pair
    add(here, "theories", "The badge was lent")
    entry = row(there, "theories", "The badge was lent")
    name, held = entry.get_attribute("id"), []
    there.route("**/edit/", lambda route: held.append(route), times=1)
    choose(entry, "Edit")
    expect(there.locator(f"#{name} .htmx-request")).to_have_count(1)
    form = open_form(row(here, "theories", "The badge was lent"))
    fill(form, {"text": "The badge was stolen"})
    form.locator("button.solid").click()
    seen_within_a_second(row(there, "theories", "The badge was stolen"))
    [on_its_way] = held
    on_its_way.continue_()
    expect(there.locator(f"#{name} form.edit [name=text]")).to_have_value("The badge was stolen")
