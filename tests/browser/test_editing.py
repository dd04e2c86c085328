"""A form that is open while colleagues write, and everything that a form can answer."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pages import add, choose, open_form, row

pytestmark = pytest.mark.browser


@pytest.fixture
def open_entry(visit, people, fresh):
    """An entry whose form is open before the responder; its id, and a way for the commander to change it."""
    entry = people["commander"].add(
        fresh,
        "timeline",
        at_0="24 Nov 2026",
        at_1="10:00",
        text="The alert came.\nNobody saw it.",
        source="S1",
    )
    page = visit("responder", fresh)
    form = open_form(page.locator(f"#timeline-{entry}"))

    def change(**fields):
        kept = {
            "at_0": "24 Nov 2026",
            "at_1": "10:00",
            "text": "The alert came.\nNobody saw it.",
            "source": "S1",
        }
        people["commander"].post(f"{fresh}timeline/{entry}/", version="1", **{**kept, **fields})

    return page, form, entry, change


def test_a_colleagues_push_leaves_an_open_form_alone_and_the_save_merges(open_entry):
    page, form, entry, change = open_entry
    text = form.locator("[name=text]")
    text.fill("The alert came.\nNobody saw it until noon.")
    change(source="S2, gateway log")
    page.locator(f"#timeline-{entry}[data-held]").wait_for(timeout=1000)
    expect(text).to_have_value("The alert came.\nNobody saw it until noon.")
    expect(text).to_be_focused()
    text.press("Control+Enter")
    saved = row(page, "timeline", "until noon")
    expect(saved).to_contain_text("S2, gateway log")
    expect(page.locator("#notice")).to_contain_text("both changes are in it")
    assert row(page, "timeline", "The alert came.").count() == 1


def test_changes_of_the_same_words_show_both_texts(open_entry):
    page, form, entry, change = open_entry
    page.locator("#cap").fill("Half a line")
    page.locator("#lessons [data-add]").click()
    page.locator("#lessons-adder [name=text]").fill("Half a lesson")
    form.locator("[name=text]").fill("The alert came.\nDana saw it.")
    change(text="The alert came.\nMei saw it at once.")
    expect(form.locator("[data-held-line]")).to_have_text(
        "Hanne Verbrugge changed this meanwhile. Saving joins both, or asks you."
    )
    form.locator("button.solid").click()
    expect(page.locator(".versus article").first).to_contain_text("Mei")
    expect(page.locator(".versus article").last).to_contain_text("Dana")
    page.locator(".merge [name=text]").fill("The alert came.\nMei and Dana saw it.")
    asked = []
    page.remove_listener("dialog", page.answer)
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Keep yours").click()
    assert asked == ["Discard the joined text that you changed? It is not saved."]
    page.locator(".merge button.solid").click()
    expect(row(page, "timeline", "Mei and Dana")).to_have_count(1)
    expect(page.locator("#cap")).to_have_value("Half a line")
    expect(page.locator("#lessons-adder [name=text]")).to_have_value("Half a lesson")
    expect(page.locator("[data-unsent]")).to_have_text("Not sent, 2 kept")


def test_a_colleagues_text_can_be_kept(open_entry):
    page, form, entry, change = open_entry
    form.locator("[name=text]").fill("The alert came.\nDana saw it.")
    change(text="The alert came.\nMei saw it at once.")
    form.locator("button.solid").click()
    keep = page.get_by_role("link", name="Keep Hanne")
    expect(keep).to_be_in_viewport()
    asked = []
    page.once("dialog", lambda dialog: asked.append(dialog.message))
    keep.click()
    assert asked == ["Discard what you typed? It is not saved."]
    expect(page.locator(f"#timeline-{entry}")).to_contain_text("Mei saw it at once")
    expect(page.locator(".versus")).to_have_count(0)


def test_an_entry_hidden_meanwhile_can_be_left_or_brought_back(open_entry, people, fresh):
    page, form, entry, _ = open_entry
    people["commander"].post(f"{fresh}timeline/{entry}/hide/")
    held = page.locator(f"#timeline-{entry}[data-held=gone]")
    held.wait_for(timeout=1000)
    expect(form.locator("[data-held-line]")).to_contain_text("A colleague hid this entry meanwhile")
    form.locator("[name=text]").fill("It was worth keeping.")
    form.locator("button.solid").click()
    page.get_by_role("link", name="Leave it hidden").click()
    expect(page.locator(f"#timeline-{entry}")).to_have_count(0)
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_an_entry_hidden_meanwhile_comes_back_with_the_words(open_entry, people, fresh):
    page, form, entry, _ = open_entry
    people["commander"].post(f"{fresh}timeline/{entry}/hide/")
    form.locator("[name=text]").fill("It was worth keeping.")
    form.locator("button.solid").click()
    page.get_by_role("button", name="Bring it back", exact=True).click()
    expect(page.locator(f"#timeline-{entry}[data-rev] .x")).to_contain_text("It was worth keeping.")


def test_undo_right_after_hiding(visit, fresh):
    page = visit("responder", fresh)
    add(page, "lessons", "Rotate the keys")
    choose(row(page, "lessons", "Rotate the keys"), "Hide")
    expect(row(page, "lessons", "Rotate the keys")).to_have_count(0)
    page.locator("#notice").get_by_role("button", name="Undo").click()
    expect(row(page, "lessons", "Rotate the keys")).to_have_count(1)
    expect(page.locator("#notice")).to_contain_text("Undone.")


def test_the_keyboard_goes_on_after_what_takes_its_place_away(visit, people, fresh):
    people["commander"].add(fresh, "next_steps", text="Close the account", state="open", priority="normal")
    page = visit("responder", fresh)
    add(page, "lessons", "Rotate the keys")
    choose(row(page, "lessons", "Rotate the keys"), "Hide")
    expect(page.locator("#lessons [data-add]")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(row(page, "lessons", "Rotate the keys")).to_have_count(1)
    page.locator("#next_steps .ck input").focus()
    page.keyboard.press("Space")
    expect(page.locator("#next_steps-done .entry")).to_have_count(1)
    expect(page.locator("#next_steps [data-add]")).to_be_focused()


def test_a_fault_keeps_what_was_typed(visit, fresh):
    page = visit("responder", fresh)
    page.locator("#timeline [data-add]").click()
    form = page.locator("#timeline-adder form")
    form.locator("[name=text]").fill("The gateway let it through")
    form.locator("[name=at_0]").fill("the other day")
    form.locator("button.solid").click()
    expect(form.get_by_role("alert")).to_contain_text("What you typed is kept")
    expect(form.locator("[name=text]")).to_have_value("The gateway let it through")
    expect(form.locator("[name=at_0]")).to_have_value("the other day")
    expect(form.locator("[name=at_0]")).to_have_attribute("aria-invalid", "true")
    form.locator("[name=at_0]").fill("24 Nov 2026")
    form.locator("button.solid").click()
    expect(row(page, "timeline", "The gateway let it through")).to_have_count(1)


def test_a_refusal_leaves_the_form_and_says_so(open_entry, people, fresh):
    page, form, entry, _ = open_entry
    people["commander"].post(f"{fresh}people/{_id_of(people, fresh, 'Yusuf')}/", role="reader")
    form.locator("[name=text]").fill("Written with rights of a moment ago")
    token = page.locator("body").get_attribute("hx-headers:inherited")
    form.locator("button.solid").click()
    expect(page.locator("#notice")).to_contain_text("Not done")
    expect(form.locator("[name=text]")).to_have_value("Written with rights of a moment ago")
    expect(page.locator("body")).not_to_have_attribute("hx-headers:inherited", token)  # a new one was fetched


def test_the_capture_bar_writes_to_each_destination(visit, fresh):
    page = visit("responder", fresh)
    capture = page.locator("#capture form")
    for number, value in enumerate(
        page.locator(".dest input").evaluate_all("all => all.map(one => one.value)")
    ):
        text = f"203.0.113.{number}" if value == "indicators" else f"Captured for {value}"
        capture.locator(f".dest label:has([value={value}])").click()
        page.locator("#cap").fill(text)
        page.locator("#cap").press("Enter")
        expect(
            row(page, value, text.replace("113.", "113[.]") if value == "indicators" else text)
        ).to_have_count(1)
        expect(page.locator("#cap")).to_have_value("")
        expect(page.locator("#cap")).to_be_focused()
    page.locator("#cap").press("Enter")
    expect(page.locator("#cap-error")).to_contain_text("the line is empty")


def test_a_phone_captures_from_its_sheet(visit, fresh):
    page = visit("responder", fresh, phone=True)
    expect(page.locator("#capture")).to_be_hidden()
    page.locator(".tabbar .cap").click()
    expect(page.locator("#cap")).to_be_focused()
    page.locator("#cap").fill("Typed with a thumb")
    page.locator("#capture .add").click()
    expect(row(page, "timeline", "Typed with a thumb")).to_have_count(1)
    page.locator("#capture [popovertargetaction=hide]").click()
    expect(page.locator("#capture")).to_be_hidden()


def test_a_step_is_taken_and_ticked(visit, people, fresh):
    people["commander"].add(fresh, "next_steps", text="Close the account", state="open", priority="normal")
    page = visit("responder", fresh)
    page.locator("#next_steps .take").click()
    expect(page.locator("#next_steps .entry .chip")).to_contain_text("Yusuf")
    page.locator("[data-yours]").click()
    expect(page.locator("#now-steps li")).to_be_visible()
    page.locator("#next_steps .ck input").check()
    expect(page.locator("#next_steps-done .entry")).to_have_count(1)
    expect(page.locator("#now-steps li")).to_have_count(0)


def test_the_keyboard_alone_is_enough(visit, people, fresh):
    people["commander"].add(fresh, "timeline", at_0="24 Nov 2026", text="First")
    page = visit("responder", fresh)
    page.keyboard.press("/")
    expect(page.locator("#cap")).to_be_focused()
    page.keyboard.type("by keys / alone")
    page.keyboard.press("Enter")
    expect(row(page, "timeline", "by keys / alone").locator("summary")).to_have_count(1)
    expect(page.locator("#cap")).to_have_value("")
    expect(page.locator("#cap")).to_be_focused()
    assert page.evaluate("scrollY") == 0, "writing moved the page"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(row(page, "timeline", "First").locator("summary")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("e")
    form = page.locator("#timeline form.edit")
    form.wait_for()
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(row(page, "timeline", "by keys").locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, "timeline", "by keys").locator(".menu-list")).to_be_visible()
    page.keyboard.press("Escape")
    expect(row(page, "timeline", "by keys").locator(".menu-list")).to_be_hidden()
    page.keyboard.press("e")
    form.locator("[name=text]").fill("by keys, corrected")
    page.keyboard.press("Control+Enter")
    expect(row(page, "timeline", "by keys, corrected")).to_have_count(1)
    expect(row(page, "timeline", "by keys, corrected").locator("summary")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.locator("[data-keys]").uncheck()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#cap")).not_to_be_focused()


def test_focus_is_visible_wherever_tab_leads(visit, fresh):
    page = visit("commander", fresh)
    names = []
    for _ in range(60):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                """() => {
                    const here = document.activeElement, style = getComputedStyle(here);
                    const box = here.getBoundingClientRect();
                    const around = here.closest("form, label, .menu-list") ?? here;
                    const seen = style.outlineStyle !== "none" || getComputedStyle(around).boxShadow !== "none"
                        || getComputedStyle(here.parentElement).outlineStyle !== "none";
                    return [here.outerHTML.slice(0, 90), seen && box.width > 0 && box.height > 0];
                }"""
            )
        )
    assert [name for name, seen in names if not seen and not name.startswith("<body")] == []
    assert len({name for name, _ in names}) > 25


def _id_of(people, incident: str, name: str) -> str:
    page = people["commander"].http.get(f"{incident}people/").text
    return re.search(rf'<li id="u-([0-9a-f-]+)">(?:(?!<li).)*?{name}', page, re.DOTALL)[1]


def test_a_line_in_the_capture_bar_outlives_a_colleagues_save_and_ones_own(visit, fresh):
    page, other = visit("responder", fresh), visit("commander", fresh)
    page.locator("#cap").fill("Half a line")
    add(other, "lessons", "From a colleague")
    expect(row(page, "lessons", "From a colleague")).to_have_count(1)
    expect(page.locator("#cap")).to_have_value("Half a line")
    page.route("**/capture/", lambda route: (page.wait_for_timeout(800), route.continue_()))
    page.locator("#cap").press("Enter")
    page.locator("#cap").fill("The next line")
    expect(row(page, "timeline", "Half a line")).to_have_count(1)
    expect(page.locator("#cap")).to_have_value("The next line")


def test_words_that_are_not_saved_are_not_thrown_away_unasked(visit, fresh):
    page = visit("responder", fresh)
    add(page, "lessons", "As it stands")
    form = open_form(row(page, "lessons", "As it stands"))
    form.locator("textarea").first.fill("Better words")
    asked = []
    page.remove_listener("dialog", page.answer)
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    form.locator("textarea").first.press("Escape")
    expect(form.locator("textarea").first).to_have_value("Better words")
    assert asked == ["Discard what you typed? It is not saved."]


def test_the_words_beside_a_box_belong_to_it_though_two_forms_are_open(visit, people, fresh):
    first, second = (people["commander"].add(fresh, "lessons", text=text) for text in ("First", "Second"))
    page = visit("commander", fresh)
    forms = [open_form(page.locator(f"#lessons-{entry}")) for entry in (first, second)]
    forms[1].locator(".more-fields > summary").click()
    forms[1].locator("label", has_text="Privileged").click(position={"x": 40, "y": 8})
    expect(forms[1].locator("[name=privileged]")).to_be_checked()
    expect(forms[0].locator("[name=privileged]")).not_to_be_checked()
