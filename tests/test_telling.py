"""Who is told of what, once each: derived from the ledger and the clock by the worker."""

import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents import telling
from incidents.invitations import ask
from incidents.ledger import Action
from incidents.letters import Letter
from incidents.membership import Terms
from incidents.notices import Notice, Told
from incidents.vocabulary import Role
from tests import factories


@pytest.fixture
def ruth(incident):
    """A responder."""
    return factories.participant(incident, factories.user("ruth"))


@pytest.fixture
def theo(incident):
    """A reader."""
    return factories.participant(incident, factories.user("theo"), Role.READER)


@pytest.fixture
def mei(incident):
    """Legal, who reads privileged entries."""
    return factories.participant(incident, factories.user("mei"), Role.LEGAL)


def told(now=None) -> list[tuple]:
    """Who was told of what by the rounds so far, since they were asked last."""
    telling.tell(now)
    rows = list(Notice.objects.filter(read_at=None).select_related("user").order_by("user__email", "kind"))
    Notice.objects.update(read_at=timezone.now())
    return [(str(row.user), str(row.kind)) for row in rows]


def remark(
    incident, entry, by, text: str, reply_to: str | None = None, comment: str = "", action=Action.COMMENT
):
    """A comment as the ledger holds it; its id."""
    comment = comment or str(uuid.uuid4())
    incident.refresh_from_db()
    values = {"comment": comment, "reply_to": reply_to, "text": text}
    incident._record(action, by, entry=entry, values=values)
    return comment


# --- mentions ------------------------------------------------------------------------------------------


def test_a_mention_in_an_entry_is_told_once_and_to_nobody_else(incident, dana, ruth, theo):
    entry = factories.entry(incident, "theories", text="Ask @Ruth about the token, says @Dana")
    assert told() == [("Ruth", "mention")]
    notice = Notice.objects.get()
    assert (notice.by, notice.section, notice.entry_id) == (dana, "theories", entry.pk)
    assert told() == []
    incident.change(entry, by=dana, version=1, text="Ask @Ruth about the tokens, says @Dana")
    assert told() == []
    incident.change(
        entry, by=dana, version=2, text="Ask @Ruth about the tokens. @Ruth: urgent. @theo: you too"
    )
    assert told() == [("Ruth", "mention"), ("Theo", "mention")]


def test_several_changes_in_one_round_are_compared_each_with_the_one_before(incident, dana, ruth):
    entry = factories.entry(incident, "theories", text="@Ruth")
    incident.change(entry, by=dana, version=1, text="nobody")
    incident.change(entry, by=dana, version=2, text="@Ruth again")
    assert told() == [("Ruth", "mention"), ("Ruth", "mention")]


def test_a_mention_reaches_participants_only(incident, dana):
    factories.user("olga")
    executive = factories.participant(incident, factories.user("exec"), Role.EXECUTIVE)
    gone = factories.participant(incident, factories.user("gone"))
    incident.let_out(gone, by=dana)
    late = factories.participant(incident, factories.user("late"))
    type(late).objects.filter(pk=late.pk).update(is_active=False)
    ended = factories.participant(
        incident, factories.user("ended"), expires_at=timezone.now() + timedelta(hours=1)
    )
    incident.participants.filter(user=ended).update(expires_at=timezone.now())
    from incidents.people import write_grants

    write_grants(incident, ended)
    factories.entry(incident, "theories", text="@Olga @Exec @Gone @Late @Ended")
    factories.entry(incident, "summary", current_state="@Exec decides")
    assert (told(), executive.display_name) == ([], "Exec")


def test_a_mention_in_a_comment_is_told_and_in_its_change_only_what_is_new(incident, dana, ruth, theo):
    entry = factories.entry(incident, "theories")
    comment = remark(incident, entry, dana, "What do you think, @Ruth?")
    assert told() == [("Ruth", "mention")]
    remark(incident, entry, dana, "What do you think, @Ruth, @Theo?", None, comment, Action.AMEND)
    assert told() == [("Theo", "mention")]


def test_a_privileged_entry_is_told_to_whoever_may_read_it(incident, dana, ruth, mei):
    entry = factories.entry(incident, "theories", text="@Ruth @Mei", privileged=True)
    assert told() == [("Mei", "mention")]
    remark(incident, entry, dana, "@Ruth @Mei")
    assert told() == [("Mei", "mention")]
    incident.change(entry, by=dana, version=1, privileged=False)
    assert told() == [("Ruth", "mention")]  # it is open now, and names her


def test_a_notice_takes_on_the_mark_of_its_entry_and_is_away_while_it_is_hidden(incident, dana, ruth):
    entry = factories.entry(incident, "theories", text="@Ruth")
    telling.tell()
    incident.change(entry, by=dana, version=1, privileged=True)
    telling.tell()
    assert Notice.objects.get().privileged is True
    incident.change(entry, by=dana, version=2, privileged=False)
    incident.remove(entry, by=dana)
    telling.tell()
    first = Notice.objects.order_by("created_at").first()
    assert (first.privileged, first.hidden) == (True, True)  # what was said under a mark keeps it
    incident.restore(entry, by=dana)
    telling.tell()
    first.refresh_from_db()
    assert first.hidden is False


# --- steps ---------------------------------------------------------------------------------------------


def test_an_assignment_is_told_to_the_new_owner_unless_they_took_it(incident, dana, ruth, theo):
    step = factories.entry(incident, "next_steps", text="Read the log, @Ruth", assignee=ruth)
    assert told() == [("Ruth", "assigned")]  # and not of the mention as well
    incident.change(step, by=dana, version=1, text="Read both logs, @Ruth")
    assert told() == []
    incident.change(step, by=ruth, version=2, assignee=None)
    incident.change(step, by=ruth, version=3, assignee=ruth)
    assert told() == []
    incident.change(step, by=ruth, version=4, assignee=theo)
    assert told() == [("Theo", "assigned")]


def due_step(incident, assignee, due, **fields):
    """A step that is due at a time, already told to be somebody's."""
    fields = {"due_precision": "minute", **fields}
    return factories.entry(
        incident, "next_steps", assignee=assignee, due=due, by=incident.commander, **fields
    )


def test_a_step_is_told_once_when_it_comes_due_and_once_when_it_is_over(incident, dana, ruth):
    now = timezone.now()
    factories.entry(incident, "summary")
    step = due_step(incident, ruth, now + timedelta(hours=2))
    assert told(now) == [("Ruth", "assigned")]
    assert told(now + timedelta(minutes=59)) == []
    assert told(now + timedelta(minutes=61)) == [("Ruth", "due")]
    assert told(now + timedelta(minutes=90)) == []
    assert told(now + timedelta(minutes=121)) == [("Ruth", "overdue")]
    assert told(now + timedelta(minutes=125)) == []
    incident.change(step, by=dana, version=1, due=now + timedelta(minutes=160), due_precision="minute")
    assert told(now + timedelta(minutes=127)) == [("Ruth", "due")]


def test_a_step_of_a_day_is_late_when_the_day_is_over(incident, ruth):
    now = timezone.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    due_step(incident, ruth, midnight, due_precision="day")
    told(midnight)
    assert [one for one in told(midnight + timedelta(hours=22)) if one[0] == "Ruth"] == []
    assert ("Ruth", "due") in told(midnight + timedelta(hours=23, minutes=30))
    assert ("Ruth", "overdue") in told(midnight + timedelta(hours=24, minutes=1))


@pytest.mark.parametrize("fate", ["done", "hidden", "privileged", "left", "closed"])
def test_a_step_that_is_not_theirs_to_do_any_more_is_not_told(incident, dana, ruth, fate):
    now = timezone.now()
    step = due_step(incident, ruth, now + timedelta(minutes=30))
    match fate:
        case "done":
            incident.change(step, by=dana, version=1, state="done")
        case "hidden":
            incident.remove(step, by=dana)
        case "privileged":
            incident.change(step, by=dana, version=1, privileged=True)
        case "left":
            incident.let_out(ruth, by=dana)
        case "closed":
            incident.set_fields(by=dana, status="closed")
    assert [one for one in told(now) if one[1] == "due"] == []


# --- comments ------------------------------------------------------------------------------------------


def test_a_comment_is_told_to_the_author_and_to_the_thread(incident, dana, ruth, theo, mei):
    entry = factories.entry(incident, "theories", by=ruth)
    first = remark(incident, entry, theo, "Are we sure?")
    assert told() == [("Ruth", "comment")]
    reply = remark(incident, entry, mei, "No", first)
    assert told() == [("Ruth", "comment"), ("Theo", "comment")]
    remark(incident, entry, ruth, "Then look again, @Dana", reply)  # an answer to the answer: the same thread
    assert told() == [("Dana", "mention"), ("Mei", "comment"), ("Theo", "comment")]
    remark(incident, entry, dana, "Another matter")
    assert told() == [("Ruth", "comment")]


def test_a_comment_on_a_privileged_entry_is_kept_from_its_author_who_lost_sight_of_it(incident, dana, ruth):
    entry = factories.entry(incident, "theories", by=ruth)
    incident.change(entry, by=dana, version=1, privileged=True)
    remark(incident, entry, dana, "For counsel")
    assert told() == []


# --- people and command ----------------------------------------------------------------------------------


def test_an_accepted_invitation_is_told_to_whoever_invited(incident, dana, theo):
    ruth = factories.user("ruth")
    invitation = incident.invite(ruth.email, Terms(Role.READER), by=dana)
    incident.accept_invitation(invitation, by=ruth, read=incident.classification_revision)
    assert told() == [("Dana", "accepted")]


def test_a_hand_over_is_told_to_every_reader_and_mailed_to_each_once(incident, dana, ruth, theo):
    factories.participant(incident, factories.user("exec"), Role.EXECUTIVE)
    incident.hand_over(ruth, by=dana, reason="End of shift")
    assert told() == [("Ruth", "command"), ("Theo", "command")]
    letters = Letter.objects.order_by("to").values_list("to", "kind")
    assert list(letters) == [
        ("dana@example.com", "hand over"),
        ("ruth@example.com", "hand over"),
        ("theo@example.com", "notices"),
    ]


def test_command_that_is_taken_by_break_glass_is_told_to_the_former_commander(incident, dana, ruth, theo):
    opening = incident.ask_break_glass(by=ruth, reason="Nobody answers")
    vera = factories.participant(incident, factories.user("vera"))
    incident.approve_break_glass(opening, by=vera)
    incident.hand_over(theo, by=ruth, reason="She does not answer")
    Letter.objects.all().delete()
    assert told() == [("Dana", "command"), ("Theo", "command"), ("Vera", "command")]
    assert list(Letter.objects.values_list("to", flat=True)) == ["vera@example.com"]  # the two have theirs


# --- the commander's checks --------------------------------------------------------------------------------


def test_a_check_is_told_to_the_commander_when_it_has_waited_and_not_again(incident, dana, ruth):
    now = timezone.now()
    factories.entry(incident, "summary")
    step = factories.entry(incident, "next_steps")  # nobody's
    assert told(now) == []
    incident.change(step, by=dana, version=1, assignee=ruth)
    assert told(now + timedelta(minutes=11)) == [("Ruth", "assigned")]  # it did not wait long enough
    incident.change(step, by=ruth, version=2, assignee=None)
    assert told(now + timedelta(minutes=13)) == []
    assert told(now + timedelta(minutes=24)) == [("Dana", "check")]
    factories.entry(incident, "next_steps")  # one more of the same
    assert told(now + timedelta(minutes=60)) == []


def test_what_waits_in_a_closed_incident_is_not_told(incident, dana):
    now = timezone.now()
    incident.set_fields(by=dana, status="closed")
    assert (told(now), told(now + timedelta(days=1))) == ([], [])


def test_a_request_for_access_is_listed_and_mailed_once(incident, dana):
    now = timezone.now()
    factories.entry(incident, "summary")
    ask(factories.user("olga"), incident.codename, "")
    call_command("worker", "--once")
    assert told(now + timedelta(minutes=5)) == []
    assert told(now + timedelta(minutes=16)) == [("Dana", "check")]
    assert list(Letter.objects.values_list("kind", flat=True)) == ["request"]


# --- once ----------------------------------------------------------------------------------------------


def test_a_worker_that_dies_while_it_writes_tells_everything_once_afterwards(
    incident, dana, ruth, monkeypatch
):
    factories.entry(incident, "theories", text="@Ruth")

    def die(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(
            telling, "_mark", die
        )  # after the notices and letters, before the end of the transaction
        with pytest.raises(KeyboardInterrupt):
            telling.tell()
    assert (Notice.objects.count(), Letter.objects.count()) == (0, 0)
    assert told() == [("Ruth", "mention")]
    assert (told(), Letter.objects.count()) == ([], 1)


def test_two_workers_at_the_same_moment_tell_once(incident, dana, ruth, monkeypatch):
    factories.entry(incident, "theories", text="@Ruth")
    faster, done = telling.of_rows, []

    def overtaken(*args):
        facts = list(faster(*args))
        if not done:
            done.append(True)
            telling.tell()  # the other worker, from beginning to end
        return facts

    monkeypatch.setattr(telling, "of_rows", overtaken)
    telling.tell()
    assert (Notice.objects.count(), Letter.objects.count()) == (1, 1)


def test_the_place_is_kept_for_each_incident_and_one_fault_stops_no_other(
    incident, dana, ruth, monkeypatch, caplog
):
    other = factories.incident(dana, codename="OSPREY")
    factories.participant(other, ruth)
    telling.tell()
    for one in (incident, other):
        factories.entry(one, "theories", text="@Ruth")
    rules = telling.of_rows

    def broken(one, *args):
        if one == incident:
            raise ValueError
        return rules(one, *args)

    with monkeypatch.context() as fault:
        fault.setattr(telling, "of_rows", broken)
        assert told() == [("Ruth", "mention")]
    assert "could not be told" in caplog.text
    assert told() == [("Ruth", "mention")]
    assert set(Told.objects.values_list("revision", flat=True)) == {
        type(one).objects.get(pk=one.pk).revision for one in (incident, other)
    }


def test_a_round_with_nothing_new_asks_one_question(incident, django_assert_num_queries):
    telling.tell()
    with django_assert_num_queries(1):
        telling.tell()


def test_a_round_asks_as_much_for_three_of_each_as_for_one(incident, ruth, theo):
    vera = factories.participant(incident, factories.user("vera"))

    def asked(number: int) -> int:
        for _ in range(number):
            entry = factories.entry(incident, "theories", text="@Ruth @Theo", by=vera)
            first = remark(incident, entry, theo, "Why, @Ruth?")
            remark(incident, entry, ruth, "Because, @Theo", first)
            incident.change(entry, by=vera, version=1, text="@Ruth @Theo @Dana")
            due_step(incident, ruth, timezone.now() + timedelta(minutes=5))
        Told.objects.update(looked_at=None)
        with CaptureQueriesContext(connection) as captured:
            telling.tell()
        return len(captured)

    telling.tell()
    assert asked(1) == asked(3)
