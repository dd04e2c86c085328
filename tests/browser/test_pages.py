"""Every page, at a desk and on a phone, light and dark: no finding of axe-core, nothing else wrong."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import EMAILS
from tests.browser.pages import choose, open_form
from tests.browser.server import EXAMPLE

pytestmark = pytest.mark.browser

DRAW_ALL = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(".entry { content-visibility: visible !important }");
    document.adoptedStyleSheets = [sheet];
}"""
FINDINGS = """async ([within, options]) => {
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame); // the theme is on the screen
    const { violations } = await axe.run(within, options);
    return violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)}`));
}"""
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL = {"runOnly": {"type": "tag", "values": LEVELS}, "resultTypes": ["violations"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


def check(page, *, phone: bool, within: str = "html") -> None:
    """axe-core in both themes, of the page or a part that lies over it; the text fits the width.

    The themes differ in colours only, so that the second one is asked about contrast and nothing else.
    Chromium does not recolour rows that it has not drawn yet, which nobody sees but axe-core: it draws all.
    """
    page.evaluate(DRAW_ALL)
    page.evaluate(Axe().axe_script)
    for scheme, options in (("dark", CONTRAST), ("light", ALL)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate(FINDINGS, [within, options]) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= (390 if phone else 1440)


def conflict(page, people, fresh) -> None:
    """Bring a conflict on the page."""
    entry = people["commander"].add(fresh, "background", text="The wiki runs on our own servers.")
    page.goto(f"{fresh}background/{entry}/edit/")
    people["commander"].post(f"{fresh}background/{entry}/", version="1", text="The wiki runs in the cloud.")
    page.locator("[name=text]").fill("The wiki runs in two places.")
    page.locator("form.edit button.solid").click()
    page.locator(".versus").wait_for()


PAGES = {
    "sign in": (None, "/sign-in/"),
    "my incidents": ("commander", "/incidents/"),
    "no incidents": ("outsider", "/incidents/"),
    "start": ("commander", "/incidents/start/"),
    "document": ("commander", EXAMPLE),
    "people": ("commander", f"{EXAMPLE}people/"),
    "reading register": ("legal", f"{EXAMPLE}register/"),
    "break-glass": ("responder", f"{EXAMPLE}break-glass/"),
    "asking": ("outsider", "/incidents/access/"),
    "settings": ("commander", f"{EXAMPLE}settings/"),
    "form": ("commander", f"{EXAMPLE}timeline/new/"),
    "form of evidence": ("commander", f"{EXAMPLE}appendix/new/"),
    "history": ("commander", f"{EXAMPLE}history/?section=summary"),
    "change": ("commander", f"{EXAMPLE}history/20/"),
}


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_sound(visit, name, phone):
    role, path = PAGES[name]
    check(visit(role, path, phone=phone), phone=phone)


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_pages_of_one_incident_are_sound(visit, people, fresh, phone):
    for role in ("executive", "legal"):
        people["commander"].post(f"{fresh}people/", email=EMAILS[role], role=role)
    codename = people["commander"].codename(fresh)
    check(visit("executive", people["executive"].invitation(codename), phone=phone), phone=phone)
    people["executive"].come_in(codename)
    check(visit("executive", fresh, phone=phone), phone=phone)
    page = visit("responder", fresh, phone=phone)
    conflict(page, people, fresh)
    check(page, phone=phone)
    page.goto(f"{fresh}history/?section=background")
    page.locator(".diff-of summary").first.click()
    check(page, phone=phone)


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_people_with_everything_pending_is_sound(visit, people, fresh, phone):
    commander, responder = people["commander"], people["responder"]
    codename = commander.codename(fresh)
    commander.post(f"{fresh}people/", email=EMAILS["reader"], role="reader", ends="24", note="You know why")
    commander.post(f"{fresh}people/blocks/", email="suspect@example.com", reason="Under investigation")
    people["outsider"].post("/incidents/access/", codename=codename, words="I run the fleet")
    responder.post(f"{fresh}break-glass/", reason="Nobody answers", hours="4")
    page = visit("commander", f"{fresh}people/", phone=phone)
    expect(page.locator(".wishes")).to_contain_text("I run the fleet")
    page.locator(".terms > summary").click()
    page.locator(".roster .change summary").first.click()
    check(page, phone=phone)
    page.goto(f"{fresh}break-glass/")
    check(page, phone=phone)
    page.goto(fresh)
    expect(page.locator("#doc-head")).to_contain_text("asks for break-glass")
    check(page, phone=phone)
    people["reader"].come_in(codename)


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_document_full_of_open_things_is_sound(visit, people, fresh, phone):
    step = people["commander"].add(fresh, "next_steps", text="Close it", state="open", priority="urgent")
    lesson = people["commander"].add(fresh, "lessons", text="Rotate keys")
    page = visit("commander", fresh, phone=phone)
    page.locator("#comms [data-add]").click()
    page.locator("#comms-adder form button.solid").click()
    page.locator("#comms-adder .errors").wait_for()
    open_form(page.locator(f"#next_steps-{step}"))
    choose(page.locator(f"#lessons-{lesson}"), "Hide")
    page.locator("#notice [data-undo]").wait_for()
    if phone:  # it would lie on what is checked
        away = page.locator(".notice").get_by_role("button", name="Close")
        assert min(away.bounding_box()[side] for side in ("width", "height")) >= 44
        away.tap()
        expect(page.locator(".notice")).to_be_hidden()
    page.evaluate(DRAW_ALL)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")  # where the menu lies on words only
    page.locator(".topbar > .menu > summary").first.click()
    check(page, phone=phone)
    for opener in (
        [".tabbar .cap", ".tabbar [popovertarget=nav]", ".strip"] if phone else ["[popovertarget=keys]"]
    ):
        page.keyboard.press("Escape")
        page.locator(opener).click()
        check(page, phone=phone)


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_refusals_are_sound_and_say_what_happened(visit, plain, phone):
    for path, words in (
        (f"{EXAMPLE}settings/", "Not yours to do"),
        ("/incidents/nobody-knows/", "Nothing here"),
    ):
        page = visit("reader", path, phone=phone, server=plain)
        assert page.get_by_role("heading", level=1).inner_text() == words
        check(page, phone=phone)


def test_a_real_case_fits_the_smallest_phone(visit, server):
    page = visit("commander", server.case, phone=True)
    page.set_viewport_size({"width": 320, "height": 640})
    page.evaluate(DRAW_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
