"""Nobody loses a word: forms and lines outlive a cut, a reload and a session, and are stored once."""

import re
import signal

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.conftest import EMAILS
from tests.browser.pages import add, choose, open_form, row
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser

KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('unsent ')).length"
BACK = "Brought back from this device: not saved yet."
END_SESSION = """
from django.contrib.sessions.models import Session
for session in Session.objects.filter(session_key={key!r}):
    session.delete()
"""


def state(page: Page):
    """Where the page says how things stand."""
    return page.locator("[data-unsent]")


def stored(page: Page, *words: str) -> None:
    """The server holds each of these once, the page says that all is saved, the device keeps nothing."""
    for text in words:
        expect(page.locator(".entry[data-rev] .x", has_text=text)).to_have_count(1, timeout=10_000)
    expect(state(page)).to_have_text("Saved")
    assert page.evaluate(KEPT) == 0
    page.reload()
    for text in words:
        expect(page.locator(".entry .x", has_text=text)).to_have_count(1)


def sign_in(page: Page, server, role: str) -> None:
    """Whatever page it was, somebody signs in in its browser; the page may be on its way to the sign-in itself."""
    try:
        page.goto(server.links[role])
    except Error:
        page.goto(server.links[role])


def end_session(page: Page, server) -> None:
    """As if nobody had done anything for too long."""
    [key] = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "sessionid"]
    server.manage("shell", "-v", "0", "-c", END_SESSION.format(key=key))


def in_timeline(page: Page, text: str):
    """A form for a new entry with words that were not sent."""
    page.locator("#timeline [data-add]").click()
    form = page.locator("#timeline-adder form")
    form.locator("[name=text]").fill(text)
    expect(state(page)).to_have_text("Not sent, 1 kept")
    return form


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_what_was_sent_into_a_cut_is_stored_once_when_the_line_is_back(visit, fresh, phone):
    page = visit("responder", fresh, phone=phone)
    add(page, "lessons", "As it stood")
    form = open_form(row(page, "lessons", "As it stood"))
    page.context.set_offline(True)
    form.locator("[name=text]").fill("Changed in a tunnel")
    form.locator("[name=text]").press("Control+Enter")
    expect(form.locator("[data-line]")).to_contain_text("Not sent")
    if phone:
        page.locator(".tabbar .cap").click()
    for text in ("First line in a tunnel", "Second line in a tunnel"):
        page.locator("#cap").fill(text)
        page.locator("#cap").press("Enter")
        expect(page.locator("#cap")).to_have_value("")
        expect(row(page, "timeline", text)).to_have_attribute("data-failed", "")
    expect(state(page)).to_have_text("Not sent, 3 kept")
    page.context.set_offline(False)
    stored(page, "Changed in a tunnel", "First line in a tunnel", "Second line in a tunnel")


def test_what_waited_is_sent_by_the_page_that_is_opened_next(server, visit, fresh):
    page = visit("responder", fresh)
    form = in_timeline(page, "Form without a server")
    server.end(signal.SIGKILL)
    try:
        form.locator("[name=text]").press("Control+Enter")
        page.locator("#cap").fill("Line without a server")
        page.locator("#cap").press("Enter")
        expect(state(page)).to_have_text("Not sent, 2 kept")
    finally:
        server.start()
    next_page = page.context.new_page()
    page.close()
    next_page.goto(fresh)
    stored(next_page, "Form without a server", "Line without a server")


def test_what_a_closed_tab_left_behind_is_sent_by_one_that_is_open(visit, fresh):
    page = visit("responder", fresh)
    other = page.context.new_page()
    other.goto(fresh)
    form = in_timeline(other, "Form of a closed tab")
    page.context.set_offline(True)
    form.locator("[name=text]").press("Control+Enter")
    other.locator("#cap").fill("Line of a closed tab")
    other.locator("#cap").press("Enter")
    expect(state(other)).to_have_text("Not sent, 2 kept")
    other.close()
    # The line; a form cannot be fetched yet.
    expect(state(page)).to_have_text("Not sent, 1 kept", timeout=10_000)
    page.context.set_offline(False)
    expect(row(page, "timeline", "Form of a closed tab")).to_have_count(1, timeout=15_000)
    stored(page, "Form of a closed tab", "Line of a closed tab")


def test_a_form_that_cannot_be_fetched_is_told(visit, fresh):
    page = visit("responder", fresh)
    page.context.set_offline(True)
    page.locator("#timeline [data-add]").click()
    expect(page.locator("#notice")).to_contain_text("Not done: no connection.")
    page.locator("#cap").fill("Kept")
    page.locator("#cap").press("Enter")
    expect(page.locator("#notice")).to_contain_text("Kept on this device; it is sent when the line is back.")
    page.context.set_offline(False)
    stored(page, "Kept")


def test_a_lost_answer_makes_no_second_entry_and_loses_nothing_typed_since(visit, fresh):
    page = visit("responder", fresh)
    form = in_timeline(page, "Sent once")
    page.route("**/timeline/", lambda route: (route.fetch(), route.abort()), times=1)
    form.locator("button.solid").click()
    expect(form.locator("[data-line]")).to_contain_text("Not sent")
    form.locator("[name=text]").fill("Sent once, and then more")
    expect(form.locator("[data-line]")).to_contain_text("Not saved yet")
    form.locator("button.solid").click()
    stored(page, "Sent once, and then more")


def test_words_typed_while_the_save_is_on_its_way_stay_in_the_form(visit, fresh):
    page = visit("responder", fresh)
    add(page, "lessons", "As it stood")
    form = open_form(row(page, "lessons", "As it stood"))
    page.route("**/lessons/*/", lambda route: (page.wait_for_timeout(500), route.continue_()), times=1)
    form.locator("[name=text]").fill("Half")
    form.locator("[name=text]").press("Control+Enter")
    expect(state(page)).to_have_text("Saving")
    form.locator("[name=text]").fill("Half and the other half")
    expect(form.locator("[data-line]")).to_contain_text("What you typed since is not saved yet")
    form.locator("[name=text]").press("Control+Enter")
    stored(page, "Half and the other half")


def test_a_reload_brings_back_forms_and_the_line_as_they_were(visit, fresh):
    page = visit("responder", fresh)
    add(page, "lessons", "As it stood")
    form = open_form(row(page, "lessons", "As it stood"))
    form.locator("[name=text]").fill("Half an edit")
    new = in_timeline_too(page)
    page.locator("#cap").fill("Half a line")
    expect(state(page)).to_have_text("Not sent, 3 kept")
    page.reload()
    form, new = page.locator("#lessons form.edit"), page.locator("#timeline-adder form")
    expect(form.locator("[name=text]")).to_have_value("Half an edit")
    expect(new.locator("[name=text]")).to_have_value("Half an entry")
    expect(page.locator("#cap")).to_have_value("Half a line")
    expect(form.locator("[data-line]")).to_have_text(BACK)
    expect(state(page)).to_have_text("Not sent, 3 kept")
    page.locator("#cap").press("Enter")
    new.locator("button.solid").click()
    form.locator("button.solid").click()
    stored(page, "Half an edit", "Half an entry", "Half a line")


def in_timeline_too(page: Page):
    """A second form beside the one that is open."""
    page.locator("#timeline [data-add]").click()
    page.locator("#timeline-adder [name=text]").fill("Half an entry")


def test_words_for_an_entry_that_was_hidden_are_shown_to_be_copied(visit, people, fresh):
    entry = people["commander"].add(fresh, "lessons", text="As it stood")
    page = visit("responder", fresh)
    open_form(page.locator(f"#lessons-{entry}")).locator("[name=text]").fill("Worth keeping")
    expect(state(page)).to_have_text("Not sent, 1 kept")
    page.goto("/incidents/")
    people["commander"].post(f"{fresh}lessons/{entry}/hide/")
    page.goto(fresh)
    box = page.locator(".kept")
    expect(box.locator("textarea")).to_have_value(re.compile("Worth keeping"))
    page.reload()
    box.get_by_role("button", name="Done").click()
    expect(box).to_have_count(0)
    assert page.evaluate(KEPT) == 0


def test_a_session_that_ended_costs_no_word_and_nobody_else_sees_them(server, visit, fresh, people):
    page = visit("responder", fresh)
    in_timeline(page, "Written before the time-out")
    end_session(page, server)
    said = page.locator(".told")
    expect(said).to_contain_text("What you had typed is kept on this device")
    expect(said).to_be_focused()  # what is typed on goes into no field
    page.get_by_role("heading", name="Sign in").wait_for()
    sign_in(page, server, "commander")
    page.goto(fresh)
    expect(page.locator("#timeline-adder form")).to_have_count(0)
    expect(state(page)).to_have_text("Saved")
    assert page.evaluate(KEPT) == 1
    assert "time-out" not in page.evaluate("JSON.stringify(Object.entries(localStorage))")
    sign_in(page, server, "responder")
    page.goto(fresh)
    expect(page.locator("#timeline-adder [name=text]")).to_have_value("Written before the time-out")
    page.locator("#timeline-adder button.solid").click()
    stored(page, "Written before the time-out")


def test_an_invitation_outlives_the_session_and_is_sent_once(server, visit, fresh):
    page = visit("commander", f"{fresh}people/")
    page.locator(".invite [name=email]").fill(EMAILS["reader"])
    page.wait_for_timeout(300)
    end_session(page, server)
    page.locator(".invite button").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    sign_in(page, server, "commander")
    page.goto(f"{fresh}people/")
    expect(page.locator(".invite [name=email]")).to_have_value(EMAILS["reader"])
    page.locator(".invite button").click()
    expect(page.locator("main", has_text=EMAILS["reader"])).to_be_visible()
    for _ in range(50):  # wait_for_function evaluates, which the policy of the page forbids
        if page.evaluate(KEPT):
            page.wait_for_timeout(100)
    page.reload()
    expect(page.locator(".invite [name=email]")).to_have_value("")


def test_signing_out_warns_of_what_is_not_sent_and_then_keeps_nothing(visit, fresh):
    page = visit("responder", fresh)
    in_timeline(page, "Not sent before leaving")
    asked = []
    page.remove_listener("dialog", page.answer)
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.locator(".topbar .me summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#timeline-adder [name=text]")).to_have_value("Not sent before leaving")
    assert "Not sent before leaving" in asked[0]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.evaluate(KEPT) == 0


def test_a_tick_that_was_not_sent_is_taken_back(visit, people, fresh):
    people["commander"].add(fresh, "next_steps", text="Close the account", state="open", priority="normal")
    page = visit("responder", fresh)
    tick = page.locator("#next_steps .ck input")
    page.context.set_offline(True)
    tick.click()
    expect(page.locator("#notice")).to_contain_text("Not done")
    expect(tick).not_to_be_checked()


def test_sent_again_into_a_conflict_the_form_stays_where_it_is(visit, people, fresh):
    entry = people["commander"].add(fresh, "lessons", text="As it stood")
    page = visit("responder", fresh)
    form = open_form(page.locator(f"#lessons-{entry}"))
    page.context.set_offline(True)
    form.locator("[name=text]").fill("As I say")
    form.locator("[name=text]").press("Control+Enter")
    expect(form.locator("[data-line]")).to_contain_text("Not sent")
    people["commander"].post(f"{fresh}lessons/{entry}/", version="1", text="As she says")
    page.context.set_offline(False)
    expect(form.locator("[data-line]")).to_contain_text("Press Save to compare", timeout=10_000)
    expect(form.locator("[name=text]")).to_have_value("As I say")
    expect(state(page)).to_have_text("Not sent, 1 kept")
    form.locator("button.solid").click()
    expect(page.locator(".versus")).to_contain_text("says")


def test_what_was_sent_off_before_the_session_ended_is_sent_once_the_person_is_back(server, visit, fresh):
    page = visit("responder", fresh)
    form = in_timeline(page, "Saved into a cut")
    page.context.set_offline(True)
    form.locator("button.solid").click()
    expect(form.locator("[data-line]")).to_contain_text("Not sent")
    page.locator("#cap").fill("A line into the same cut")
    page.locator("#cap").press("Enter")
    expect(state(page)).to_have_text("Not sent, 2 kept")
    end_session(page, server)
    page.wait_for_timeout(3000)  # a stream that is still up tells the page, which cannot ask why
    page.context.set_offline(False)
    page.get_by_role("heading", name="Sign in").wait_for(timeout=20_000)
    sign_in(page, server, "responder")
    page.goto(fresh)
    stored(page, "Saved into a cut", "A line into the same cut")


def test_how_much_is_kept_leads_to_each_of_it(visit, people, fresh):
    entry = people["commander"].add(fresh, "theories", text="The token was stolen", state="open")
    page = visit("responder", fresh)
    in_timeline(page, "Half written")
    form = open_form(page.locator(f"#theories-{entry}"))
    form.locator("[name=text]").fill("The token was lent")
    expect(state(page)).to_have_text("Not sent, 2 kept")
    page.locator("#appendix").scroll_into_view_if_needed()
    state(page).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#timeline-adder [name=text]")).to_be_focused()
    expect(page.locator("#timeline-adder [name=text]")).to_be_in_viewport()
    state(page).click()
    expect(form.locator("[name=text]")).to_be_focused()
    expect(form.locator("[name=text]")).to_be_in_viewport()


def test_without_cryptography_the_words_stay_in_their_tab_until_signing_out(visit, fresh):
    page = visit("responder", "/incidents/")
    page.add_init_script(
        "Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined});"
        "Object.defineProperty(Navigator.prototype, 'locks', {value: undefined})"
    )
    page.goto(fresh)
    page.locator("#cap").fill("Half a line")
    expect(state(page)).to_have_text("Not sent, 1 kept")
    page.reload()
    expect(page.locator("#cap")).to_have_value("Half a line")
    assert (page.evaluate(KEPT), page.evaluate("sessionStorage.length")) == (0, 1)
    page.locator(".topbar .me summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_all_that_says_not_stored_is_sound(visit, people, fresh, phone):
    entry, other = (people["commander"].add(fresh, "lessons", text=text) for text in ("First", "Second"))
    colleague = visit("commander", fresh)
    open_form(colleague.locator(f"#lessons-{other}"))
    page = visit("responder", fresh, phone=phone)
    open_form(page.locator(f"#lessons-{entry}")).locator("[name=text]").fill("As I say")
    people["commander"].post(f"{fresh}lessons/{entry}/", version="1", text="As she says")
    page.locator("#lessons form.edit button.solid").click()
    page.locator(".versus").wait_for()
    page.locator(f"#lessons-{other}[data-editing]").wait_for()
    page.context.set_offline(True)
    if phone:
        page.locator(".tabbar .cap").click()
    page.locator("#cap").fill("In a tunnel")
    page.locator("#cap").press("Enter")
    page.locator("[data-waiting][data-failed]").wait_for()
    page.evaluate("document.body.dataset.link = 'down'")
    if phone:
        page.keyboard.press("Escape")
    check(page, phone=phone)


@pytest.mark.parametrize("next_line", ["", "The next line"])
@pytest.mark.parametrize("status", [422, 500])
def test_a_refused_line_is_back_in_the_box_or_beside_it(visit, fresh, status, next_line):
    page = visit("responder", fresh)
    words = "Long" * 6000 if status == 422 else "Into a fault"

    def answer(route):
        page.wait_for_timeout(300)
        return route.continue_() if status == 422 else route.fulfill(status=500, body="<form></form>")

    page.route("**/capture/", answer, times=1)
    page.locator("#cap").fill(words)
    page.locator("#cap").press("Enter")
    page.locator("#cap").fill(next_line)
    back = status == 422 and not next_line
    if back:
        expect(page.locator("#cap-error")).to_contain_text("too long")
    else:
        expect(page.locator(".kept textarea")).to_have_value(words)
    expect(page.locator("#cap")).to_have_value(words if back else next_line)
    expect(page.locator("[data-waiting]")).to_have_count(0)
    page.wait_for_timeout(300)
    assert page.evaluate(KEPT) == 1 + bool(next_line)
    page.reload()
    if status == 500:  # the next try may go through
        expect(row(page, "timeline", words)).to_have_count(1)
        expect(page.locator("#cap")).to_have_value(next_line)
    elif back:
        expect(page.locator("#cap")).to_have_value(words)
    else:
        expect(page.locator(".kept textarea")).to_be_visible()


def test_a_comment_that_nobody_sent_is_kept_and_not_posted_with_another(visit, people, fresh):
    lent, stolen = (
        people["commander"].add(fresh, "theories", text=text, state="open") for text in ("Lent", "Stolen")
    )
    page = visit("responder", fresh)

    def say(entry: str, words: str):
        choose(page.locator(f"#theories-{entry}"), "Comment")
        page.locator(f"#theories-{entry} form.say textarea").fill(words)

    say(lent, "Pressed in a tunnel")
    say(stolen, "Half a thou")
    expect(state(page)).to_have_text("Not sent, 2 kept")
    page.context.set_offline(True)
    page.locator(f"#theories-{lent} form.say button").click()
    expect(page.locator(f"#theories-{lent} [data-line]")).to_contain_text("sent when the line is back")
    page.context.set_offline(False)
    expect(page.locator(f"#theories-{lent} .words")).to_have_text("Pressed in a tunnel", timeout=10_000)
    expect(state(page)).to_have_text("Not sent, 1 kept")
    page.reload()
    half = page.locator(f"#theories-{stolen} form.say")
    expect(half.locator("textarea")).to_have_value("Half a thou")
    expect(half.locator("[data-line]")).to_have_text(BACK)
    expect(page.locator(".words")).to_have_text(["Pressed in a tunnel"])
    half.locator("textarea").press_sequentially("ght")
    half.locator("button").click()
    expect(page.locator(f"#theories-{stolen} .words")).to_have_text("Half a thought")
    expect(state(page)).to_have_text("Saved")
    assert page.evaluate(KEPT) == 0


def test_words_typed_while_a_comment_is_being_saved_go_on_from_it(visit, people, fresh):
    entry = people["commander"].add(fresh, "theories", text="The token was lent", state="open")
    people["commander"].post(f"{fresh}theories/{entry}/talk/", text="A comment before")
    people["responder"].post(f"{fresh}theories/{entry}/talk/", text="As it stood")
    page = visit("responder", f"{fresh}#talk-{entry}")
    page.locator(".remark a", has_text="Edit").last.click()
    form = page.locator("form.say")
    page.route("**/talk/*/", lambda route: (page.wait_for_timeout(500), route.continue_()), times=1)
    form.locator("textarea").fill("Half of it")
    form.locator("button").click()
    form.locator("textarea").fill("Quite another thing")
    expect(form.locator("[data-line]")).to_contain_text("What you typed since is not saved yet")
    form.locator("button").click()
    expect(page.locator(".remark .words")).to_have_text(["A comment before", "Quite another thing"])
    expect(state(page)).to_have_text("Saved")


def test_two_tabs_of_one_person_do_not_overwrite_each_other(visit, people, fresh):
    entry = people["commander"].add(fresh, "lessons", text="First half.\nSecond half.")
    page = visit("responder", fresh)
    form = open_form(page.locator(f"#lessons-{entry}"))
    form.locator("[name=text]").fill("First half, here.\nSecond half.")
    page.route("**/lessons/*/", lambda route: route.fulfill(status=500), times=1)
    form.locator("button.solid").click()
    expect(form.locator("[data-line]")).to_contain_text("the server has a fault")
    people["responder"].post(f"{fresh}lessons/{entry}/", text="First half.\nSecond half, there.", version="1")
    expect(form.locator("[data-held-line]")).to_have_text(
        "You changed this elsewhere meanwhile. Saving joins both, or asks you."
    )
    form.locator("button.solid").click()
    stored(page, "First half, here.", "Second half, there.")
