"""What one is told of: the list and its bell, the mail, one's own choices and quiet hours."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents import telling
from incidents.letters import Letter
from incidents.notices import Choices, Notice, NoticeKind, Way, after_quiet
from incidents.vocabulary import Role
from tests import factories
from tests.room import PERSONAS, canaries_in, canaries_of_text
from tests.test_people import signed_in
from tests.test_telling import due_step, remark

LIST, COUNT, CHOICES = "/incidents/notices/", "/incidents/notices/count/", "/incidents/notices/choices/"
USUAL = {kind.value: "hourly" for kind in NoticeKind}


@pytest.fixture
def ruth(incident):
    """A responder."""
    return factories.participant(incident, factories.user("ruth"))


def listed(client) -> list[tuple[str, str]]:
    """Codename and sentence of each notice on the page."""
    page = client.get(LIST).content.decode()
    return re.findall(r"<b>([^<]*)</b><span class=\"said\">([^<]*)<", page)


def unread(client) -> int:
    """What the bell says, which is what an open page is told when it asks."""
    shown = int(
        re.search(r"Notices, <span data-unread>(\d+)</span> unread", client.get(LIST).content.decode())[1]
    )
    assert client.get(COUNT).json() == {"unread": shown}
    return shown


# --- the list --------------------------------------------------------------------------------------------


def test_the_list_says_who_did_what_where_and_no_word_of_it(incident, dana, ruth):
    client, now = signed_in(ruth), timezone.now()
    theory = factories.entry(incident, "theories", text="canarymention @Ruth")
    step = due_step(incident, ruth, now + timedelta(minutes=1), text="canarystep")
    own = factories.entry(incident, "lessons", text="canarylesson", by=ruth)
    remark(incident, own, dana, "canarycomment")
    telling.tell(now)
    telling.tell(now + timedelta(minutes=2))
    answer = client.get(LIST)
    assert sorted(listed(client)) == [
        ("KESTREL", f"Dana commented on L-{own.number}"),
        ("KESTREL", f"Dana gave N-{step.number} to you"),
        ("KESTREL", f"Dana mentioned you in H-{theory.number}"),
        ("KESTREL", f"N-{step.number} is due within the hour"),
        ("KESTREL", f"N-{step.number} is overdue"),
    ]
    assert (canaries_in(answer), unread(client)) == (set(), 5)
    fields = {field.name for field in Notice._meta.fields}
    assert [name for name in ("text", "words", "title") if name in fields] == []


def test_opening_a_notice_marks_it_read_and_leads_to_the_entry(incident, dana, ruth):
    client = signed_in(ruth)
    first = factories.entry(incident, "theories", text="@Ruth")
    factories.entry(incident, "summary", current_state="@Ruth")
    telling.tell()
    notice = Notice.objects.get(section="theories")
    assert client.get(f"{LIST}{notice.pk}/").headers["Location"] == LIST
    assert unread(client) == 2
    answer = client.post(f"{LIST}{notice.pk}/")
    assert answer.headers["Location"] == f"/incidents/kestrel/#theories-{first.pk}"
    assert unread(client) == 1
    single = Notice.objects.get(section="summary")
    assert client.post(f"{LIST}{single.pk}/").headers["Location"] == "/incidents/kestrel/#summary"
    factories.entry(incident, "lessons", text="@Ruth")
    telling.tell()
    client.post(LIST)
    assert (unread(client), len(listed(client))) == (0, 3)
    assert signed_in(dana).post(f"{LIST}{notice.pk}/").status_code == 404


def test_a_notice_of_a_comment_leads_to_what_was_said(incident, dana, ruth):
    client = signed_in(ruth)
    own = factories.entry(incident, "lessons", by=ruth)
    other = factories.entry(incident, "theories")
    remark(incident, own, dana, "Why?")
    remark(incident, other, dana, "@Ruth knows")
    telling.tell()
    for entry in (own, other):
        notice = Notice.objects.get(entry_id=entry.pk, user=ruth)
        answer = client.post(f"{LIST}{notice.pk}/")
        assert answer.headers["Location"] == f"/incidents/kestrel/#talk-{entry.pk}"


def test_line_02_the_executive_is_told_nothing(room):
    executive = room.people["executive"]
    for entry in room.entries.values():
        Notice.objects.create(
            user=executive, incident=room.incident, kind="mention", section=entry.section, entry_id=entry.pk,
            by=room.people["commander"], once=str(entry.pk),
        )  # fmt: skip
    client = room.client("executive")
    assert (listed(client), unread(client)) == ([], 0)


def test_line_11_a_list_shows_what_its_reader_may_see_now(room):
    """Everybody was told of an open entry, a marked one and a hidden one, and of something for the commander."""
    Notice.objects.all().delete()
    for person in room.people.values():
        told = {"user": person, "incident": room.incident, "by": room.people["commander"]}
        for kind, entries in (("open", room.entries), ("marked", room.marked), ("hidden", room.hidden)):
            one = entries["theories"]
            about = {"section": "theories", "entry_id": one.pk, "privileged": one.privileged}
            Notice.objects.create(kind="mention", once=kind, hidden=kind == "hidden", **told, **about)
        Notice.objects.create(kind="check", once="check", **told)
    opened, marked = (
        f"Commander mentioned you in H-{part['theories'].number}" for part in (room.entries, room.marked)
    )
    found = {}
    for persona in set(PERSONAS) - {"anonymous", "disabled"}:
        client = room.client(persona)
        found[persona] = sorted(said for _, said in listed(client))
        assert unread(client) == len(found[persona])
        hidden = Notice.objects.get(user=room.people[persona], once="hidden")
        assert client.post(f"{LIST}{hidden.pk}/").status_code == 404
    assert {persona: said for persona, said in found.items() if said} == {
        "reader": [opened],
        "responder": [opened],
        "legal": sorted([marked, opened]),
        "commander": sorted([marked, opened, "Something waits for you as commander"]),
    }


def test_line_11_a_notice_of_a_marked_entry_is_gone_before_the_worker_comes(incident, dana, ruth):
    entry = factories.entry(incident, "theories", text="@Ruth")
    telling.tell()
    incident.change(entry, by=dana, version=1, privileged=True)
    assert listed(signed_in(ruth)) == []


def test_a_new_classification_is_accepted_before_the_list_shows_anything(incident, dana, ruth):
    factories.entry(incident, "theories", text="@Ruth")
    telling.tell()
    client = signed_in(ruth)
    assert unread(client) == 1
    factories.entry(incident, "classification", scheme="Stricter")
    assert (listed(client), unread(client)) == ([], 0)
    incident.refresh_from_db()
    incident.acknowledge(by=ruth)
    assert unread(client) == 1


def test_a_list_asks_as_much_for_three_as_for_one(incident, ruth):
    client = signed_in(ruth)

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return len(captured)

    factories.entry(incident, "theories", text="@Ruth")
    telling.tell()
    one = asked()
    for _ in range(2):
        factories.entry(incident, "theories", text="@Ruth")
    telling.tell()
    assert (asked(), len(listed(client))) == (one, 3)


def test_the_bell_costs_one_question_on_a_page(incident, as_dana, django_assert_num_queries):
    with CaptureQueriesContext(connection) as captured:
        as_dana.get("/incidents/kestrel/")
    assert len([query for query in captured if "incidents_notice" in query["sql"]]) == 1


# --- mail ------------------------------------------------------------------------------------------------


def mail_due() -> None:
    """Whatever waits is due now."""
    Letter.objects.filter(sent_at=None).update(due_at=timezone.now())


def test_line_13_one_notice_is_mailed_with_codename_and_link_and_no_word(incident, dana, ruth, post_office):
    entry = factories.entry(incident, "theories", text="canarymention @Ruth")
    call_command("worker", "--once")
    [letter] = post_office.wait()
    assert (letter["Subject"], letter["To"]) == ("KESTREL: you are mentioned", ruth.email)
    text = letter.get_content()
    assert re.findall(r"http\S+", text) == [f"http://127.0.0.1:8000/incidents/kestrel/#theories-{entry.pk}"]
    whole = letter.as_string()
    assert ("canary" in whole, "Dana" in whole, "Intruder" in whole, "Ruth" in text) == (False,) * 4
    call_command("worker", "--once")
    assert len(post_office.letters) == 1


def test_line_02_no_canary_of_the_room_is_mailed_and_the_executive_gets_none(room, post_office):
    everybody = " ".join(f"@{name.capitalize()}" for name in PERSONAS)
    Choices.objects.bulk_create(
        Choices(user=person, ways=dict.fromkeys(USUAL, "at once")) for person in room.people.values()
    )
    for name, field in (("theories", "text"), ("summary", "current_state"), ("details", "text")):
        entry = room.entries[name]
        room.incident.change(
            entry, by=room.people["commander"], version=entry.version, **{field: f"canarynew {everybody}"}
        )
    factories.entry(room.incident, "lessons", text=f"canarymarked {everybody}", privileged=True)
    call_command("worker", "--once")
    letters = [letter for letter in post_office.letters if "notice" in letter.as_string()]
    assert canaries_of_text(" ".join(letter.as_string() for letter in post_office.letters)) == set()
    assert {letter["To"]: letter["Subject"] for letter in letters} == {
        "commander@example.com": "KESTREL: 4 notices",  # what others said about their entries
        "reader@example.com": "KESTREL: 3 notices",
        "responder@example.com": "KESTREL: 3 notices",
        "legal@example.com": "KESTREL: 4 notices",
    }


def test_a_digest_counts_by_codename_and_says_nothing_else(incident, dana, ruth, post_office):
    other = factories.incident(dana, codename="OSPREY")
    factories.participant(other, ruth)
    Choices.objects.create(user=ruth, ways={"mention": "hourly"})
    for one in (incident, other, incident):
        factories.entry(one, "theories", text="canary @Ruth")
    call_command("worker", "--once")
    assert post_office.letters == []
    letter = Letter.objects.get()
    full_hour = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert letter.due_at == full_hour
    mail_due()
    call_command("worker", "--once")
    [mail] = post_office.wait()
    assert mail["Subject"] == "3 notices in 2 incidents"
    assert mail.get_content().splitlines()[:5] == [
        "KESTREL: 2 notices",
        "http://127.0.0.1:8000/incidents/kestrel/",
        "",
        "OSPREY: 1 notice",
        "http://127.0.0.1:8000/incidents/osprey/",
    ]


@pytest.mark.parametrize("fate", ["left", "marked", "hidden", "read", "disabled", "executive"])
def test_what_is_closed_or_read_before_the_mail_goes_out_is_not_mailed(
    incident, dana, ruth, post_office, fate
):
    entry = factories.entry(incident, "theories", text="@Ruth")
    telling.tell()
    match fate:
        case "left":
            incident.let_out(ruth, by=dana)
        case "marked":
            incident.change(entry, by=dana, version=1, privileged=True)
        case "hidden":
            incident.remove(entry, by=dana)
        case "read":
            signed_in(ruth).post(LIST)
        case "disabled":
            type(ruth).objects.filter(pk=ruth.pk).update(is_active=False)
        case "executive":
            incident.set_role(ruth, Role.EXECUTIVE, by=dana)
    mail_due()
    call_command("worker", "--once")
    assert (post_office.letters, Letter.objects.get().dropped_at is None) == ([], False)


def test_a_step_that_is_done_or_given_on_before_the_mail_goes_out_is_not_mailed(
    incident, dana, ruth, post_office
):
    now = timezone.now()
    done, given = (due_step(incident, ruth, now + timedelta(minutes=30)) for _ in range(2))
    telling.tell(now)
    incident.change(done, by=ruth, version=1, state="done")
    incident.change(given, by=ruth, version=1, assignee=dana)
    mail_due()
    call_command("worker", "--once")
    assert [letter["To"] for letter in post_office.letters] == [dana.email]


def test_a_worker_that_is_killed_after_sending_sends_the_same_letter_again_and_then_no_more(
    incident, ruth, post_office, monkeypatch
):
    factories.entry(incident, "theories", text="@Ruth")

    def die(letter):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Letter, "sent", die)  # the mail server has it, the database does not know
        with pytest.raises(KeyboardInterrupt):
            call_command("worker", "--once")
    call_command("worker", "--once")
    assert len(post_office.wait()) == 1  # it is claimed: not before the pause is over
    mail_due()
    for _ in range(2):
        call_command("worker", "--once")
    first, second = post_office.wait(2)
    assert (first["Message-ID"], first.get_content()) == (second["Message-ID"], second.get_content())
    assert len(post_office.letters) == 2


def test_a_letter_that_is_being_sent_takes_up_nothing_more(incident, ruth, post_office):
    now = timezone.now()
    factories.entry(incident, "theories", text="@Ruth")
    telling.tell(now)
    assert Letter.objects.get().claim() is True
    assert Letter.objects.get(tries=1).claim() is True  # by the same number of tries one wins
    factories.entry(incident, "theories", text="@Ruth")
    telling.tell(now)
    assert sorted(Letter.objects.values_list("tries", flat=True)) == [0, 2]


# --- choices and quiet hours -----------------------------------------------------------------------------


def test_choices_are_shown_kept_and_followed(incident, ruth, post_office):
    client = signed_in(ruth)
    form = client.get(CHOICES).context["form"]
    usual = {bound.name: bound.value() for bound in form.kinds}
    urgent = {"mention": "at once", "assigned": "at once", "command": "at once"}
    assert usual == {**USUAL, **urgent}
    sent = {**usual, "mention": "none", "quiet_from": "22:00", "quiet_until": "07:00"}
    assert client.post(CHOICES, sent).status_code == 302
    form = client.get(CHOICES).context["form"]
    assert {bound.name: bound.value() for bound in form.kinds} == {**usual, "mention": "none"}
    assert (form["quiet_from"].value(), form["quiet_until"].value()) == (time(22), time(7))
    factories.entry(incident, "theories", text="@Ruth")
    call_command("worker", "--once")
    assert (Letter.objects.count(), unread(client)) == (0, 1)  # the list has it, whatever was chosen


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"quiet_from": "22:00"}, "need a beginning and an end"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "would be none"),
        ({"quiet_from": "late", "quiet_until": "07:00"}, "not a time of day"),
        ({"mention": "always"}, "Select a valid choice"),
    ],
)
def test_choices_that_make_no_sense_are_refused_and_what_was_typed_is_kept(incident, ruth, sent, said):
    answer = signed_in(ruth).post(CHOICES, {**USUAL, "comment": "none", **sent})
    page = answer.content.decode()
    assert (answer.status_code, said in page, Choices.objects.count()) == (422, True, 0)
    assert '<option value="none" selected>' in page


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "zone", "start", "end", "expected"),
    [
        ("2026-11-24T12:00", UTC, (22, 0), (7, 0), "2026-11-24T12:00"),
        ("2026-11-24T23:00", UTC, (22, 0), (7, 0), "2026-11-25T07:00"),
        ("2026-11-25T03:00", UTC, (22, 0), (7, 0), "2026-11-25T07:00"),
        ("2026-11-25T07:00", UTC, (22, 0), (7, 0), "2026-11-25T07:00"),
        ("2026-11-24T22:00", UTC, (22, 0), (7, 0), "2026-11-25T07:00"),
        ("2026-11-24T13:00", UTC, (12, 0), (14, 0), "2026-11-24T14:00"),
        ("2026-11-24T21:30", BERLIN, (22, 0), (7, 0), "2026-11-25T06:00"),  # half past ten there
        ("2026-11-24T20:30", BERLIN, (22, 0), (7, 0), "2026-11-24T20:30"),
        ("2026-03-28T22:00", BERLIN, (22, 0), (7, 0), "2026-03-29T05:00"),  # an hour is skipped that night
        ("2026-10-24T21:00", BERLIN, (22, 0), (7, 0), "2026-10-25T06:00"),  # and one comes twice
        (
            "2026-03-29T00:30",
            BERLIN,
            (22, 0),
            (2, 30),
            "2026-03-29T01:30",
        ),  # the end is in the hour that is skipped
        (
            "2026-10-25T00:10",
            BERLIN,
            (22, 0),
            (2, 30),
            "2026-10-25T00:30",
        ),  # the end comes twice: its first time
        ("2026-10-25T01:10", BERLIN, (22, 0), (2, 30), "2026-10-25T01:30"),  # and its second
    ],
)
def test_quiet_hours_pass_midnight_and_clock_changes(now, zone, start, end, expected):
    at, until = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, expected))
    assert after_quiet(at, zone, time(*start), time(*end)) == until


def test_mail_that_comes_up_in_quiet_hours_is_one_letter_when_they_end(incident, dana, post_office):
    ruth = factories.participant(incident, factories.user("ruth", zone="Asia/Tokyo"))
    Choices.objects.create(user=ruth, quiet_from=time(22), quiet_until=time(7))
    evening = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # half past eleven there
    client = signed_in(ruth)
    for minutes in (0, 70):
        factories.entry(incident, "theories", text="@Ruth")
        telling.tell(evening + timedelta(minutes=minutes))
        assert unread(client) == 1 + bool(minutes)  # the list does not wait
    assert Letter.objects.get(to=ruth.email).due_at == datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
    mail_due()
    call_command("worker", "--once")
    assert [letter["Subject"] for letter in post_office.to(ruth.email)] == ["KESTREL: 2 notices"]


def test_an_hourly_mail_goes_out_at_the_full_hour_outside_quiet_hours():
    chosen = Choices(quiet_from=time(22), quiet_until=time(7), ways={"mention": Way.HOURLY})
    at = datetime(2026, 11, 24, 21, 15, tzinfo=UTC)
    assert chosen.mail_at("mention", at - timedelta(hours=1), ZoneInfo("UTC")) == at.replace(minute=0)
    assert chosen.mail_at("mention", at, ZoneInfo("UTC")) == datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
    assert chosen.mail_at("assigned", at, ZoneInfo("UTC")) == at
