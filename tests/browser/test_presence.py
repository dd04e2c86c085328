"""Who is here and who edits what, as colleagues see it; executives see neither."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAILS
from tests.browser.pages import open_form

pytestmark = pytest.mark.browser


def test_colleagues_see_who_is_here_and_who_edits_which_entry(visit, people, fresh):
    entry = people["commander"].add(fresh, "lessons", text="Rotate the keys")
    desk, phone = visit("commander", fresh), visit("responder", fresh, phone=True)
    expect(desk.locator("#here .av")).to_have_attribute("title", "Yusuf Arslan")
    expect(phone.locator("#here .av")).to_have_attribute("title", "Hanne Verbrugge")
    form = open_form(phone.locator(f"#lessons-{entry}"))
    marked = desk.locator(f"#lessons-{entry}[data-editing='Yusuf Arslan']")
    marked.wait_for(timeout=3000)
    assert marked.evaluate("row => getComputedStyle(row, '::after').content").endswith('Arslan"')
    expect(desk.locator("#here .av")).to_have_attribute("title", "Yusuf Arslan, editing Lessons learned")
    assert phone.locator("[data-editing]").count() == 0
    people["commander"].post(f"{fresh}lessons/{entry}/", version="1", text="Rotate all the keys")
    expect(marked).to_contain_text("Rotate all the keys")
    form.locator("[data-cancel]").click()
    expect(marked).to_have_count(0, timeout=3000)
    phone.close()
    expect(desk.locator("#here")).to_be_hidden(timeout=5000)


def test_two_tabs_of_one_person_are_one_and_an_executive_sees_nobody(visit, people, fresh):
    people["commander"].let_in(fresh, people["executive"], EMAILS["executive"], "executive")
    page, executive = visit("responder", fresh), visit("executive", fresh)
    page.context.new_page().goto(fresh)
    desk = visit("commander", fresh)
    expect(desk.locator("#here .av")).to_have_count(1)
    assert "Yusuf" not in executive.content()
