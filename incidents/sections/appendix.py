"""Section 12: evidence. Files, extracts in monospace, sources, notes on the record itself."""

import mimetypes
from datetime import datetime

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from incidents.sections.base import LINE, LONG, Entry, Section, short
from incidents.sections.forms import EntryForm
from incidents.vocabulary import AppendixKind

EXTRACT = 200_000
PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
ACTIVE = {"text/html", "image/svg+xml"}  # types that a browser or a system would run
PROGRAMS = {
    "application/x-dosexec",
    "application/vnd.microsoft.portable-executable",
    "application/x-executable",
    "application/x-pie-executable",
    "application/x-sharedlib",
    "application/x-mach-binary",
}


class Appendix(Entry):
    """One piece of evidence. `size` is bytes, `sha256` hexadecimal, taken at receipt; `stored` is a random name.

    `stored` is no field that a form or a case file can reach.
    """

    section = "appendix"
    own = ("kind", "name", "text", "link", "note", "custody", "content_type", "size", "sha256")

    kind = models.CharField(max_length=8, choices=AppendixKind.choices, default=AppendixKind.EXTRACT)
    name = models.CharField(max_length=LINE)
    text = models.TextField("extract", max_length=EXTRACT, blank=True)
    link = models.URLField("address of the source", max_length=2000, blank=True)
    note = models.TextField(max_length=LONG, blank=True)
    custody = models.TextField("chain of custody", max_length=LONG, blank=True)
    content_type = models.CharField(max_length=120, blank=True, editable=False)
    size = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    stored = models.CharField(max_length=64, blank=True, editable=False)

    @property
    def is_picture(self) -> bool:
        """Whether a preview can be made."""
        return bool(self.stored) and self.content_type in PICTURES

    @property
    def name_says(self) -> str:
        """The type that the name promises, where the bytes are of a kind that matters; empty where they agree."""
        said = mimetypes.guess_type(self.name)[0] or ""
        if not said or said == self.content_type or not self.content_type:
            return ""
        disguised = self.content_type in PROGRAMS and not said.startswith("application/")
        pictured = said.startswith("image/") or self.content_type in PICTURES
        return said if disguised or pictured or self.content_type in ACTIVE else ""


class AppendixForm(EntryForm):
    seldom = ("link", "custody")

    upload = forms.FileField(
        required=False,
        label="File",
        help_text="Its SHA-256 is taken now; the file cannot be changed afterwards.",
    )

    class Meta:
        model = Appendix
        fields = ["kind", "name", "text", "link", "note", "custody", "checked", "constructed", "privileged"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False
        self.fields["text"].widget.attrs["spellcheck"] = "false"
        extract = self.fields["text"]
        assert isinstance(extract, forms.CharField)
        extract.strip = False  # evidence keeps its indent and its last line break
        if not self.is_new:
            self.fields.pop("upload")
        if self.instance.stored or self.instance.sha256:
            self.fields.pop("kind")
            self.fields.pop("text")

    def clean(self) -> dict:
        cleaned = super().clean()
        upload = cleaned.get("upload")
        if upload is not None:
            cleaned["kind"] = AppendixKind.FILE
            cleaned["name"] = cleaned.get("name") or upload.name
        elif cleaned.get("kind") == AppendixKind.FILE and self.is_new:
            raise ValidationError("Choose the file, or choose another kind.")
        if not cleaned.get("name") and "name" not in self.errors:
            self.add_error("name", "Give it a name by which people can point at it.")
        return cleaned


class AppendixSection(Section):
    name = "appendix"
    title = "Appendix"
    guidance = "Evidence, with hashes. Files cannot be changed once they are here."
    kind = "fil"
    prefix = "A"
    counted = ("item", "items")
    model = Appendix
    form = AppendixForm
    facts = {
        "name": "name",
        "kind": "kind",
        "text": "text",
        "link": "link",
        "note": "note",
        "custody": "custody",
        "content_type": "content_type",
        "size": "size",
        "sha256": "sha256",
    }

    def marks(self, entry: Appendix) -> dict[str, str]:
        return {"form": entry.kind}

    def label(self, values: dict) -> str:
        return short(values.get("name", ""))

    def capture(self, text: str, now: datetime) -> dict:
        return {"name": "Extract", "text": text, "kind": AppendixKind.EXTRACT}
