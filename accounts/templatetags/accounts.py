"""Tags and filters of the pages of accounts."""

import json
from zoneinfo import available_timezones

from django import template

register = template.Library()


@register.simple_tag
def zones() -> list[str]:
    """The time zones that can be typed."""
    return sorted(available_timezones())


@register.filter
def as_json(value) -> str:
    """A value for a data attribute; the template escapes it."""
    return json.dumps(value)
