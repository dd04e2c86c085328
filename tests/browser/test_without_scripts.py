"""Without JavaScript one can sign in, read, add, edit, hide, bring back, manage people and take the report."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAILS
from tests.browser.pages import fill, least, row, shown
from tests.browser.server import EXAMPLE, PASSWORD

pytestmark = pytest.mark.browser


def test_signing_in_and_out_by_password(visit):
    page = visit(None, EXAMPLE, scripts=False)
    page.get_by_label("E-mail").fill(EMAILS["commander"])
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("E-mail").fill(EMAILS["commander"])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{page.url.split('/incidents')[0]}{EXAMPLE}")
    page.locator(".topbar .me summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("section", ["timeline", "next_steps", "appendix"])
def test_an_entry_from_add_to_bringing_it_back(visit, fresh, section):
    page = visit("responder", fresh, scripts=False)
    page.locator(f"#{section} [data-add]").click()
    form = page.locator("form.edit").first
    fill(form, least(section, "plain first"))
    form.locator("button.solid").click()
    row(page, section, "plain first").locator("summary").click()
    row(page, section, "plain first").locator(".menu-list a", has_text="Edit").click()
    fill(page.locator("form.edit").first, {shown(section): "plain other"})
    page.locator("form.edit button.solid").first.click()
    row(page, section, "plain other").locator("summary").click()
    row(page, section, "plain other").locator(".menu-list a", has_text="Hide").click()
    page.get_by_role("button", name="Hide this entry").click()
    expect(row(page, section, "plain other")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row(page, section, "plain other")).to_have_count(1)


def test_capturing_and_a_fault(visit, fresh):
    page = visit("responder", fresh, scripts=False)
    page.locator("#cap").fill("Captured plainly")
    page.locator("#capture .add").click()
    expect(row(page, "timeline", "Captured plainly")).to_have_count(1)
    page.locator("#timeline [data-add]").click()
    page.locator("[name=text]").fill("Kept in spite of the date")
    page.locator("[name=at_0]").fill("yesterday or so")
    page.locator("form.edit button.solid").click()
    expect(page.get_by_role("alert")).to_contain_text("What you typed is kept")
    expect(page.locator("[name=text]")).to_have_value("Kept in spite of the date")


def test_people_status_and_settings(visit, people):
    address = people["commander"].start()
    page = visit("commander", f"{address}people/", scripts=False)
    page.get_by_label("Invite by e-mail").fill(EMAILS["reader"])
    page.locator(".invite [name=role]").select_option("reader")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.locator(".roster li", has_text=EMAILS["reader"])).to_contain_text("Not yet")
    people["reader"].come_in(people["commander"].codename(address))
    page.reload()
    person = page.locator(".roster li", has_text="Paolo Ferrante")
    person.locator(".change summary").click()
    person.locator("[name=role]").select_option("responder")
    person.get_by_role("button", name="Change", exact=True).click()
    expect(person.locator(".role")).to_have_text("Responder")
    person.locator(".change summary").click()
    person.locator("[name=reason]").fill("Moved to another team")
    person.get_by_role("button", name="Remove").click()
    expect(person).to_have_count(0)
    page.locator(".left summary").click()
    expect(page.locator(".left")).to_contain_text("Moved to another team")
    page.goto(address)
    page.locator(".topbar summary[aria-label='Change the status']").click()
    page.get_by_role("button", name="Contained").click()
    expect(page.locator("#steps [aria-current]")).to_have_text("Contained")
    page.locator("#doc-head a").click()
    page.get_by_label("Title").fill("A better title")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A better title")


def test_an_invited_reader_accepts_first(visit, people):
    address = people["commander"].start()
    people["commander"].post(f"{address}people/", email=EMAILS["reader"], role="reader")
    page = visit("reader", scripts=False)
    page.locator("a", has_text=people["commander"].codename(address)).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Before you go in")
    page.get_by_role("button", name="I accept").click()
    expect(page).to_have_url(f"{page.url.split('/incidents')[0]}{address}")


def test_a_conflict_is_shown_and_settled(visit, people, fresh):
    entry = people["commander"].add(fresh, "lessons", text="Rotate keys yearly")
    page = visit("responder", f"{fresh}lessons/{entry}/edit/", scripts=False)
    people["commander"].post(
        f"{fresh}lessons/{entry}/", version="1", text="Rotate keys monthly", becomes="none"
    )
    page.locator("[name=text]").fill("Rotate keys weekly")
    page.locator("form.edit button.solid").click()
    expect(page.locator(".versus")).to_contain_text("monthly")
    expect(page.locator(".versus")).to_contain_text("weekly")
    page.get_by_role("button", name="Keep yours").click()
    expect(row(page, "lessons", "Rotate keys weekly")).to_have_count(1)
