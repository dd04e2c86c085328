"""Times that are known more or less exactly, in the zone that an incident shares.

Floor 0. A moment is the start (UTC) of the second, minute, hour or day that it names; for a day that is
midnight in the incident's zone. Local times that a clock change skips or repeats are refused with a
sentence that says which offsets to choose from: nothing is guessed (PEP 495 names the two readings).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

from incidents.vocabulary import Precision

WIDTHS = {
    Precision.SECOND: timedelta(seconds=1),
    Precision.MINUTE: timedelta(minutes=1),
    Precision.HOUR: timedelta(hours=1),
    Precision.DAY: timedelta(days=1),
}
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
YEARS = range(1900, 3000)
TIME = re.compile(
    r"(\d{1,2})(?:[:.](\d{2})(?:[:.](\d{2}))?)?\s*h?\s*(z|utc|[+-](?:0\d|1[0-4]):?[0-5]\d)?", re.IGNORECASE
)


@dataclass(frozen=True)
class Moment:
    """An instant in UTC and how exactly it is known."""

    at: datetime
    precision: str

    @property
    def end(self) -> datetime:
        """The first instant after the second, minute, hour or day that this names."""
        return self.at + WIDTHS[Precision(self.precision)]


def parse_date(text: str) -> date:
    """2023-11-23, 23 Nov 2023 or 23.11.2023; raises ValueError with a sentence."""
    text = text.strip()
    try:
        if found := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text):
            year, month, day = map(int, found.groups())
        elif found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
            day, month, year = map(int, found.groups())
        elif found := re.fullmatch(r"(\d{1,2})\s+([A-Za-z]{3,9})\.?\s+(\d{4})", text):
            day, year = int(found[1]), int(found[3])
            month = MONTHS.index(found[2][:3].lower()) + 1
        else:
            found = None
        if found and year in YEARS:
            return date(year, month, day)
    except ValueError as error:
        raise ValueError(f"“{text}” is not a day of the calendar.") from error
    if found:
        raise ValueError(f"“{text}” is not a day between the years {YEARS[0]} and {YEARS[-1]}.")
    raise ValueError(f"“{text}” is not a date. Write it as 2023-11-23 or 23 Nov 2023.")


def parse(day: str, clock: str, zone: ZoneInfo) -> Moment:
    """A date and a time as typed. No time: the day is all that is known. Raises ValueError.

    The time may end in Z or an offset such as +02:00; then the zone does not matter.
    """
    on = parse_date(day)
    clock = clock.strip()
    if not clock:
        return Moment(resolve(datetime.combine(on, time()), zone, lenient=True), Precision.DAY)
    found = TIME.fullmatch(clock)
    if not found:
        raise ValueError(f"“{clock}” is not a time. Write it as 16:12 or 16:12:30.")
    hour, minute, second, suffix = found.groups()
    try:
        local = datetime.combine(on, time(int(hour), int(minute or 0), int(second or 0)))
    except ValueError as error:
        raise ValueError(f"“{clock}” is not a time of day.") from error
    precision = Precision.SECOND if second else Precision.MINUTE if minute else Precision.HOUR
    suffix = (suffix or "").lower()
    if suffix in {"z", "utc"}:
        return Moment(local.replace(tzinfo=UTC), precision)
    if suffix not in {"", "h"}:
        return Moment(local.replace(tzinfo=offset(suffix)).astimezone(UTC), precision)
    return Moment(resolve(local, zone), precision)


def offset(text: str) -> timezone:
    """+02:00 or +0200 as a time zone."""
    sign, digits = text[0], text[1:].replace(":", "")
    delta = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(delta if sign == "+" else -delta)


def resolve(local: datetime, zone: ZoneInfo, lenient: bool = False) -> datetime:
    """A local time in UTC; raises ValueError where the clocks skip or repeat it (lenient: the earlier)."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    skipped = first.astimezone(zone).replace(tzinfo=None) != local
    if first == second or lenient:
        return min(first, second) if not skipped else first
    clock = f"{local:%H:%M} on {local.day} {local:%b %Y}"
    if skipped:
        raise ValueError(f"{clock} does not exist in {zone.key}: the clocks went forward. Give another time.")
    offsets = " or ".join(
        f"{local:%H:%M}{show_offset(local.replace(tzinfo=zone, fold=fold))}" for fold in (0, 1)
    )
    raise ValueError(f"{clock} happened twice in {zone.key}. Write {offsets}.")


def show_offset(aware: datetime) -> str:
    """+02:00 of an aware time."""
    return aware.isoformat()[-6:]


def iso(moment: Moment, zone: ZoneInfo) -> str:
    """ISO 8601 in the incident's zone; UTC is written Z."""
    text = moment.at.astimezone(zone).isoformat()
    return text.replace("+00:00", "Z") if zone.key == "UTC" else text


def show_day(at: datetime, zone: ZoneInfo) -> str:
    """23 Nov 2023."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def show_clock(moment: Moment, zone: ZoneInfo) -> str:
    """16:12, 16:12:30, or the word day; with the offset where the clocks repeat that hour."""
    local = moment.at.astimezone(zone)
    if moment.precision == Precision.DAY:
        return "day"
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    which = show_offset(local) if twice else ""
    match moment.precision:
        case Precision.SECOND:
            return f"{local:%H:%M:%S}{which}"
        case Precision.HOUR:
            return f"{local:%H} h{which}"
    return f"{local:%H:%M}{which}"


def show(moment: Moment, zone: ZoneInfo) -> str:
    """23 Nov 2023 16:12, or the day alone."""
    day = show_day(moment.at, zone)
    return day if moment.precision == Precision.DAY else f"{day} {show_clock(moment, zone)}"


def ago(passed: timedelta) -> str:
    """How long ago something was, in the largest unit that fits: 2 s, 5 min, 3 h, 4 d."""
    seconds = max(1, int(passed.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def zone_of_days(days: list[datetime]) -> ZoneInfo:
    """The zone in which every one of these aware times is midnight: UTC if it fits, else the first that does.

    Case files write a day as midnight with an offset; only a zone with that midnight shows the right date.
    Raises ValueError when no zone fits.
    """
    common = [
        "UTC",
        "Europe/London",
        "Europe/Berlin",
        "America/New_York",
        "America/Los_Angeles",
        "Asia/Tokyo",
    ]
    for name in [*common, *sorted(available_timezones())]:
        zone = ZoneInfo(name)
        if all(day.astimezone(zone).time() == time() for day in days):
            return zone
    raise ValueError("no time zone makes every day-only time a midnight")
