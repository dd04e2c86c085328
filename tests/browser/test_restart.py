"""The server dies or is restarted while both browsers are open: the stream resumes, nothing is missed or doubled."""

import signal
import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.pages import add, row

pytestmark = pytest.mark.browser

DEMOTE = """
from incidents.incident import Incident
incident = Incident.objects.get(slug={slug!r})
person = incident.participants.get(role="responder").user
incident.set_role(person, "executive", by=incident.commander)
"""

# What another process writes while no server runs.
WRITE = """
import uuid
from django.utils import timezone
from incidents.incident import Incident
from incidents.sections import SECTIONS
incident = Incident.objects.get(slug={slug!r})
model = SECTIONS["timeline"].model
for text in {texts!r}:
    entry = model(pk=uuid.uuid4(), text=text, at=timezone.now(), at_precision="minute")
    incident.add(entry, by=incident.commander)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_both_browsers_resume_where_they_were(server, visit, fresh, how):
    desk, phone = visit("commander", fresh), visit("responder", fresh, phone=True)
    add(desk, "timeline", "before the fall")
    expect(row(phone, "timeline", "before the fall")).to_have_count(1)
    for page in (desk, phone):
        page.evaluate("window.loadedOnce = true")

    texts = [f"meanwhile {uuid.uuid4().hex}" for _ in range(3)]
    server.end(how)
    try:
        server.manage("shell", "-v", "0", "-c", WRITE.format(slug=fresh.split("/")[2], texts=texts))
        desk.locator(".link-down").wait_for(state="visible", timeout=10_000)
    finally:
        server.start()

    for page in (desk, phone):
        for text in texts:
            row(page, "timeline", text).wait_for(timeout=8000)
        page.locator(".link-down").wait_for(state="hidden")
    add(phone, "timeline", "after the rise")
    expect(row(desk, "timeline", "after the rise")).to_have_count(1)
    for page in (desk, phone):
        for text in ("before the fall", *texts, "after the rise"):
            assert row(page, "timeline", text).count() == 1
        assert page.locator("#timeline .entry").count() == 5
        assert page.evaluate("window.loadedOnce"), "a page was loaded again"


def test_rights_that_changed_while_the_line_was_down_hold_when_it_is_back(server, visit, people, fresh):
    people["commander"].add(fresh, "theories", text="For the team", state="open")
    page = visit("responder", fresh)
    expect(row(page, "theories", "For the team")).to_have_count(1)
    server.end(signal.SIGKILL)
    try:
        server.manage("shell", "-v", "0", "-c", DEMOTE.format(slug=fresh.split("/")[2]))
    finally:
        server.start()
    page.wait_for_url("**/summary/", timeout=15_000)
    expect(page.locator("body")).not_to_contain_text("For the team")


def test_what_was_typed_survives_a_save_without_a_server(server, visit, fresh):
    page = visit("responder", fresh)
    page.locator("#lessons [data-add]").click()
    text = page.locator("#lessons-adder [name=text]")
    text.fill("Write while the line is down")
    server.end(signal.SIGKILL)
    try:
        text.press("Control+Enter")
        expect(page.locator("#lessons-adder [data-line]")).to_contain_text("Not sent")
        expect(text).to_have_value("Write while the line is down")
    finally:
        server.start()
    expect(row(page, "lessons", "Write while the line is down")).to_have_count(1)


def test_who_is_far_behind_gets_the_sections_again_but_keeps_an_open_form(server, visit, fresh):
    page = visit("responder", fresh)
    page.locator("#timeline [data-add]").click()
    text = page.locator("#timeline-adder [name=text]")
    text.fill("typed before the long silence")
    server.end(signal.SIGKILL)
    try:
        texts = [f"number {number}" for number in range(201)]
        server.manage("shell", "-v", "0", "-c", WRITE.format(slug=fresh.split("/")[2], texts=texts))
    finally:
        server.start()
    page.locator("#timeline[data-stale]").wait_for(timeout=8000)
    expect(text).to_have_value("typed before the long silence")
    text.press("Control+Enter")
    expect(row(page, "timeline", "typed before the long silence")).to_have_count(1)
    expect(page.locator("#timeline .entry")).to_have_count(202)
