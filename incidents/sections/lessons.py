"""Section 9: what was learned, raw at any time, reviewed at the end."""

from django import forms
from django.db import models

from incidents.sections.base import LINE, LONG, Entry, Section
from incidents.sections.forms import EntryForm, ThreeWay
from incidents.vocabulary import Becomes


class Lesson(Entry):
    """One lesson; the review says whether it is agreed and what becomes of it."""

    section = "lessons"
    own = ("text", "becomes", "agreed", "owner", "link")

    text = models.TextField("what was learned", max_length=LONG)
    becomes = models.CharField(max_length=16, choices=Becomes.choices, blank=True)
    agreed = models.BooleanField("agreed in the review", null=True, blank=True)
    owner = models.CharField(max_length=LINE, blank=True)
    link = models.URLField(max_length=2000, blank=True)


class LessonForm(EntryForm):
    seldom = ("agreed", "owner", "link")

    agreed = forms.NullBooleanField(
        required=False,
        label="Agreed in the review",
        widget=ThreeWay("Not reviewed", "Agreed", "Not agreed"),
    )

    class Meta:
        model = Lesson
        fields = ["text", "becomes", "agreed", "owner", "link", "checked", "constructed", "privileged"]


class LessonsSection(Section):
    name = "lessons"
    title = "Lessons learned"
    guidance = "Write them down raw, now. Reviewed at the end and sent to a playbook or an initiative."
    kind = "les"
    prefix = "L"
    counted = ("lesson", "lessons")
    model = Lesson
    form = LessonForm
    facts = {"text": "text", "becomes": "becomes", "agreed": "agreed", "owner": "owner", "link": "link"}
    capture_label = "Lesson"
