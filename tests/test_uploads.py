"""Evidence files: received whole or not at all, hashed, never changed, and served as downloads only."""

import hashlib
import io
import stat
import struct
import uuid
import zipfile
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from PIL import Image

from incidents import files
from incidents.incident import Incident
from incidents.reading import AccessRecord
from incidents.sections.appendix import Appendix
from tests import factories
from tests.markup import filled, parse
from tests.room import PERSONAS, canary

URL = "/incidents/kestrel/appendix/"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><body><script>alert(1)</script></body></html>"


def png(width: int = 40, height: int = 30) -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(drawn, "PNG")
    return drawn.getvalue()


def jpeg_with_gps() -> bytes:
    """A photograph that says where it was taken and by whom."""
    exif = Image.Exif()
    exif[0x010F] = "canarymaker"
    exif[0x8298] = "canarycopyright"
    exif.get_ifd(0x8825).update({1: "N", 2: (50.0, 51.0, 0.0), 3: "E", 4: (4.0, 21.0, 0.0)})
    drawn = io.BytesIO()
    Image.new("RGB", (80, 60), "olive").save(drawn, "JPEG", exif=exif.tobytes(), comment=b"canarycomment")
    return drawn.getvalue()


def flood() -> bytes:
    """A PNG whose header claims 30,000 by 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("../../escape.txt", "canaryescape")
        out.writestr("bomb.txt", "0" * 1_000_000)
    return packed.getvalue()


def polyglot() -> bytes:
    """A GIF that is a page as well."""
    drawn = io.BytesIO()
    Image.new("P", (8, 8)).save(drawn, "GIF")
    return drawn.getvalue().replace(b"GIF87a", b"GIF89a", 1) + HTML


def upload(client, content: bytes, name: str = "log.txt", declared: str = "text/plain", **fields):
    """Send a file through the form; returns the answer and the entry, if there is one."""
    pk = uuid.uuid4()
    sent = SimpleUploadedFile("x", content, content_type=declared)
    sent._name = name  # Django's client would tidy it
    answer = client.post(URL, {"id": pk, "kind": "file", "upload": sent, **fields})
    return answer, Appendix.objects.filter(pk=pk).first()


def on_disk(settings) -> list:
    return [path for path in settings.FILES_DIR.rglob("*") if path.is_file()]


# --- receiving ------------------------------------------------------------------------------------------


def test_upload_is_kept_byte_for_byte_with_its_hash(as_dana, incident, settings):
    content = bytes(range(256)) * 3000
    answer, entry = upload(as_dana, content, "dump.bin", note="from the gateway")
    assert answer.status_code == 302
    assert (entry.kind, entry.name, entry.size) == ("file", "dump.bin", len(content))
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    [path] = on_disk(settings)
    assert path.read_bytes() == content
    assert path.name == entry.stored and len(entry.stored) == 48
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("content", "name", "declared", "sniffed", "promised"),
    [
        (png(), "screen.png", "image/png", "image/png", ""),
        (jpeg_with_gps(), "photo.jpg", "image/jpeg", "image/jpeg", ""),
        (png(), "report.txt", "text/plain", "image/png", "text/plain"),
        (HTML, "screen.png", "image/png", "text/html", "image/png"),
        (SVG, "logo.svg", "image/svg+xml", "image/svg+xml", ""),
        (SVG, "logo.png", "image/png", "image/svg+xml", "image/png"),
        (archive(), "logs.zip", "application/zip", "application/zip", ""),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a.pdf", "application/pdf", "application/pdf", ""),
        (b"plain text\n", "page.html", "text/html", "text/plain", ""),
        (b"MZ\x90\0" + b"\0" * 200, "cat.jpg", "image/jpeg", None, "image/jpeg"),
    ],
)
def test_upload_is_what_its_bytes_say(as_dana, incident, content, name, declared, sniffed, promised):
    pictured = sniffed in ("image/png", "image/jpeg")
    _, entry = upload(as_dana, content, name, declared)
    assert entry.content_type == sniffed or sniffed is None
    assert entry.is_picture is pictured
    preview = as_dana.get(f"/incidents/kestrel/files/{entry.pk}/preview/")
    assert preview.status_code == (200 if pictured else 404)
    page = parse(as_dana.get(URL).content)
    assert len(page.all("img")) == pictured
    assert (f"though its name says {promised}" in page.text()) == bool(promised)


DANGEROUS = {
    "svg": SVG,
    "html": HTML,
    "polyglot": polyglot(),
    "xml": b"<?xml version='1.0'?>" + SVG,
    "png": png(),
}


@pytest.mark.parametrize("kind", DANGEROUS)
def test_download_is_an_attachment_that_cannot_run(as_dana, incident, kind):
    _, entry = upload(as_dana, DANGEROUS[kind], f"x.{kind}", "text/html")
    answer = as_dana.get(f"/incidents/kestrel/files/{entry.pk}/")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == DANGEROUS[kind]
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == f'attachment; filename="x.{kind}"'
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"
    assert int(answer["Content-Length"]) == len(DANGEROUS[kind])


def test_preview_is_drawn_anew_without_what_the_original_tells(as_dana, incident):
    original = jpeg_with_gps()
    assert b"canarymaker" in original and Image.open(io.BytesIO(original)).getexif().get_ifd(0x8825)
    _, entry = upload(as_dana, original, "photo.jpg", "image/jpeg")
    answer = as_dana.get(f"/incidents/kestrel/files/{entry.pk}/preview/")
    drawn = Image.open(io.BytesIO(answer.content))
    assert (answer["Content-Type"], drawn.format, drawn.size) == ("image/png", "PNG", (80, 60))
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert len(drawn.getexif()) == 0 and not set(drawn.info) - {"srgb"}
    assert b"canary" not in answer.content and b"Exif" not in answer.content
    kept = as_dana.get(f"/incidents/kestrel/files/{entry.pk}/")
    assert b"".join(kept.streaming_content) == original


def test_preview_of_a_polyglot_holds_none_of_its_bytes(as_dana, incident):
    _, entry = upload(as_dana, polyglot(), "x.gif", "image/gif")
    answer = as_dana.get(f"/incidents/kestrel/files/{entry.pk}/preview/")
    assert answer.content.startswith(b"\x89PNG") and b"script" not in answer.content


def test_preview_is_small(as_dana, incident):
    _, entry = upload(as_dana, png(4000, 1000), "wide.png", "image/png")
    answer = as_dana.get(f"/incidents/kestrel/files/{entry.pk}/preview/")
    assert Image.open(io.BytesIO(answer.content)).size == (960, 240)


@pytest.mark.parametrize("content", [flood(), png()[:60], b"\x89PNG\r\n\x1a\n", b"GIF89a" + b"\xff" * 40])
def test_picture_that_is_a_flood_or_broken_is_kept_without_a_preview(as_dana, incident, content):
    answer, entry = upload(as_dana, content, "big.png", "image/png")
    assert answer.status_code == 302 and entry.size == len(content)
    assert as_dana.get(f"/incidents/kestrel/files/{entry.pk}/preview/").status_code == 404
    assert as_dana.get("/incidents/kestrel/").status_code == 200


def test_archive_is_never_unpacked(as_dana, incident, settings):
    content = archive()
    _, entry = upload(as_dana, content, "logs.zip", "application/zip")
    [path] = on_disk(settings)
    assert path.read_bytes() == content
    assert not list(settings.FILES_DIR.parent.rglob("escape.txt"))
    assert b"canaryescape" not in as_dana.get("/incidents/kestrel/").content


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "header"),
    [
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("..\\..\\boot.ini", 'attachment; filename="boot.ini"'),
        ("/etc/shadow", 'attachment; filename="shadow"'),
        ('a"; filename=evil.html; x="', 'attachment; filename="a\\"; filename=evil.html; x=\\""'),
        ("büro – 1.txt", "attachment; filename*=utf-8''b%C3%BCro%20%E2%80%93%201.txt"),
        ("\u202etxt.exe", "attachment; filename*=utf-8''%E2%80%AEtxt.exe"),
    ],
)
def test_name_is_no_path_and_no_header(as_dana, incident, settings, typed, header):
    _, entry = upload(as_dana, b"x")
    Appendix.objects.filter(pk=entry.pk).update(name=typed, rendered_key="")
    sent = as_dana.get(f"/incidents/kestrel/files/{entry.pk}/")
    assert sent["Content-Disposition"] == header
    [path] = on_disk(settings)
    assert path == settings.FILES_DIR / entry.stored[:2] / entry.stored


@pytest.mark.parametrize(
    "named",
    [
        "../../etc/passwd",
        "a\r\nSet-Cookie: x=1",
        "a\nb.txt",
        "n" * 300 + ".txt",
        "\u202egpj.exe",
        "CON",
        ".",
        "..",
        "",
    ],
)
def test_upload_of_any_name_lies_under_a_random_name(as_dana, incident, settings, named):
    _, entry = upload(as_dana, b"content", "named.txt")
    other, sent = upload_named(as_dana, named)
    assert other.status_code in (302, 422)
    assert len(on_disk(settings)) == 1 + (sent is not None)
    for path in on_disk(settings):
        assert len(path.name) == 48 and set(path.name) <= set("0123456789abcdef")
        assert path.parent.parent == settings.FILES_DIR
    if sent is not None:
        answer = as_dana.get(f"/incidents/kestrel/files/{sent.pk}/")
        assert answer.status_code == 200
        assert answer["Content-Disposition"].startswith("attachment")
        assert "\r" not in answer["Content-Disposition"] and "Set-Cookie" not in answer.headers
        assert "/" not in sent.name and "\\" not in sent.name


def upload_named(client, name: str):
    """A file under a name as a hostile client writes it into the body of the request."""
    pk, edge = uuid.uuid4(), "edge"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="id"\r\n\r\n{pk}',
        f'--{edge}\r\nContent-Disposition: form-data; name="kind"\r\n\r\nfile',
        f'--{edge}\r\nContent-Disposition: form-data; name="upload"; filename="{name}"'
        "\r\nContent-Type: text/plain\r\n\r\nbytes",
    ]
    body = "\r\n".join(parts) + f"\r\n--{edge}--\r\n"
    answer = client.post(URL, body.encode(), content_type=f"multipart/form-data; boundary={edge}")
    return answer, Appendix.objects.filter(pk=pk).first()


@pytest.mark.parametrize(
    "name", ["a\r\nSet-Cookie: canary=1", "x" * 300, "\u202e\u200f.txt", 'q".txt', "a/b\\c"]
)
def test_name_typed_into_the_form_makes_no_header(as_dana, incident, name):
    answer, entry = upload(as_dana, b"x", name="x.txt")
    changed = as_dana.post(f"{URL}{entry.pk}/", {"version": 1, "name": name})
    assert changed.status_code in (302, 422)
    sent = as_dana.get(f"/incidents/kestrel/files/{entry.pk}/")
    assert sent.status_code == 200
    disposition = sent["Content-Disposition"]
    assert disposition.startswith("attachment; filename") and disposition.isascii()
    assert "Set-Cookie" not in sent.headers and "\n" not in disposition


# --- quotas and faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("MAX_FILE_BYTES", "The file is larger than 1 MB. Your text is kept."),
        ("MAX_INCIDENT_BYTES", "This incident's files have room for 1 MB more. Your text is kept."),
    ],
)
def test_quota_is_told_and_the_text_is_kept(as_dana, incident, settings, limit, sentence):
    setattr(settings, limit, 2**20)
    answer, entry = upload(as_dana, b"x" * (2**20 + 1), "big.bin", note="canarynote", custody="canarycustody")
    assert (answer.status_code, entry) == (422, None)
    form = parse(answer.content).all("form", "edit")[0]
    assert sentence in [error.text() for error in form.all("p", "error")]
    kept = filled(form)
    assert (kept["note"], kept["custody"]) == ("canarynote", "canarycustody")
    assert on_disk(settings) == []
    answer, entry = upload(as_dana, b"x" * 2**20, "fits.bin")
    assert answer.status_code == 302 and entry.size == 2**20


def test_quota_counts_what_the_incident_holds_and_not_its_neighbours(as_dana, dana, incident, settings):
    settings.MAX_INCIDENT_BYTES = 100
    assert upload(as_dana, b"x" * 60)[0].status_code == 302
    assert upload(as_dana, b"x" * 60)[0].status_code == 422
    assert upload(as_dana, b"x" * 40)[0].status_code == 302
    other = factories.incident(dana, codename="OSPREY")
    sent = SimpleUploadedFile("a.txt", b"x" * 60)
    answer = as_dana.post(f"/incidents/{other.slug}/appendix/", {"kind": "file", "upload": sent})
    assert answer.status_code == 302


def test_full_disk_is_told_and_leaves_nothing(as_dana, incident, settings, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Path, "rename", full)
    answer, entry = upload(as_dana, b"x", note="canarynote")
    assert (answer.status_code, entry, on_disk(settings)) == (422, None, [])
    assert "The file could not be stored: the disk is full or read-only." in parse(answer.content).text()
    assert b"canarynote" in answer.content


def test_failed_write_of_the_entry_leaves_no_file(incident, as_dana, settings, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("canaryfault")

    as_dana.raise_request_exception = False
    monkeypatch.setattr(Incident, "_record", fail)
    answer, entry = upload(as_dana, b"x")
    assert (answer.status_code, entry, on_disk(settings)) == (500, None, [])
    assert b"canaryfault" not in answer.content


def test_repeated_upload_is_one_entry_and_one_file(as_dana, incident, settings):
    pk = uuid.uuid4()
    for _ in range(2):
        sent = SimpleUploadedFile("log.txt", b"x")
        answer = as_dana.post(URL, {"id": pk, "kind": "file", "upload": sent})
        assert answer.status_code == 302
    assert Appendix.objects.filter(kind="file").count() == len(on_disk(settings)) == 1


def test_empty_file_and_missing_file_are_refused(as_dana, incident, settings):
    answer, entry = upload(as_dana, b"", note="canarynote")
    assert (answer.status_code, entry) == (422, None) and b"canarynote" in answer.content
    answer = as_dana.post(URL, {"kind": "file", "name": "nothing"})
    assert answer.status_code == 422
    assert "Choose the file, or choose another kind." in parse(answer.content).text()
    assert on_disk(settings) == []


SERVER_ONLY = {"stored": "0" * 48, "sha256": "f" * 64, "size": 7, "content_type": "image/png", "number": 99}


def test_no_form_field_reaches_what_only_the_server_knows(as_dana, incident):
    _, entry = upload(as_dana, b"10:44 deny\n", **SERVER_ONLY)
    assert (entry.size, entry.content_type, entry.number) == (11, "text/plain", 1)
    assert entry.sha256 == hashlib.sha256(b"10:44 deny\n").hexdigest() and entry.stored != "0" * 48
    before = (
        entry.stored,
        entry.sha256,
        entry.size,
        entry.content_type,
        entry.kind,
        entry.text,
        entry.number,
    )
    data = {"version": 1, "name": "renamed", "kind": "extract", "text": "swapped", **SERVER_ONLY}
    data["upload"] = SimpleUploadedFile("y.txt", b"other")
    assert as_dana.post(f"{URL}{entry.pk}/", data).status_code == 302
    entry.refresh_from_db()
    after = (entry.stored, entry.sha256, entry.size, entry.content_type, entry.kind, entry.text, entry.number)
    assert (entry.name, after) == ("renamed", before)
    plain = as_dana.post(
        URL, {"kind": "extract", "name": "n", "text": "t", "id": uuid.uuid4(), **SERVER_ONLY}
    )
    assert plain.status_code == 302
    extract = Appendix.objects.get(kind="extract")
    assert (extract.stored, extract.sha256, extract.size, extract.number) == ("", "", None, 2)


# --- who gets it ----------------------------------------------------------------------------------------

MAY_READ = {"reader", "responder", "legal", "commander"}
STATUS = {
    "anonymous": 302,
    "outsider": 404,
    "superuser": 404,
    "executive": 403,
    "revoked": 404,
    "disabled": 302,
}


@pytest.mark.parametrize("persona", PERSONAS)
def test_file_goes_to_readers_only(room, persona):
    room.incident.add(picture_entry(room), by=room.people["commander"])
    client = room.client(persona)
    for url in (f"files/{room.file.pk}/", f"files/{picture(room).pk}/preview/"):
        answer = client.get(f"/incidents/kestrel/{url}")
        assert answer.status_code == (200 if persona in MAY_READ else STATUS[persona]), url
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert (canary("file", "bytes").encode() in body) == (persona in MAY_READ and "preview" not in url)
    assert client.get(f"/incidents/osprey/files/{room.file.pk}/").status_code in (302, 404)


def picture_entry(room, **fields):
    received = files.receive(factories.picture(), room.incident)
    entry = Appendix(pk=uuid.uuid4(), kind="file", name="screen.png", **fields)
    received.put_on(entry)
    return entry


def picture(room):
    return Appendix.objects.get(name="screen.png")


@pytest.mark.parametrize("persona", sorted(MAY_READ))
def test_file_of_a_privileged_entry_goes_to_counsel_and_commander_only(room, persona):
    room.incident.add(picture_entry(room, privileged=True), by=room.people["commander"])
    client = room.client(persona)
    expected = 200 if persona in ("legal", "commander") else 404
    assert client.get(f"/incidents/kestrel/files/{picture(room).pk}/").status_code == expected
    assert client.get(f"/incidents/kestrel/files/{picture(room).pk}/preview/").status_code == expected


@pytest.mark.parametrize("persona", sorted(MAY_READ))
def test_file_of_a_hidden_entry_is_served_to_nobody(room, persona):
    room.incident.add(picture_entry(room), by=room.people["commander"])
    room.incident.remove(picture(room), by=room.people["commander"])
    client = room.client(persona)
    assert client.get(f"/incidents/kestrel/files/{picture(room).pk}/").status_code == 404
    assert client.get(f"/incidents/kestrel/files/{picture(room).pk}/preview/").status_code == 404


def test_extract_and_unknown_entry_have_no_file(room):
    client = room.client("commander")
    for pk in (room.entries["appendix"].pk, room.entries["timeline"].pk, uuid.uuid4()):
        assert client.get(f"/incidents/kestrel/files/{pk}/").status_code == 404


@pytest.mark.parametrize("persona", ["executive", "reader", "legal", "outsider", "superuser"])
def test_upload_by_somebody_who_may_not_write_leaves_nothing(room, settings, persona):
    before, entries = on_disk(settings), Appendix.objects.count()
    answer, entry = upload(room.client(persona), b"x")
    assert answer.status_code in (403, 404) and entry is None
    assert (on_disk(settings), Appendix.objects.count()) == (before, entries)


def test_line_44_download_is_recorded_and_a_preview_is_not(room):
    client = room.client("reader")
    client.get(f"/incidents/kestrel/files/{room.file.pk}/")
    [row] = AccessRecord.objects.filter(kind="file")
    assert (row.user, row.incident, row.subject) == (
        room.people["reader"],
        room.incident,
        f"A-{room.file.number}",
    )
    assert row.revision == room.incident.revision
    room.client("outsider").get(f"/incidents/kestrel/files/{room.file.pk}/")
    assert AccessRecord.objects.filter(kind="file").count() == 1


# --- bytes never change ---------------------------------------------------------------------------------


def test_verify_files_names_what_changed_and_what_is_missing(as_dana, incident, capsys):
    _, first = upload(as_dana, b"first")
    _, second = upload(as_dana, b"second")
    call_command("verify_files")
    assert capsys.readouterr().out == "Every stored file has its bytes.\n"
    changed, missing = files.path_of(first.stored), files.path_of(second.stored)
    changed.chmod(0o600)
    changed.write_bytes(b"fIrst")
    missing.unlink()
    with pytest.raises(CommandError) as fault:
        call_command("verify_files")
    assert str(fault.value).splitlines() == [
        "KESTREL A-1: the bytes changed",
        "KESTREL A-2: the file is missing",
    ]
    assert as_dana.get(f"/incidents/kestrel/files/{second.pk}/").status_code == 404
    assert as_dana.get("/incidents/kestrel/").status_code == 200


def test_entry_that_is_changed_or_hidden_keeps_its_file(as_dana, dana, incident, settings):
    _, entry = upload(as_dana, b"bytes")
    as_dana.post(f"{URL}{entry.pk}/", {"version": 1, "name": "renamed.txt", "note": "n"})
    as_dana.post(f"{URL}{entry.pk}/hide/")
    as_dana.post(f"{URL}{entry.pk}/restore/")
    [path] = on_disk(settings)
    assert path.read_bytes() == b"bytes"
    answer = as_dana.get(f"/incidents/kestrel/files/{entry.pk}/")
    assert b"".join(answer.streaming_content) == b"bytes"
    assert answer["Content-Disposition"] == 'attachment; filename="renamed.txt"'
