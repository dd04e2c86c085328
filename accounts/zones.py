"""The time zones that there are."""

from functools import cache
from zoneinfo import available_timezones


@cache
def zones() -> frozenset[str]:
    """Every IANA name; asking the system each time reads hundreds of files."""
    return frozenset(available_timezones())
