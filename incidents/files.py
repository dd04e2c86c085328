"""Evidence files: received once, hashed at receipt, never changed. Floor 6.

On disk a file has a random name under FILES_DIR and keeps its bytes as they came; what it was called is in
the entry. Pictures get a preview that is drawn anew, so that nothing of the original's bytes reaches a browser.
"""

import hashlib
import io
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import magic
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Sum
from PIL import Image, UnidentifiedImageError

from incidents.sections.appendix import Appendix

PIXELS = 25_000_000
_drawing = threading.BoundedSemaphore(1)
PREVIEW = (960, 960)


@dataclass
class Received:
    """A file that is on disk: its random name, bytes, SHA-256 (hexadecimal) and sniffed type."""

    stored: str
    size: int
    sha256: str
    content_type: str

    def put_on(self, entry) -> None:
        """Set what only the server knows of a file."""
        entry.stored, entry.size = self.stored, self.size
        entry.sha256, entry.content_type = self.sha256, self.content_type


def path_of(stored: str) -> Path:
    """Where a stored file is."""
    return settings.FILES_DIR / stored[:2] / stored


def receive(upload: UploadedFile, incident) -> Received:
    """Write an upload to disk and hash it on the way; raises ValidationError over a quota, leaving nothing behind."""
    expected = upload.size or 0
    if expected > settings.MAX_FILE_BYTES:
        raise ValidationError(
            f"The file is larger than {settings.MAX_FILE_BYTES // 2**20} MB. Your text is kept."
        )
    used = (
        Appendix.objects.filter(incident=incident).exclude(stored="").aggregate(sum=Sum("size"))["sum"] or 0
    )
    if used + expected > settings.MAX_INCIDENT_BYTES:
        left = max(0, settings.MAX_INCIDENT_BYTES - used) // 2**20
        raise ValidationError(f"This incident's files have room for {left} MB more. Your text is kept.")
    stored = secrets.token_hex(24)
    target = path_of(stored)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = target.with_suffix(".part")
    digest, size = hashlib.sha256(), 0
    try:
        with partial.open("xb") as out:
            for chunk in upload.chunks():
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())  # the row that names it is about to be committed as safely
        partial.chmod(0o400)
        sniffed = magic.from_file(str(partial), mime=True)[:120]
        partial.rename(target)
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except (OSError, magic.MagicException) as error:
        partial.unlink(missing_ok=True)
        raise ValidationError(
            "The file could not be stored: the disk is full or read-only. Your text is kept."
        ) from error
    return Received(stored, size, digest.hexdigest(), sniffed)


def receive_from(form: forms.BaseForm, incident) -> Received | None:
    """The upload of a valid form; None when there is none, or when a quota became an error of the form."""
    upload = form.cleaned_data.get("upload") if form.is_valid() else None
    if upload is None:
        return None
    try:
        return receive(upload, incident)
    except ValidationError as error:
        form.add_error("upload", error)
        return None


def discard(received: Received) -> None:
    """Remove a file whose entry could not be written."""
    path_of(received.stored).unlink(missing_ok=True)


def preview(entry: Appendix) -> bytes | None:
    """A small PNG drawn from a picture, without its metadata; None when it is no picture or a pixel flood."""
    try:
        with _drawing, Image.open(path_of(entry.stored)) as picture:
            if picture.width * picture.height > PIXELS:
                return None
            picture.thumbnail(PREVIEW)
            drawn = io.BytesIO()
            picture.convert("RGBA").save(drawn, "PNG")
            return drawn.getvalue()
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None


def faults() -> Iterator[str]:
    """Sentences that name each stored file that is missing or whose bytes changed."""
    for entry in Appendix.objects.exclude(stored="").select_related("incident"):
        name = f"{entry.incident.codename} A-{entry.number}"
        path = path_of(entry.stored)
        if not path.exists():
            yield f"{name}: the file is missing"
            continue
        with path.open("rb") as bytes_of:
            if hashlib.file_digest(bytes_of, "sha256").hexdigest() != entry.sha256:
                yield f"{name}: the bytes changed"
