"""The report: every entry of all twelve sections as a PDF, from the same bodies as the page. Floor 7.

WeasyPrint runs in a process of its own that gets the finished HTML and may fetch nothing but the fonts, the
style sheet and the pictures that are handed to it (ASVS 1.3.6). That process has no database and no session.
"""

import logging
import multiprocessing
import re
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string

from incidents import access, files, past, reading, rendering
from incidents.past import Past
from incidents.printing import begin_printer, render_pdf
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from incidents.vocabulary import AppendixKind, Audience, Capability, Milestone, Role

FONTS = ["InterVariable.woff2", "JetBrainsMono-Regular.woff2", "JetBrainsMono-Medium.woff2"]
SECONDS = 300
WAIT = 30  # seconds for a turn
ATTEMPTS = 3

log = logging.getLogger("sitroom.report")
_printer: ProcessPoolExecutor | None = None
_lock = threading.Lock()
_turns = threading.BoundedSemaphore(2)


class ReportFailed(RuntimeError):
    """The report could not be printed."""


class Withdrawn(Exception):
    """The right to this report ended while it was being printed; nothing was handed over or recorded."""


def make(incident, user, audience: str, revision: int | None = None) -> tuple[AccessRecord, bytes]:
    """Print a numbered copy for this person and record it; its revision is exactly what is in it.

    With a revision it is the document as known then; the caller has seen that there is one. Raises ReportFailed,
    also when several reports are being built already, and Withdrawn.
    """
    if not _turns.acquire(timeout=WAIT):
        raise ReportFailed("Other reports are being built. Try again in a minute.")
    try:
        copy = reading.numbered(incident, user)
        copy.subject = f"as known at revision {revision}" if revision else ""
        html, pictures = _composed(incident, copy, audience, revision)
        pdf = print_pdf(html, pictures)
    finally:
        _turns.release()
    held = access.capabilities(user, incident)
    if Capability.EXPORT not in held or access.audience_of(held) != audience:
        raise Withdrawn("The right to this report ended while it was printed. It was not handed over.")
    copy.save()
    return copy, pdf


def _composed(incident, copy: AccessRecord, audience: str, revision: int | None = None) -> tuple[str, dict]:
    """All of one revision: again if somebody wrote meanwhile, then with the incident locked for that moment."""
    for attempt in range(ATTEMPTS):
        with transaction.atomic():
            last = attempt == ATTEMPTS - 1
            locked = type(incident).objects.select_for_update(no_key=True) if last else None
            incident.refresh_from_db(from_queryset=locked)
            now = incident.revision
            copy.revision = revision or now
            then = past.at(incident, revision, audience) if revision else None
            html, pictures = compose(incident, copy, audience, then), assets(incident, audience, then)
        incident.refresh_from_db(fields=["revision"])
        if last or incident.revision == now:
            break
    return html, pictures


def compose(incident, copy: AccessRecord, audience: str, then: Past | None = None) -> str:
    """The report as HTML. Only http(s) links and links inside it survive (WeasyPrint passes any scheme on)."""
    if then:
        sections, shown = then.listed(oldest_first=True), then.incident
    else:
        sections, shown = rendering.document(incident, audience, oldest_first=True), incident
    people = access.roster(incident)
    reached: dict[str, Any] = {}
    for listed in sections:
        if listed.section.name == "timeline":
            reached = {entry.milestone: entry for entry in reversed(listed.entries)}
    participant = next((person for person in people if person.user_id == copy.user_id), None)
    html = render_to_string(
        "pdf/report.html",
        {
            "incident": shown,
            "then": then,
            "sections": sections,
            "people": people,
            "copy": copy,
            "role": participant.get_role_display() if participant else "",
            "watermark": participant is None or participant.role != Role.LEGAL,
            "classification": SECTIONS["classification"].single(incident),
            "milestones": [(milestone, reached[milestone]) for milestone in Milestone if milestone in reached],
            "privileged": audience == Audience.PRIVILEGED and any(
                entry.privileged for listed in sections for entry in listed.entries
            ),
        },
    )  # fmt: skip
    return for_paper(html)


def for_paper(html: str) -> str:
    """Addresses that mean something in a PDF: links to the web and inside itself, previews as handed over."""
    html = re.sub(r'(<a\b[^>]*?)\shref="(?!https?://|#)[^"]*"', r"\1", html, flags=re.IGNORECASE)
    return re.sub(
        r'(<img\b[^>]*\bsrc=")[^"]*/files/([0-9a-f-]{36})/preview/"', r'\1sitroom:preview/\2"', html
    )


def assets(incident, audience: str, then: Past | None = None) -> dict[str, tuple[bytes, str]]:
    """What the printer may show: style sheet, fonts, and the previews of this incident's pictures."""
    static = settings.BASE_DIR / "static"
    sheet = (static / "css" / "print.css").read_bytes().replace(b"../fonts/", b"sitroom:fonts/")
    found = {"print.css": (sheet, "text/css")}
    for name in FONTS:
        found[f"fonts/{name}"] = ((static / "fonts" / name).read_bytes(), "font/woff2")
    appendix = SECTIONS["appendix"].shown(incident, audience).filter(kind=AppendixKind.FILE)
    for entry in then.shown("appendix") if then else appendix.exclude(stored=""):
        if entry.is_picture and (drawn := files.preview(entry)):
            found[f"preview/{entry.pk}"] = (drawn, "image/png")
    return found


def print_pdf(html: str, found: dict[str, tuple[bytes, str]]) -> bytes:
    """HTML → PDF in the printer process; raises ReportFailed when it fails, dies or takes over five minutes."""
    printer = _the_printer()
    try:
        return printer.submit(render_pdf, html, found).result(timeout=SECONDS)
    except Exception as error:
        log.exception("the report could not be printed")
        if isinstance(error, BrokenProcessPool | TimeoutError | RuntimeError):
            _replace(printer)
        raise ReportFailed("The report could not be built. Nothing was lost; try again.") from error


def _the_printer() -> ProcessPoolExecutor:
    global _printer
    with _lock:
        if _printer is None:
            context = multiprocessing.get_context("spawn")
            _printer = ProcessPoolExecutor(1, context, initializer=begin_printer)
        return _printer


def _replace(printer: ProcessPoolExecutor) -> None:
    """End a printer that is stuck or dead, whoever notices first; the next report gets a new one."""
    global _printer
    with _lock:
        if _printer is printer:
            _printer = None
    for process in list((printer._processes or {}).values()):
        process.kill()
    printer.shutdown(wait=False, cancel_futures=True)
