"""Invitations: bound to an address, used once, dead with the inviter; asking for access; the block list."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.joining import join_address
from accounts.models import User
from incidents.access import capabilities
from incidents.door import Impossible, Refused
from incidents.incident import Incident
from incidents.invitations import AT_MOST, AccessRequest, Invitation, requests_for
from incidents.letters import Letter
from incidents.membership import Terms
from incidents.people import IncidentGrant
from incidents.vocabulary import BUNDLES, Role
from tests import factories
from tests.room import changes_since, stored
from tests.test_people import deeds, signed_in

BASE = "/incidents/kestrel/"


@pytest.fixture
def ruth(db):
    """Somebody who has an account and is in no incident."""
    return factories.user("ruth")


@pytest.fixture
def invitation(incident, dana, ruth):
    """Ruth is invited as a reader."""
    return incident.invite("Ruth@Example.com", Terms(Role.READER), by=dana, note="You know the gateway")


def gate(invitation) -> str:
    """The address of an invitation's gate."""
    return f"/incidents/invitations/{invitation.pk}/"


def link(invitation) -> str:
    """The path that the mail leads to."""
    return f"/incidents/invitations/link/{invitation.token()}/"


def accept(client, invitation):
    """The answer to accepting what the gate shows."""
    read = Incident.objects.get(pk=invitation.incident_id).classification_revision
    return client.post(gate(invitation), {"read": read})


# --- inviting and coming in ------------------------------------------------------------------------


def test_inviting_grants_nothing_until_it_is_accepted(incident, as_dana, dana, ruth):
    sent = {"email": "Ruth@Example.com", "role": "responder", "ends": "24", "may_export": "on"}
    assert as_dana.post(f"{BASE}people/", sent).headers["Location"] == f"{BASE}people/"
    invitation = incident.invitations.get()
    assert (invitation.email, invitation.role, invitation.may_export) == (
        "ruth@example.com",
        "responder",
        True,
    )
    assert (capabilities(ruth, incident), signed_in(ruth).get(BASE).status_code) == (set(), 404)
    assert deeds(incident)[1:] == [("invite", "Dana", None, "responder")]
    assert accept(signed_in(ruth), invitation).headers["Location"] == BASE
    assert capabilities(ruth, incident) == BUNDLES[Role.RESPONDER] | {"export"}
    person = incident.participants.get(user=ruth)
    assert (person.let_in_by, timedelta(hours=23) < person.expires_at - timezone.now()) == (dana, True)
    assert [deed[:2] for deed in deeds(incident)[2:]] == [("join", "Ruth"), ("acknowledge", "Ruth")]
    assert signed_in(ruth).get(BASE).status_code == 200
    call_command("check_access")


def test_line_40_inviting_answers_the_same_with_and_without_an_account(incident, as_dana, ruth):
    answers = []
    for address in (ruth.email, "nobody@example.com"):
        answer = as_dana.post(f"{BASE}people/", {"email": address, "role": "reader"}, follow=True)
        page = re.sub(r"csrfmiddlewaretoken.{0,100}|nonce-?\S*", "", answer.content.decode())
        row = page[page.index(f"<b>{address}</b>") :].split("</li>")[0]
        row = re.sub(r"[0-9a-f-]{36}|<time.*?</time>", "", row).replace(address, "")
        answers.append((answer.status_code, row))
    assert answers[0] == answers[1]


def test_line_22_the_gate_shows_the_classification_first_and_the_note_to_the_person_invited(invitation, ruth):
    said = signed_in(ruth).get(gate(invitation)).content.decode()
    for words in ("Specific Individuals Only", "Where it may be talked about", "You know the gateway"):
        assert words in said
    assert ("Intruder in the wiki" in said, "as <b>reader</b>" in said) == (False, True)
    assert "KESTREL" in signed_in(ruth).get("/incidents/").content.decode()


def test_line_22_an_invitation_is_bound_to_its_address(invitation, incident):
    other = factories.user("other")
    client, before = signed_in(other), stored()
    assert (client.get(gate(invitation)).status_code, accept(client, invitation).status_code) == (404, 404)
    assert client.get(link(invitation)).status_code == 403
    with pytest.raises(Refused):
        incident.accept_invitation(invitation, by=other, read=0)
    assert changes_since(before) == {}


def test_line_22_opening_the_link_uses_nothing_up(invitation, ruth):
    herself = signed_in(ruth)
    before = stored()
    for client, leads in ((Client(), "/sign-in/?next="), (herself, gate(invitation))):
        for _ in range(3):
            assert client.get(link(invitation)).headers["Location"].startswith(leads)
    herself.get(gate(invitation))
    assert changes_since(before) == {}


def test_the_link_leads_somebody_without_an_account_to_making_one(incident, dana):
    invitation = incident.invite("new@example.com", Terms(Role.READER), by=dana)
    assert Client().get(link(invitation)).headers["Location"].startswith("/join/")


def test_line_22_an_invitation_works_once(invitation, incident, ruth, dana):
    assert accept(signed_in(ruth), invitation).status_code == 302
    assert accept(signed_in(ruth), invitation).status_code == 404
    assert Client().get(link(invitation)).status_code == 404
    incident.let_out(ruth, by=dana)
    assert (accept(signed_in(ruth), invitation).status_code, capabilities(ruth, incident)) == (404, set())


def test_line_22_an_invitation_expires(invitation, ruth):
    Invitation.objects.update(expires_at=timezone.now())
    assert accept(signed_in(ruth), invitation).status_code == 404
    assert signed_in(ruth).get(link(invitation)).status_code == 404
    assert "KESTREL" not in signed_in(ruth).get("/incidents/").content.decode()


@pytest.mark.parametrize("how", ["hands over", "is disabled"])
def test_line_22_an_invitation_dies_when_the_inviter_loses_command(invitation, incident, dana, ruth, how):
    if how == "hands over":
        incident.hand_over(factories.participant(incident, factories.user("theo")), by=dana, reason="Shift")
    else:
        User.objects.filter(pk=dana.pk).update(is_active=False)
    assert accept(signed_in(ruth), invitation).status_code == 404
    assert (signed_in(ruth).get(link(invitation)).status_code, capabilities(ruth, incident)) == (404, set())


def test_line_22_links_are_stored_as_a_hash_only(invitation):
    everything = str(stored())
    assert (invitation.token() in everything, len(invitation.token())) == (False, 64)


def test_withdrawing_kills_the_link_at_once(invitation, as_dana, ruth):
    assert as_dana.post(f"{BASE}people/invitations/{invitation.pk}/withdraw/").status_code == 302
    assert signed_in(ruth).get(link(invitation)).status_code == 404
    assert accept(signed_in(ruth), invitation).status_code == 404


def test_sending_again_makes_another_link_and_the_first_is_dead(invitation, as_dana, ruth):
    first = link(invitation)
    again = as_dana.post(f"{BASE}people/invitations/{invitation.pk}/again/")
    assert (again.status_code, "Wait five minutes" in again.content.decode()) == (422, True)
    Invitation.objects.update(sent_at=timezone.now() - timedelta(minutes=6))
    assert as_dana.post(f"{BASE}people/invitations/{invitation.pk}/again/").status_code == 302
    invitation.refresh_from_db()
    client = signed_in(ruth)
    assert (client.get(first).status_code, client.get(link(invitation)).status_code) == (404, 302)
    assert Letter.objects.filter(invitation=invitation).count() == 2


def test_inviting_twice_says_so(invitation, incident, dana):
    with pytest.raises(Impossible, match="is invited already"):
        incident.invite("ruth@example.com", Terms(Role.LEGAL), by=dana)


def test_an_invitation_that_ran_out_makes_room_for_another(invitation, incident, dana, ruth):
    Invitation.objects.update(expires_at=timezone.now())
    second = incident.invite("ruth@example.com", Terms(Role.LEGAL), by=dana)
    assert accept(signed_in(ruth), second).status_code == 302
    assert incident.participants.get(user=ruth).role == Role.LEGAL


def test_a_classification_that_changes_at_the_gate_is_shown_again(invitation, incident, dana, ruth):
    factories.entry(incident, "classification", treatment="For your eyes only")
    answer = signed_in(ruth).post(gate(invitation), {"read": 0})
    assert (answer.status_code, "For your eyes only" in answer.content.decode()) == (409, True)
    assert capabilities(ruth, incident) == set()
    assert accept(signed_in(ruth), invitation).status_code == 302


def test_what_was_typed_survives_a_refused_invitation(incident, as_dana, dana):
    sent = {"email": dana.email, "role": "legal", "note": "You know why", "ends": "72"}
    said = as_dana.post(f"{BASE}people/", sent).content.decode()
    for kept in (
        f'value="{dana.email}"',
        'value="You know why"',
        '<option value="legal" selected',
        '"72" selected',
    ):
        assert kept in said


# --- time limits -----------------------------------------------------------------------------------


def test_access_ends_by_itself_and_the_worker_puts_it_on_record(incident, dana, ruth):
    factories.participant(incident, ruth, Role.READER, expires_at=timezone.now() + timedelta(hours=1))
    client = signed_in(ruth)
    assert client.get(BASE).status_code == 200
    incident.participants.filter(user=ruth).update(expires_at=timezone.now())
    IncidentGrant.objects.filter(user=ruth).update(until=timezone.now())
    assert client.get(BASE).status_code == 404  # before any worker came by
    call_command("worker", "--once")
    assert (incident.participants.filter(user=ruth).exists(), deeds(incident)[-1][:3]) == (
        False,
        ("expire", "Dana", "Ruth"),
    )
    said = signed_in(dana).get(f"{BASE}people/").content.decode()
    assert ("No longer here: 1" in said, "the time was up" in said) == (True, True)


def test_an_end_can_be_set_kept_and_lifted(incident, as_dana, ruth):
    factories.participant(incident, ruth, Role.READER)
    where, person = f"{BASE}people/{ruth.pk}/", incident.participants.get
    as_dana.post(where, {"role": "reader", "ends": "4"})
    end = person(user=ruth).expires_at
    assert timedelta(hours=3) < end - timezone.now() < timedelta(hours=5)
    as_dana.post(where, {"role": "responder", "ends": "keep"})
    assert person(user=ruth).expires_at == end
    as_dana.post(where, {"role": "responder", "ends": ""})
    assert person(user=ruth).expires_at is None
    call_command("check_access")


def test_an_end_that_is_over_is_refused(incident, dana, ruth):
    with pytest.raises(Impossible, match="is over already"):
        incident.let_in(ruth, Role.READER, by=dana, expires_at=timezone.now())


# --- asking ----------------------------------------------------------------------------------------


def test_asking_reaches_the_commander_and_can_be_answered(incident, as_dana, ruth):
    client = signed_in(ruth)
    assert (
        client.post("/incidents/access/", {"codename": "Kestrel", "words": "I run the fleet"}).status_code
        == 200
    )
    assert "I run the fleet" in as_dana.get(f"{BASE}people/").content.decode()
    [wish] = requests_for(incident)
    assert as_dana.post(f"{BASE}people/requests/{wish.pk}/", {"role": "reader"}).status_code == 302
    assert list(requests_for(incident)) == []
    assert accept(client, incident.invitations.get()).status_code == 302


def test_line_06_asking_for_a_missing_incident_answers_and_works_the_same(
    incident, ruth, django_assert_num_queries
):
    client, answers = signed_in(ruth), []
    client.post("/incidents/access/", {"codename": "something"})
    for codename in ("KESTREL", "QUIET HERON"):
        with django_assert_num_queries(9):
            answer = client.post("/incidents/access/", {"codename": codename})
        answers.append(
            (answer.status_code, re.sub(r"nonce-?\S*|value=\"\w{64}\"", "", answer.content.decode()))
        )
    assert answers[0] == answers[1]


def test_asking_again_replaces_the_words_and_floods_nobody(incident, ruth):
    client = signed_in(ruth)
    for words in ("once", "twice"):
        client.post("/incidents/access/", {"codename": "KESTREL", "words": words})
    assert [wish.words for wish in requests_for(incident)] == ["twice"]
    for number in range(AT_MOST + 5):
        client.post("/incidents/access/", {"codename": f"GUESS {number}"})
    assert AccessRequest.objects.count() == AT_MOST


def test_a_request_that_is_left_out_is_gone_and_nothing_is_said(incident, as_dana, ruth):
    signed_in(ruth).post("/incidents/access/", {"codename": "KESTREL"})
    [wish] = requests_for(incident)
    assert (
        as_dana.post(f"{BASE}people/requests/{wish.pk}/", {"dismiss": "", "role": "reader"}).status_code
        == 302
    )
    assert (list(requests_for(incident)), incident.invitations.count()) == ([], 0)


def test_the_page_of_nothing_offers_to_ask_whatever_the_address(incident, ruth):
    pages = [signed_in(ruth).get(where) for where in (BASE, "/incidents/quiet-heron/")]
    assert [page.status_code for page in pages] == [404, 404]
    assert all("/incidents/access/" in page.content.decode() for page in pages)


# --- the block list --------------------------------------------------------------------------------


def test_a_blocked_address_cannot_be_invited_and_the_attempt_is_noted(incident, as_dana, dana, ruth):
    as_dana.post(f"{BASE}people/blocks/", {"email": "Ruth@Example.com", "reason": "Under investigation"})
    answer = as_dana.post(f"{BASE}people/", {"email": ruth.email, "role": "reader"})
    assert (answer.status_code, "on the block list" in answer.content.decode()) == (422, True)
    [attempt] = incident.blocks.get().attempts.all()
    assert (attempt.by, incident.invitations.count()) == (dana, 0)
    with pytest.raises(Impossible):
        incident.let_in(ruth, Role.READER, by=dana)


def test_blocking_removes_whoever_is_inside_and_kills_their_invitation(invitation, incident, dana, ruth):
    theo = factories.participant(incident, factories.user("theo"))
    client = signed_in(theo)
    incident.block(theo.email, by=dana)
    incident.block(ruth.email, by=dana)
    assert (client.get(BASE).status_code, capabilities(theo, incident)) == (404, set())
    assert accept(signed_in(ruth), invitation).status_code == 404


def test_a_block_is_told_to_nobody_but_the_commander(incident, as_dana, dana):
    legal = factories.participant(incident, factories.user("mei"), Role.LEGAL)
    revision = incident.revision
    incident.block("suspect@example.com", by=dana, reason="Under investigation")
    for where in ("people/", "history/", "register/", ""):
        said = signed_in(legal).get(f"{BASE}{where}").content.decode()
        assert "suspect@example.com" not in said
        assert "Under investigation" not in said
    assert Incident.objects.get().revision == revision  # whoever counts the revisions notices nothing
    assert "suspect@example.com" in as_dana.get(f"{BASE}people/").content.decode()


def test_an_attempt_under_break_glass_is_told_to_the_commander(incident, as_dana, dana):
    incident.block("suspect@example.com", by=dana)
    theo, mei = (factories.participant(incident, factories.user(name)) for name in ("theo", "mei"))
    opening = incident.ask_break_glass(by=theo, reason="Nobody answers")
    incident.approve_break_glass(opening, by=mei)
    with pytest.raises(Impossible):
        incident.invite("suspect@example.com", Terms(Role.READER), by=theo)
    assert Letter.objects.filter(kind=Letter.Kind.ATTEMPT, to=dana.email).count() == 1
    assert "Theo tried to invite them" in as_dana.get(f"{BASE}people/").content.decode()


def test_lifting_a_block_lets_the_address_be_invited(incident, as_dana, dana):
    incident.block("ruth@example.com", by=dana)
    assert as_dana.post(f"{BASE}people/blocks/{incident.blocks.get().pk}/lift/").status_code == 302
    assert "taken off by Dana" in as_dana.get(f"{BASE}people/").content.decode()
    assert incident.invite("ruth@example.com", Terms(Role.READER), by=dana).email == "ruth@example.com"


def test_the_commander_cannot_block_themselves(incident, dana):
    with pytest.raises(Impossible, match="Hand over command first"):
        incident.block(dana.email, by=dana)


# --- mail ------------------------------------------------------------------------------------------


def test_line_13_mail_carries_the_codename_and_a_link_and_nothing_else(incident, dana, ruth, post_office):
    theo = factories.participant(incident, factories.user("theo"))
    invitation = incident.invite(ruth.email, Terms(Role.READER), by=dana, note="canarynote")
    signed_in(factories.user("late")).post(
        "/incidents/access/", {"codename": "KESTREL", "words": "canarywords"}
    )
    incident.offer_command(theo, by=dana, reason="canaryoffer")
    opening = incident.ask_break_glass(by=theo, reason="canaryglass")
    incident.approve_break_glass(opening, by=dana)
    incident.hand_over(theo, by=dana, reason="canaryhand")
    invitation = incident.invite("new@example.com", Terms(Role.READER), by=theo)
    call_command("worker", "--once")
    letters, count = post_office.letters, len(post_office.letters)
    assert sorted({letter["Subject"] for letter in letters}) == [
        "KESTREL: break-glass is open",
        "KESTREL: command was handed over",
        "KESTREL: somebody asks for break-glass",
        "KESTREL: somebody asks to be let in",
        "KESTREL: you are asked to take command",
        "KESTREL: you are invited",
    ]
    for letter in letters:
        whole = letter.as_string()
        assert ("canary" in whole, "Intruder in the wiki" in whole, "Dana" in whole, "Theo" in whole) == (
            False,
        ) * 4
        assert letter.get_content().count("http") == 1
    [invited] = [letter for letter in letters if letter["To"] == "new@example.com"]
    path = urlsplit(re.search(r"http\S+", invited.get_content())[0]).path
    assert path == link(invitation)
    call_command("worker", "--once")
    assert len(post_office.letters) == count  # nothing twice


def test_a_withdrawn_invitation_is_not_mailed(incident, dana, ruth, post_office):
    invitation = incident.invite(ruth.email, Terms(Role.READER), by=dana)
    incident.withdraw(invitation, by=dana)
    call_command("worker", "--once")
    assert (post_office.letters, Letter.objects.get().dropped_at is None) == ([], False)


def test_mail_that_cannot_be_sent_waits_and_is_sent_later(
    incident, dana, ruth, post_office, settings, caplog
):
    incident.invite(ruth.email, Terms(Role.READER), by=dana)
    open_port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9  # nobody listens there
    call_command("worker", "--once")
    letter = Letter.objects.get()
    assert (letter.sent_at, letter.tries, letter.due_at > timezone.now()) == (None, 1, True)
    assert ruth.email not in caplog.text
    settings.EMAIL_PORT = open_port
    Letter.objects.update(due_at=timezone.now())
    call_command("worker", "--once")
    assert [message["To"] for message in post_office.letters] == [ruth.email]


# --- what a review found ---------------------------------------------------------------------------


def test_a_codename_cannot_break_a_mail_and_one_bad_letter_stops_no_other(as_dana, dana, post_office):
    for typed in ("QUIET\r\nBcc: x", "go to evil.example", "Кириллица"):
        answer = as_dana.post("/incidents/start/", {"title": "Odd", "codename": typed})
        assert (answer.status_code, Incident.objects.count()) == (422, 0)
    odd = Incident.start(title="Odd", by=dana, codename="QUIET\r\nBcc: x@example.com\x07")
    assert odd.codename == "QUIET Bcc x example com"
    other = factories.incident(dana)
    for incident in (odd, other):
        incident.invite("ruth@example.com", Terms(Role.READER), by=dana)
    Incident.objects.filter(pk=odd.pk).update(codename="QUIET\nHERON")  # from before it was refused
    call_command("worker", "--once")
    assert [letter["Subject"] for letter in post_office.letters] == ["KESTREL: you are invited"]
    assert Letter.objects.get(incident=odd).dropped_at is not None


def test_whoever_is_let_in_another_way_needs_no_invitation_any_more(invitation, incident, dana, ruth):
    incident.let_in(ruth, Role.RESPONDER, by=dana)
    assert (incident.stands(invitation), accept(signed_in(ruth), invitation).status_code) == (False, 404)
    incident.let_out(ruth, by=dana)
    assert (accept(signed_in(ruth), invitation).status_code, capabilities(ruth, incident)) == (404, set())


def test_an_invitation_to_access_that_has_ended_does_not_stand(incident, dana, ruth):
    soon = timezone.now() + timedelta(hours=4)
    invitation = incident.invite(ruth.email, Terms(Role.READER, expires_at=soon), by=dana)
    Invitation.objects.update(grant_expires_at=timezone.now())
    assert accept(signed_in(ruth), invitation).status_code == 404
    with pytest.raises(Impossible, match="ended already"):
        incident.invite_again(invitation, by=dana)
    assert incident.invite(ruth.email, Terms(Role.READER), by=dana).serial == 1


def test_a_withdrawal_by_blocking_looks_like_any_other(invitation, incident, dana):
    incident.block(invitation.email, by=dana)
    assert ("withdraw", "Dana") in [deed[:2] for deed in deeds(incident)]


def test_the_row_about_an_end_names_whoever_set_it(incident, dana, ruth):
    factories.participant(incident, ruth, Role.READER)
    mei = factories.participant(incident, factories.user("mei"))
    incident.hand_over(mei, by=dana, reason="End of shift")
    incident.set_role(ruth, Role.READER, by=mei, expires_at=timezone.now() + timedelta(hours=1))
    incident.participants.filter(user=ruth).update(expires_at=timezone.now())
    call_command("worker", "--once")
    assert deeds(incident)[-1][:3] == ("expire", "Mei", "Ruth")


def test_asking_again_later_reaches_a_commander_who_came_later(dana, ruth):
    client = signed_in(ruth)
    client.post("/incidents/access/", {"codename": "KESTREL"})
    AccessRequest.objects.update(at=timezone.now() - timedelta(hours=2), told_at=timezone.now())
    incident = factories.incident(dana)
    assert list(requests_for(incident)) == []
    client.post("/incidents/access/", {"codename": "KESTREL"})
    [wish] = requests_for(incident)
    assert wish.told_at is None


def test_requests_of_yesterday_do_not_count(incident, ruth):
    client = signed_in(ruth)
    for number in range(AT_MOST):
        client.post("/incidents/access/", {"codename": f"GUESS {number}"})
    AccessRequest.objects.update(at=timezone.now() - timedelta(days=2))
    client.post("/incidents/access/", {"codename": "KESTREL"})
    assert len(requests_for(incident)) == 1


@pytest.mark.parametrize("number", [1, 3])
def test_my_incidents_asks_as_much_for_three_invitations_as_for_one(
    dana, ruth, django_assert_num_queries, number
):
    for each in range(number):
        factories.incident(dana, codename=f"CASE {each}").invite(ruth.email, Terms(Role.READER), by=dana)
    client = signed_in(ruth)
    with django_assert_num_queries(7):
        client.get("/incidents/")


@pytest.mark.parametrize("number", [1, 3])
def test_people_asks_as_much_for_three_of_each_as_for_one(
    incident, as_dana, dana, django_assert_num_queries, number
):
    for each in range(number):
        factories.participant(incident, factories.user(f"in{each}"))
        incident.let_out(factories.participant(incident, factories.user(f"out{each}")), by=dana)
        incident.invite(f"invited{each}@example.com", Terms(Role.READER), by=dana)
        incident.block(f"blocked{each}@example.com", by=dana)
        signed_in(factories.user(f"asks{each}")).post("/incidents/access/", {"codename": "KESTREL"})
    with django_assert_num_queries(22):
        as_dana.get(f"{BASE}people/")


# --- what an attack found --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "smith@vic\u1d57im.example",
        "\u017fmith@victim.example",
        "a\u200b@example.com",
        "x" * 250 + "@e.example",
    ],
)
def test_line_22_an_address_that_only_looks_like_anothers_is_refused_everywhere(incident, as_dana, address):
    for where in ("people/", "people/blocks/"):
        answer = as_dana.post(f"{BASE}{where}", {"email": address, "role": "reader"})
        assert answer.status_code == 422
    assert (incident.invitations.count(), incident.blocks.count()) == (0, 0)
    with pytest.raises(ValidationError):
        User.objects.create_user(address, display_name="Smith")
    assert Client().get(join_address(address)).status_code == 404


def test_one_person_cannot_send_mail_without_end(incident, dana):
    Invitation.objects.bulk_create(
        Invitation(
            incident=incident, email=f"p{n}@example.com", role="reader", invited_by=dana, token_hash=f"{n}",
            sent_at=timezone.now(), expires_at=timezone.now(),
        )
        for n in range(100)
    )  # fmt: skip
    with pytest.raises(Impossible, match="in an hour"):
        incident.invite("one-more@example.com", Terms(Role.READER), by=dana)


def test_nobody_who_left_is_mailed(incident, dana, post_office):
    theo, mei = (factories.participant(incident, factories.user(name)) for name in ("theo", "mei"))
    opening = incident.ask_break_glass(by=theo, reason="Nobody answers")
    incident.approve_break_glass(opening, by=mei)
    incident.let_out(mei, by=dana)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    call_command("worker", "--once")
    assert {letter["To"] for letter in post_office.letters} == {theo.email}


def test_a_request_waits_while_nobody_commands(incident, dana, ruth, post_office):
    signed_in(ruth).post("/incidents/access/", {"codename": "KESTREL"})
    User.objects.filter(pk=dana.pk).update(is_active=False)
    call_command("worker", "--once")
    assert post_office.letters == []
    User.objects.filter(pk=dana.pk).update(is_active=True)
    call_command("worker", "--once")
    assert [letter["To"] for letter in post_office.letters] == [dana.email]


def test_line_06_whether_a_typed_codename_is_taken_does_not_show(db, dana, monkeypatch):
    numbers = iter([0, 0, 1])
    monkeypatch.setattr("incidents.codenames.secrets.randbelow", lambda most: next(numbers))
    client = signed_in(factories.user("outsider"))
    places = [
        client.post("/incidents/start/", {"title": "Mine", "codename": "KESTREL"}).headers["Location"]
        for _ in range(2)
    ]
    assert places == ["/incidents/kestrel-10000/", "/incidents/kestrel-10001/"]


# --- what new users found --------------------------------------------------------------------------


def test_the_link_of_a_mail_leads_whoever_came_in_to_the_document(invitation, ruth):
    accept(signed_in(ruth), invitation)
    assert signed_in(ruth).get(link(invitation)).headers["Location"] == BASE
    for dead in (Client().get(link(invitation)), Client().get("/incidents/invitations/link/nothing/")):
        assert (dead.status_code, "This link does not work" in dead.content.decode()) == (404, True)


def test_every_act_says_that_it_was_done(incident, as_dana, ruth):
    factories.participant(incident, ruth, Role.READER)
    said = as_dana.post(f"{BASE}people/", {"email": "new@example.com", "role": "legal"}, follow=True)
    assert "new@example.com is invited as legal." in said.content.decode()
    said = as_dana.post(f"{BASE}people/{ruth.pk}/remove/", {"reason": "Moved"}, follow=True)
    assert "Ruth is out." in said.content.decode()


def test_a_refusal_far_down_the_page_is_told_at_its_top_and_keeps_what_was_typed(incident, as_dana, dana):
    for where, sent in (
        ("blocks/", {"email": dana.email, "reason": "Kept"}),
        ("hand-over/", {"reason": "Kept"}),
    ):
        answer = as_dana.post(f"{BASE}people/{where}", sent)
        said = answer.content.decode()
        assert (answer.status_code, "a field below needs another look" in said, 'value="Kept"' in said) == (
            422,
            True,
            True,
        )
        assert as_dana.get(f"{BASE}people/{where}").headers["Location"] == f"{BASE}people/"


def test_the_commander_is_reminded_of_requests(incident, as_dana, ruth):
    signed_in(ruth).post("/incidents/access/", {"codename": "KESTREL"})
    assert "1 person asks to be let in" in as_dana.get(f"{BASE}checks/").content.decode()


def test_faults_and_hints_are_tied_to_their_fields(incident, as_dana):
    said = as_dana.post(f"{BASE}people/", {"email": "", "role": "reader"}).content.decode()
    ids = re.findall(r'id="([^"]+)"', said)
    described = " ".join(re.findall(r'aria-describedby="([^"]+)"', said)).split()
    assert [name for name in described if name not in ids] == []
    assert ("id_email_error" in described, "id_note_helptext" in described) == (True, True)
