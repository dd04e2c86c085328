"""People in an incident: let in one by one, roles, removal, hand-over, and the acknowledgement before anything."""

import threading
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from guardian.models import UserObjectPermission

from accounts.models import User
from incidents.access import capabilities
from incidents.door import Impossible
from incidents.incident import Incident
from incidents.people import IncidentGrant, Participant
from incidents.vocabulary import Role
from tests import factories
from tests.room import changes_since, stored
from tests.signing import sign_in
from tests.test_matrix import SENT, address, routes

BASE = "/incidents/kestrel/"
HTMX = {"HX-Request": "true"}

# What each role may do, as the people who use it were told.
MAY = {
    "commander": {
        "summary",
        "read",
        "write",
        "export",
        "privileged",
        "people",
        "command",
        "vouch",
        "oversee",
    },
    "responder": {"summary", "read", "write", "vouch"},
    "reader": {"summary", "read"},
    "executive": {"summary"},
    "legal": {"summary", "read", "export", "privileged", "hold", "vouch", "oversee"},
}


@pytest.fixture
def ruth(db):
    """Somebody who is not in the incident yet."""
    return factories.user("ruth")


def signed_in(user) -> Client:
    """A client of this person."""
    return sign_in(Client(), user)


def deeds(incident) -> list[tuple]:
    """Action, actor and what it says, for each row of the ledger, oldest first."""
    rows = incident.changes.order_by("revision").select_related("actor")
    return [
        (str(row.action), row.actor.display_name, row.values.get("name"), row.values.get("role"))
        for row in rows
    ]


# --- letting in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["responder", "reader", "executive", "legal"])
def test_letting_in_gives_exactly_the_role(incident, dana, ruth, role):
    incident.let_in(ruth, role, by=dana)
    participant = incident.participants.get(user=ruth)
    assert (participant.role, participant.may_export, participant.let_in_by) == (role, False, dana)
    assert capabilities(ruth, incident) == MAY[role]
    assert deeds(incident)[1:] == [("let in", "Dana", "Ruth", role)]


def test_commander_holds_what_a_commander_may(incident, dana):
    assert capabilities(dana, incident) == MAY["commander"]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("dana@example.com", "Dana is in this incident already."),
        ("not an address", "Enter a valid email address."),
        ("", "This field is required."),
    ],
)
def test_inviting_somebody_who_cannot_come_is_refused_with_a_sentence(incident, as_dana, address, sentence):
    before = stored()
    answer = as_dana.post(f"{BASE}people/", {"email": address, "role": "reader"})
    said = answer.content.decode()
    assert (answer.status_code, sentence in said, f'value="{address}"' in said) == (422, True, True)
    assert changes_since(before) == {}


@pytest.mark.parametrize(
    ("role", "gets"),
    [("responder", True), ("reader", True), ("executive", False), ("legal", True)],
)
def test_commander_may_add_the_right_to_export_where_it_makes_sense(incident, as_dana, ruth, role, gets):
    factories.participant(incident, ruth, Role.READER if role != "reader" else Role.RESPONDER)
    as_dana.post(f"{BASE}people/{ruth.pk}/", {"role": role, "may_export": "on"})
    assert capabilities(ruth, incident) == MAY[role] | ({"export"} if gets else set())


def test_taking_the_right_to_export_away_works_at_once(incident, as_dana, ruth):
    factories.participant(incident, ruth, Role.READER, may_export=True)
    as_dana.post(f"{BASE}people/{ruth.pk}/", {"role": "reader"})
    assert capabilities(ruth, incident) == MAY["reader"]


@pytest.mark.parametrize("role", ["reader", "executive", "legal", "responder"])
def test_changing_a_role_gives_exactly_the_new_one(incident, as_dana, ruth, role):
    factories.participant(incident, ruth, Role.LEGAL if role == "responder" else Role.RESPONDER)
    assert as_dana.post(f"{BASE}people/{ruth.pk}/", {"role": role}).status_code == 302
    assert (capabilities(ruth, incident), incident.participants.get(user=ruth).role) == (MAY[role], role)
    assert deeds(incident)[-1] == ("set role", "Dana", "Ruth", role)


def test_the_same_role_again_writes_nothing(incident, as_dana, ruth):
    factories.participant(incident, ruth, Role.READER)
    before = stored()
    assert as_dana.post(f"{BASE}people/{ruth.pk}/", {"role": "reader"}).status_code == 302
    assert changes_since(before) == {}


def test_removing_takes_everything_away_at_once(incident, as_dana, ruth):
    factories.participant(incident, ruth)
    client = signed_in(ruth)
    assert client.get(BASE).status_code == 200
    assert as_dana.post(f"{BASE}people/{ruth.pk}/remove/").status_code == 302
    assert (client.get(BASE).status_code, client.get(f"{BASE}acknowledge/").status_code) == (404, 404)
    assert (capabilities(ruth, incident), incident.participants.filter(user=ruth).count()) == (set(), 0)
    assert deeds(incident)[-1] == ("let out", "Dana", "Ruth", "")


def test_somebody_who_comes_back_accepts_as_before(incident, dana, ruth):
    factories.participant(incident, ruth)
    incident.let_out(ruth, by=dana)
    incident.let_in(ruth, Role.READER, by=dana)
    assert signed_in(ruth).get(BASE).status_code == 200  # the classification has not changed since


@pytest.mark.parametrize(("where", "sent"), [("", {"role": "reader"}), ("remove/", {})])
def test_line_20_commander_cannot_be_removed_or_demoted(incident, as_dana, dana, where, sent):
    before = stored()
    answer = as_dana.post(f"{BASE}people/{dana.pk}/{where}", sent)
    assert (answer.status_code, "Hand over command first." in answer.content.decode()) == (422, True)
    assert changes_since(before) == {}


def test_nobody_becomes_commander_by_a_role(incident, dana, ruth):
    with pytest.raises(Impossible):
        incident.let_in(ruth, Role.COMMANDER, by=dana)
    factories.participant(incident, ruth)
    with pytest.raises(Impossible):
        incident.set_role(ruth, Role.COMMANDER, by=dana)
    assert Incident.objects.get().commander == dana


def test_people_page_shows_who_let_whom_in_to_every_reader(incident, dana, ruth):
    factories.participant(incident, ruth, Role.LEGAL)
    incident.hand_over(ruth, by=dana, reason="End of shift")
    incident.let_in(factories.user("late"), Role.READER, by=ruth)
    answer = signed_in(dana).get(f"{BASE}people/")
    let_in = {person.user.display_name: person.let_in_by.display_name for person in answer.context["people"]}
    assert let_in == {"Dana": "Dana", "Ruth": "Dana", "Late": "Ruth"}
    said = answer.content.decode()
    assert (said.count("Let in by Dana"), said.count("Let in by Ruth"), said.count("Not yet")) == (2, 1, 1)


# --- hand-over -------------------------------------------------------------------------------------


def hand_over(client, successor, reason: str = "End of shift"):
    """The answer to handing over at once."""
    sent = {"successor": str(successor.pk), "reason": reason, "at_once": "on"}
    return client.post(f"{BASE}people/hand-over/", sent)


def test_handing_over_makes_one_new_commander_and_the_old_one_a_responder(incident, as_dana, dana, ruth):
    factories.participant(incident, ruth, Role.LEGAL)
    assert hand_over(as_dana, ruth).headers["Location"] == f"{BASE}people/"
    incident.refresh_from_db()
    assert incident.commander == ruth
    assert (capabilities(ruth, incident), capabilities(dana, incident)) == (
        MAY["commander"],
        MAY["responder"],
    )
    assert deeds(incident)[-1] == ("hand over", "Dana", "Ruth", "commander")
    assert incident.changes.latest("revision").reason == "End of shift"
    assert hand_over(as_dana, ruth).status_code == 409


@pytest.mark.parametrize("who", ["pending", "stranger", "disabled", "herself"])
def test_handing_over_to_somebody_who_cannot_take_it_is_refused(incident, as_dana, dana, ruth, who):
    if who == "pending":
        factories.participant(incident, ruth, accepted=False)
    elif who == "disabled":
        factories.participant(incident, ruth)
        User.objects.filter(pk=ruth.pk).update(is_active=False)
    before = stored()
    answer = hand_over(as_dana, dana if who == "herself" else ruth)
    sentence = "has not accepted the classification yet" if who == "pending" else "Select a valid choice"
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert changes_since(before) == {}


def test_handing_over_needs_a_reason(incident, as_dana, ruth):
    factories.participant(incident, ruth)
    before = stored()
    assert hand_over(as_dana, ruth, reason="  ").status_code == 422
    assert changes_since(before) == {}


@pytest.mark.django_db(transaction=True)
def test_line_19_twenty_hand_overs_at_once_make_one_commander(transactional_db):
    dana = factories.user("dana")
    incident = factories.incident(dana)
    successors = [factories.participant(incident, factories.user(f"person{n}")) for n in range(20)]
    clients, statuses, start = [signed_in(dana) for _ in successors], [], threading.Barrier(20)

    def run(client, successor):
        try:
            start.wait()
            statuses.append(hand_over(client, successor).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in zip(clients, successors, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(302), statuses.count(409)) == (1, 19)
    incident.refresh_from_db()
    [row] = incident.changes.filter(action="hand over")
    assert row.values["user"] == str(incident.commander_id)
    assert Participant.objects.get(role=Role.COMMANDER).user_id == incident.commander_id
    held = IncidentGrant.objects.filter(permission__codename="command").values_list("user_id", flat=True)
    assert list(held) == [incident.commander_id]
    call_command("check_access")
    call_command("verify_ledger")


# --- the acknowledgement ---------------------------------------------------------------------------


def test_whoever_has_not_accepted_is_sent_to_the_gate_from_every_page(room):
    factories.participant(room.incident, factories.user("pending"), Role.LEGAL, accepted=False)
    client = signed_in(User.objects.get(email="pending@example.com"))
    found = {}
    for route in routes():
        if "<codename:codename>" in route and not route.endswith("acknowledge/"):
            where = address(route, room)
            answer = client.get(where)
            expected = f"{BASE}acknowledge/?{urlencode({'next': where})}"
            found[route] = answer.status_code == 405 or answer.headers.get("Location") == expected
    assert {route for route, right in found.items() if not right} == set()
    assert client.get(f"{BASE}acknowledge/").status_code == 200


def test_whoever_has_not_accepted_can_do_nothing_else(room):
    factories.participant(room.incident, factories.user("pending"), accepted=False)
    client = signed_in(User.objects.get(email="pending@example.com"))
    before, found = stored(), set()
    for route in routes():
        if "<codename:codename>" in route and not route.endswith("acknowledge/"):
            where = address(route, room)
            found.add(client.post(where, SENT.get(route, {})).status_code)
            found.add(client.delete(where).status_code)
            found.add(client.get(where, headers=HTMX).status_code)
    assert (found, changes_since(before)) == ({403, 405}, {})


def accept(client, following: str = ""):
    """The answer to accepting what the gate shows."""
    shown = client.get(f"{BASE}acknowledge/").context["incident"].classification_revision
    return client.post(f"{BASE}acknowledge/", {"next": following, "read": shown})


def test_a_classification_that_changes_while_one_reads_it_is_not_accepted(incident, ruth):
    factories.participant(incident, ruth, accepted=False)
    client = signed_in(ruth)
    shown = client.get(f"{BASE}acknowledge/").context["incident"].classification_revision
    factories.entry(incident, "classification", treatment="For your eyes only")
    answer = client.post(f"{BASE}acknowledge/", {"read": shown})
    assert (answer.status_code, "For your eyes only" in answer.content.decode()) == (409, True)
    assert client.get(BASE).status_code == 302
    assert accept(client).status_code == 302
    assert client.get(BASE).status_code == 200


def test_accepting_is_recorded_once_and_opens_the_document(incident, ruth):
    factories.participant(incident, ruth, accepted=False)
    client = signed_in(ruth)
    assert accept(client, f"{BASE}history/").headers["Location"] == f"{BASE}history/"
    assert accept(client).headers["Location"] == BASE
    assert client.get(BASE).status_code == 200
    assert [deed[:2] for deed in deeds(incident)] == [
        ("start", "Dana"),
        ("let in", "Dana"),
        ("acknowledge", "Ruth"),
    ]


def test_the_gate_says_who_let_one_in_and_nothing_of_the_document(room):
    pending = factories.participant(room.incident, factories.user("pending"), Role.READER, accepted=False)
    said = signed_in(pending).get(f"{BASE}acknowledge/").content.decode()
    assert ("<b>Commander</b> lets you, Pending, into the incident KESTREL" in said) is True
    assert ("canarytitle" in said, "canarysummary" in said) == (False, False)
    listed = signed_in(pending).get("/incidents/").content.decode()
    assert ("KESTREL" in listed, "canarytitle" in listed, "Not opened" in listed) == (True, False, True)


@pytest.mark.parametrize("kind", ["first", "again"])
def test_a_new_classification_asks_everybody_but_its_author(incident, dana, ruth, kind):
    factories.participant(incident, ruth)
    entry = factories.entry(incident, "classification")
    if kind == "again":
        incident.acknowledge(by=ruth)
        incident.change(entry, by=dana, version=1, scheme="Restricted")
    assert (signed_in(dana).get(BASE).status_code, signed_in(ruth).get(BASE).status_code) == (200, 302)
    incident.acknowledge(by=ruth)
    assert signed_in(ruth).get(BASE).status_code == 200


@pytest.mark.parametrize(
    "following",
    [
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "https://evil.example/",
        "https:evil.example",
        "//testserver@evil.example/",
        "http://testserver@evil.example/",
        "http://testserver:80@evil.example/",
        "\r\n//evil.example/",
        "/\r\nLocation: https://evil.example/",
        "%0d%0a//evil.example/",
        "javascript:alert(1)",
        "\x00//evil.example/",
    ],
)
def test_line_41_next_stays_on_this_host(incident, as_dana, ruth, following):
    factories.participant(incident, ruth, accepted=False)
    client = signed_in(ruth)
    for answer in (
        accept(client, following),
        client.post(f"{BASE}acknowledge/?{urlencode({'next': following})}", {"read": 0}),
        Client().post(
            "/sign-in/", {"username": ruth.email, "password": "correct horse battery", "next": following}
        ),
        client.get(f"/sign-in/?{urlencode({'next': following})}"),
    ):
        where = answer.headers["Location"]
        assert (
            answer.status_code,
            where.startswith("/") or where.startswith("%0d"),
            where[1:2] in "/\\",
        ) == (
            302,
            True,
            False,
        )
        assert ("\r" in where, "\n" in where) == (False, False)


# --- manage.py check_access ------------------------------------------------------------------------


def grant(incident, user, capability: str) -> IncidentGrant:
    """A row of the permission table that no participant stands behind."""
    permission = Permission.objects.get(content_type__app_label="incidents", codename=capability)
    return IncidentGrant.objects.create(content_object=incident, user=user, permission=permission)


def test_check_access_says_when_all_is_well(incident, ruth, capsys):
    factories.participant(incident, ruth)
    call_command("check_access")
    assert capsys.readouterr().out == "1 incident: grants and participants agree.\n"


def test_check_access_names_a_stray_grant(incident, ruth):
    grant(incident, ruth, "read")
    with pytest.raises(CommandError, match=f"KESTREL: {ruth.pk} holds read without being let in for it"):
        call_command("check_access")


def test_check_access_names_a_missing_grant(incident, ruth):
    factories.participant(incident, ruth)
    IncidentGrant.objects.get(user=ruth, permission__codename="write").delete()
    with pytest.raises(CommandError, match=f"KESTREL: {ruth.pk} lacks write"):
        call_command("check_access", "KESTREL")


def test_check_access_names_a_grant_beyond_the_role(incident, ruth):
    factories.participant(incident, ruth, Role.EXECUTIVE)
    grant(incident, ruth, "privileged")
    with pytest.raises(CommandError, match=f"{ruth.pk} holds privileged"):
        call_command("check_access")


def test_check_access_names_a_commander_who_is_none(incident, ruth):
    factories.participant(incident, ruth)
    Incident.objects.update(commander=ruth)
    with pytest.raises(CommandError, match="commander is"):
        call_command("check_access")


def test_check_access_names_rows_in_the_generic_table(incident, ruth):
    permission = Permission.objects.get(content_type__app_label="incidents", codename="read")
    UserObjectPermission.objects.create(
        user=ruth, permission=permission, content_type=permission.content_type, object_pk=str(incident.pk)
    )
    assert capabilities(ruth, incident) == set()
    with pytest.raises(CommandError, match="1 rows in guardian's generic table"):
        call_command("check_access")


def test_a_grant_without_a_participant_opens_no_gate_page_with_an_error(incident, ruth):
    grant(incident, ruth, "summary")
    client = signed_in(ruth)
    assert client.get(f"{BASE}acknowledge/").status_code == 404
