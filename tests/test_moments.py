"""Times as people type them, as they are shown, and where the clocks jump."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from incidents import moments
from incidents.moments import Moment

BERLIN, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-23",
        "23.11.2023",
        "23 Nov 2023",
        "  23 nov 2023 ",
        "23 November 2023",
        "23 Nov. 2023",
        "2023-11-23 ",
        "23  NOV  2023",
    ],
)
def test_date_is_read_in_three_forms(text):
    assert moments.parse_date(text) == date(2023, 11, 23)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2023-02-30", "“2023-02-30” is not a day of the calendar."),
        ("31.4.2023", "“31.4.2023” is not a day of the calendar."),
        ("23 Xyz 2023", "“23 Xyz 2023” is not a day of the calendar."),
        ("23 Nov 20233", "“23 Nov 20233” is not a date. Write it as 2023-11-23 or 23 Nov 2023."),
        ("yesterday", "“yesterday” is not a date. Write it as 2023-11-23 or 23 Nov 2023."),
        ("11/23/2023", "“11/23/2023” is not a date. Write it as 2023-11-23 or 23 Nov 2023."),
        ("", "“” is not a date. Write it as 2023-11-23 or 23 Nov 2023."),
        ("0001-01-01", "“0001-01-01” is not a day between the years 1900 and 2999."),
        ("9999-12-31", "“9999-12-31” is not a day between the years 1900 and 2999."),
    ],
)
def test_date_that_is_none_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(ValueError) as refusal:
        moments.parse_date(text)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("clock", "at", "precision"),
    [
        ("", utc(2023, 11, 22, 23), "day"),
        ("16", utc(2023, 11, 23, 15), "hour"),
        ("16 h", utc(2023, 11, 23, 15), "hour"),
        ("16:12", utc(2023, 11, 23, 15, 12), "minute"),
        ("16.12", utc(2023, 11, 23, 15, 12), "minute"),
        ("16:12 h", utc(2023, 11, 23, 15, 12), "minute"),
        ("16:12:30", utc(2023, 11, 23, 15, 12, 30), "second"),
        ("0:05", utc(2023, 11, 22, 23, 5), "minute"),
        ("16:12Z", utc(2023, 11, 23, 16, 12), "minute"),
        ("16:12 utc", utc(2023, 11, 23, 16, 12), "minute"),
        ("16:12:30+02:00", utc(2023, 11, 23, 14, 12, 30), "second"),
        ("16:12 -0530", utc(2023, 11, 23, 21, 42), "minute"),
        ("16 h+02:00", utc(2023, 11, 23, 14), "hour"),
        (" 23:30-01:00 ", utc(2023, 11, 24, 0, 30), "minute"),
    ],
)
def test_time_says_its_precision_and_may_bring_an_offset(clock, at, precision):
    assert moments.parse("2023-11-23", clock, BERLIN) == Moment(at, precision)


@pytest.mark.parametrize(
    ("clock", "sentence"),
    [
        ("noon", "“noon” is not a time. Write it as 16:12 or 16:12:30."),
        ("16:1", "“16:1” is not a time. Write it as 16:12 or 16:12:30."),
        ("4:12 pm", "“4:12 pm” is not a time. Write it as 16:12 or 16:12:30."),
        ("16:12+99:00", "“16:12+99:00” is not a time. Write it as 16:12 or 16:12:30."),
        ("16:12+02:75", "“16:12+02:75” is not a time. Write it as 16:12 or 16:12:30."),
        ("24:00", "“24:00” is not a time of day."),
        ("16:60", "“16:60” is not a time of day."),
        ("16:12:61", "“16:12:61” is not a time of day."),
    ],
)
def test_time_that_is_none_is_refused_with_a_sentence(clock, sentence):
    with pytest.raises(ValueError) as refusal:
        moments.parse("2023-11-23", clock, BERLIN)
    assert str(refusal.value) == sentence


def test_hour_that_the_clocks_skip_is_refused():
    with pytest.raises(ValueError) as refusal:
        moments.parse("2026-03-29", "02:30", BERLIN)
    assert str(refusal.value) == (
        "02:30 on 29 Mar 2026 does not exist in Europe/Berlin: the clocks went forward. Give another time."
    )


def test_hour_that_the_clocks_repeat_is_asked_for_by_offset():
    with pytest.raises(ValueError) as refusal:
        moments.parse("2026-10-25", "02:30", BERLIN)
    assert str(refusal.value) == (
        "02:30 on 25 Oct 2026 happened twice in Europe/Berlin. Write 02:30+02:00 or 02:30+01:00."
    )
    assert moments.parse("2026-10-25", "02:30+02:00", BERLIN).at == utc(2026, 10, 25, 0, 30)
    assert moments.parse("2026-10-25", "02:30+01:00", BERLIN).at == utc(2026, 10, 25, 1, 30)


def test_hour_that_the_clocks_repeat_is_shown_with_its_offset():
    first = Moment(utc(2026, 10, 25, 0, 30), "minute")
    assert moments.show(first, BERLIN) == "25 Oct 2026 02:30+02:00"
    assert moments.show(Moment(utc(2026, 10, 25, 1), "hour"), BERLIN) == "25 Oct 2026 02 h+01:00"
    assert moments.show(Moment(utc(2026, 10, 25, 3), "minute"), BERLIN) == "25 Oct 2026 04:00"


def test_day_alone_is_midnight_even_where_there_is_none():
    skipped = moments.parse("2018-11-04", "", ZoneInfo("America/Sao_Paulo"))
    assert skipped == Moment(utc(2018, 11, 4, 3), "day")
    assert moments.show(skipped, ZoneInfo("America/Sao_Paulo")) == "4 Nov 2018"


@pytest.mark.parametrize(
    ("precision", "shown", "clock"),
    [
        ("second", "23 Nov 2023 16:12:30", "16:12:30"),
        ("minute", "23 Nov 2023 16:12", "16:12"),
        ("hour", "23 Nov 2023 16 h", "16 h"),
        ("day", "23 Nov 2023", "day"),
    ],
)
def test_moment_is_shown_as_exactly_as_it_is_known(precision, shown, clock):
    moment = Moment(utc(2023, 11, 23, 15, 12, 30), precision)
    assert moments.show(moment, BERLIN) == shown
    assert moments.show_clock(moment, BERLIN) == clock


@pytest.mark.parametrize(
    ("precision", "end"),
    [
        ("second", utc(2023, 11, 23, 0, 0, 1)),
        ("minute", utc(2023, 11, 23, 0, 1)),
        ("hour", utc(2023, 11, 23, 1)),
        ("day", utc(2023, 11, 24)),
    ],
)
def test_moment_ends_with_what_it_names(precision, end):
    assert Moment(utc(2023, 11, 23), precision).end == end


def test_moment_is_written_in_iso_8601_with_the_zone_s_offset():
    moment = Moment(utc(2023, 7, 1, 12), "minute")
    assert moments.iso(moment, BERLIN) == "2023-07-01T14:00:00+02:00"
    assert moments.iso(moment, UTC_ZONE) == "2023-07-01T12:00:00Z"
    assert moments.iso(moment, ZoneInfo("Europe/London")) == "2023-07-01T13:00:00+01:00"


def test_zone_of_days_is_the_first_in_which_all_are_midnights():
    summer, winter = (
        datetime.fromisoformat("2019-04-11T00:00+01:00"),
        datetime.fromisoformat("2019-01-02T00:00Z"),
    )
    assert moments.zone_of_days([]).key == "UTC"
    assert moments.zone_of_days([winter]).key == "UTC"
    assert moments.zone_of_days([summer, winter]).key == "Europe/London"
    with pytest.raises(ValueError, match="no time zone makes every day-only time a midnight"):
        moments.zone_of_days([summer, summer + timedelta(hours=1)])


instants = st.datetimes(datetime(1972, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(instants, st.sampled_from(ZONES), st.sampled_from(["second", "minute", "hour", "day"]))
def test_what_is_shown_can_be_typed_again(at, name, precision):
    zone = ZoneInfo(name)
    local = at.astimezone(zone).replace(microsecond=0)
    if precision != "second":
        local = local.replace(second=0)
    if precision == "hour":
        local = local.replace(minute=0)
        assume(local.astimezone(UTC).astimezone(zone) == local)
    if precision == "day":
        moment = Moment(
            moments.resolve(local.replace(tzinfo=None, hour=0, minute=0), zone, lenient=True), "day"
        )
        again = moments.parse(moments.show(moment, zone), "", zone)
    else:
        moment = Moment(local.astimezone(UTC), precision)
        again = moments.parse(moments.show_day(moment.at, zone), moments.show_clock(moment, zone), zone)
    assert again == moment


@given(st.text(max_size=30), st.text(max_size=30))
def test_anything_typed_is_a_moment_or_a_sentence(day, clock):
    try:
        moment = moments.parse(day, clock, BERLIN)
    except ValueError as refusal:
        assert str(refusal).endswith((".", "”"))
    else:
        assert moments.show(moment, BERLIN)


@given(st.from_regex(moments.TIME, fullmatch=True), st.dates(date(1890, 1, 1), date(3010, 1, 1)))
def test_anything_that_looks_like_a_time_is_a_moment_or_a_sentence(clock, day):
    try:
        moments.show(moments.parse(day.isoformat(), clock, BERLIN), BERLIN)
    except ValueError as refusal:
        assert str(refusal).endswith(".") and "“" in str(refusal) or "in Europe/Berlin" in str(refusal)
