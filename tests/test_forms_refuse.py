"""What forms do not take: fields that they do not list, damaged text, impossible times, old versions."""

import uuid
from urllib.parse import urlencode

import pytest
from django import forms
from django.db import models
from django.test import Client

from accounts.models import User
from incidents.hooks import HookCall, Webhook
from incidents.incident import Incident
from incidents.invitations import Invitation
from incidents.ledger import Change
from incidents.membership import Terms
from incidents.notices import Choices, Notice, NoticeKind
from incidents.people import IncidentGrant, Participant
from incidents.sections import SECTIONS
from incidents.sections.forms import BROKEN
from incidents.views import entries, verbs
from incidents.vocabulary import Role
from tests import factories
from tests.room import changes_since, stored

BASE = "/incidents/kestrel/"
HTMX = {"HX-Request": "true"}
MANY = [name for name, section in SECTIONS.items() if section.many]
INCIDENT_MOVES = {"revision", "head", "updated_at"}
ADDING_MOVES = INCIDENT_MOVES | {"numbers"}
TIMED = [name for name, section in SECTIONS.items() if section.model.moments()]


def new_form(client, name: str) -> forms.Form:
    """The form of a new entry as the server sends it."""
    return client.get(form_address(name, "new/")).context["form"]


def form_address(name: str, rest: str = "") -> str:
    """Where a section's form for a new entry is got from and posted to."""
    if SECTIONS[name].many:
        return f"{BASE}{name}/{rest}"
    single = SECTIONS[name].single(Incident.objects.get(slug="kestrel"))
    return f"{BASE}{name}/{single.pk}/" + ("edit/" if rest else "")


def typed(form, **changes) -> dict:
    """What a browser would send for a form that nobody touched, with these changes."""
    sent = {}
    for bound in form:
        value, widget = bound.value(), bound.field.widget
        if isinstance(widget, forms.MultiWidget):
            sent |= {f"{bound.html_name}_{i}": part for i, part in enumerate(widget.decompress(value))}
        elif isinstance(widget, forms.CheckboxInput):
            sent |= {bound.html_name: "on"} if value else {}
        elif not isinstance(widget, forms.FileInput):
            sent[bound.html_name] = "" if value is None else str(value)
    return {**sent, **changes}


def least(name: str) -> dict:
    """What must be typed for a valid new entry."""
    sent = {key: value for key, value in factories.LEAST[name].items() if not key.startswith("at")}
    return {**sent, "at_0": "24 Nov 2026", "at_1": "12:00"} if "at" in SECTIONS[name].model.own else sent


def texts(form) -> dict[str, int]:
    """Text field → how long its text may be."""
    return {
        name: field.max_length
        for name, field in form.fields.items()
        if isinstance(field, forms.CharField) and not isinstance(field, forms.UUIDField)
    }


def posts(client, where: str, sent: dict | str):
    """The answers to a POST as a page and as a fragment."""
    body = sent if isinstance(sent, str) else urlencode(sent)
    kind = "application/x-www-form-urlencoded"
    return [client.post(where, body, content_type=kind, headers=headers) for headers in ({}, HTMX)]


# --- fields that a form does not list --------------------------------------------------------------


def forged(*model_classes, allowed: set[str]) -> dict:
    """A value for each column of these models that is not allowed, under its own name and its column's."""
    sent = {}
    for model in model_classes:
        for column in model._meta.concrete_fields:
            if isinstance(column, models.BooleanField):
                value = "on"
            elif isinstance(column, models.UUIDField):
                value = str(uuid.uuid4())
            elif column.remote_field:
                value = str(User.objects.get(email="mallory@example.com").pk)
            elif isinstance(column, models.DateTimeField):
                value = "2001-02-03T04:05:06Z"
            else:
                value = "777"
            sent |= {name: value for name in (column.name, column.attname) if name not in allowed}
    return sent


@pytest.fixture
def mallory(db):
    """Somebody outside, whose name the forged fields bear."""
    return factories.user("mallory")


@pytest.mark.parametrize("name", MANY)
def test_line_09_adding_an_entry_writes_the_listed_fields_only(incident, as_dana, dana, mallory, name):
    model = SECTIONS[name].model
    form = new_form(as_dana, name)
    sent = {**forged(model, Incident, Change, User, allowed=set(form.fields)), **typed(form, **least(name))}
    before = stored()
    assert as_dana.post(form_address(name), sent).status_code == 302
    moved = {model._meta.label: {"new"}, "incidents.Change": {"new"}, "incidents.Incident": ADDING_MOVES}
    assert changes_since(before) == moved
    entry = model.objects.get()
    kept = (entry.incident, entry.author, entry.changed_by, entry.number, entry.version, entry.hidden)
    assert kept == (incident, dana, dana, 1, 1, False)
    assert (entry.recorded_at.year == 2001, entry.rendered == "777") == (False, False)
    columns = [column.name for column in model._meta.concrete_fields if column.name not in form.fields]
    assert [name for name in columns if str(getattr(entry, name)) == "777"] == []


@pytest.mark.parametrize("name", SECTIONS)
def test_line_09_changing_an_entry_writes_the_listed_fields_only(incident, as_dana, mallory, name):
    entry = factories.entry(incident, name)
    model = type(entry)
    where = f"{BASE}{name}/{entry.pk}/"
    form = as_dana.get(f"{where}edit/").context["form"]
    field = next(field for field in ("text", "treatment", "current_state", "note") if field in form.fields)
    listed = set(form.fields) - {"id"}
    sent = {**typed(form), **forged(model, Incident, Change, User, allowed=listed), field: "other words"}
    before = stored()
    assert as_dana.post(where, sent).status_code == 302
    moved = {
        model._meta.label: {field, "version", "changed_at"},
        "incidents.Change": {"new"},
        "incidents.Incident": INCIDENT_MOVES,
    }
    if name == "classification":  # a change of it asks everybody to accept it again
        moved["incidents.Incident"] = INCIDENT_MOVES | {"classification_revision"}
        moved["incidents.Acknowledgement"] = {"new"}
    assert changes_since(before) == moved


def test_line_09_capture_writes_text_and_section_only(incident, as_dana, mallory):
    model = SECTIONS["theories"].model
    sent = forged(model, Incident, Change, User, allowed={"text", "id"})
    before = stored()
    assert as_dana.post(f"{BASE}capture/", {**sent, "dest": "theories", "text": "A line"}).status_code == 302
    moved = {model._meta.label: {"new"}, "incidents.Change": {"new"}, "incidents.Incident": ADDING_MOVES}
    assert changes_since(before) == moved
    entry = model.objects.get()
    expected = factories.entry(incident, "theories", text="A line")
    assert entry.values() == expected.values()
    assert (entry.number, entry.version, entry.hidden, entry.author) == (1, 1, False, expected.author)


def test_line_09_settings_write_title_and_zone_only(incident, as_dana, mallory):
    sent = forged(Incident, Change, User, allowed={"title", "zone_name"})
    before = stored()
    answer = as_dana.post(f"{BASE}settings/", {**sent, "title": "Another", "zone_name": "Europe/Paris"})
    assert answer.status_code == 302
    moved = {"incidents.Change": {"new"}, "incidents.Incident": INCIDENT_MOVES | {"title", "zone_name"}}
    assert changes_since(before) == moved


def test_line_09_status_writes_the_status_only(incident, as_dana, mallory):
    sent = {**forged(Incident, Change, User, allowed=set()), "status": "contained"}
    before = stored()
    assert as_dana.post(f"{BASE}status/", sent).status_code == 302
    moved = {"incidents.Change": {"new"}, "incidents.Incident": INCIDENT_MOVES | {"status"}}
    assert changes_since(before) == moved


def test_line_09_start_writes_the_listed_fields_only(as_dana, dana, mallory):
    sent = forged(Incident, Change, User, allowed={"title", "zone_name", "codename"})
    assert as_dana.post("/incidents/start/", {**sent, "title": "Odd", "codename": ""}).status_code == 302
    incident = Incident.objects.get()
    assert (incident.title, incident.commander, incident.status) == ("Odd", dana, "investigating")
    assert ("777" in incident.slug, incident.head == "777") == (False, False)
    assert (incident.revision, incident.changes.count(), incident.started_at.year == 2001) == (1, 1, False)


PEOPLE_FIELDS = {"email", "role", "may_export", "reads_privileged", "note"}


def test_line_09_inviting_writes_the_listed_fields_only(incident, as_dana, dana, mallory):
    sent = forged(Participant, Invitation, Incident, Change, User, allowed=PEOPLE_FIELDS)
    before = stored()
    assert (
        as_dana.post(f"{BASE}people/", {**sent, "email": mallory.email, "role": "reader"}).status_code == 302
    )
    assert changes_since(before) == {
        "incidents.Invitation": {"new"},
        "incidents.Letter": {"new"},
        "incidents.Change": {"new"},
        "incidents.Incident": INCIDENT_MOVES,
    }
    invitation = incident.invitations.get(email=mallory.email)
    assert (invitation.invited_by, invitation.invited_at.year == 2001, invitation.may_export) == (
        dana,
        False,
        False,
    )
    assert (invitation.accepted_at, invitation.withdrawn_at, invitation.serial) == (None, None, 1)


def test_line_09_setting_the_webhook_and_ones_choices_writes_the_listed_fields_only(
    incident, as_dana, mallory
):
    listed = {"url", "events", *NoticeKind.values, "quiet_from", "quiet_until"}
    sent = forged(Webhook, HookCall, Choices, Notice, Incident, Change, User, allowed=listed)
    before = stored()
    hook = {"url": "https://chat.example/", "events": "added"}
    assert as_dana.post(f"{BASE}webhook/", {**sent, **hook}).status_code == 200
    assert as_dana.post("/incidents/notices/choices/", {**sent, **dict.fromkeys(NoticeKind.values, "none")})
    assert changes_since(before) == {
        "incidents.Webhook": {"new"},
        "incidents.Choices": {"new"},
        "incidents.Change": {"new"},
        "incidents.Incident": INCIDENT_MOVES,
    }
    made = Webhook.objects.get()
    assert (made.serial, made.fault, made.told_at, made.incident) == (1, "", None, incident)


def test_line_09_accepting_an_invitation_writes_nothing_of_what_is_sent(incident, dana, mallory):
    invitation = incident.invite(mallory.email, Terms(Role.READER), by=dana)
    client = Client()
    client.force_login(mallory)
    sent = forged(Participant, Invitation, IncidentGrant, Incident, Change, User, allowed=set())
    answer = client.post(f"/incidents/invitations/{invitation.pk}/", {**sent, "read": 0})
    assert answer.status_code == 302
    participant = incident.participants.get(user=mallory)
    assert (participant.role, participant.let_in_by, participant.may_export, participant.expires_at) == (
        Role.READER,
        dana,
        False,
        None,
    )


@pytest.mark.parametrize("role", ["commander", "owner", "", "Reader"])
def test_a_role_that_cannot_be_given_is_refused(incident, as_dana, mallory, role):
    before = stored()
    assert as_dana.post(f"{BASE}people/", {"email": mallory.email, "role": role}).status_code == 422
    factories.participant(incident, mallory, "reader")
    before = stored()
    assert as_dana.post(f"{BASE}people/{mallory.pk}/", {"role": role}).status_code == 422
    assert changes_since(before) == {}


def test_a_responder_cannot_mark_an_entry(incident, mallory):
    factories.participant(incident, mallory)
    entry = factories.entry(incident, "theories")
    client = Client()
    client.force_login(mallory)
    sent = {"text": "Mine", "state": "open", "privileged": "on", "version": "1"}
    assert client.post(f"{BASE}theories/{entry.pk}/", sent).status_code == 302
    assert client.post(f"{BASE}theories/", sent).status_code == 302
    found = SECTIONS["theories"].model.objects.values_list("text", "privileged")
    assert list(found) == [("Mine", False), ("Mine", False)]


# --- damaged and endless text ----------------------------------------------------------------------


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("damage", ["%00", "%ED%A0%80", "%FF", "%EF%BF%BD"])
def test_damaged_text_is_refused_at_its_field_and_kept(incident, as_dana, name, damage):
    form = new_form(as_dana, name)
    fields = set(texts(form))
    sent = typed(form, **{**least(name), **{field: f"kept {field} DAMAGE" for field in fields}})
    before = stored()
    for answer in posts(as_dana, form_address(name), urlencode(sent).replace("DAMAGE", damage)):
        assert (answer.status_code, set(answer.context["form"].errors)) == (422, fields)
        said, form = answer.content.decode(), answer.context["form"]
        assert [field for field in fields if f"kept {field} " not in said] == []
        assert [field for field in fields if f"{form[field].auto_id}_error" not in said] == []
        assert (BROKEN in said or "Null characters" in said, "What you typed is kept" in said) == (True, True)
    assert changes_since(before) == {}


@pytest.mark.parametrize("name", SECTIONS)
def test_text_that_is_too_long_is_refused_at_its_field_and_kept(incident, as_dana, name):
    form = new_form(as_dana, name)
    words = {field: "x" * longest + field for field, longest in texts(form).items()}
    before = stored()
    for answer in posts(as_dana, form_address(name), typed(form, **{**least(name), **words})):
        form = answer.context["form"]
        assert (answer.status_code, set(form.errors)) == (422, set(words))
        said = answer.content.decode()
        assert [field for field, text in words.items() if text not in said] == []
        assert [field for field in words if f"{form[field].auto_id}_error" not in said] == []
    assert changes_since(before) == {}


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(
    ("day", "clock"),
    [
        ("31 Feb 2026", "12:00"),
        ("yesterday", ""),
        ("2026-11-24", "25:61"),
        ("2026-11-24", "12:00+99:99"),
        ("", "12:00"),
        ("0001-01-01", ""),
        ("9999-12-31", "23:59:59"),
        ("²⁰26-11-24", "12:00"),
        ("2026-11-24", "noon \x00"),
        ("2026-11-24 " + "x" * 50, "12:00"),
    ],
)
def test_an_impossible_time_is_refused_at_its_field_and_kept(incident, as_dana, name, day, clock):
    Incident.objects.update(zone_name="Asia/Tokyo")
    moments = SECTIONS[name].model.moments()
    form = new_form(as_dana, name)
    wrong = {f"{moment}_{part}": value for moment in moments for part, value in enumerate((day, clock))}
    before = stored()
    for answer in posts(as_dana, form_address(name), typed(form, **{**least(name), **wrong})):
        assert (answer.status_code, set(answer.context["form"].errors)) == (422, set(moments))
        said = answer.content.decode()
        form = answer.context["form"]
        assert [moment for moment in moments if f"{form[moment].auto_id}_error" not in said] == []
        assert said.count(f'value="{(day or clock).strip()}"') == len(moments)
    assert changes_since(before) == {}


@pytest.mark.parametrize("name", MANY)
def test_an_empty_form_says_what_is_missing(incident, as_dana, name):
    before = stored()
    for answer in posts(as_dana, form_address(name), {}):
        assert (answer.status_code, bool(answer.context["form"].errors)) == (422, True)
    assert changes_since(before) == {}


@pytest.mark.parametrize(
    ("where", "field", "sent"),
    [
        ("/incidents/start/", "title", {}),
        ("/incidents/start/", "codename", {"title": "Odd"}),
        ("/incidents/start/", "zone_name", {"title": "Odd"}),
        (f"{BASE}settings/", "title", {"zone_name": "UTC"}),
        (f"{BASE}settings/", "zone_name", {"title": "Odd"}),
        (f"{BASE}people/", "email", {"role": "reader"}),
        (f"{BASE}people/hand-over/", "reason", {}),
        (f"{BASE}capture/", "text", {"dest": "timeline"}),
        (f"{BASE}capture/", "text", {"dest": "indicators"}),
    ],
)
@pytest.mark.parametrize("fault", ["%00", "%ED%A0%80", "long"])
def test_other_forms_refuse_damaged_and_endless_text_and_keep_it(
    incident, as_dana, where, field, sent, fault
):
    words = "kept " + ("x" * 30_000 if fault == "long" else "DAMAGE")
    body = urlencode({**sent, field: words}).replace("DAMAGE", fault)
    before = stored()
    for answer in posts(as_dana, where, body):
        said = answer.content.decode()
        kept = words if fault == "long" else "kept "
        assert (answer.status_code, kept in said, 'class="error"' in said) == (422, True, True)
    assert changes_since(before) == {}


@pytest.mark.parametrize(
    "where", ["/sign-in/", "/incidents/start/", f"{BASE}timeline/", f"{BASE}capture/", f"{BASE}settings/"]
)
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=edge"])
@pytest.mark.parametrize("checks_csrf", [False, True])
def test_a_paste_of_five_megabytes_is_refused(incident, dana, where, kind, checks_csrf):
    client = Client(enforce_csrf_checks=checks_csrf, raise_request_exception=False)
    if where != "/sign-in/":
        client.force_login(dana)
    client.get(where if where in ("/sign-in/", "/incidents/start/") else BASE)  # which sets the cookie
    paste = "x" * 5 * 2**20
    part = f'--edge\r\nContent-Disposition: form-data; name="text"\r\n\r\n{paste}\r\n--edge--\r\n'
    before = stored()
    answer = client.post(where, part if "multipart" in kind else f"text={paste}", content_type=kind)
    assert (answer.status_code, "too large" in answer.content.decode()) == (400, True)
    assert changes_since(before) == {}


def test_a_form_of_a_thousand_fields_is_refused(incident, as_dana):
    answer = as_dana.post(f"{BASE}timeline/", {f"field{number}": "" for number in range(1000)})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "before=²",
        "before=-1",
        "before=" + "9" * 5000,
        "section=nothing",
        "kind=nothing",
        "section=%00",
        "person=",
    ],
)
def test_history_takes_any_query(incident, as_dana, query):
    assert as_dana.get(f"{BASE}history/?{query}").status_code == 200


@pytest.mark.parametrize("query", ["all=", "all=²", "merged=%00"])
def test_document_takes_any_query(incident, as_dana, query):
    assert as_dana.get(f"{BASE}?{query}").status_code == 200


@pytest.mark.parametrize(
    "where",
    ["history/?entry=x", "history/?person=x", "history/99999999999999999999/", "nothing/", "nothing/new/"],
)
def test_what_there_is_not_is_not_found(incident, as_dana, where):
    assert as_dana.get(f"{BASE}{where}").status_code == 404


@pytest.mark.parametrize(
    ("where", "sent", "status"),
    [
        ("status/", {"status": "over"}, 422),
        ("status/", {}, 422),
        ("capture/", {"dest": "nothing", "text": "A line"}, 404),
        ("capture/", {"dest": "summary", "text": "A line"}, 404),
        ("capture/", {"dest": "timeline", "text": "  "}, 422),
        ("theories/{entry}/do/nothing/", {}, 404),
        ("theories/{entry}/revert/99/", {}, 404),
        ("theories/{entry}/revert/99999999999999999999/", {}, 404),
        ("theories/{entry}/", {"text": "Mine", "state": "open", "version": "one"}, 422),
        ("theories/{entry}/", {"text": "Mine", "state": "open", "version": "-1"}, 422),
        ("theories/{entry}/", {"text": "Mine", "state": "maybe", "version": "1"}, 422),
        ("theories/", {"text": "Mine", "state": "open", "id": "mine"}, 422),
        ("next_steps/", {"text": "Mine", "state": "open", "priority": "normal", "assignee": "dana"}, 422),
        ("classification/", {"scheme": "Mine"}, 404),
        ("classification/{classification}/hide/", {}, 404),
    ],
)
def test_posts_that_make_no_sense_write_nothing(incident, as_dana, where, sent, status):
    entry = factories.entry(incident, "theories")
    single = factories.entry(incident, "classification")
    before = stored()
    for answer in posts(as_dana, BASE + where.format(entry=entry.pk, classification=single.pk), sent):
        assert answer.status_code == status
    assert changes_since(before) == {}


# --- old versions ----------------------------------------------------------------------------------


@pytest.fixture
def theory(incident):
    """An entry with two fields to quarrel about."""
    return factories.entry(incident, "theories", text="The token was stolen", why="Nobody knows")


def test_changes_of_different_words_are_both_kept(incident, as_dana, dana, theory):
    incident.change(theory, by=dana, version=1, text="The token was stolen in May", why="A log says so")
    sent = {"text": "The red token was stolen", "why": "Nobody knows", "state": "open", "version": 1}
    answer = as_dana.post(f"{BASE}theories/{theory.pk}/", sent)
    assert answer.headers["Location"] == f"{BASE}?merged=1#theories-{theory.pk}"
    theory.refresh_from_db()
    assert (theory.text, theory.why) == ("The red token was stolen in May", "A log says so")


def test_changes_of_the_same_words_are_both_shown_and_nothing_is_written(incident, as_dana, dana, theory):
    incident.change(theory, by=dana, version=1, text="The token was borrowed")
    sent = {"text": "The token was guessed", "why": "Nobody knows", "state": "open", "version": 1}
    before = stored()
    for answer in posts(as_dana, f"{BASE}theories/{theory.pk}/", sent):
        said = answer.content.decode()
        assert (answer.status_code, "borrowed" in said, "guessed" in said) == (409, True, True)
        assert "The token was borrowed guessed" in said.replace("\r", "")
        joined = typed(answer.context["form"])
    assert ("HX-Retarget" in answer.headers, changes_since(before)) == (False, {})  # in the place of the form
    assert (as_dana.post(f"{BASE}theories/{theory.pk}/", joined).status_code, joined["version"]) == (302, "2")
    theory.refresh_from_db()
    assert theory.text == "The token was borrowed guessed"


@pytest.mark.parametrize("version", ["", "0", "7", "99999999999999999999"])
def test_a_version_that_never_was_overwrites_nothing(incident, as_dana, theory, version):
    before = stored()
    sent = {"text": "Something else", "state": "open", "version": version}
    for answer in posts(as_dana, f"{BASE}theories/{theory.pk}/", sent):
        said = answer.content.decode()
        shown = "The token was stolen" in said.replace("<span>", "").replace("</span>", "")
        assert (answer.status_code, "Something else" in said, shown) == (409, True, True)
    assert changes_since(before) == {}


def test_an_entry_that_was_hidden_meanwhile_is_brought_back_only_when_asked(incident, as_dana, dana, theory):
    incident.remove(theory, by=dana)
    where = f"{BASE}theories/{theory.pk}/"
    sent = {"text": "The token was guessed", "why": "Nobody knows", "state": "open", "version": 1}
    before = stored()
    for answer in posts(as_dana, where, sent):
        said = answer.content.decode()
        assert (answer.status_code, "hid this entry" in said, "guessed" in said) == (409, True, True)
    assert changes_since(before) == {}
    again = typed(answer.context["form"], restore="1")
    assert as_dana.post(where, again).status_code == 302
    theory.refresh_from_db()
    assert (theory.hidden, theory.text) == (False, "The token was guessed")


@pytest.mark.parametrize(
    ("views", "rest", "status"),
    # The document shows who took it; the conflict shows both texts.
    [(verbs, "do/take/", 302), (entries, "revert/1/", 409)],
)
def test_a_colleague_who_was_a_moment_earlier_is_not_overwritten(
    incident, as_dana, dana, mallory, monkeypatch, views, rest, status
):
    factories.participant(incident, mallory)
    step = factories.entry(incident, "next_steps")
    find, colleague = views.find, Incident.objects.get()
    incident.change(step, by=dana, version=1, text="A second version")

    def found(*arguments):
        section, entry = find(*arguments)
        monkeypatch.setattr(views, "find", find)
        mine = type(step).objects.get(pk=step.pk)
        colleague.change(mine, by=dana, version=2, text="A third version", assignee=mallory)
        return section, entry

    monkeypatch.setattr(views, "find", found)
    answer = as_dana.post(f"{BASE}next_steps/{step.pk}/{rest}")
    step.refresh_from_db()
    assert (answer.status_code, step.text, step.assignee) == (status, "A third version", mallory)


# --- the same again --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MANY)
def test_the_same_post_twice_is_one_entry(incident, as_dana, name):
    form = new_form(as_dana, name)
    sent = typed(form, **least(name))
    assert as_dana.post(form_address(name), sent).status_code == 302
    before = stored()
    for answer in posts(as_dana, form_address(name), sent):
        assert answer.status_code in (200, 302)
    assert changes_since(before) == {}
    assert [str(pk) for pk in SECTIONS[name].model.objects.values_list("pk", flat=True)] == [sent["id"]]


def test_words_typed_after_a_lost_answer_change_the_entry_that_was_stored(incident, as_dana, dana):
    form = new_form(as_dana, "lessons")
    sent = typed(form, text="Rotate the keys")
    as_dana.post(form_address("lessons"), sent)
    entry = SECTIONS["lessons"].model.objects.get()
    incident.change(entry, by=dana, version=1, owner="Dana")
    as_dana.post(form_address("lessons"), {**sent, "text": "Rotate the keys and the tokens"})
    entry.refresh_from_db()
    assert (entry.text, entry.owner, entry.version) == ("Rotate the keys and the tokens", "Dana", 3)
    before = stored()
    as_dana.post(form_address("lessons"), sent)  # the first one comes late
    assert changes_since(before) == {}


def test_the_same_captured_line_twice_is_one_entry(incident, as_dana):
    sent = {"dest": "timeline", "text": "A line", "id": str(uuid.uuid4())}
    answers = [*posts(as_dana, f"{BASE}capture/", sent), *posts(as_dana, f"{BASE}capture/", sent)]
    assert [answer.status_code for answer in answers] == [302, 200, 302, 200]
    assert [str(pk) for pk in SECTIONS["timeline"].model.objects.values_list("pk", flat=True)] == [sent["id"]]


@pytest.mark.parametrize("name", MANY)
def test_the_id_of_another_incidents_entry_is_refused(incident, as_dana, mallory, name):
    other = factories.incident(mallory, codename="OSPREY")
    foreign = factories.entry(other, name)
    sent = typed(new_form(as_dana, name), **{**least(name), "id": str(foreign.pk)})
    before = stored()
    for answer in posts(as_dana, form_address(name), sent):
        assert (answer.status_code, "cannot be added here" in answer.content.decode()) == (422, True)
    assert changes_since(before) == {}


def test_the_id_of_another_incidents_entry_is_refused_for_a_captured_line(incident, as_dana, mallory):
    foreign = factories.entry(factories.incident(mallory, codename="OSPREY"), "timeline")
    sent = {"dest": "timeline", "text": "A line", "id": str(foreign.pk)}
    before = stored()
    for answer in posts(as_dana, f"{BASE}capture/", sent):
        said = answer.content.decode()
        assert (answer.status_code, "cannot be added here" in said, "A line" in said) == (422, True, True)
    assert changes_since(before) == {}
