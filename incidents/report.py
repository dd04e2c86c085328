"""The report: every entry of all twelve sections as a PDF, from the same bodies as the page. Floor 7.

WeasyPrint runs in a process of its own that gets the finished HTML and may fetch nothing but the fonts, the
style sheet and the pictures that are handed to it (ASVS 1.3.6). That process has no database and no session.
"""

import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from django.conf import settings
from django.template.loader import render_to_string

from incidents import files, reading, rendering
from incidents.access import audiences
from incidents.people import Acknowledgement
from incidents.printing import render_pdf
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from incidents.sections.base import Entry
from incidents.vocabulary import AppendixKind, Audience, Milestone, Role

FONTS = ["InterVariable.woff2", "JetBrainsMono-Regular.woff2", "JetBrainsMono-Medium.woff2"]
SECONDS = 300

_printer: ProcessPoolExecutor | None = None


class ReportFailed(RuntimeError):
    """The report could not be printed."""


def make(incident, user, audience: str) -> tuple[AccessRecord, bytes]:
    """Record a numbered copy for this person and print it."""
    copy = reading.record(incident, user, AccessRecord.Kind.REPORT)
    html = compose(incident, copy, audience)
    return copy, print_pdf(html, assets(incident, audience))


def compose(incident, copy: AccessRecord, audience: str) -> str:
    """The report as HTML. Only http(s) links and links inside it survive (WeasyPrint passes any scheme on)."""
    sections = rendering.document(incident, audience, oldest_first=True)
    people = list(incident.participants.select_related("user"))
    now = audiences(incident, [person.user_id for person in people])
    at = dict(
        Acknowledgement.objects.filter(incident=incident).order_by("revision").values_list("user_id", "at")
    )
    for person in people:
        person.accepted_at = at.get(person.user_id) if person.user_id in now else None
    reached: dict[str, Entry] = {}
    for entry in SECTIONS["timeline"].shown(incident, audience).exclude(milestone=""):
        entry.incident = incident
        reached.setdefault(entry.milestone, entry)
    participant = next((person for person in people if person.user_id == copy.user_id), None)
    html = render_to_string(
        "pdf/report.html",
        {
            "incident": incident,
            "sections": sections,
            "people": people,
            "copy": copy,
            "role": participant.get_role_display() if participant else "",
            "watermark": participant is None or participant.role != Role.LEGAL,
            "classification": SECTIONS["classification"].single(incident),
            "milestones": [(milestone, reached[milestone]) for milestone in Milestone if milestone in reached],
            "privileged": audience == Audience.PRIVILEGED and any(
                entry.privileged for listed in sections for _, _, entries in listed.groups for entry in entries
            ),
        },
    )  # fmt: skip
    return keep_safe_links(html)


def keep_safe_links(html: str) -> str:
    """Links of the report that lead nowhere but to http(s) and to places inside it."""
    return re.sub(r'(<a\b[^>]*\bhref=")(?!https?://|#)[^"]*"', r'\1#"', html)


def assets(incident, audience: str) -> dict[str, tuple[bytes, str]]:
    """What the printer may show: style sheet, fonts, and the previews of this incident's pictures."""
    static = settings.BASE_DIR / "static"
    found = {"print.css": ((static / "css" / "print.css").read_bytes(), "text/css")}
    for name in FONTS:
        found[f"fonts/{name}"] = ((static / "fonts" / name).read_bytes(), "font/woff2")
    for entry in (
        SECTIONS["appendix"].shown(incident, audience).filter(kind=AppendixKind.FILE).exclude(stored="")
    ):
        if entry.is_picture and (drawn := files.preview(entry)):
            found[f"preview/{entry.pk}"] = (drawn, "image/png")
    return found


def print_pdf(html: str, found: dict[str, tuple[bytes, str]]) -> bytes:
    """HTML → PDF in the printer process; raises ReportFailed when it dies or takes over five minutes."""
    global _printer
    if _printer is None:
        _printer = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    try:
        return _printer.submit(render_pdf, html, found).result(timeout=SECONDS)
    except (BrokenProcessPool, TimeoutError) as error:
        _printer.shutdown(wait=False, cancel_futures=True)
        _printer = None
        raise ReportFailed("The report could not be built. Nothing was lost; try again.") from error
