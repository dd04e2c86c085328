"""The live stream as a server drives it: who is admitted, what arrives, and what ends it."""

import asyncio
import signal
import threading
import time
import uuid
from collections import Counter

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from incidents import live as streaming
from incidents import rendering, streams
from incidents.delivery import Delivery
from incidents.live import Live
from incidents.notices import Notice, NoticeKind
from incidents.sections import SECTIONS
from incidents.vocabulary import Role, Status
from tests import factories
from tests.stage import SILENCE, Browser


def test_stream_admits_whoever_may_look(stage):
    stage.incident.let_out(stage.people["revoked"], by=stage.dana)
    stage.people["disabled"].is_active = False
    stage.people["disabled"].save()

    async def scenario(stage):
        found = {name: await stage.browser(name).refused() for name in (None, *stage.people)}
        found["missing"] = await stage.browser("commander", slug="no-such-thing").refused()
        assert found == {
            None: 401,
            "commander": 200,
            "executive": 200,
            "reader": 200,
            "responder": 200,
            "legal": 200,
            "revoked": 404,
            "disabled": 401,
            "pending": 403,
            "outsider": 404,
            "superuser": 404,
            "missing": 404,
        }

    stage.play(scenario)


def test_a_cookie_that_can_name_no_session_is_nobodys(stage):
    stage.clients["outsider"].cookies["sessionid"] = "\0aaaaaaaaaaaaaaaaaaaa"

    async def scenario(stage):
        browser = await stage.open("reader")
        assert await stage.browser("outsider").refused() == 401
        assert await stage.say(browser, "outsider") == 404
        browser.token = "another.process"
        assert await stage.say(browser, "outsider") == 404

    stage.play(scenario)


def test_one_person_holds_a_limited_number_of_streams(stage, monkeypatch):
    monkeypatch.setattr(streaming, "MOST_STREAMS", 2)

    async def scenario(stage):
        first, second = [await stage.open("reader") for _ in range(2)]
        assert await stage.browser("reader").refused() == 429
        await stage.open("responder")
        await first.leave()
        await stage.open("reader")

    stage.play(scenario)


def test_a_page_of_somebody_else_who_used_this_browser_gets_no_stream(stage):
    mine, theirs = stage.people["reader"].pk, stage.people["commander"].pk

    async def scenario(stage):
        await stage.open("reader", query=f"me={mine}")
        assert await stage.browser("reader", query=f"me={theirs}").refused() == 404

    stage.play(scenario)


def test_an_odd_cookie_beside_it_does_not_hide_the_session(stage):
    async def scenario(stage):
        browser = Browser(stage.live, None, "kestrel")
        key = stage.clients["reader"].cookies["sessionid"].value
        browser.scope["headers"] = [(b"cookie", b'other={"a": 1}; flag; sessionid=' + key.encode())]
        stage.browsers.append(browser)
        await browser.opened()

    stage.play(scenario)


def test_a_fault_of_what_feeds_the_streams_is_survived(stage, monkeypatch):
    monkeypatch.setattr(streaming, "AGAIN", 0.05)

    async def scenario(stage):
        browser = await stage.open("reader")
        faults = []

        async def failing():
            faults.append(1)
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(stage.live.bell, "ring", failing)
            await asyncio.sleep(SILENCE)
        assert faults
        await stage.act(Session.objects.all().delete)
        assert (await browser.event())["event"] == "gone"

    stage.play(scenario)


def test_a_bell_that_waits_for_the_database_keeps_nobody_in(stage, monkeypatch):
    free = threading.Event()
    asked = []

    def locked(people) -> dict:
        asked.append(people)
        free.wait(20)
        return {}

    monkeypatch.setattr("incidents.bell.unread", locked)

    async def scenario(stage):
        try:
            browser = await stage.open("reader")
            await asyncio.sleep(SILENCE)
            await stage.act(Session.objects.all().delete)
            assert (await browser.event())["event"] == "gone"
            assert (len(asked), free.is_set()) == (1, False)
        finally:
            free.set()

    stage.play(scenario)


def test_a_stream_says_first_what_its_reader_may_do(stage):
    async def scenario(stage):
        reader, legal = await stage.open("reader"), await stage.open("legal")
        assert (reader.can, legal.can) == (
            "read summary",
            "export hold oversee privileged read summary vouch",
        )

    stage.play(scenario)


def test_an_event_holds_a_text_as_it_is_written():
    assert streams.event("one\r\ntwo\x85still\u2028two\n", 7) == (
        "id: 7\nevent: change\ndata: one\ndata: two\x85still\u2028two\ndata: \n\n".encode()
    )


def test_stream_serves_only_its_own_address():
    live = Live()
    asked = [("GET", "/incidents/kestrel/live/"), ("POST", "/incidents/kestrel/live/")]
    asked += [("HEAD", "/incidents/kestrel/live/"), ("GET", "/incidents/kestrel/"), ("GET", "/x/live/")]
    asked += [("GET", "/incidents/kestrel/live/\n"), ("GET", "/incidents/KESTREL/live/")]
    asked += [("POST", "/incidents/kestrel/"), ("PUT", "/incidents/kestrel/live/")]
    found = [live.serves({"method": method, "path": path}) for method, path in asked]
    assert found == [True, True, False, False, False, False, False, False, False]


def test_stream_carries_the_headers_of_a_page(stage):
    async def scenario(stage):
        browser = await stage.open("reader")
        assert browser.headers[b"content-type"] == b"text/event-stream; charset=utf-8"
        assert browser.headers[b"cache-control"] == b"no-store"
        assert browser.headers[b"x-content-type-options"] == b"nosniff"
        assert browser.headers[b"referrer-policy"] == b"no-referrer"
        assert browser.headers[b"cross-origin-resource-policy"] == b"same-origin"

    stage.play(scenario)


def test_what_one_person_writes_arrives_at_the_others(stage):
    async def scenario(stage):
        watching = await stage.open("responder")
        entry = await stage.write(text="a first word")
        arrived = await watching.event()
        identity = f'id="theories-{entry.pk}"'
        assert (arrived["event"], arrived["id"]) == ("change", str(stage.incident.revision))
        assert (identity in arrived["data"], "a first word" in arrived["data"]) == (True, True)

        await stage.act(stage.incident.change, entry, by=stage.dana, version=1, text="a second word")
        arrived = await watching.event()
        assert (identity in arrived["data"], "a second word" in arrived["data"]) == (True, True)

        await stage.act(stage.incident.remove, entry, by=stage.dana)
        arrived = await watching.event()
        assert arrived["data"] == f"<li {identity} data-gone></li>"

        await stage.act(stage.incident.restore, entry, by=stage.dana)
        arrived = await watching.event()
        assert (identity in arrived["data"], "a second word" in arrived["data"]) == (True, True)

    stage.play(scenario)


def test_what_one_person_writes_arrives_within_a_second(stage):
    async def scenario(stage):
        watching = await stage.open("responder")
        took = []
        for _ in range(3):
            await stage.write()
            committed = time.monotonic()
            await watching.event()
            took.append(time.monotonic() - committed)
        assert min(took) < 1

    stage.play(scenario)


def test_a_change_is_rendered_once_for_each_audience(stage, monkeypatch):
    monkeypatch.setattr("incidents.live.HEARTBEAT", 60)  # one before the delivery would render as well
    rendered = Counter()
    message, brief, inline = rendering.message, rendering.brief, rendering.inline

    def counted(incident, changes, audience):
        rendered[str(audience)] += 1
        return message(incident, changes, audience)

    def counted_brief(incident):
        rendered["summary"] += 1
        return brief(incident)

    def counted_inline(change, entry):
        rendered["document and privileged"] += 1
        return inline(change, entry)

    monkeypatch.setattr(rendering, "message", counted)
    monkeypatch.setattr(rendering, "brief", counted_brief)
    monkeypatch.setattr(rendering, "inline", counted_inline)

    async def scenario(stage):
        names = ["reader", "responder", "reader", "commander", "legal", "commander"]
        watching = [await stage.open(name) for name in names]
        executives = [await stage.open("executive") for _ in range(3)]
        await asyncio.sleep(SILENCE)
        rendered.clear()
        await stage.write("summary", current_state="contained an hour ago")
        for browser in watching + executives:
            assert "contained an hour ago" in (await browser.event())["data"]
        assert rendered == {"document and privileged": 1, "summary": 1}

        await asyncio.sleep(SILENCE)
        rendered.clear()
        await stage.act(stage.incident.set_fields, by=stage.dana, status=Status.CONTAINED)
        for browser in watching + executives:
            assert "Contained" in (await browser.event())["data"]
        assert rendered == {"document and privileged": 1, "document": 1, "privileged": 1, "summary": 1}

    stage.play(scenario)


@pytest.mark.parametrize("asked", ["header", "address"])
def test_a_reader_who_comes_back_gets_exactly_the_rest(stage, asked):
    entries = [factories.entry(stage.incident, "theories", text=f"word{number}") for number in range(4)]
    seen = stage.incident.revision - 2

    async def scenario(stage):
        options = {"last": str(seen)} if asked == "header" else {"query": f"since={seen}"}
        browser = await stage.open("reader", **options)
        arrived = await browser.event()
        assert arrived["id"] == str(stage.incident.revision)
        assert [f"word{number}" in arrived["data"] for number in range(4)] == [False, False, True, True]
        assert await browser.silence() == []
        await stage.act(stage.incident.remove, entries[0], by=stage.dana)
        arrived = await browser.event()
        assert arrived["data"] == f'<li id="theories-{entries[0].pk}" data-gone></li>'

    stage.play(scenario)


@pytest.mark.parametrize("last", ["", "now", "²", "-1", "1e3", "9" * 30, "9" * 5000])
def test_a_reader_who_has_everything_or_nonsense_gets_nothing(stage, last):
    async def scenario(stage):
        assert await (await stage.open("reader", query=f"since={last}")).silence() == []

    stage.play(scenario)


def test_a_reader_who_is_far_behind_is_told_which_sections_to_load(stage, monkeypatch):
    monkeypatch.setattr(streaming, "FAR_BEHIND", 2)
    seen = stage.incident.revision
    for name in ("timeline", "theories", "timeline"):
        factories.entry(stage.incident, name)

    async def scenario(stage):
        arrived = await (await stage.open("reader", last=str(seen))).event()
        assert arrived == {"event": "reload", "id": str(stage.incident.revision), "data": "theories timeline"}

    stage.play(scenario)


def test_a_reader_who_missed_more_than_a_stream_holds_is_told_which_sections_to_load(stage, monkeypatch):
    monkeypatch.setattr(streaming, "MOST_MISSED", 2000)
    seen = stage.incident.revision
    for name in ("timeline", "theories"):
        factories.entry(stage.incident, name)

    async def scenario(stage):
        arrived = await (await stage.open("reader", last=str(seen))).event()
        assert arrived == {"event": "reload", "id": str(stage.incident.revision), "data": "theories timeline"}

    stage.play(scenario)


def test_a_reader_who_is_far_behind_on_the_head_alone_is_told_as_well(stage, monkeypatch):
    monkeypatch.setattr(streaming, "FAR_BEHIND", 1)
    seen = stage.incident.revision
    for status in (Status.CONTAINED, Status.ERADICATED):
        stage.incident.set_fields(by=stage.dana, status=status)

    async def scenario(stage):
        arrived = await (await stage.open("reader", last=str(seen))).event()
        assert arrived == {"event": "reload", "id": str(stage.incident.revision), "data": ""}

    stage.play(scenario)


def test_line_04_an_executive_gets_the_summary_and_no_sign_of_anything_else(stage):
    async def scenario(stage):
        browser = await stage.browser("executive", last="1").opened()
        first = await browser.event()
        assert set(first) == {"event", "data"}
        for name, section in SECTIONS.items():
            if section.many:
                await stage.write(name)
        await stage.act(stage.incident.set_fields, by=stage.dana, title="Another title")
        await stage.act(stage.incident.let_in, stage.people["outsider"], Role.READER, by=stage.dana)
        assert await browser.silence() == []
        await stage.write("summary", current_state="contained an hour ago")
        arrived = await browser.event()
        assert (set(arrived), "contained an hour ago" in arrived["data"]) == ({"event", "data"}, True)
        await stage.act(stage.incident.set_fields, by=stage.dana, status=Status.CONTAINED)
        assert "Status: Contained" in (await browser.event())["data"]
        assert await browser.silence() == []

    stage.play(scenario)


def test_line_04_a_marked_entry_arrives_only_where_it_may_be_read(stage):
    async def scenario(stage):
        reader, legal = await stage.open("reader"), await stage.open("legal")
        entry = await stage.write(text="for counsel", privileged=True)
        assert "for counsel" in (await legal.event())["data"]
        assert await reader.silence() == []
        await stage.act(stage.incident.change, entry, by=stage.dana, version=1, privileged=False)
        assert "for counsel" in (await reader.event())["data"]
        await stage.act(stage.incident.change, entry, by=stage.dana, version=2, privileged=True)
        assert (await reader.event())["data"] == f'<li id="theories-{entry.pk}" data-gone></li>'

    stage.play(scenario)


def withdraw(stage, how: str) -> None:
    """Take the reader's access away."""
    reader = stage.people["reader"]
    if how == "revoked":
        stage.incident.let_out(reader, by=stage.dana)
    elif how == "downgraded":
        stage.incident.set_role(reader, Role.EXECUTIVE, by=stage.dana)
    elif how == "disabled":
        type(reader).objects.filter(pk=reader.pk).update(is_active=False)
    elif how == "signed out":
        Session.objects.filter(pk=stage.clients["reader"].session.session_key).delete()
    elif how == "password changed":
        reader.set_password("another long password")
        reader.save()
    else:
        assert how == "asked again"
        factories.entry(stage.incident, "classification", scheme="Another label")


@pytest.mark.parametrize(
    ("how", "afterwards"),
    [
        ("revoked", 404),
        ("downgraded", 200),  # as an executive
        ("disabled", 401),
        ("signed out", 401),
        ("password changed", 401),
        ("asked again", 403),
    ],
)
def test_line_03_a_stream_ends_when_access_does(stage, how, afterwards):
    async def scenario(stage):
        browser = await stage.open("reader")
        await stage.act(withdraw, stage, how)
        assert await browser.event() == {"event": "gone", "data": ""}
        await browser.ended()
        await stage.write(text="afterwards")
        assert await browser.silence() == []
        assert await stage.browser("reader").refused() == afterwards

    stage.play(scenario)


@pytest.mark.parametrize("how", ["revoked", "disabled", "signed out"])
def test_line_03_a_stream_ends_within_two_seconds(stage, monkeypatch, how):
    monkeypatch.undo()  # the heartbeat as it is

    async def scenario(stage):
        browser = await stage.open("reader")
        await stage.act(withdraw, stage, how)
        withdrawn = time.monotonic()
        await browser.ended()
        assert time.monotonic() - withdrawn < 2

    stage.play(scenario)


def test_line_38_a_stream_does_not_extend_the_session(stage):
    def ends():
        return Session.objects.get(pk=stage.clients["reader"].session.session_key).expire_date

    async def scenario(stage):
        before = await stage.act(ends)
        browser = await stage.open("reader")
        await stage.write()
        await browser.event()
        await browser.silence()  # several heartbeats
        assert await stage.act(ends) == before

    stage.play(scenario)


def test_line_03_an_executive_who_becomes_a_reader_gets_a_new_stream(stage):
    async def scenario(stage):
        browser = await stage.open("executive")
        await stage.act(stage.incident.set_role, stage.people["executive"], Role.READER, by=stage.dana)
        assert await browser.event() == {"event": "gone", "data": ""}
        await browser.ended()

    stage.play(scenario)


def test_a_slow_reader_is_dropped_and_nobody_else_waits(stage, monkeypatch):
    monkeypatch.setattr(streams, "BACKLOG", 4000)  # bytes: two or three entries

    async def scenario(stage):
        slow, quick = await stage.open("reader"), await stage.open("responder")
        await asyncio.sleep(SILENCE)
        slow.reading.clear()
        entries = []
        for number in range(8):
            entries.append(await stage.write(text=f"word{number}"))
            assert f"word{number}" in (await quick.event())["data"]
        await slow.ended()
        slow.reading.set()
        assert await slow.silence() == []  # it resumes from what it saw last

    stage.play(scenario)


def test_closing_ends_the_streams_at_once(stage):
    async def scenario(stage):
        browsers = [await stage.open(name) for name in ("reader", "executive", "commander")]
        stage.live.close()
        for browser in browsers:
            await browser.ended()
        assert (stage.live.rooms, await stage.browser("reader").refused()) == ({}, 503)

    stage.play(scenario)


def test_the_server_stops_with_its_streams(stage):
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    async def scenario(stage):
        asked, answered = asyncio.Queue(), asyncio.Queue()
        lifespan = asyncio.create_task(stage.live.lifespan(asked.get, answered.put))
        await asked.put({"type": "lifespan.startup"})
        assert await answered.get() == {"type": "lifespan.startup.complete"}
        browser = await stage.open("reader")
        await asked.put({"type": "lifespan.shutdown"})
        assert await answered.get() == {"type": "lifespan.shutdown.complete"}
        await asyncio.gather(lifespan, browser.ended())

    try:
        stage.play(scenario)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_a_failure_of_the_database_does_not_end_the_deliveries(stage, monkeypatch):
    monkeypatch.setattr("incidents.live.HEARTBEAT", 1)  # one that reads during the commit would not fail
    read, failures = Delivery._read, []

    def failing(self, *arguments):
        if len(failures) < 2:
            failures.append(arguments)
            raise ConnectionError("gone for a moment")
        return read(self, *arguments)

    async def scenario(stage):
        browser = await stage.open("reader")
        await asyncio.sleep(SILENCE)
        monkeypatch.setattr(Delivery, "_read", failing)
        await stage.act(stage.incident.set_fields, by=stage.dana, title="kept")
        assert "kept" in (await browser.event())["data"]
        assert len(failures) == 2

    stage.play(scenario)


def meanwhile(stage, monkeypatch, deed) -> None:
    """Have something happen after the next stream was admitted and before it is served."""
    in_database = stage.live._in_database

    async def slowly(function, *arguments, **where):
        result = await in_database(function, *arguments)
        if function == stage.live._admit:
            monkeypatch.undo()
            await deed()
            await asyncio.sleep(SILENCE)
        return result

    monkeypatch.setattr(stage.live, "_in_database", slowly)


def test_a_page_that_is_reloaded_goes_on_getting_changes(stage, monkeypatch):
    async def scenario(stage):
        before = await stage.open("reader")
        meanwhile(stage, monkeypatch, before.leave)
        after = await stage.open("reader")
        await stage.write(text="after the reload")
        assert "after the reload" in (await after.event())["data"]

    stage.play(scenario)


@pytest.mark.parametrize("others", [0, 1])
def test_a_change_during_admission_is_not_missed(stage, monkeypatch, others):
    async def scenario(stage):
        watching = [await stage.open("responder") for _ in range(others)]
        meanwhile(stage, monkeypatch, lambda: stage.write(text="in between"))
        late = await stage.open("reader")
        for browser in [*watching, late]:
            assert "in between" in (await browser.event())["data"]
            assert await browser.silence() == []

    stage.play(scenario)


def test_a_row_that_comes_the_short_way_meanwhile_hides_none_of_the_long_way(stage, monkeypatch):
    async def scenario(stage):
        watching = await stage.open("reader")
        await asyncio.sleep(SILENCE)
        in_database = stage.live.delivery.in_database

        async def slowly(function, *arguments):
            if function == stage.live.delivery._read:
                monkeypatch.setattr(stage.live.delivery, "in_database", in_database)
                await stage.write(text="the short way")
                await stage.act(stage.incident.set_fields, by=stage.dana, title="The long way")
            return await in_database(function, *arguments)

        monkeypatch.setattr(stage.live.delivery, "in_database", slowly)
        stage.live.delivery.woken.set()
        assert "the short way" in (await watching.event())["data"]
        assert "The long way" in (await watching.event())["data"]

    stage.play(scenario)


def test_a_stream_of_another_incident_hears_nothing(stage):
    other = factories.incident(stage.people["outsider"], codename="OSPREY")

    async def scenario(stage):
        browser = await stage.open("outsider", slug="osprey")
        await stage.write()
        assert await browser.silence() == []
        await stage.act(factories.entry, other, "lessons", text=str(uuid.uuid4()))
        assert (await browser.event())["event"] == "change"

    stage.play(scenario)


def test_whoever_is_told_of_something_hears_it_on_every_page(stage):
    reader = stage.people["reader"]

    async def scenario(stage):
        pages = [await stage.open("reader"), await stage.open("reader")]
        other = await stage.open("responder")
        await asyncio.sleep(SILENCE)
        about = {"incident": stage.incident, "user": reader, "kind": NoticeKind.MENTION, "once": "a mention"}
        await stage.act(Notice.objects.create, **about)
        for page in pages:
            assert await page.event() == {"event": "told", "data": ""}
        await stage.act(Notice.objects.update, read_at=timezone.now())
        for page in pages:
            assert await page.event() == {"event": "told", "data": ""}
        assert await other.silence() == []

    stage.play(scenario)
