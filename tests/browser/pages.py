"""What the tests do on the pages, in words."""

from playwright.sync_api import Locator, Page

from incidents.sections import SECTIONS
from tests.factories import LEAST

MANY = [name for name, section in SECTIONS.items() if section.many]


def least(section: str, text: str) -> dict[str, str]:
    """The least that a section's form needs, with `text` in the field that the list shows."""
    fields = {name: value for name, value in LEAST[section].items() if isinstance(value, str)}
    fields[shown(section)] = text
    return {name: value for name, value in fields.items() if not name.endswith("_precision")}


def shown(section: str) -> str:
    """The field whose text stands in the row."""
    for name in ("text", "value", "name"):
        if name in LEAST[section]:
            return name
    raise LookupError(section)


def fill(form: Locator, fields: dict[str, str]) -> None:
    """Type into the fields of a form, whatever they are."""
    for name, value in fields.items():
        field = form.locator(f"[name='{name}']")
        if field.evaluate("field => field.localName") == "select":
            field.select_option(value)
        else:
            field.fill(value)


def add(page: Page, section: str, text: str) -> None:
    """Open a section's form by its Add, fill the least and send it."""
    page.locator(f"#{section} [data-add]").click()
    form = page.locator(f"#{section}-adder form")
    fill(form, least(section, text))
    form.locator("button.solid").click()


def row(page: Page, section: str, text: str) -> Locator:
    """The entry with this text."""
    return page.locator(f"#{section} .entry", has_text=text)


def choose(entry: Locator, words: str) -> None:
    """Open an entry's menu and choose."""
    entry.locator(".acts summary").focus()
    entry.locator(".acts summary").press("Enter")
    entry.locator(".menu-list a", has_text=words).press("Enter")  # the notice may lie on it


def open_form(entry: Locator) -> Locator:
    """An entry's form, opened by its menu."""
    page, name = entry.page, entry.get_attribute("id")
    choose(entry, "Edit")
    form = page.locator(f"#{name} form.edit")
    form.wait_for()
    return form
