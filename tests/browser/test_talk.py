"""Two browsers, one of them a phone, talk about an entry; names behind an @; two who take one step."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAILS, Watch
from tests.browser.pages import add, choose, fill, open_form, row
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pair(server, chromium, people):
    """The commander at a desk and a responder with a phone, in an incident of their own with an entry."""
    address = people["commander"].start("Two who talk")
    people["commander"].let_in(address, people["responder"], EMAILS["responder"], "responder")
    people["commander"].add(address, "theories", text="The token was lent", state="open")
    watch = Watch(server, chromium)
    desk, phone = watch.visit("commander", address), watch.visit("responder", address, phone=True)
    yield desk, phone
    watch.close()


def entry(page):
    return row(page, "theories", "The token was")


def test_a_thread_from_the_first_comment_to_its_end(pair):
    desk, phone = pair
    entry(desk).hover()
    desk.keyboard.press("m")
    box = entry(desk).locator("form.say textarea")
    expect(box).to_be_focused()
    box.fill("Who had it last?")
    box.press("Control+Enter")
    expect(entry(desk).locator(".remark .words")).to_have_text("Who had it last?")
    expect(entry(desk).locator("form.say")).to_have_count(0)
    assert entry(desk).get_attribute("data-saving") is None  # it is the comment that was saved

    count = entry(phone).locator(".talk-b")
    expect(count).to_contain_text("1")
    count.tap()
    expect(count).to_have_attribute("aria-expanded", "true")
    expect(entry(phone).locator(".words")).to_be_visible()
    entry(phone).locator(".does a", has_text="Reply").tap()
    answer = entry(phone).locator("form.say textarea")
    answer.fill("Half a rep")

    # A colleague changes the entry, and says more, while the reply is half typed.
    form = open_form(entry(desk))
    fill(form, {"text": "The token was stolen"})
    form.locator("button.solid").click()
    desk.locator(".does a", has_text="New comment").click()
    entry(desk).locator("form.say textarea").fill("And when?")
    entry(desk).locator("form.say button").click()
    expect(entry(phone)).to_contain_text("The token was stolen")
    expect(entry(phone).locator(".thread")).to_have_count(2)
    expect(answer).to_have_value("Half a rep")
    expect(answer).to_be_focused()
    answer.press_sequentially("ly of mine")
    entry(phone).locator("form.say button").tap()
    expect(entry(desk).locator(".reply .words")).to_have_text("Half a reply of mine")

    # One's own words can be changed and hidden; those of others only be hidden, by the commander.
    mine = entry(phone).locator(".reply")
    expect(entry(phone).locator(".remark").first.locator("a", has_text="Edit")).to_be_hidden()
    expect(entry(phone).locator(".remark").first.locator("a", has_text="Hide")).to_be_hidden()
    expect(entry(desk).locator(".reply a", has_text="Edit")).to_be_hidden()
    expect(entry(desk).locator(".reply a", has_text="Hide")).to_be_visible()
    mine.locator("a", has_text="Edit").tap()
    mine.locator("textarea").fill("Ruth had it")
    mine.locator("form button").tap()
    expect(entry(desk).locator(".reply .words")).to_have_text("Ruth had it")
    check(phone, phone=True)
    mine.locator("a", has_text="Hide").tap()
    expect(entry(desk).locator(".reply")).to_have_count(0)
    phone.locator("#notice a", has_text="Undo").tap()
    expect(entry(desk).locator(".reply")).to_have_count(1)

    entry(desk).locator(".thread").first.locator("a", has_text="Resolve").click()
    folded = entry(phone).locator("details.thread")
    expect(folded.locator("summary")).to_contain_text("Resolved by Hanne")
    expect(folded.locator(".words").first).to_be_hidden()
    folded.locator("summary").tap()
    folded.locator("a", has_text="Reopen").tap()
    expect(entry(desk).locator("details.thread")).to_have_count(0)
    check(desk, phone=False)


def test_a_comment_is_not_thrown_away_unasked_and_escape_leaves_it(pair):
    desk, phone = pair
    choose(entry(desk), "Comment")
    box = entry(desk).locator("form.say textarea")
    box.fill("Not yet")
    asked = []
    desk.remove_listener("dialog", desk.answer)
    desk.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    box.press("Escape")
    expect(box).to_have_value("Not yet")
    desk.on("dialog", desk.answer)
    box.press("Escape")
    expect(box).to_have_count(0)
    expect(entry(desk)).to_have_count(1)
    assert asked == ["Discard what you typed? It is not saved."]


def test_a_name_is_completed_by_keys_and_by_touch(pair):
    desk, phone = pair
    choose(entry(desk), "Comment")
    box = entry(desk).locator("form.say textarea")
    box.press_sequentially("Ask @yus")
    names = desk.locator("#names")
    expect(names.get_by_role("option")).to_have_text(["Yusuf Arslan"])
    check(desk, phone=False, within="#names, form.say")
    box.press("Escape")
    expect(names).to_be_hidden()
    expect(box).to_have_value("Ask @yus")
    box.press("u")
    expect(names).to_be_visible()
    box.press("Tab")
    expect(box).to_have_value("Ask @Yusuf Arslan ")
    box.press_sequentially("or @")
    expect(names.get_by_role("option")).to_have_count(2)
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "name-1")
    box.press("Enter")
    expect(box).to_have_value("Ask @Yusuf Arslan or @Yusuf Arslan ")
    box.press("Control+Enter")
    expect(entry(phone).locator(".named").first).to_have_text("@Yusuf Arslan")

    phone.locator(".tabbar .cap").tap()
    line = phone.locator("#cap")
    line.press_sequentially("Told @han")
    phone.locator("#names").get_by_role("option", name="Hanne Verbrugge").tap()
    expect(line).to_have_value("Told @Hanne Verbrugge ")
    expect(line).to_be_focused()
    line.press("Enter")
    expect(row(desk, "timeline", "Told @Hanne Verbrugge")).to_have_count(1)
    phone.locator("#capture [popovertargetaction=hide]").tap()


def test_whoever_is_second_to_take_a_step_is_told_who_has_it(pair):
    desk, phone = pair
    add(desk, "next_steps", "Close the account")
    step = row(phone, "next_steps", "Close the account")
    expect(step).to_have_count(1)
    phone.route("**/live/**", lambda route: route.abort())
    phone.evaluate("document.querySelector('#next_steps .take').dataset.was = 'there'")

    def second(route):
        with desk.expect_response("**/do/take/"):
            row(desk, "next_steps", "Close").locator(".take").click()
        route.continue_()

    phone.route("**/do/take/", second)
    step.locator(".take").tap()
    expect(phone.locator("#notice")).to_contain_text("Hanne Verbrugge took it")
    expect(step.locator(".chip")).to_contain_text("Hanne")
    expect(step.locator(".give")).to_be_hidden()
    row(desk, "next_steps", "Close the account").locator(".give").click()
    expect(row(desk, "next_steps", "Close the account").locator(".take")).to_have_count(1)


def test_a_step_with_a_team_is_taken_with_the_mouse(pair, people):
    desk, _ = pair
    address = urlsplit(desk.url).path
    people["commander"].add(
        address,
        "next_steps",
        text="Ask the vendor",
        assignee_role="platform team",
        state="open",
        priority="normal",
    )
    step = row(desk, "next_steps", "Ask the vendor")
    step.hover()
    step.locator(".take").click(timeout=5000)
    expect(step.locator(".chip")).to_contain_text("Hanne")


def test_without_scripts_one_comments_changes_and_hides(visit, people, fresh):
    people["commander"].add(fresh, "lessons", text="Rotate the keys")
    page = visit("responder", fresh, scripts=False)
    row(page, "lessons", "Rotate the keys").locator("summary").click()
    row(page, "lessons", "Rotate the keys").locator(".menu-list a", has_text="Comment").click()
    page.get_by_role("textbox", name="Your comment").fill("Which ones?")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".remark .words")).to_have_text("Which ones?")
    page.locator(".remark a", has_text="Edit").click()
    page.get_by_role("textbox", name="The comment").fill("Which of them?")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".remark .words")).to_have_text("Which of them?")
    page.locator(".thread > .does a", has_text="Reply").click()
    page.get_by_role("textbox", name="Your reply").fill("All")
    page.get_by_role("button", name="Reply").click()
    expect(page.locator(".reply .words")).to_have_text("All")
    page.locator(".thread > .does a", has_text="Resolve").click()
    page.get_by_role("button", name="Resolve the thread").click()
    expect(page.locator("details.thread summary")).to_contain_text(
        "Resolved by Yusuf"
    )  # opened by its address
    page.locator(".reply a", has_text="Hide").click()
    page.get_by_role("button", name="Hide this comment").click()
    expect(page.locator(".reply")).to_have_count(0)
    page.goto(fresh)
    expect(row(page, "lessons", "Rotate the keys").locator(".talk-b")).to_contain_text("1")
