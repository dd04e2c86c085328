"""Tags and filters of the pages of accounts."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html

from accounts import zones as known
from accounts.models import User
from accounts.sealing import seal_key

register = template.Library()

# What a User-Agent holds, the more special one first, and what people call it.
BROWSERS = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
]
SYSTEMS = [
    ("Windows", "Windows"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
]


@register.simple_tag
def zones() -> list[str]:
    """The time zones that can be typed."""
    return sorted(known.zones())


@register.simple_tag
def when(at: datetime, user: User) -> str:
    """A <time> of a server time (UTC) where this person reads times."""
    local = at.astimezone(ZoneInfo(user.zone))
    return format_html(
        '<time class="num" datetime="{}">{}</time>', at.isoformat(), local.strftime("%-d %b %Y %H:%M")
    )


@register.simple_tag
def seal(user) -> str:
    """The key for this person's unsent text on this device; "" for who is not signed in."""
    return seal_key(user) if isinstance(user, User) else ""


@register.filter
def browser(agent: str) -> str:
    """A browser in words that its owner knows, such as “Firefox on Windows”."""
    name, system = (
        next((called for mark, called in table if mark in agent), "") for table in (BROWSERS, SYSTEMS)
    )
    return " on ".join(filter(None, (name, system))) or agent or "An unknown browser"


@register.filter
def as_json(value) -> str:
    """A value for a data attribute; the template escapes it."""
    return json.dumps(value)
