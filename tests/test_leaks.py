"""What must not leak: canaries in every field, looked for on every side door (docs: the security bar)."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import DatabaseError, transaction
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm  # noqa: TID251 (to see it fail)

from accounts.models import User
from incidents import rendering, report
from incidents.access import capabilities
from incidents.conversation import CommentForm
from incidents.exports import json as case_file
from incidents.forms import SettingsForm
from incidents.people import IncidentGrant
from incidents.people_forms import HandOverForm, InviteForm
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from incidents.sections.forms import EntryForm
from incidents.views import documents, entries, talk, verbs
from incidents.vocabulary import AppendixKind, Audience, Capability, Role
from tests import factories
from tests.room import canaries_in, canaries_of_text, canary, stored
from tests.test_matrix import SENT, address, routes

HTMX = {"HX-Request": "true"}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
MANY = [name for name, section in SECTIONS.items() if section.many]
BASE = "/incidents/kestrel/"


@pytest.fixture
def room(room, monkeypatch):
    """The room; a report is handed out as the HTML that it is printed from."""
    monkeypatch.setattr(report, "print_pdf", lambda html, found: html.encode())
    return room


def history_pages(room) -> list[str]:
    """The history under each of its filters, and each change alone."""
    everything = [*room.entries.values(), *room.marked.values(), *room.hidden.values(), room.file]
    return [
        f"{BASE}history/",
        f"{BASE}history/?before={room.incident.revision}",
        *(f"{BASE}history/?kind={kind}" for kind in ("corrections", "hidden")),
        *(f"{BASE}history/?section={name}" for name in SECTIONS),
        *(f"{BASE}history/?entry={entry.pk}" for entry in everything),
        *(f"{BASE}history/{revision}/" for revision in range(1, room.incident.revision + 1)),
    ]


def pages(room) -> list[str]:
    """Every other address of KESTREL that can be opened, and those about no incident."""
    several = [("entries", ""), ("marked", ""), ("hidden", ""), ("entries", "edit/"), ("marked", "edit/")]
    several += [("hidden", "edit/"), *((kind, "talk/") for kind in ("entries", "marked", "hidden"))]
    several += [("entries", "talk/new/"), ("marked", "talk/new/")]
    return [
        "/incidents/",
        "/incidents/start/",
        "/incidents/notices/",
        "/incidents/notices/count/",
        "/incidents/notices/choices/",
        BASE,
        f"{BASE}?all=1",
        f"{BASE}since/",
        f"{BASE}history/at/",
        f"{BASE}history/{room.incident.revision}/document/",
        f"{BASE}summary/",
        f"{BASE}acknowledge/",
        f"{BASE}settings/",
        f"{BASE}checks/",
        f"{BASE}people/",
        f"{BASE}break-glass/",
        f"{BASE}register/",
        f"{BASE}webhook/",
        f"{BASE}people/names/",
        *(f"{BASE}{c.section}/{c.entry_id}/talk/{c.pk}/" for c in room.comments.values()),
        "/incidents/access/",
        f"/incidents/invitations/{room.invitation.pk}/",
        f"{BASE}live/",
        f"{BASE}report.pdf",
        *(f"{BASE}files/{room.file.pk}/{rest}" for rest in ("", "preview/")),
        *(f"{BASE}files/{room.picture.pk}/{rest}" for rest in ("", "preview/")),
        *(f"{BASE}{name}/{rest}" for name in SECTIONS for rest in ("", "new/")),
        *(
            f"{BASE}{name}/{entry.pk}/{rest}"
            for kind, rest in several
            for name, entry in getattr(room, kind).items()
        ),
    ]


def seen_on(room, persona: str, addresses: list[str]) -> dict[str, set[str]]:
    """Address → canaries that a persona is shown there; as a page and, where there is one, as a fragment."""
    client = room.client(persona)
    seen = {}
    for where in addresses:
        seen[where] = canaries_in(client.get(where))
        if where.endswith(("/edit/", "/new/", "/summary/", "/checks/", "/history/")):
            seen[where] |= canaries_in(client.get(where, headers=HTMX))
    return {where: canaries for where, canaries in seen.items() if canaries}


def everywhere(room, persona: str, addresses: list[str] | None = None) -> set[str]:
    """All canaries that a persona can find by opening every address, or these."""
    return set().union(*seen_on(room, persona, addresses or pages(room) + history_pages(room)).values())


def around(entry) -> list[str]:
    """The addresses that could show an entry or one of its versions."""
    where = f"{BASE}{entry.section}/{entry.pk}/"
    revisions = entry.incident.changes.filter(entry_id=entry.pk).values_list("revision", flat=True)
    history = [f"{where}talk/", f"{BASE}history/", f"{BASE}history/?entry={entry.pk}"]
    history += [f"{BASE}history/{revision}/" for revision in revisions]
    return [BASE, f"{BASE}{entry.section}/", where, f"{where}edit/", *history]


def planted(*kinds: dict) -> set[str]:
    """The canaries of these entries, read from the database."""
    texts = (str(entry.values()) for kind in kinds for entry in kind.values())
    return canaries_of_text(" ".join(texts))


# --- what each persona sees ------------------------------------------------------------------------


def test_commander_finds_every_canary_and_hidden_ones_in_the_history_only(room):
    """Everything that was planted can be found, so that these tests would find a leak."""
    files = {canary("file", "name"), canary("file", "bytes"), canary("picture", "name")}
    shown, told = (
        everywhere(room, "commander", pages(room)),
        everywhere(room, "commander", history_pages(room)),
    )
    hidden = planted(room.hidden) | room.said("hidden")
    people = room.for_readers() | room.for_the_commander()
    planted_there = planted(room.entries, room.marked) | hidden | files | {canary("title")}
    planted_there |= room.said() | room.said("marked")
    assert shown | told == planted_there | people
    assert (shown & hidden, told & hidden) == (set(), hidden)


def test_line_02_executive_sees_the_summary_and_nothing_else(room):
    label = {canary("classification", "scheme")}  # it stands on top of every page of an incident
    seen = seen_on(room, "executive", pages(room) + history_pages(room))
    assert {where: canaries - label for where, canaries in seen.items()} == {
        f"{BASE}summary/": room.summary_canaries(),
        f"{BASE}acknowledge/": {
            canary("classification", "treatment"),
            canary("classification", "discussion"),
        },
    }


@pytest.mark.parametrize("persona", ["reader", "responder"])
def test_marked_entries_are_on_no_page_of_whoever_may_not_read_them(room, persona):
    assert everywhere(room, persona) & (planted(room.marked) | room.said("marked")) == set()


@pytest.mark.parametrize("persona", ["reader", "responder", "legal"])
def test_line_02_the_block_list_and_requests_are_for_the_commander_alone(room, persona):
    seen = everywhere(room, persona)
    assert (seen & room.for_the_commander(), seen & room.for_readers()) == (set(), room.for_readers())


def test_line_02_whoever_is_invited_sees_the_classification_and_the_note_only(room):
    label = {canary("classification", name) for name in ("scheme", "treatment", "discussion")}
    seen = seen_on(room, "outsider", pages(room) + history_pages(room))
    where = f"/incidents/invitations/{room.invitation.pk}/"
    assert seen == {where: label | {canary("invitation", "note")}}


@pytest.mark.parametrize("persona", ["superuser", "revoked"])
def test_line_05_whoever_is_not_let_in_finds_nothing(room, persona):
    assert seen_on(room, persona, pages(room) + history_pages(room)) == {}


def test_line_13_titles_of_pages_carry_the_codename_and_no_content(room):
    client = room.client("commander")
    titles = []
    for where in pages(room) + history_pages(room)[:5]:
        response = client.get(where)
        if not response.streaming:
            titles += re.findall(r"<title>(.*?)</title>", response.content.decode(errors="replace"), re.S)
    assert canaries_of_text(" ".join(titles)) == set()
    assert sum("KESTREL" in title for title in titles) > len(titles) / 2


# --- side doors ------------------------------------------------------------------------------------


def test_live_message_of_the_document_holds_no_marked_entry(room):
    changes = list(room.incident.changes.order_by("revision"))
    marked = planted(room.marked) | room.said("marked")
    shown = canaries_of_text(rendering.message(room.incident, changes, Audience.DOCUMENT))
    assert shown & (marked | planted(room.hidden) | room.said("hidden")) == set()
    assert room.said() - shown == set()
    privileged = canaries_of_text(rendering.message(room.incident, changes, Audience.PRIVILEGED))
    assert {canary(name, "text", "marked") for name in MANY if name != "indicators"} - privileged == set()


def test_live_message_about_a_marked_entry_is_empty_for_the_document(room):
    for entry in room.marked.values():
        changes = list(room.incident.changes.filter(entry_id=entry.pk).exclude(section="timeline"))
        assert rendering.message(room.incident, changes, Audience.DOCUMENT) == ""


def test_line_02_live_brief_holds_the_summary_only(room):
    assert canaries_of_text(rendering.brief(room.incident)) == room.summary_canaries()


def test_case_file_of_the_document_holds_no_marked_and_no_hidden_entry(room):
    closed = planted(room.marked, room.hidden)
    assert canaries_of_text(case_file.text(room.incident, Audience.DOCUMENT)) & closed == set()
    assert canaries_of_text(case_file.text(room.incident, Audience.PRIVILEGED)) & closed == planted(
        room.marked
    )


def test_report_of_the_document_holds_no_marked_and_no_hidden_entry(room):
    copy = AccessRecord(incident=room.incident, user=room.people["reader"], copy="0000-0000", revision=1)
    closed = planted(room.marked, room.hidden)
    assert canaries_of_text(report.compose(room.incident, copy, Audience.DOCUMENT)) & closed == set()
    whole = canaries_of_text(report.compose(room.incident, copy, Audience.PRIVILEGED))
    assert {canary(name, "text", "marked") for name in MANY if name != "indicators"} - whole == set()
    assert whole & planted(room.hidden) == set()


def test_pictures_of_the_report_are_those_that_its_reader_may_see(room):
    model = SECTIONS["appendix"].model
    hidden = model.objects.get(pk=room.picture.pk)
    shown = report.assets(room.incident, Audience.DOCUMENT)
    assert f"preview/{room.picture.pk}" in shown
    room.incident.change(hidden, by=room.people["commander"], version=1, privileged=True)
    assert set(shown) - set(report.assets(room.incident, Audience.DOCUMENT)) == {f"preview/{hidden.pk}"}
    assert set(report.assets(room.incident, Audience.PRIVILEGED)) == set(shown)


@pytest.mark.parametrize("kind", ["marked", "hidden"])
def test_a_file_that_is_closed_cannot_be_downloaded(room, kind):
    entry = SECTIONS["appendix"].model.objects.get(pk=room.picture.pk)
    if kind == "marked":
        room.incident.change(entry, by=room.people["commander"], version=1, privileged=True)
    else:
        room.incident.remove(entry, by=room.people["commander"])
    client = room.client("responder")
    statuses = [client.get(f"{BASE}files/{entry.pk}/{rest}").status_code for rest in ("", "preview/")]
    assert statuses == [404, 404]


@pytest.mark.parametrize("name", MANY)
def test_words_of_a_marked_version_stay_closed_after_the_entry_is_opened(room, name):
    entry, commander = room.marked[name], room.people["commander"]
    secret = planted({name: entry})
    plain = {field: value for field, value in room.entries[name].values().items() if "canary" in str(value)}
    room.incident.change(entry, by=commander, version=1, **plain, privileged=False)
    where = f"{BASE}{name}/{entry.pk}/"
    assert everywhere(room, "responder", around(entry)) & secret == set()
    assert everywhere(room, "commander", around(entry)) & secret == secret
    client = room.client("responder")
    assert client.post(f"{where}revert/1/").status_code == 404
    answer = client.post(where, {**factories.LEAST[name], "text": "mine", "version": 1})
    assert canaries_in(answer) & secret == set()


def test_a_reader_learns_nothing_about_a_link_into_a_marked_entry(room):
    commander, step, event = room.people["commander"], room.entries["next_steps"], room.entries["timeline"]
    detail = factories.entry(room.incident, "details", timeline_entry=event)
    response = factories.entry(room.incident, "response", next_step=step)
    room.incident.change(event, by=commander, version=1, text=canary("closed"), privileged=True)
    room.incident.change(step, by=commander, version=1, text=canary("closed"), privileged=True)
    seen = everywhere(room, "responder", around(event) + around(step) + around(detail) + around(response))
    assert seen & {canary("closed")} == set()


# --- nobody can tell that it exists ----------------------------------------------------------------


def fingerprint(response) -> tuple:
    """Status, headers and body without what is drawn at random for each answer."""
    nonce = re.compile(r"nonce-[\w-]+")
    headers = {name: nonce.sub("nonce-", value) for name, value in response.headers.items()}
    return response.status_code, headers, response.content


@pytest.mark.parametrize("persona", ["outsider", "superuser", "revoked"])
def test_line_06_an_incident_that_exists_answers_strangers_like_one_that_does_not(room, persona):
    client = room.client(persona)
    for route in sorted(routes()):
        if "<codename:codename>" in route:
            real = address(route, room)
            missing = real.replace("/kestrel/", "/quiet-heron/")
            for method in ("GET", *UNSAFE):
                one, other = (client.generic(method, where) for where in (real, missing))
                assert fingerprint(one) == fingerprint(other), (method, route)


@pytest.mark.parametrize("persona", ["anonymous", "disabled"])
def test_line_06_signing_in_is_asked_for_whether_an_incident_exists_or_not(room, persona):
    client = room.client(persona)
    for where in (BASE, "/incidents/quiet-heron/"):
        response = client.get(where)
        assert (response.status_code, response.headers["Location"]) == (302, f"/sign-in/?next={where}")


# --- superusers and the admin site -----------------------------------------------------------------


def test_line_05_admin_site_knows_accounts_only():
    assert set(admin.site._registry) == {User}


def test_line_05_admin_site_shows_nothing_of_an_incident(room):
    client = room.client("superuser")
    commander = room.people["commander"].pk
    users = "/admin/accounts/user/"
    shown = [
        client.get("/admin/"),
        client.get("/admin/accounts/"),
        client.get(users),
        client.get(f"{users}{commander}/change/"),
        client.get(f"{users}{commander}/history/"),
        client.get(f"{users}{commander}/delete/"),
        client.post(f"{users}{commander}/delete/"),
        client.post(users, {"action": "delete_selected", "_selected_action": str(commander)}),
    ]
    assert [response.status_code for response in shown] == [200, 200, 200, 200, 200, 403, 403, 302]
    for response in shown:
        said = response.content.decode()
        assert (canaries_in(response), re.findall("kestrel|osprey", said.lower())) == (set(), [])
    assert User.objects.filter(pk=commander).exists()


def test_line_05_superuser_has_no_permission_about_an_incident(room):
    superuser = room.people["superuser"]
    asked = [f"incidents.{capability}" for capability in Capability]
    for thing in (room.incident, room.entries["timeline"]):
        assert [superuser.has_perm(name, thing) for name in asked] == [False] * len(asked)
        assert [async_to_sync(superuser.ahas_perm)(name, thing) for name in asked] == [False] * len(asked)
        assert superuser.has_perms(asked, thing) is False
        assert superuser.get_all_permissions(thing) == set()
    assert capabilities(superuser, room.incident) == frozenset()


@pytest.mark.parametrize("capability", list(Capability))
def test_a_group_cannot_be_let_in(room, capability):
    group = Group.objects.create(name="Everybody")
    room.people["outsider"].groups.add(group)
    with pytest.raises(DatabaseError), transaction.atomic():
        assign_perm(capability, group, room.incident)
    assert capabilities(room.people["outsider"], room.incident) == frozenset()
    assert (GroupObjectPermission.objects.count(), UserObjectPermission.objects.count()) == (0, 0)


# --- children of other incidents -------------------------------------------------------------------


def crossings(room) -> list[tuple[str, str]]:
    """Method and address of everything that names a child of OSPREY under KESTREL."""
    found = []
    for name, entry in room.foreign.items():
        where = f"{BASE}{name}/{entry.pk}/"
        found += [("GET", where), ("POST", where), ("DELETE", where), ("GET", f"{where}edit/")]
        found += [("GET", f"{where}talk/"), ("POST", f"{where}talk/"), ("GET", f"{where}talk/new/")]
        found += [
            ("POST", f"{where}{verb}/") for verb in ("hide", "restore", "revert/1", "do/take", "do/done")
        ]
    foreign, ours = f"talk/{room.foreign_comment.pk}/", f"{BASE}next_steps/{room.entries['next_steps'].pk}/"
    elsewhere = f"{BASE}timeline/{room.entries['timeline'].pk}/talk/{room.comments['next_steps', ''].pk}/"
    for where in (
        f"{BASE}next_steps/{room.foreign['next_steps'].pk}/{foreign}",
        f"{ours}{foreign}",
        elsewhere,
    ):
        found += [("GET", where), ("POST", where), ("POST", f"{where}resolve/"), ("POST", f"{where}hide/")]
    found += [("POST", f"{ours}talk/?to={room.foreign_comment.pk}")]
    picture, stranger = room.foreign_picture.pk, room.people["outsider"].pk
    found += [("GET", f"{BASE}files/{picture}/"), ("GET", f"{BASE}files/{picture}/preview/")]
    found += [("POST", f"{BASE}people/{stranger}/"), ("POST", f"{BASE}people/{stranger}/remove/")]
    return found


def test_line_07_children_of_another_incident_are_not_found_and_nothing_is_written(room):
    client = room.client("commander")
    before = stored()
    for method, where in crossings(room):
        sent = {"version": "1", "text": "taken over", "role": "reader"}
        answer = client.post(where, sent) if method == "POST" else client.generic(method, where)
        assert (method, where, answer.status_code) == (method, where, 404)
    assert stored() == before


def test_line_07_history_of_another_incidents_entry_is_empty(room):
    answer = room.client("commander").get(f"{BASE}history/?entry={room.foreign['timeline'].pk}")
    assert (answer.status_code, answer.context["rows"]) == (200, [])


def test_line_12_forms_offer_and_take_nothing_of_another_incident(room):
    client, before = room.client("commander"), stored()
    step = {"text": "Read it", "priority": "normal", "state": "open"}
    for name, sent in {
        "next_steps": {**step, "assignee": str(room.people["outsider"].pk)},
        "details": {**factories.LEAST["details"], "timeline_entry": str(room.foreign["timeline"].pk)},
        "response": {"text": "Done", "next_step": str(room.foreign["next_steps"].pk)},
    }.items():
        answer = client.post(f"{BASE}{name}/", sent)
        assert (answer.status_code, "Select a valid choice" in answer.content.decode()) == (422, True)
    assert stored() == before


def test_line_12_assignees_are_people_who_read_the_document(room):
    form = room.client("commander").get(f"{BASE}next_steps/new/").context["form"]
    names = {person.display_name for person in form.fields["assignee"].queryset}
    assert names == {"Commander", "Legal", "Reader", "Responder"}


# --- who may not write -----------------------------------------------------------------------------


# What legal writes although it writes no entries: who reads privileged entries, break-glass, the hold.
LEGALS_OWN = ("/privileged/", "/break-glass/", "/approve/", "/hold/")


@pytest.mark.parametrize(
    "persona",
    ["anonymous", "outsider", "superuser", "executive", "reader", "legal", "revoked", "disabled"],
)
def test_line_08_whoever_may_not_write_changes_nothing(room, persona):
    client = room.client(persona)
    before = stored()
    for route in sorted(routes()):
        if "<codename:codename>" in route and not (persona == "legal" and route.endswith(LEGALS_OWN)):
            for method in UNSAFE:
                sent = SENT.get(route, {"successor": str(room.people["responder"].pk), "reason": "Now"})
                where = address(route, room)
                client.post(where, sent) if method == "POST" else client.generic(method, where)
    for name, entry in {**room.entries, **room.hidden}.items():
        for rest in ("", "hide/", "restore/", "revert/1/", "do/take/"):
            client.post(f"{BASE}{name}/{entry.pk}/{rest}", {"text": "written", "version": "1"})
    assert stored() == before


# --- revoked while it is in flight -----------------------------------------------------------------

STEP = {"text": "in flight", "priority": "normal", "state": "open", "version": "1"}
IN_FLIGHT = {
    "add": (EntryForm, "is_valid", "next_steps/", STEP),
    "change": (EntryForm, "is_valid", "next_steps/{entry}/", STEP),
    "capture": (entries, "check_text", "capture/", {"dest": "theories", "text": "in flight"}),
    "hide": (entries, "find", "next_steps/{entry}/hide/", {}),
    "restore": (entries, "find", "next_steps/{hidden}/restore/", {}),
    "revert": (entries, "find", "next_steps/{hidden}/revert/1/", {}),
    "act": (verbs, "find", "next_steps/{entry}/do/take/", {}),
    "comment": (CommentForm, "is_valid", "next_steps/{entry}/talk/", {"text": "in flight"}),
    "amend": (CommentForm, "is_valid", "next_steps/{entry}/talk/{comment}/", {"text": "in flight"}),
    "resolve": (talk, "find", "next_steps/{entry}/talk/{comment}/resolve/", {}),
    "accept": (documents, "url_has_allowed_host_and_scheme", "acknowledge/", {}),
}


def meanwhile(monkeypatch, owner, name: str, deed) -> None:
    """Have something happen between the gate and the write: right after this function was called."""
    function = getattr(owner, name)

    def then(*args, **kwargs):
        result = function(*args, **kwargs)
        monkeypatch.setattr(owner, name, function)
        deed()
        return result

    monkeypatch.setattr(owner, name, then)


@pytest.mark.parametrize("act", IN_FLIGHT)
def test_line_10_whoever_is_revoked_while_a_post_is_in_flight_stores_nothing(room, monkeypatch, act):
    owner, function, where, sent = IN_FLIGHT[act]
    where = where.format(
        entry=room.entries["next_steps"].pk,
        hidden=room.hidden["next_steps"].pk,
        comment=room.comments["next_steps", ""].pk,
    )
    client, after = room.client("responder"), {}

    def revoke():
        room.incident.let_out(room.people["responder"], by=room.people["commander"])
        after.update(stored())

    meanwhile(monkeypatch, owner, function, revoke)
    answer = client.post(f"{BASE}{where}", sent)
    assert (answer.status_code, stored()) == (403, after)


def test_line_10_a_file_of_somebody_who_is_revoked_in_flight_leaves_no_bytes(room, monkeypatch, settings):
    before = sorted(settings.FILES_DIR.rglob("*"))
    client = room.client("responder")
    revoke = room.incident.let_out
    meanwhile(
        monkeypatch,
        EntryForm,
        "is_valid",
        lambda: revoke(room.people["responder"], by=room.people["commander"]),
    )
    sent = {"kind": AppendixKind.FILE, "upload": factories.picture(name="late.png")}
    assert client.post(f"{BASE}appendix/", sent).status_code == 403
    assert [path for path in sorted(settings.FILES_DIR.rglob("*")) if path.is_file()] == [
        path for path in before if path.is_file()
    ]


@pytest.mark.parametrize(
    ("form", "where", "status"),
    [
        (InviteForm, "people/", 403),
        (SettingsForm, "settings/", 403),
        (HandOverForm, "people/hand-over/", 409),
    ],
)
def test_line_10_whoever_handed_over_while_a_post_is_in_flight_stores_nothing(
    room, monkeypatch, form, where, status
):
    client, after = room.client("commander"), {}

    def hand_over():
        room.incident.hand_over(room.people["responder"], by=room.people["commander"], reason="End of shift")
        after.update(stored())

    meanwhile(monkeypatch, form, "is_valid", hand_over)
    sent = {"title": "Mine", "zone_name": "UTC", "email": "outsider@example.com", "role": Role.READER}
    sent |= {"successor": str(room.people["reader"].pk), "reason": "In flight"}
    answer = client.post(f"{BASE}{where}", sent)
    assert (answer.status_code, stored()) == (status, after)


def test_grants_are_looked_up_for_each_request(room):
    client = room.client("reader")
    assert client.get(BASE).status_code == 200
    IncidentGrant.objects.filter(user=room.people["reader"]).delete()
    assert client.get(BASE).status_code == 404
