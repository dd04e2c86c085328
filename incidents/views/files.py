"""Evidence: downloads and previews."""

import unicodedata
import uuid
from pathlib import PurePosixPath

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from incidents import files, reading
from incidents.gate import requires
from incidents.sections import SECTIONS
from incidents.sections.appendix import Appendix
from incidents.vocabulary import Capability

SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox"


def find(incident, entry_id: uuid.UUID) -> Appendix:
    """The entry with a stored file that this person may see; else 404."""
    entry = (
        SECTIONS["appendix"].shown(incident, incident.audience).filter(pk=entry_id).exclude(stored="").first()
    )
    if entry is None or not files.path_of(entry.stored).exists():
        raise Http404
    return entry


@require_GET
@requires(Capability.READ)
def download(request: HttpRequest, incident, entry_id: uuid.UUID) -> FileResponse:
    """The bytes as they came, always as a download (ASVS 5.2.2, 3.2.1); recorded."""
    entry = find(incident, entry_id)
    reading.record(incident, request.user, reading.AccessRecord.Kind.FILE, subject=f"A-{entry.number}")
    spoken = "".join(letter for letter in entry.name if unicodedata.category(letter) != "Cc").replace(
        "\\", "/"
    )
    name = PurePosixPath(spoken).name.strip() or f"A-{entry.number}"
    response = FileResponse(files.path_of(entry.stored).open("rb"), as_attachment=True, filename=name)
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Security-Policy"] = SANDBOX
    return response


@require_GET
@requires(Capability.READ)
def preview(request: HttpRequest, incident, entry_id: uuid.UUID) -> HttpResponse:
    """A small PNG drawn anew from a picture."""
    entry = find(incident, entry_id)
    drawn = files.preview(entry) if entry.is_picture else None
    if drawn is None:
        raise Http404
    reading.record_once(incident, request.user, reading.AccessRecord.Kind.DOCUMENT, f"A-{entry.number}")
    return HttpResponse(drawn, content_type="image/png", headers={"Content-Security-Policy": SANDBOX})
