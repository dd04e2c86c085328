"""Three people work in one document, one of them by phone, while the server dies in the middle."""

import signal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAILS
from tests.browser.pages import add, choose, open_form, row

pytestmark = pytest.mark.browser


def test_three_people_work_in_one_document(server, visit, people, fresh):
    people["commander"].let_in(fresh, people["legal"], EMAILS["legal"], "responder")
    desk, phone, third = [
        visit("commander", fresh),
        visit("responder", fresh, phone=True),
        visit("legal", fresh),
    ]
    everybody = (desk, phone, third)

    # Each of them is seen by the others, and so is what they edit.
    for page in (desk, third):
        expect(page.locator("#here .av")).to_have_count(2)  # the two others
    add(desk, "theories", "The token was lent to a contractor last week")
    for page in everybody:
        expect(row(page, "theories", "The token was lent")).to_have_count(1)
    first = open_form(row(desk, "theories", "The token was lent"))
    second = open_form(row(phone, "theories", "The token was lent"))
    expect(row(third, "theories", "The token was lent")).to_have_attribute(
        "data-editing", "Hanne Verbrugge, Yusuf Arslan"
    )

    # Both change other words: both are in it, and the second is told so in one line.
    first.locator("[name=text]").fill("The key was lent to a contractor last week")
    first.locator("button.solid").click()
    expect(second).to_contain_text("Hanne Verbrugge changed this meanwhile")
    second.locator("[name=text]").fill("The token was lent to a contractor in October")
    second.locator("button.solid").tap()
    expect(phone.locator("#notice")).to_contain_text("both changes are in it")
    for page in everybody:
        expect(row(page, "theories", "The key was lent to a contractor in October")).to_have_count(1)

    # Both change the same words: nothing is overwritten, the joined text holds both.
    first = open_form(row(desk, "theories", "The key was lent"))
    second = open_form(row(third, "theories", "The key was lent"))
    first.locator("[name=text]").fill("Apples")
    first.locator("button.solid").click()
    expect(row(third, "theories", "Apples")).to_have_count(0)  # somebody types there
    second.locator("[name=text]").fill("Pears")
    second.locator("button.solid").click()
    both = third.locator(".conflict")
    expect(both).to_contain_text("Hanne Verbrugge saved this entry while you were writing")
    both.locator("button", has_text="Save joined").click()
    for page in everybody:
        expect(row(page, "theories", "Apples")).to_contain_text("Pears")

    # A comment that names somebody; a step that one takes and ticks.
    theory = row(phone, "theories", "Apples")
    choose(theory, "Comment")
    theory.locator("form.say textarea").fill("@Hanne Verbrugge look at this")
    theory.locator("form.say button").tap()
    expect(row(desk, "theories", "Apples").locator(".talk-b")).to_contain_text("1")
    add(desk, "next_steps", "Close the account")
    row(phone, "next_steps", "Close the account").locator(".take").tap()
    expect(row(third, "next_steps", "Close the account").locator(".chip")).to_contain_text("Yusuf")
    row(phone, "next_steps", "Close the account").locator("input[type=checkbox]").tap()
    expect(row(desk, "next_steps", "Close the account")).to_have_attribute("data-state", "done")

    # The server dies. What is written meanwhile is kept, and sent by itself when it is back.
    server.end(signal.SIGKILL)
    try:
        for page, text in ((desk, "Seen from the desk"), (third, "Seen by the third")):
            page.locator("#cap").fill(text)
            page.locator("#cap").press("Enter")
            expect(page.locator("[data-unsent]")).to_have_text("Not sent, 1 kept")
    finally:
        server.start()
    for page in everybody:
        for text in ("Seen from the desk", "Seen by the third"):
            expect(row(page, "timeline", text)).to_have_count(1, timeout=15_000)

    # One hides an entry, another brings it back.
    choose(row(third, "theories", "Apples"), "Hide")
    expect(row(desk, "theories", "Apples")).to_have_count(0)
    third.locator("#notice").get_by_role("button", name="Undo").click()
    for page in everybody:
        expect(row(page, "theories", "Apples")).to_have_count(1)
