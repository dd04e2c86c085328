"""One dull factory for each model."""

import io
import uuid
from datetime import UTC, datetime

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import User
from incidents.incident import Incident
from incidents.sections import SECTIONS
from incidents.vocabulary import Role

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

# The least that each section's entry needs.
LEAST = {
    "classification": {"scheme": "Confidential – Specific Individuals Only"},
    "summary": {"business_impact": "None yet"},
    "timeline": {"at": NOON, "at_precision": "minute", "text": "Something happened"},
    "indicators": {"type": "ipv4", "value": "203.0.113.7"},
    "details": {"phase": "delivery", "text": "A mail with a link"},
    "response": {"at": NOON, "at_precision": "minute", "text": "Account closed"},
    "next_steps": {"text": "Read the gateway log"},
    "theories": {"text": "The token was stolen in October"},
    "lessons": {"text": "Rotate everything that was exposed"},
    "background": {"text": "The wiki runs on our own servers"},
    "comms": {"audience": "Staff", "text": "Passwords change this week"},
    "appendix": {"name": "gateway log", "text": "10:44 deny"},
}


def user(name: str, **fields) -> User:
    """An account, name@example.com, with the password `correct horse battery`."""
    return User.objects.create_user(
        f"{name}@example.com", "correct horse battery", display_name=name.capitalize(), **fields
    )


def incident(commander: User, **fields) -> Incident:
    """An incident, KESTREL unless a codename is given."""
    return Incident.start(
        **{"title": "Intruder in the wiki", "codename": "KESTREL", "by": commander, **fields}
    )


def participant(
    incident: Incident, account: User, role: str = Role.RESPONDER, accepted: bool = True, **options
):
    """Let somebody in and have them accept the classification."""
    incident.let_in(account, role, by=incident.commander, **options)
    if accepted:
        incident.acknowledge(by=account)
    return account


def entry(incident: Incident, section: str, by: User | None = None, **fields):
    """An entry with the least that its section needs."""
    chosen = SECTIONS[section]
    values = {**LEAST.get(section, {"text": "What happened"}), **fields}
    new = chosen.model(pk=uuid.uuid4(), **values) if chosen.many else chosen.single(incident)
    if not chosen.many:
        for name, value in values.items():
            setattr(new, name, value)
    incident.add(new, by=by or incident.commander)
    return new


def picture(width: int = 40, height: int = 30, name: str = "screen.png") -> SimpleUploadedFile:
    """A PNG upload."""
    drawn = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(drawn, "PNG")
    return SimpleUploadedFile(name, drawn.getvalue(), content_type="image/png")
