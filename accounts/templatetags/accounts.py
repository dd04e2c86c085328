"""Tags and filters of the pages of accounts."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from django import template
from django.utils.html import format_html

from accounts.models import User

register = template.Library()


@register.simple_tag
def zones() -> list[str]:
    """The time zones that can be typed."""
    return sorted(available_timezones())


@register.simple_tag
def when(at: datetime, user: User) -> str:
    """A <time> of a server time (UTC) where this person reads times."""
    local = at.astimezone(ZoneInfo(user.zone))
    return format_html(
        '<time class="num" datetime="{}">{}</time>', at.isoformat(), local.strftime("%-d %b %Y %H:%M")
    )


@register.filter
def as_json(value) -> str:
    """A value for a data attribute; the template escapes it."""
    return json.dumps(value)
