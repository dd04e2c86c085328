"""Many tabs of one browser share its streams: all load, all are live, and a tab that was away catches up."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAILS
from tests.browser.pages import row

pytestmark = pytest.mark.browser


def test_seven_tabs_on_http_1_load_and_are_live(visit, people, fresh):
    first = visit("responder", fresh)
    tabs = [first, *(first.context.new_page() for _ in range(6))]
    for tab in tabs[1:]:
        tab.goto(fresh)
    people["commander"].add(fresh, "lessons", text="Seen by all seven")
    for tab in tabs:
        expect(row(tab, "lessons", "Seen by all seven")).to_have_count(1, timeout=3000)
    late = first.context.new_page()
    late.goto(fresh)
    expect(row(late, "lessons", "Seen by all seven")).to_have_count(1)
    for tab in tabs[:6]:
        tab.close()
    people["commander"].add(fresh, "lessons", text="Seen by those that are left")
    for tab in (tabs[6], late):
        expect(row(tab, "lessons", "Seen by those that are left")).to_have_count(1, timeout=3000)


def test_a_fourth_incident_waits_for_its_stream_and_resumes_when_shown(visit, people):
    incidents = [people["commander"].start(f"Number {number}") for number in range(4)]
    page = visit("commander", incidents[0])
    tabs = [page]
    for address in incidents[1:]:
        tabs.append(page.context.new_page())
        tabs[-1].goto(address)
    away = tabs[0]  # nobody looked at it for longest
    expect(away.locator(".link-paused")).to_be_visible()
    people["commander"].add(incidents[0], "lessons", text="Written meanwhile")
    tabs[3].close()
    expect(row(away, "lessons", "Written meanwhile")).to_have_count(1, timeout=8000)
    expect(away.locator(".link-paused")).to_be_hidden()


def test_each_tab_of_somebody_who_is_let_out_blanks(visit, people, fresh):
    page = visit("responder", fresh)
    other = page.context.new_page()
    other.goto(fresh)
    listed = people["commander"].http.get(f"{fresh}people/").text
    [user] = [part.split('"')[0] for part in listed.split('<li id="u-')[1:] if EMAILS["responder"] in part]
    people["commander"].post(f"{fresh}people/{user}/remove/")
    for tab in (page, other):
        tab.get_by_role("heading", name="You no longer have access").wait_for(timeout=3000)


def test_a_browser_without_shared_workers_is_live(visit, people, fresh):
    page = visit("responder", "/incidents/")
    page.add_init_script("delete globalThis.SharedWorker")
    page.goto(fresh)
    people["commander"].add(fresh, "lessons", text="Seen without a worker")
    expect(row(page, "lessons", "Seen without a worker")).to_have_count(1, timeout=3000)
