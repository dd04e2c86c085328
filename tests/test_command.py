"""Who commands: the offer and its answer, break-glass by two people, the legal hold."""

import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import closing
from accounts.models import User
from incidents import rendering
from incidents.access import capabilities
from incidents.door import Impossible, Refused
from incidents.incident import Incident
from incidents.letters import Letter
from incidents.membership import Terms
from incidents.people import IncidentGrant
from incidents.succession import BreakGlass
from incidents.vocabulary import BUNDLES, Audience, Role
from tests import factories
from tests.room import changes_since, stored
from tests.test_people import deeds, signed_in

BASE = "/incidents/kestrel/"


@pytest.fixture
def theo(incident):
    """A responder."""
    return factories.participant(incident, factories.user("theo"))


@pytest.fixture
def mei(incident):
    """Legal."""
    return factories.participant(incident, factories.user("mei"), Role.LEGAL)


def head(user) -> str:
    """The document's page as somebody sees it."""
    return signed_in(user).get(BASE).content.decode()


# --- the offer -------------------------------------------------------------------------------------


def test_command_is_offered_and_passes_when_it_is_accepted(incident, as_dana, dana, theo):
    sent = {"successor": str(theo.pk), "reason": "End of shift"}
    assert as_dana.post(f"{BASE}people/hand-over/", sent).status_code == 302
    incident.refresh_from_db()
    assert (incident.commander, "Dana offers command to Theo" in head(theo)) == (dana, True)
    assert signed_in(theo).post(f"{BASE}people/offer/", {"accept": ""}).status_code == 302
    incident.refresh_from_db()
    assert (incident.commander, capabilities(dana, incident)) == (theo, BUNDLES[Role.RESPONDER])
    assert [deed[:3] for deed in deeds(incident)[-2:]] == [
        ("offer", "Dana", "Theo"),
        ("take command", "Theo", "Dana"),
    ]
    assert "offers command" not in head(theo)
    call_command("check_access")


def test_an_offer_can_be_left_and_command_stays(incident, dana, theo):
    incident.offer_command(theo, by=dana, reason="End of shift")
    assert signed_in(theo).post(f"{BASE}people/offer/", {"decline": ""}).status_code == 302
    incident.refresh_from_db()
    assert (incident.commander, deeds(incident)[-1][:3]) == (dana, ("decline", "Theo", "Dana"))


def test_only_the_newest_offer_stands_and_only_for_its_addressee(incident, dana, theo, mei):
    incident.offer_command(theo, by=dana, reason="End of shift")
    incident.offer_command(mei, by=dana, reason="Theo is asleep")
    for person in (theo, dana):
        with pytest.raises(Impossible, match="does not stand"):
            incident.answer_offer(by=person, accept=True)
    incident.answer_offer(by=mei, accept=True)
    assert Incident.objects.get().commander == mei


def test_an_offer_lapses_with_whoever_made_it_or_gets_it(incident, dana, theo, mei):
    incident.offer_command(theo, by=dana, reason="End of shift")
    incident.let_out(theo, by=dana)
    incident.let_in(theo, Role.RESPONDER, by=dana)
    incident.acknowledge(by=theo)
    with pytest.raises(Impossible):
        incident.answer_offer(by=theo, accept=True)
    incident.offer_command(theo, by=dana, reason="End of shift")
    incident.hand_over(mei, by=dana, reason="At once")
    with pytest.raises(Impossible):
        incident.answer_offer(by=theo, accept=True)


def test_a_successor_with_a_time_limit_commands_without_one(incident, dana):
    ruth = factories.participant(
        incident, factories.user("ruth"), Role.READER, expires_at=timezone.now() + timedelta(hours=4)
    )
    incident.hand_over(ruth, by=dana, reason="End of shift")
    assert incident.participants.get(user=ruth).expires_at is None
    assert set(IncidentGrant.objects.filter(user=ruth).values_list("until", flat=True)) == {None}


# --- nobody commands -------------------------------------------------------------------------------


def test_line_20_the_document_says_that_nobody_commands_when_the_account_is_closed(incident, dana, theo):
    assert "Nobody commands" not in head(theo)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    said = head(theo)
    assert ("Nobody commands this incident" in said, "break-glass/" in said) == (True, True)


# --- break-glass -----------------------------------------------------------------------------------


def opened(incident, by, approver, hours: int = 4) -> BreakGlass:
    """Break-glass, asked and approved."""
    opening = incident.ask_break_glass(by=by, reason="Dana does not answer", hours=hours)
    incident.approve_break_glass(opening, by=approver)
    return opening


def test_line_21_two_people_open_it_and_everybody_is_told(incident, dana, theo, mei):
    asked = signed_in(theo).post(f"{BASE}break-glass/", {"reason": "Dana does not answer", "hours": "4"})
    assert (asked.status_code, capabilities(theo, incident)) == (302, BUNDLES[Role.RESPONDER])
    opening = BreakGlass.objects.get()
    before = timezone.now()
    assert signed_in(mei).post(f"{BASE}break-glass/{opening.pk}/approve/").status_code == 302
    opening.refresh_from_db()
    assert timedelta(hours=3.9) < opening.expires_at - before < timedelta(hours=4.1)
    assert capabilities(theo, incident) == BUNDLES[Role.COMMANDER]
    for person in (dana, theo, mei):
        assert "Break-glass: Theo acts as commander" in head(person)
    told = Letter.objects.filter(kind=Letter.Kind.BREAK_GLASS).values_list("to", flat=True)
    assert sorted(told) == ["dana@example.com", "mei@example.com", "theo@example.com"]
    assert [deed[:3] for deed in deeds(incident)[-2:]] == [
        ("ask glass", "Theo", None),
        ("break glass", "Mei", "Theo"),
    ]
    assert incident.changes.latest("revision").reason == "Dana does not answer"
    call_command("check_access")
    call_command("verify_ledger")


def test_line_21_nobody_approves_their_own_request(incident, theo):
    opening = incident.ask_break_glass(by=theo, reason="Dana does not answer")
    answer = signed_in(theo).post(f"{BASE}break-glass/{opening.pk}/approve/")
    assert (answer.status_code, "A second person must" in answer.content.decode()) == (422, True)
    assert capabilities(theo, incident) == BUNDLES[Role.RESPONDER]
    with pytest.raises(IntegrityError), transaction.atomic():
        BreakGlass.objects.update(approved_by=theo, approved_at=timezone.now(), expires_at=timezone.now())


@pytest.mark.parametrize(
    "sent", [{"reason": "  "}, {"reason": "x", "hours": "0"}, {"reason": "x", "hours": "9999"}]
)
def test_line_21_it_needs_a_reason_and_an_end(incident, theo, sent):
    client = signed_in(theo)
    before = stored()
    assert client.post(f"{BASE}break-glass/", {"hours": "4", **sent}).status_code == 422
    assert changes_since(before) == {}


def test_line_21_it_ends_by_itself(incident, dana, theo, mei):
    opened(incident, theo, mei)
    BreakGlass.objects.update(expires_at=timezone.now())
    IncidentGrant.objects.filter(user=theo).exclude(until=None).update(until=timezone.now())
    assert capabilities(theo, incident) == BUNDLES[Role.RESPONDER]  # before any worker came by
    assert "acts as commander" not in head(dana)
    call_command("worker", "--once")
    assert deeds(incident)[-1][:3] == ("end glass", "Theo", "Theo")
    call_command("check_access")


@pytest.mark.parametrize("who", ["themselves", "the commander"])
def test_line_21_it_can_be_ended_before_its_time(incident, dana, theo, mei, who):
    opening = opened(incident, theo, mei)
    client = signed_in(theo if who == "themselves" else dana)
    assert client.post(f"{BASE}break-glass/{opening.pk}/end/").status_code == 302
    assert capabilities(theo, incident) == BUNDLES[Role.RESPONDER]
    with pytest.raises(Refused):
        incident.end_break_glass(opening, by=mei)


def test_line_21_whoever_holds_it_may_take_command_and_then_holds_it_no_longer(incident, dana, theo, mei):
    opened(incident, theo, mei)
    incident.hand_over(theo, by=theo, reason="Dana cannot be reached")
    incident.refresh_from_db()
    assert (incident.commander, deeds(incident)[-1][:3]) == (theo, ("take command", "Theo", "Dana"))
    assert BreakGlass.objects.get().ended_at is not None
    assert (capabilities(theo, incident), capabilities(dana, incident)) == (
        BUNDLES[Role.COMMANDER],
        BUNDLES[Role.RESPONDER],
    )
    call_command("check_access")


def test_line_21_invitations_made_under_it_die_with_it(incident, theo, mei):
    opening = opened(incident, theo, mei)
    invitation = incident.invite("ruth@example.com", Terms(Role.READER), by=theo)
    incident.end_break_glass(opening, by=theo)
    assert incident.stands(invitation) is False


def test_line_21_whoever_is_removed_keeps_nothing_of_it(incident, dana, theo, mei):
    opened(incident, theo, mei)
    incident.let_out(theo, by=dana)
    assert (capabilities(theo, incident), BreakGlass.objects.get().ended_at is None) == (set(), False)
    call_command("check_access")


def test_line_21_a_request_lapses(incident, theo, mei):
    opening = incident.ask_break_glass(by=theo, reason="Dana does not answer")
    BreakGlass.objects.update(asked_at=timezone.now() - timedelta(hours=5))
    with pytest.raises(Impossible, match="lapsed"):
        incident.approve_break_glass(opening, by=mei)
    assert incident.ask_break_glass(by=theo, reason="Still no answer").is_asked


def test_line_21_the_operator_can_do_it_for_two_people_from_outside(incident, dana, capsys):
    theo, mei = factories.user("theo"), factories.user("mei")
    arguments = [
        "KESTREL",
        "--for",
        theo.email,
        "--approved-by",
        mei.email,
        "--reason",
        "Dana is in hospital",
    ]
    call_command("break_glass", *arguments, "--hours", "2")
    assert "Theo acts as commander of KESTREL until" in capsys.readouterr().out
    assert (capabilities(theo, incident), capabilities(mei, incident)) == (BUNDLES[Role.COMMANDER], set())
    assert "acts as commander" in head(dana)
    call_command("check_access")


@pytest.mark.parametrize("who", ["the same person", "a closed account", "no reason"])
def test_line_21_the_operator_cannot_do_it_for_one(incident, who):
    theo, mei = factories.user("theo"), factories.user("mei", is_active=who != "a closed account")
    approver = theo if who == "the same person" else mei
    before = stored()
    with pytest.raises(CommandError):
        call_command(
            "break_glass", "KESTREL", "--for", theo.email, "--approved-by", approver.email,
            "--reason", "" if who == "no reason" else "Dana is in hospital",
        )  # fmt: skip
    assert changes_since(before) == {}


# --- legal hold ------------------------------------------------------------------------------------


def test_line_45_only_legal_sets_and_lifts_a_hold(incident, dana, theo, mei):
    sent = {"hold": "on", "reason": "A lawsuit is likely"}
    for person in (dana, theo):
        assert signed_in(person).post(f"{BASE}hold/", sent).status_code == 403
    with pytest.raises(Refused):
        incident.set_hold(True, by=factories.user("root", is_superuser=True, is_staff=True), reason="I may")
    assert signed_in(mei).post(f"{BASE}hold/", sent).status_code == 302
    assert ("Legal hold since" in head(theo), deeds(incident)[-1][:2]) == (True, ("hold", "Mei"))
    with pytest.raises(Refused):
        incident.set_hold(False, by=dana, reason="It is over")
    assert signed_in(mei).post(f"{BASE}hold/", {"hold": "off", "reason": "Settled"}).status_code == 302
    assert "Legal hold since" not in head(theo)


def test_line_45_a_hold_blocks_deletion_even_by_raw_sql(incident, mei):
    incident.set_hold(True, by=mei, reason="A lawsuit is likely")
    with (
        pytest.raises(DatabaseError, match="legal hold"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM incidents_incident")
    assert Incident.objects.count() == 1


# --- races -----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_line_10_ten_people_revoked_with_posts_in_flight_store_nothing_afterwards(transactional_db):
    dana = factories.user("dana")
    incident = factories.incident(dana)
    crew = [factories.participant(incident, factories.user(f"person{n}")) for n in range(10)]
    clients = [signed_in(person) for person in crew]
    stop, said = threading.Event(), []

    def write(client: Client, number: int):
        try:
            for count in range(1000):
                if stop.is_set():
                    break
                text = f"person{number} says {count}"
                status = client.post(f"{BASE}theories/", {"text": text, "state": "open"}).status_code
                said.append((text, status))
                if status != 302:
                    break
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(client, n)) for n, client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for person in crew:
        incident.let_out(person, by=dana)
    for thread in threads:
        thread.join(timeout=60)
    stop.set()
    refused = [status for _, status in said if status != 302]
    assert (len(refused), set(refused) <= {403, 404}) == (10, True)
    rows = incident.changes.filter(action="add").values_list("actor_id", "revision", "values")
    out = {row.values["user"]: row.revision for row in incident.changes.filter(action="let out")}
    assert [revision for actor, revision, _ in rows if revision > out[str(actor)]] == []
    assert sorted(values["text"] for _, _, values in rows) == sorted(
        text for text, status in said if status == 302
    )
    assert IncidentGrant.objects.exclude(user=dana).count() == 0
    call_command("check_access")
    call_command("verify_ledger")


# --- closing the commander's account ---------------------------------------------------------------


def test_line_20_the_account_of_a_commander_cannot_be_closed(incident, dana, theo):
    root = factories.user("root", is_superuser=True, is_staff=True)
    where = f"/admin/accounts/user/{dana.pk}/change/"
    sent = {"email": dana.email, "display_name": "Dana", "zone": "UTC"}  # “may sign in” is not ticked
    answer = signed_in(root).post(where, sent)
    said = answer.content.decode()
    assert ("must hand something over first" in said, "KESTREL" in said) == (True, False)
    with pytest.raises(CommandError, match="hand something over first"):
        call_command("close_account", dana.email)
    assert User.objects.get(pk=dana.pk).is_active is True
    incident.hand_over(theo, by=dana, reason="End of shift")
    call_command("close_account", dana.email)
    assert User.objects.get(pk=dana.pk).is_active is False


def test_line_23_closing_an_account_ends_sessions_invitations_and_exports_together(
    incident, dana, monkeypatch
):
    invitation = incident.invite("ruth@example.com", Terms(Role.READER), by=dana)
    client = signed_in(dana)
    assert client.get(BASE).status_code == 200

    def close(html, found):
        call_command("close_account", dana.email, "--force")
        return b"%PDF-"

    monkeypatch.setattr("incidents.report.print_pdf", close)
    assert client.get(f"{BASE}report.pdf").status_code == 404
    assert (client.get(BASE).status_code, incident.stands(invitation)) == (302, False)
    User.objects.filter(pk=dana.pk).update(is_active=True)
    assert client.get(BASE).status_code == 302  # the session does not come back with the account


@pytest.mark.parametrize("how", ["closed", "removed"])
def test_line_23_what_a_closed_or_removed_person_held_open_does_not_come_back(incident, dana, theo, mei, how):
    opened(incident, theo, mei)
    invitation = incident.invite("ruth@example.com", Terms(Role.READER), by=theo)
    incident.offer_command(theo, by=dana, reason="End of shift")
    if how == "closed":
        call_command("close_account", theo.email)
        User.objects.filter(pk=theo.pk).update(is_active=True)
    else:
        incident.let_out(theo, by=dana)
        incident.let_in(theo, Role.RESPONDER, by=dana)
    theo.refresh_from_db()
    assert capabilities(theo, incident) == BUNDLES[Role.RESPONDER]
    assert (incident.stands(invitation), incident.offers.filter(ended_at=None).exists()) == (False, False)
    assert {"end glass", "withdraw"} <= {deed[0] for deed in deeds(incident)}
    call_command("check_access")


def test_line_20_a_forced_closing_is_pushed_and_recorded_as_nobody_commands(incident, dana, theo):
    call_command("close_account", dana.email, "--force")
    assert deeds(incident)[-1][:2] == ("closed account", "Dana")
    assert "Nobody commands" in rendering.message(
        Incident.objects.get(), [incident.changes.latest("revision")], Audience.DOCUMENT
    )


# --- what a review found ---------------------------------------------------------------------------


def test_the_end_of_ones_own_access_does_not_cut_off_an_open_break_glass(incident, dana, mei):
    theo = factories.participant(
        incident, factories.user("theo"), expires_at=timezone.now() + timedelta(hours=1)
    )
    opened(incident, theo, mei)
    incident.participants.filter(user=theo).update(expires_at=timezone.now())
    call_command("worker", "--once")
    assert capabilities(theo, incident) == BUNDLES[Role.COMMANDER]
    BreakGlass.objects.update(expires_at=timezone.now())
    call_command("worker", "--once")
    assert [deed[0] for deed in deeds(incident)[-2:]] == ["end glass", "expire"]
    assert capabilities(theo, incident) == set()
    call_command("check_access")


def test_a_break_glass_that_is_open_or_asked_for_ends_with_another_role(incident, dana, theo, mei):
    opening = incident.ask_break_glass(by=theo, reason="Dana does not answer")
    incident.set_role(theo, Role.EXECUTIVE, by=dana)
    with pytest.raises(Impossible):
        incident.approve_break_glass(opening, by=mei)
    incident.set_role(theo, Role.RESPONDER, by=dana)
    opened(incident, theo, mei)
    incident.set_role(theo, Role.READER, by=dana)
    assert capabilities(theo, incident) == BUNDLES[Role.READER]


def test_nobody_keeps_rights_of_a_break_glass_by_changing_their_own(incident, theo, mei):
    opened(incident, theo, mei)
    for act in (
        lambda: incident.set_role(theo, Role.LEGAL, by=theo),
        lambda: incident.set_privileged(theo, True, by=theo),
    ):
        with pytest.raises(Impossible, match="their own"):
            act()


def test_the_people_page_says_who_acts_as_commander(incident, dana, theo, mei):
    opened(incident, theo, mei)
    assert "acts as commander until" in signed_in(dana).get(f"{BASE}people/").content.decode()


def test_an_offer_can_be_declined_and_taken_back_at_any_time(incident, dana, theo, mei):
    incident.offer_command(theo, by=dana, reason="End of shift")
    assert signed_in(dana).post(f"{BASE}people/offer/", {"retract": ""}).status_code == 302
    assert deeds(incident)[-1][:3] == ("retract", "Dana", "Theo")
    incident.offer_command(theo, by=dana, reason="End of shift")
    User.objects.filter(pk=dana.pk).update(is_active=False)
    with pytest.raises(Impossible, match="can no longer hand over"):
        incident.answer_offer(by=theo, accept=True)
    incident.answer_offer(by=theo, accept=False)
    assert "offers command" not in head(theo)


def test_an_offer_ends_with_the_break_glass_that_made_it(incident, theo, mei):
    opening = opened(incident, theo, mei)
    incident.offer_command(mei, by=theo, reason="You know the case")
    incident.end_break_glass(opening, by=theo)
    assert "offers command" not in head(mei)


def test_the_operator_approves_what_was_asked_for_on_the_page(incident, theo):
    mei = factories.user("outside")
    incident.ask_break_glass(by=theo, reason="Dana does not answer")
    call_command(
        "break_glass",
        "KESTREL",
        "--for",
        theo.email,
        "--approved-by",
        mei.email,
        "--reason",
        "She is in hospital",
    )
    assert capabilities(theo, incident) == BUNDLES[Role.COMMANDER]
    assert "on the server&#x27;s command line" in signed_in(theo).get(f"{BASE}history/").content.decode()


@pytest.mark.parametrize("who", ["asks", "approves"])
def test_the_operator_cannot_let_in_somebody_who_must_stay_out(incident, dana, who):
    theo, mei = factories.user("theo"), factories.user("mei")
    incident.block((theo if who == "asks" else mei).email, by=dana)
    with pytest.raises(Impossible, match="may not take part"):
        incident.break_glass(theo, approver=mei, reason="Dana is in hospital")
    assert capabilities(theo, incident) == set()


@pytest.mark.parametrize("hours", ["0", "73", "99999999999"])
def test_the_operator_is_told_of_hours_that_make_no_sense(incident, hours):
    theo, mei = factories.user("theo"), factories.user("mei")
    with pytest.raises(CommandError, match="between 1 and 72 hours"):
        call_command(
            "break_glass", "KESTREL", "--for", theo.email, "--approved-by", mei.email,
            "--reason", "Hospital", "--hours", hours,
        )  # fmt: skip


def test_an_executive_who_acts_by_break_glass_can_take_command(incident, dana):
    callum = factories.participant(incident, factories.user("callum"), Role.EXECUTIVE)
    incident.break_glass(callum, approver=factories.user("mei"), reason="Dana is in hospital")
    sent = {"successor": str(callum.pk), "reason": "Nobody else is here", "at_once": "on"}
    assert signed_in(callum).post(f"{BASE}people/hand-over/", sent).status_code == 302
    assert Incident.objects.get().commander == callum


def test_somebody_whose_time_is_up_cannot_take_command(incident, dana, theo):
    incident.participants.filter(user=theo).update(expires_at=timezone.now())
    IncidentGrant.objects.filter(user=theo).update(until=timezone.now())
    with pytest.raises(Impossible, match="can no longer come in"):
        incident.hand_over(theo, by=dana, reason="End of shift")


def test_line_19_whoever_hands_over_a_second_time_is_told_that_it_is_done(incident, dana, theo, mei):
    client = signed_in(dana)
    sent = {"successor": str(theo.pk), "reason": "End of shift", "at_once": "on"}
    statuses = [client.post(f"{BASE}people/hand-over/", sent).status_code for _ in range(2)]
    assert statuses == [302, 409]
    assert signed_in(mei).post(f"{BASE}people/hand-over/", sent).status_code == 403


def test_line_21_whoever_was_let_in_by_break_glass_does_not_approve_the_next(incident, dana, theo, mei):
    opened(incident, theo, mei)
    second = factories.participant(incident, factories.user("second"))  # by Dana
    puppet = factories.user("puppet")
    incident.let_in(puppet, Role.RESPONDER, by=theo)
    incident.acknowledge(by=puppet)
    incident.end_break_glass(BreakGlass.objects.get(), by=theo)
    opening = incident.ask_break_glass(by=theo, reason="Once more")
    with pytest.raises(Impossible, match="did not let in by break-glass"):
        incident.approve_break_glass(opening, by=puppet)
    incident.approve_break_glass(opening, by=second)
    assert capabilities(theo, incident) == BUNDLES[Role.COMMANDER]


@pytest.mark.parametrize(
    "query", ["incidentgrant__isnull=False", "incidentgrant=1", "participant__role=legal"]
)
def test_line_05_the_admin_site_cannot_be_asked_who_is_in_an_incident(incident, theo, query):
    root = factories.user("root", is_superuser=True, is_staff=True)
    for path in ("/admin/accounts/user/", "/admin/accounts/user/add/"):
        answer = signed_in(root).get(f"{path}?{query}")
        assert answer.status_code in (302, 400) if path.endswith("user/") else 200
    assert signed_in(root).get("/admin/accounts/user/?is_active__exact=1").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_line_20_command_does_not_pass_to_an_account_that_is_being_closed(transactional_db):
    dana, theo = factories.user("dana"), factories.user("theo")
    incident = factories.incident(dana)
    factories.participant(incident, theo)
    start, said = threading.Barrier(2), []

    def run(act):
        try:
            start.wait()
            act()
        except (Impossible, CommandError, closing.Refused) as fault:
            said.append(type(fault).__name__)
        finally:
            connection.close()

    acts = [
        lambda: Incident.objects.get().hand_over(User.objects.get(pk=theo.pk), by=dana, reason="Shift"),
        lambda: closing.close(User.objects.get(pk=theo.pk)),
    ]
    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    theo.refresh_from_db()
    commands = Incident.objects.get().commander == theo
    assert (len(said), commands and not theo.is_active) == (1, False)
