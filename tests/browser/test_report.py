"""The report from its button: a PDF on disk, or a stop on the way."""

import io

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.browser.server import EXAMPLE

pytestmark = pytest.mark.browser


def test_the_button_downloads_a_pdf(visit):
    page = visit("legal", EXAMPLE)
    with page.expect_download(timeout=30_000) as download:
        page.locator(".topbar [data-report]").click()
        expect(page.locator("#notice")).to_contain_text("Building the report")
    assert download.value.suggested_filename.startswith("copper-sluice-revision-")
    with open(download.value.path(), "rb") as file:
        reader = PdfReader(io.BytesIO(file.read()))
    assert "Sabine Kessler" in reader.pages[0].extract_text()
    expect(page.locator("#notice")).to_contain_text("Report saved")


def test_the_report_can_be_stopped(visit):
    page = visit("commander", EXAMPLE)
    page.route("**/report.pdf", lambda route: None)  # a server that takes its time
    page.locator(".topbar [data-report]").click()
    page.locator("#notice").get_by_role("button", name="Cancel").click()
    expect(page.locator("#notice")).to_contain_text("The report was cancelled")
    expect(page.locator("#notice button")).to_have_count(0)


def test_a_phone_has_the_report_in_its_sheet(visit):
    page = visit("commander", EXAMPLE, phone=True)
    page.locator(".tabbar [popovertarget=nav]").click()
    expect(page.locator("#nav [data-report]")).to_be_visible()
