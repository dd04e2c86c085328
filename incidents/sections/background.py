"""Section 10: what a newcomer must know about the systems, in blocks of prose."""

from django.db import models

from incidents.sections.base import LINE, LONG, Entry, Section, short
from incidents.sections.forms import EntryForm


class BackgroundBlock(Entry):
    """One block of Markdown with an optional heading."""

    section = "background"
    own = ("heading", "text")

    heading = models.CharField(max_length=LINE, blank=True)
    text = models.TextField(
        max_length=LONG, help_text="Markdown: *emphasis*, lists, links. HTML is shown as text."
    )


class BackgroundForm(EntryForm):
    class Meta:
        model = BackgroundBlock
        fields = ["heading", "text", "checked", "constructed", "privileged"]


class BackgroundSection(Section):
    name = "background"
    title = "Background"
    guidance = "What a newcomer must know about the systems."
    kind = "prose-block"
    prefix = "B"
    counted = ("block", "blocks")
    model = BackgroundBlock
    form = BackgroundForm
    facts = {"heading": "heading", "text": "text"}

    def label(self, values: dict) -> str:
        return short(values.get("heading") or values.get("text") or "")
