"""The report: whole, marked on every page, cut off from disk and network, and calm when it cannot be built."""

import base64
import http.server
import io
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from incidents import files, printing, reading, report
from incidents.people import Participant
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from tests import factories, printers
from tests.markup import parse, squash
from tests.room import PERSONAS, canaries_of, canary

TITLES = [
    "Data classification",
    "Summary",
    "Timeline",
    "Indicators",
    "Details",
    "Response",
    "Next steps",
    "Theories",
    "Lessons learned",
    "Background",
    "Comms",
    "Appendix",
]
BANNER = "CONFIDENTIAL – SPECIFIC INDIVIDUALS ONLY"
COPY = r"[0-9A-F]{4}-[0-9A-F]{4}"


def text_of(pdf: bytes, *options: str) -> list[str]:
    """The text of each page, as pdftotext reads it."""
    done = subprocess.run(["pdftotext", *options, "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode().rstrip("\f").split("\f")


def annotations(pdf: bytes) -> list[dict]:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return [note.get_object() for page in pages for note in page.get("/Annots", [])]


def addresses(pdf: bytes) -> set[str]:
    """What the links of a PDF lead to outside of it."""
    actions = [note["/A"].get_object() for note in annotations(pdf) if "/A" in note]
    assert {action["/S"] for action in actions} <= {"/URI"}
    return {str(action["/URI"]) for action in actions}


# --- what is in it --------------------------------------------------------------------------------------


def test_report_as_legal_gets_it(room):
    client = room.client("legal")
    answer = client.get("/incidents/kestrel/report.pdf")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Cache-Control"] == "no-store"
    [copy] = AccessRecord.objects.filter(kind="report")
    assert re.fullmatch(COPY, copy.copy)
    assert (copy.user, copy.revision) == (room.people["legal"], room.incident.revision)
    named = f"kestrel-revision-{copy.revision}-copy-{copy.copy}.pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="{named}"'
    pdf = answer.content
    pages = text_of(pdf, "-raw")
    document = PdfReader(io.BytesIO(pdf))
    assert len(pages) == len(document.pages) > 2

    banner = canary("classification", "scheme").upper()  # the incident's own label
    for number, page in enumerate(pages, 1):
        assert page.count(banner) == 2, number
        assert f"Page {number} of {len(pages)}" in page
        assert f"Revision {copy.revision}, exported" in page
        assert f"Copy {copy.copy} for Legal" in page
        assert "KESTREL, incident report" in page
    heights = banner_heights(document, banner)
    assert len(heights) == len(pages)
    for top, bottom, whole in heights:
        assert top > whole * 0.9 and bottom < whole * 0.1

    text = squash("".join(pages))
    cover = pages[0]
    assert "Incident report\nKESTREL\n" in cover and canary("title") in cover
    assert "Incident commander Commander" in cover and "by Legal (legal)" in cover
    assert f"Ledger head {room.incident.head}" in cover
    contents = cover[cover.index("Contents") :]
    starts = {title: start_of(document, title) for title in TITLES}
    for number, title in enumerate(TITLES, 1):
        assert re.search(rf"^{number} {title}( \d+ \w+)? {starts[title]}$", contents, re.M), title
    wanted = {word for name in SECTIONS for word in canaries_of(name).values()}
    wanted |= {
        word for name, s in SECTIONS.items() if s.many for word in canaries_of(name, "marked").values()
    }
    wanted = {word.replace("https://", "").rstrip("/") for word in wanted}
    missing = {word for word in wanted if squash(word) not in text}
    linked = {re.sub(r"https?://|/$", "", address) for address in addresses(pdf)}
    assert missing <= linked and len(missing) == 2  # the timeline's links stand behind the name of the source
    for name in ("Commander", "Reader", "Responder", "Executive", "Legal"):
        assert f"{name} {name}" in "".join(pages)
    assert "hidden" not in "".join(found for found in re.findall(r"canary\w+", text))
    assert "Privileged." in cover
    assert canary("file", "name") in text and room.file.sha256 in text


def banner_heights(document: PdfReader, banner: str) -> list[tuple[float, float, float]]:
    """For each page: the height of the upper and of the lower banner, and of the page."""
    found = []
    for page in document.pages:
        heights = []

        def visit(text, matrix, text_matrix, font, size, heights=heights):
            if banner in text:
                heights.append(matrix[5] + matrix[3] * text_matrix[5])

        page.extract_text(visitor_text=visit)
        found.append((max(heights), min(heights), float(page.mediabox.height)))
    return found


def start_of(document: PdfReader, title: str) -> int:
    """The page of a section, by the bookmarks."""
    marks = [mark for mark in document.outline if not isinstance(mark, list)]
    [mark] = [mark for mark in marks if mark["/Title"].strip() == title]
    return document.get_destination_page_number(mark) + 1


def test_report_shows_what_the_audience_may_read(room):
    room.incident.set_role(room.people["reader"], "reader", by=room.people["commander"], may_export=True)
    pages = text_of(room.client("reader").get("/incidents/kestrel/report.pdf").content, "-raw")
    text = squash("".join(pages))
    assert canary("timeline", "text") in text
    assert "marked" not in "".join(re.findall(r"canary\w+", text))
    assert "Privileged." not in pages[0]
    assert all("Reader" in page for page in pages)


def test_report_carries_its_owner_across_every_page_except_for_counsel(room):
    copy = reading.record(room.incident, room.people["commander"], AccessRecord.Kind.REPORT)
    assert 'class="watermark"' in report.compose(room.incident, copy, "privileged")
    copy = reading.record(room.incident, room.people["legal"], AccessRecord.Kind.REPORT)
    assert 'class="watermark"' not in report.compose(room.incident, copy, "privileged")


def test_report_of_an_incident_that_has_just_begun(incident, as_dana):
    answer = as_dana.get("/incidents/kestrel/report.pdf")
    assert answer.status_code == 200
    pages = text_of(answer.content, "-raw")
    assert all(page.count(BANNER) == 2 for page in pages)
    text = "".join(pages)
    assert text.count("Nothing is recorded here.") == 10 and "Not written yet." in text


def test_every_copy_has_a_number_of_its_own(room):
    numbers = []
    for _ in range(2):
        answer = room.client("legal").get("/incidents/kestrel/report.pdf")
        numbers += re.findall(COPY, answer["Content-Disposition"])
    rows = AccessRecord.objects.filter(kind="report", user=room.people["legal"])
    assert len(set(numbers)) == 2 and {row.copy for row in rows} == set(numbers)


def test_line_17_metadata_names_no_path_and_no_host(room, settings):
    copy, pdf = report.make(room.incident, room.people["legal"], "privileged")
    document = PdfReader(io.BytesIO(pdf))
    assert set(document.metadata) == {"/Title", "/Author", "/Subject", "/Producer"}
    assert document.metadata.title == f"KESTREL: incident report, revision {copy.revision}"
    assert document.metadata.author == "Sitroom"
    assert document.metadata.producer.startswith("WeasyPrint")
    streams = [
        obj.get_data() for obj in map(document.get_object, indices(document)) if hasattr(obj, "get_data")
    ]
    everything = b"\n".join([pdf, *streams, document.xmp_metadata.stream.get_data()])
    for word in (
        str(settings.BASE_DIR),
        str(settings.FILES_DIR),
        "sitroom:",
        "127.0.0.1",
    ):
        assert word.encode() not in everything, word
    said = f"{document.metadata} {document.xmp_metadata.stream.get_data().decode()}"
    assert socket.gethostname() not in re.findall(r"[\w.-]+", said)
    assert not document.attachments


def test_report_is_set_in_the_fonts_of_the_product(incident, dana):
    _, pdf = report.make(incident, dana, "privileged")
    fonts = {font.split("+")[-1] for page in PdfReader(io.BytesIO(pdf)).pages for font in page_fonts(page)}
    assert any(font.startswith("Inter") for font in fonts), fonts


def page_fonts(page) -> list[str]:
    held = page["/Resources"].get("/Font", {})
    return [font.get_object()["/BaseFont"] for font in held.values()]


def indices(document: PdfReader) -> list[int]:
    return range(1, document.trailer["/Size"])


# --- links ----------------------------------------------------------------------------------------------

EVIL = [
    "javascript:alert(1)",
    "hxxp://evil.example/",
    "file:///etc/passwd",
    "data:text/html,x",
    "/incidents/",
    "//e.x",
]


def test_links_lead_to_the_web_or_inside(room):
    by = room.people["commander"]
    markdown = "\n\n".join(f"[x{n}]({address})" for n, address in enumerate(EVIL))
    factories.entry(
        room.incident, "background", text=f"{markdown} [good](https://good.example/a?b=1&c=2) <x@e.example>"
    )
    for address in EVIL:
        for name in ("timeline", "lessons", "comms", "appendix"):
            factories.entry(room.incident, name, link=address)
    factories.entry(room.incident, "timeline", link="https://logs.example/1", source="S9")
    step = room.entries["next_steps"]
    room.incident.change(step, by=by, version=step.version, text="changed, so that it links to its history")
    _, pdf = report.make(room.incident, by, "privileged")
    found = addresses(pdf)
    assert {"https://good.example/a?b=1&c=2", "https://logs.example/1"} <= found
    assert {address for address in found if not re.match(r"https?://", address)} == set()
    assert not [address for address in found if "incidents" in address or "evil" in address]
    inside = [note for note in annotations(pdf) if "/A" not in note]
    targets = {str(note["/Dest"]) for note in inside}
    assert set(SECTIONS) <= targets
    assert targets <= set(PdfReader(io.BytesIO(pdf)).named_destinations)


@pytest.mark.parametrize(
    "address", [*EVIL, "JavaScript:alert(1)", "mailto:x@e.example", " https://e.example", ""]
)
def test_address_that_is_not_of_the_web_is_taken_off_a_link(address):
    assert report.for_paper(f'<a class="x" href="{address}" rel="r">x</a>') == '<a class="x" rel="r">x</a>'


# --- cut off from disk and network ----------------------------------------------------------------------


@pytest.fixture
def listener():
    """A web server on this machine that counts what it is asked for."""
    hits = []

    class Counting(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"canaryfetched")

        do_HEAD = do_POST = do_GET

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.hits = hits
    yield server
    server.shutdown()
    server.server_close()


def hostile(address: str) -> dict[str, str]:
    """Every way in which a document asks for another one."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<image xlink:href="{address}/svg.png" width="9" height="9"/><use href="{address}/use#x"/></svg>'
    )
    encoded = base64.b64encode(svg.encode()).decode()
    return {
        "img": f'<img src="{address}/img.png">',
        "srcset": f'<img srcset="{address}/a.png 1x, {address}/b.png 2x">',
        "picture": f'<picture><source srcset="{address}/p.png"><img src="{address}/q.png"></picture>',
        "stylesheet": f'<link rel="stylesheet" href="{address}/x.css">',
        "import": f"<style>@import '{address}/i.css'; @import url({address}/j.css);</style>",
        "background": f'<p style="background: url({address}/bg.png)">x</p>',
        "font": f"<style>@font-face {{ font-family: F; src: url({address}/f) }} p {{ font-family: F }}</style>",
        "content": f"<style>p::before {{ content: url({address}/c.png) }}</style><p>x</p>",
        "list": f'<ul style="list-style-image: url({address}/l.png)"><li>x</li></ul>',
        "svg": svg,
        "svg image": f'<img src="data:image/svg+xml;base64,{encoded}">',
        "object": f'<object data="{address}/o.png"></object><embed src="{address}/e.png">',
        "attachment": f'<link rel="attachment" href="{address}/a.txt"><a rel="attachment" href="{address}/b.txt">x</a>',
        "base": f'<base href="{address}/"><img src="relative.png"><a rel="attachment" href="b.txt">x</a>',
        "iframe": f'<iframe src="{address}/f.html"></iframe><meta http-equiv="refresh" content="0;url={address}/m">',
    }


def printed(html: str) -> PdfReader:
    return PdfReader(
        io.BytesIO(printing.render_pdf(f"<html lang=en><body><p>text</p>{html}</body></html>", {}))
    )


def attached(document: PdfReader) -> str:
    """Everything that a PDF holds as files or pictures, as one text."""
    streams = [
        obj.get_data() for obj in map(document.get_object, indices(document)) if hasattr(obj, "get_data")
    ]
    return b"".join(streams).decode("latin-1")


@pytest.mark.parametrize("way", hostile("x"))
def test_printer_asks_nobody_for_anything(listener, tmp_path, way):
    secret = tmp_path / "secret.txt"
    secret.write_text("canarysecret")
    for name in ("img.png", "a.txt", "b.txt", "i.css", "relative.png"):
        (tmp_path / name).write_text("canarysecret")
    for address in (listener.url, f"file://{tmp_path}", f"//{listener.url[7:]}", str(tmp_path)):
        document = printed(hostile(address)[way])
        assert "text" in document.pages[0].extract_text()
        assert not document.attachments
        assert "canary" not in attached(document)
        assert not [image for page in document.pages for image in page.images]
    assert listener.hits == []


def test_listener_would_have_noticed(listener):
    with socket.create_connection(("127.0.0.1", listener.server_port)) as line:
        line.sendall(b"GET /hit HTTP/1.0\r\n\r\n")
        line.recv(100)
    assert listener.hits == ["/hit"]


def test_printer_takes_only_what_it_was_given():
    drawn = factories.picture().read()
    found = {"preview/a": (drawn, "image/png"), "print.css": (b"p { color: red }", "text/css")}
    pictures = '<img alt="" src="sitroom:preview/a"><img alt="" src="sitroom:preview/b">'
    html = f"<html lang=en><body><p>x</p>{pictures}</body></html>"
    document = PdfReader(io.BytesIO(printing.render_pdf(html, found)))
    assert len(document.pages[0].images) == 1


def test_report_shows_previews_of_pictures_of_this_incident_only(room):
    def add(incident, **fields):
        received = files.receive(factories.picture(), incident)
        entry = SECTIONS["appendix"].model(kind="file", name="screen.png", **fields)
        received.put_on(entry)
        incident.add(entry, by=incident.commander)
        return entry

    before = report.assets(room.incident, "document")
    shown, marked, foreign = add(room.incident), add(room.incident, privileged=True), add(room.other)
    hidden = add(room.incident)
    room.incident.remove(hidden, by=room.people["commander"])
    found = report.assets(room.incident, "document")
    assert set(found) - set(before) == {f"preview/{shown.pk}"}
    assert f"preview/{marked.pk}" in report.assets(room.incident, "privileged")
    factories.entry(room.incident, "background", text=f"![x](sitroom:preview/{foreign.pk})")
    _, pdf = report.make(room.incident, room.people["legal"], "privileged")
    pictures = {image.name for page in PdfReader(io.BytesIO(pdf)).pages for image in page.images}
    assert len(pictures) == len([name for name in before if name.startswith("preview/")]) + 2


# --- who may, and when it fails -------------------------------------------------------------------------

STATUS = {"anonymous": 302, "disabled": 302, "outsider": 404, "superuser": 404, "revoked": 404}
STATUS |= {"executive": 403, "reader": 403, "responder": 403}


@pytest.mark.parametrize("persona", sorted(set(PERSONAS) - {"legal", "commander"}))
def test_report_is_refused_to_who_may_not_export(room, persona):
    answer = room.client(persona).get("/incidents/kestrel/report.pdf")
    assert answer.status_code == STATUS[persona]
    assert not AccessRecord.objects.filter(kind="report").exists()


def test_right_to_export_can_be_given_and_taken(room):
    commander = room.people["commander"]
    room.incident.set_role(room.people["responder"], "responder", by=commander, may_export=True)
    assert room.client("responder").get("/incidents/kestrel/report.pdf").status_code == 200
    room.incident.set_role(room.people["responder"], "responder", by=commander)
    assert room.client("responder").get("/incidents/kestrel/report.pdf").status_code == 403


@pytest.mark.parametrize("fate", [printers.die, printers.fail, printers.dawdle])
def test_printer_that_fails_gives_a_calm_page_and_the_next_report_works(room, monkeypatch, fate):
    client = room.client("legal")
    client.raise_request_exception = True
    with monkeypatch.context() as broken:
        broken.setattr(report, "render_pdf", fate)
        broken.setattr(report, "SECONDS", 2 if fate is printers.dawdle else 60)
        answer = client.get("/incidents/kestrel/report.pdf")
    assert answer.status_code == 503
    page = parse(answer.content)
    assert "The report could not be built. Nothing was lost; try again." in page.text()
    told = page.text().replace(canary("classification", "scheme"), "")  # the banner, on every page
    assert "canary" not in told and "Traceback" not in told
    assert "/incidents/kestrel/report.pdf" in [link.attrs["href"] for link in page.all("a")]
    assert client.get("/incidents/kestrel/report.pdf").status_code == 200


SERVER_THAT_IS_KILLED = """
import os, signal
from incidents import report
report.print_pdf("<p>One page</p>", {})
print("printed", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_printer_ends_with_the_server_that_was_killed(settings):
    ran = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", SERVER_THAT_IS_KILLED],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,  # the printer holds it as well: the run ends when both are gone
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (-signal.SIGKILL, b"printed\n")


def test_export_pdf_writes_the_file_and_says_which_copy(room, tmp_path, capsys):
    target = tmp_path / "report.pdf"
    call_command("export_pdf", "KESTREL", output=str(target), reader="legal@example.com")
    [row] = AccessRecord.objects.filter(kind="report")
    assert target.read_bytes().startswith(b"%PDF-")
    said = f"Copy {row.copy} of revision {row.revision} for legal@example.com.\n"
    assert capsys.readouterr().err == said
    with pytest.raises(CommandError, match="reader@example.com may not download the report of KESTREL."):
        call_command("export_pdf", "KESTREL", output=str(target), reader="reader@example.com")


def test_export_pdf_says_that_the_printer_failed(room, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "render_pdf", printers.fail)
    with pytest.raises(CommandError, match="The report could not be built."):
        call_command("export_pdf", "KESTREL", output=str(tmp_path / "r.pdf"))
    assert not (tmp_path / "r.pdf").exists()


# --- how many queries -----------------------------------------------------------------------------------


def queries(ask) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        ask()
    return len(asked)


def test_number_of_queries_does_not_depend_on_the_number_of_entries(dana, as_dana, incident):
    reader = factories.participant(incident, factories.user("reader"))

    def grow():
        step = factories.entry(incident, "next_steps", assignee=reader)
        fact = factories.entry(incident, "timeline", milestone="detected")
        for name, section in SECTIONS.items():
            links = {"response": {"next_step": step}, "details": {"timeline_entry": fact}}.get(name, {})
            if section.many or not section.single(incident).version:
                factories.entry(incident, name, by=reader if name != "classification" else dana, **links)

    def composed():
        copy = AccessRecord(incident=incident, user=dana, kind="report", revision=1, copy="0000-0000")
        report.compose(incident, copy, "privileged")

    def opened():
        assert as_dana.get("/incidents/kestrel/").status_code == 200

    counts = []
    for _ in range(2):
        grow()
        incident.acknowledge(by=reader)
        for ask in (composed, opened):
            ask()  # the bodies are rendered and kept
        counts.append((queries(composed), queries(opened)))
        grow()
    assert counts[0] == counts[1]
    print("queries: report, document page:", counts[0])
    assert counts[0][0] <= 25 and counts[0][1] <= 40
    assert Participant.objects.filter(incident=incident).count() == 2
