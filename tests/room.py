"""A room in which every leak names its source: ten personas, a canary in every field of every section."""

import re
import uuid
from datetime import timedelta

from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client
from django.utils import timezone

from incidents import files
from incidents.comments import Comment
from incidents.invitations import ask, requests_for
from incidents.looking import Looked
from incidents.membership import Terms
from incidents.notices import Notice
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from incidents.vocabulary import Role
from tests import factories
from tests.signing import sign_in

PERSONAS = (
    "anonymous",
    "outsider",
    "superuser",
    "executive",
    "reader",
    "responder",
    "legal",
    "commander",
    "revoked",
    "disabled",
)
ROLES = {"executive": Role.EXECUTIVE, "reader": Role.READER, "responder": Role.RESPONDER, "legal": Role.LEGAL}


TALKED_ABOUT = {"summary", "timeline", "next_steps"}  # comments are the same for all sections


def canary(*parts: object) -> str:
    """A word that occurs nowhere else."""
    return "canary" + "".join(str(part).replace("_", "").replace("-", "") for part in parts)


def canaries_of(section: str, suffix: str = "") -> dict[str, str]:
    """A canary for each free-text field of a section."""
    model = SECTIONS[section].model
    fields = {}
    for name in model.own:
        column = model._meta.get_field(name)
        if isinstance(column, models.URLField):
            fields[name] = f"https://{canary(section, name, suffix)}.example/"
        elif (
            isinstance(column, models.CharField | models.TextField) and not column.choices and column.editable
        ):
            fields[name] = canary(section, name, suffix)
    return fields


def canaries_in(response) -> set[str]:
    """The canaries of an answer, in its headers and its body; a download is read to its end."""
    body = b"".join(response) if response.streaming else response.content
    return canaries_of_text(f"{response.headers} {body.decode(errors='replace')}")


def canaries_of_text(text: str) -> set[str]:
    """The canaries of a text."""
    return set(re.findall(r"canary[a-z0-9]+", text.lower()))


def stored() -> dict[str, list]:
    """Every row of this application but who read what and up to where; a kept rendering is no content of its own."""
    rows = {}
    for model in apps.get_models():
        if model._meta.app_label in ("accounts", "incidents") and model not in (AccessRecord, Looked):
            columns = [c.attname for c in model._meta.concrete_fields if not c.name.startswith("rendered")]
            rows[model._meta.label] = list(model._base_manager.order_by("pk").values(*columns))
    return rows


def changes_since(before: dict[str, list]) -> dict[str, set[str]]:
    """Model → names of the columns that changed since `before` was stored; “new” and “gone” stand for rows."""
    found = {}
    for label, rows in stored().items():
        old, new = ({row.get("id", str(row)): row for row in side} for side in (before[label], rows))
        names = {"new"} if new.keys() - old.keys() else set()
        names |= {"gone"} if old.keys() - new.keys() else set()
        for key in old.keys() & new.keys():
            names |= {name for name, value in new[key].items() if old[key][name] != value}
        if names:
            found[label] = names
    return found


def file_in(incident, upload, name: str):
    """An entry of the appendix with a stored file."""
    received = files.receive(upload, incident)
    entry = SECTIONS["appendix"].model(
        pk=uuid.uuid4(),
        kind="file",
        name=name,
        size=received.size,
        sha256=received.sha256,
        content_type=received.content_type,
        stored=received.stored,
    )
    incident.add(entry, by=incident.commander)
    return entry


class Room:
    """The incident KESTREL, a second incident OSPREY of somebody else, and a client for each persona."""

    def __init__(self) -> None:
        self.people = {
            name: factories.user(name, is_superuser=name == "superuser", is_staff=name == "superuser")
            for name in PERSONAS
            if name != "anonymous"
        }
        self.incident = factories.incident(self.people["commander"], title=canary("title"))
        for name, role in ROLES.items():
            factories.participant(self.incident, self.people[name], role)
        for name in ("revoked", "disabled"):
            factories.participant(self.incident, self.people[name])
        self.entries = {name: factories.entry(self.incident, name, **canaries_of(name)) for name in SECTIONS}
        self.marked = {
            name: factories.entry(self.incident, name, privileged=True, **canaries_of(name, "marked"))
            for name, section in SECTIONS.items()
            if section.many
        }
        self.hidden = {
            name: factories.entry(self.incident, name, **canaries_of(name, "hidden"))
            for name, section in SECTIONS.items()
            if section.many
        }
        self._talk()
        for entry in self.hidden.values():
            self.incident.remove(entry, by=self.people["commander"])
        for name in (*ROLES, "revoked", "disabled"):
            self.incident.acknowledge(by=self.people[name])
        evidence = SimpleUploadedFile("evidence.txt", canary("file", "bytes").encode())
        self.file = file_in(self.incident, evidence, canary("file", "name") + ".txt")
        self.picture = file_in(self.incident, factories.picture(), canary("picture", "name") + ".png")
        self.incident.let_out(
            self.people["revoked"], by=self.people["commander"], reason=canary("removal", "reason")
        )
        self._people_at_the_door()
        self.notice = Notice.objects.create(
            user=self.people["responder"],
            incident=self.incident,
            kind="mention",
            by=self.people["commander"],
            section="theories",
            entry_id=self.entries["theories"].pk,
            once="room",
        )
        self.people["disabled"].is_active = False
        self.people["disabled"].save()
        self.other = factories.incident(self.people["outsider"], codename="OSPREY", title="Somebody else's")
        self.foreign = {name: factories.entry(self.other, name) for name in SECTIONS}
        self.foreign_comment = self._say(self.other, self.foreign["next_steps"], self.people["outsider"], "x")
        self.foreign_picture = file_in(self.other, factories.picture(), "elsewhere.png")
        self.incident.refresh_from_db()

    def _talk(self) -> None:
        """Comments on open entries, on marked and on hidden ones, and a comment that is hidden itself."""
        kinds = {"": self.entries, "marked": self.marked, "hidden": self.hidden}
        self.comments = {}
        for suffix, entries in kinds.items():
            for name in TALKED_ABOUT & entries.keys():
                entry, by = entries[name], self.people["commander" if suffix == "marked" else "responder"]
                words = canary("comment", name, suffix)
                self.comments[name, suffix] = self._say(self.incident, entry, by, words)
        step, first = self.entries["next_steps"], self.comments["next_steps", ""]
        closed = self._say(self.incident, step, first.author, canary("comment", "closed"), reply_to=first)
        self.incident.hide_comment(step, closed, by=first.author)

    def _say(self, incident, entry, by, words: str, reply_to=None) -> Comment:
        comment = Comment(pk=uuid.uuid4(), text=words, reply_to=reply_to)
        incident.comment(entry, comment, by=by)
        return comment

    def said(self, suffix: str = "") -> set[str]:
        """What was said about entries of a kind; hidden: also what was said and hidden."""
        words = {canary("comment", name, kind) for name, kind in self.comments if kind == suffix}
        return words | ({canary("comment", "closed")} if suffix == "hidden" else set())

    def _people_at_the_door(self) -> None:
        """An invitation, a request, a blocked address, an offer of command and a request for break-glass."""
        commander = self.people["commander"]
        self.invitation = self.incident.invite(
            self.people["outsider"].email, Terms(Role.READER), by=commander, note=canary("invitation", "note")
        )
        self.incident.invitations.update(sent_at=timezone.now() - timedelta(hours=1))
        self.invitation.refresh_from_db()
        ask(self.people["superuser"], self.incident.codename, canary("request", "words"))
        [self.request] = requests_for(self.incident)
        self.incident.block(
            canary("blocked") + "@example.com", by=commander, reason=canary("block", "reason")
        )
        self.block = self.incident.blocks.get()
        self.offer = self.incident.offer_command(
            self.people["responder"], by=commander, reason=canary("offer", "reason")
        )
        self.opening = self.incident.ask_break_glass(
            by=self.people["responder"], reason=canary("glass", "reason")
        )

    def client(self, persona: str) -> Client:
        """A client signed in as a persona; a disabled one holds a session from before it was disabled."""
        client = Client(raise_request_exception=False)
        if persona != "anonymous":
            person = self.people[persona]
            was = person.is_active
            if not was:
                type(person).objects.filter(pk=person.pk).update(is_active=True)
            sign_in(client, type(person).objects.get(pk=person.pk))
            if not was:
                type(person).objects.filter(pk=person.pk).update(is_active=False)
        return client

    def for_readers(self) -> set[str]:
        """What everybody who reads the document is told about its people."""
        return {canary(deed, "reason") for deed in ("removal", "offer", "glass")}

    def for_the_commander(self) -> set[str]:
        """What only the commander is told about people."""
        return {canary("request", "words"), canary("blocked"), canary("block", "reason")}

    def summary_canaries(self) -> set[str]:
        """What an executive may see."""
        shown = ("statement", "business_impact", "current_state", "decisions_wanted")
        return {canary("summary", name) for name in shown}
