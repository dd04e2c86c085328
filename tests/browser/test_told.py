"""Being told: a mention reaches the bell, the list leads to the entry; choices and the webhook are set."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAILS
from tests.browser.server import EXAMPLE
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_mention_rings_the_bell_and_leads_to_the_entry(visit, server, people, fresh, phone):
    codename = people["commander"].codename(fresh)
    server.manage("worker", "--once")  # of everything before
    page = visit("responder", fresh, phone=phone)
    bell = page.locator(".bell")
    before = int(bell.locator(".vh [data-unread]").inner_text())
    entry = people["commander"].add(fresh, "theories", text="Ask @Yusuf Arslan about it", state="open")
    server.manage("worker", "--once")
    page.evaluate("document.dispatchEvent(new CustomEvent('sitroom:told'))")
    expect(bell.locator(".badge")).to_have_text(str(before + 1))
    expect(bell).to_have_accessible_name(f"Notices, {before + 1} unread")
    bell.focus()
    page.keyboard.press("Enter")
    row = page.locator(".notices button", has_text=codename)
    expect(row).to_contain_text("mentioned you in H-1")
    check(page, phone=phone)
    row.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#theories-{entry}")).to_be_in_viewport()
    assert int(bell.locator(".vh [data-unread]").inner_text()) == before
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_link_leads_to_an_entry_below_many_that_were_not_drawn_yet(visit, phone):
    page = visit("responder", EXAMPLE, phone=phone)
    rows = page.locator("#appendix .entry")
    last, middle = (rows.nth(n).get_attribute("id") for n in (-1, 6))
    page.goto("/incidents/notices/")
    page.goto(f"{EXAMPLE}#{last}")
    page.wait_for_timeout(500)
    expect(page.locator(f"#{last} > .acts")).to_be_in_viewport()
    page.evaluate(f"location.hash = '{middle}'")
    page.wait_for_timeout(500)
    expect(page.locator(f"#{middle} > .acts")).to_be_in_viewport()


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_choices_and_webhook_are_sound_and_can_be_set(visit, fresh, phone):
    page = visit("commander", "/incidents/notices/choices/", phone=phone)
    page.get_by_label("No mail from").fill("22:00")
    page.get_by_label("until", exact=True).fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".errors")).to_contain_text("need a beginning and an end")
    check(page, phone=phone)
    page.get_by_label("until", exact=True).fill("07:00")
    page.get_by_label("Somebody mentions you").select_option("none")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".told")).to_have_text("Saved.")
    expect(page.get_by_label("Somebody mentions you")).to_have_value("none")
    page.goto(f"{fresh}webhook/")
    page.get_by_label("Address").fill("https://chat.example/hooks/1")
    page.get_by_label("the status changed").check()
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("code.secret")).to_have_text(re.compile("^[0-9a-f]{64}$"))
    check(page, phone=phone)
    page.get_by_role("button", name="Switch off").click()
    expect(page.locator(".note")).to_contain_text("Off.")


def test_the_list_works_without_scripts(visit, server, people, fresh):
    people["commander"].add(fresh, "theories", text="@Yusuf Arslan", state="open")
    server.manage("worker", "--once")
    page = visit("responder", "/incidents/notices/", scripts=False)
    page.get_by_role("button", name="All read").click()
    expect(page.locator(".notices .new")).to_have_count(0)
    page.locator(".notices button", has_text=people["commander"].codename(fresh)).click()
    expect(page.locator("#theories .entry")).to_contain_text("@Yusuf Arslan")
    assert EMAILS["responder"] in page.content()
