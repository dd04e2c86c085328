"""Looking back without leaving the document: the drawer, what is new to me, as known at, undo."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import add, choose, open_form, row
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser

KEEP = {"at_0": "24 Nov 2026", "at_1": "10:00"}


@pytest.fixture
def entry(people, fresh) -> str:
    """An entry of the commander's with two versions."""
    chosen = people["commander"].add(fresh, "timeline", **KEEP, text="First words")
    people["commander"].post(f"{fresh}timeline/{chosen}/", **KEEP, text="Second words", version="1")
    return chosen


def test_the_drawer_by_keyboard_restores_and_gives_the_focus_back(visit, people, fresh, entry):
    page = visit("responder", fresh)
    page.locator(f"#timeline-{entry} .acts summary").focus()
    page.keyboard.press("h")
    drawer = page.get_by_role("dialog", name="History")
    expect(drawer.locator(".chg")).to_have_count(2)
    expect(drawer.locator("ins").first).to_have_text("Second")
    people["commander"].post(f"{fresh}timeline/{entry}/", **KEEP, text="Third words", version="2")
    expect(drawer.locator(".chg")).to_have_count(3)  # it came in while the drawer was open
    expect(drawer.locator(":focus")).to_have_count(1)
    drawer.get_by_role("button", name="Restore version 1").press("Enter")
    expect(drawer.locator(".chg")).to_have_count(4)
    expect(drawer.locator(".chg").first).to_contain_text("Version 1 restored")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.locator(f"#timeline-{entry}")).to_contain_text("First words")
    expect(page.locator(f"#timeline-{entry} .acts summary")).to_be_focused()
    assert page.url.split("#")[0].endswith(fresh)


def test_rows_that_come_after_escape_do_not_open_the_drawer_again(visit, people, fresh, entry):
    page = visit("responder", fresh)
    page.locator(f"#timeline-{entry} .acts summary").focus()
    page.keyboard.press("h")
    drawer = page.get_by_role("dialog", name="History")
    expect(drawer.locator(".chg")).to_have_count(2)
    held = []
    page.route("**/history/**", lambda route: held.append(route))
    people["commander"].post(f"{fresh}timeline/{entry}/", **KEEP, text="Third words", version="2")
    for _ in range(50):
        if held:
            break
        page.wait_for_timeout(100)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    [asked] = held
    with page.expect_response("**/history/**"):
        asked.continue_()
    page.wait_for_timeout(300)
    expect(drawer).to_be_hidden()
    expect(page.locator(f"#timeline-{entry} .acts summary")).to_be_focused()


@pytest.mark.parametrize("phone", [False, True])
def test_the_drawer_sieves_and_has_no_fault(visit, people, fresh, entry, phone):
    people["responder"].add(fresh, "lessons", text="Rotate the keys")
    page = visit("commander", fresh, phone=phone)
    page.locator("#timeline .sec-h").get_by_role("link", name="History of Timeline").click()
    drawer = page.get_by_role("dialog", name="History")
    expect(drawer.locator(".chg")).to_have_count(2)
    check(page, phone=phone)
    drawer.get_by_label("Section", exact=True).select_option("")
    drawer.get_by_label("Person", exact=True).select_option(label="Yusuf Arslan")
    expect(drawer.locator(".chg", has_text="Rotate the keys")).to_have_count(1)
    expect(drawer.locator(".chg", has_text="words")).to_have_count(0)
    drawer.get_by_role("link", name="Everything").click()
    drawer.get_by_role("link", name="Corrections").click()
    expect(drawer.locator(".chg")).to_have_count(1)
    if phone:
        assert drawer.bounding_box()["width"] == 390
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_be_hidden()


def test_what_others_did_is_marked_until_it_was_seen(visit, people, fresh, entry):
    page = visit("responder", fresh)
    with page.expect_response(lambda answer: answer.url.endswith("/since/")):
        pass  # the first look
    page.goto("about:blank")
    people["commander"].add(fresh, "comms", audience="Staff", text="While away")
    page.goto(fresh)
    mark = page.locator("[data-mark=comms] .dot")
    expect(mark).to_have_count(1)
    expect(page.locator("#since")).to_contain_text("1 change since")
    expect(page.locator("#comms .entry[data-unseen]")).to_have_count(1)
    page.reload()
    expect(mark).to_have_count(1)  # not lost by a reload
    page.locator("#since a").click()
    expect(page.locator(".chg")).to_contain_text("While away")
    check(page, phone=False)
    page.go_back()
    page.locator("#comms").scroll_into_view_if_needed()
    with page.expect_response(lambda answer: answer.url.endswith("/since/")):
        expect(mark).to_have_count(0)  # seen: on the screen for two seconds
    page.reload()
    expect(page.locator("#since")).to_contain_text("1 change since")
    expect(page.locator("[data-mark] .dot")).to_have_count(0)
    page.evaluate("scrollTo(0, 0)")  # what arrives out of sight is marked as well
    people["commander"].add(fresh, "appendix", name="gateway log", text="10:44 deny", kind="extract")
    expect(page.locator("[data-mark=appendix] .dot")).to_have_count(1)


def test_a_comment_and_what_is_kept_back_from_a_form_are_new_too(visit, people, fresh):
    log = people["commander"].add(fresh, "appendix", name="gateway log", text="10:44 deny", kind="extract")
    lesson = people["commander"].add(fresh, "lessons", text="Rotate the keys")
    page = visit("responder", fresh)
    open_form(page.locator(f"#lessons-{lesson}"))
    with page.expect_response(lambda answer: answer.url.endswith("/since/")):
        page.evaluate("scrollTo(0, 0)")
    people["responder"].post(f"{fresh}appendix/{log}/talk/", text="By this person")
    expect(page.locator(f"#appendix-{log} .talk-b")).to_contain_text("1")
    expect(page.locator("[data-mark] .dot")).to_have_count(0)
    people["commander"].post(f"{fresh}appendix/{log}/talk/", text="By another")
    people["commander"].post(f"{fresh}lessons/{lesson}/", text="Rotate them all", version="1")
    expect(page.locator("[data-mark=appendix] .dot")).to_have_count(1)
    expect(page.locator("[data-mark=lessons] .dot")).to_have_count(1)
    expect(page.locator(".entry[data-unseen]")).to_have_count(2)


def test_seen_is_a_button(visit, people, fresh):
    page = visit("responder", fresh)
    with page.expect_response(lambda answer: answer.url.endswith("/since/")):
        pass
    page.goto("about:blank")
    for section in ("lessons", "theories"):
        people["commander"].add(fresh, section, text="While away", state="open", becomes="none")
    page.goto(fresh)
    expect(page.locator("[data-mark] .dot")).to_have_count(2)
    with page.expect_response(lambda answer: answer.url.endswith("/since/")):
        page.get_by_role("button", name="Seen").click()
    expect(page.locator("[data-mark] .dot")).to_have_count(0)
    page.reload()
    expect(page.locator("[data-mark] .dot")).to_have_count(0)
    page.set_viewport_size({"width": 1440, "height": 4000})  # the bar at the foot covers nothing
    check(page, phone=False)


@pytest.mark.parametrize("phone", [False, True])
def test_the_document_as_it_was_known(visit, people, fresh, entry, phone):
    page = visit("responder", fresh, phone=phone)
    page.locator("#timeline .sec-h").get_by_role("link", name="History of Timeline").click()
    page.locator("dialog .chg").last.locator("summary").click()
    page.locator("dialog .chg").last.get_by_role("link", name="The document then").click()
    expect(page.locator(".past-said")).to_contain_text("Read-only.")
    expect(page.locator("#timeline")).to_contain_text("First words")
    check(page, phone=phone)
    page.get_by_role("link", name="Later").click()
    expect(page.locator("#timeline")).to_contain_text("Second words")
    page.locator("#known-day").fill("24 Nov 1999")
    page.locator("#known-clock").fill("")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_contain_text("had not been started")
    check(page, phone=phone)


def test_undo_by_button_by_keyboard_and_after_a_reload(visit, fresh):
    page = visit("responder", fresh)
    add(page, "lessons", "Undone by the button")
    page.locator("#notice").get_by_role("button", name="Undo").click()
    expect(row(page, "lessons", "Undone by the button")).to_have_count(0)
    expect(page.locator("#notice")).to_contain_text("Undone.")
    add(page, "lessons", "Kept words")
    form = open_form(row(page, "lessons", "Kept words"))
    form.locator("[name=text]").fill("Other words")
    form.locator("button.solid").click()
    expect(row(page, "lessons", "Other words")).to_have_count(1)
    row(page, "lessons", "Other words").locator(".acts summary").focus()
    page.keyboard.press("Control+z")
    expect(row(page, "lessons", "Kept words")).to_have_count(1)
    expect(page.locator("#notice")).to_contain_text("Undone.")
    page.keyboard.press("Control+z")
    expect(page.locator("#notice")).to_contain_text("was an undo")
    choose(row(page, "lessons", "Kept words"), "Hide")
    expect(row(page, "lessons", "Kept words")).to_have_count(0)
    page.reload()
    page.locator("#notice").get_by_role("button", name="Undo").click()
    expect(row(page, "lessons", "Kept words")).to_have_count(1)
    # It stands while other things are done, and leaves by itself.
    add(page, "lessons", "Still there")
    open_form(row(page, "lessons", "Kept words"))
    expect(page.locator("#notice").get_by_role("button", name="Undo")).to_be_visible()


def test_undo_of_a_line_from_the_foot_of_the_page(visit, fresh):
    page = visit("responder", fresh)
    page.locator("#cap").fill("Undone line")
    page.locator("#cap").press("Enter")
    expect(row(page, "timeline", "Undone line")).to_have_count(1)
    page.locator("#notice").get_by_role("button", name="Undo").click()
    expect(row(page, "timeline", "Undone line")).to_have_count(0)
    expect(page.locator("#notice")).to_contain_text("Undone.")


@pytest.mark.parametrize("place", ["form", "line"])
def test_the_undo_button_leaves_after_its_minute(visit, fresh, place):
    page = visit("responder", fresh)
    page.clock.install()
    if place == "form":
        add(page, "lessons", "Something")
    else:
        page.locator("#cap").fill("Something")
        page.locator("#cap").press("Enter")
    expect(page.locator("#notice [data-undo]")).to_have_count(1)
    page.clock.run_for(59_000)
    expect(page.locator("#notice [data-undo]")).to_have_count(1)
    page.clock.run_for(2_000)
    expect(page.locator("#notice [data-undo]")).to_have_count(0)


def test_the_notice_is_put_away_by_its_button_and_by_escape(visit, fresh):
    page = visit("responder", fresh)
    notice = page.locator(".notice")
    for put_away in (
        notice.get_by_role("button", name="Close").click,
        lambda: page.keyboard.press("Escape"),
    ):
        add(page, "lessons", "Something")
        expect(notice).to_contain_text("Added to Lessons")
        page.locator("#cap").press("Escape")  # that one is the field's
        expect(notice).to_be_visible()
        put_away()
        expect(notice).to_be_hidden()


def test_undo_and_history_without_scripts(visit, people, fresh):
    page = visit("responder", fresh, scripts=False)
    page.locator("#lessons [data-add]").click()
    page.locator("[name=text]").first.fill("Written without scripts")
    page.get_by_role("button", name="Add").first.click()
    expect(page.locator("[data-put-away]")).to_be_hidden()
    page.locator("#notice").get_by_role("button", name="Undo").click()
    expect(row(page, "lessons", "Written without scripts")).to_have_count(0)
    page.locator("#lessons .sec-h").get_by_role("link", name="History of Lessons").click()
    expect(page.locator("h1")).to_have_text("History")
    expect(page.locator(".chg")).to_have_count(2)
