"""What people say about entries: threads, who may do what, what is kept, and who must not notice."""

import re
import threading
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents import history, ledger, rendering, text
from incidents.comments import Comment
from incidents.door import Impossible, Refused
from incidents.mentions import spans
from incidents.sections import SECTIONS
from incidents.talk import Overlap
from incidents.views import verbs
from incidents.vocabulary import Audience, Role
from tests import factories
from tests.markup import parse
from tests.room import stored
from tests.signing import sign_in

HX = {"HX-Request": "true"}


@pytest.fixture
def ruth(incident):
    """A responder."""
    return factories.participant(incident, factories.user("ruth"))


@pytest.fixture
def entry(incident):
    """An entry to talk about."""
    return factories.entry(incident, "theories")


@pytest.fixture
def as_ruth(ruth):
    """A signed-in client of the responder."""
    return sign_in(Client(), ruth)


def say(incident, entry, by, words="Who saw it?", reply_to=None) -> Comment:
    """A comment."""
    comment = Comment(pk=uuid.uuid4(), text=words, reply_to=reply_to)
    incident.comment(entry, comment, by=by)
    return comment


def where(entry, rest="") -> str:
    """An address of the talk about an entry."""
    return f"/incidents/kestrel/{entry.section}/{entry.pk}/talk/{rest}"


def threads(incident, entry, audience=Audience.PRIVILEGED) -> list[list[str]]:
    """The words of each thread, as an audience is sent them."""
    html = parse(rendering.talk(entry, incident, audience))
    return [
        [node.text().strip() for node in thread.all("div", "words")] for thread in html.all(None, "thread")
    ]


# --- the aggregate and the ledger ------------------------------------------------------------------


def test_each_deed_is_one_row_of_the_ledger(incident, dana, ruth, entry):
    before = incident.revision
    first = say(incident, entry, dana, "Who saw it?")
    reply = say(incident, entry, ruth, "I did", reply_to=first)
    nested = say(incident, entry, dana, "Really?", reply_to=reply)
    incident.amend(entry, reply, by=ruth, version=1, text="I did, at noon")
    incident.resolve(entry, reply, by=dana)
    incident.reopen(entry, first, by=ruth)
    incident.hide_comment(entry, reply, by=ruth)
    incident.show_comment(entry, reply, by=dana)
    ids = {comment.pk: str(comment.pk) for comment in (first, reply, nested)}
    rows = incident.changes.filter(revision__gt=before)
    assert [(row.action, row.actor_id, row.values) for row in rows.order_by("revision")] == [
        ("comment", dana.pk, {"comment": ids[first.pk], "reply_to": None, "text": "Who saw it?"}),
        ("comment", ruth.pk, {"comment": ids[reply.pk], "reply_to": ids[first.pk], "text": "I did"}),
        ("comment", dana.pk, {"comment": ids[nested.pk], "reply_to": ids[first.pk], "text": "Really?"}),
        (
            "amend comment",
            ruth.pk,
            {"comment": ids[reply.pk], "reply_to": ids[first.pk], "text": "I did, at noon"},
        ),
        ("resolve", dana.pk, {"comment": ids[first.pk]}),
        ("reopen", ruth.pk, {"comment": ids[first.pk]}),
        ("hide comment", ruth.pk, {"comment": ids[reply.pk]}),
        ("show comment", dana.pk, {"comment": ids[reply.pk]}),
    ]
    assert {(row.section, row.entry_id, row.version, row.privileged) for row in rows} == {
        ("theories", entry.pk, 1, False)
    }
    assert list(ledger.faults(incident)) == []
    entry.refresh_from_db()
    assert entry.version == 1


def test_what_is_done_already_makes_no_row(incident, dana, entry):
    comment = say(incident, entry, dana)
    incident.resolve(entry, comment, by=dana)
    incident.hide_comment(entry, comment, by=dana)
    before = stored()
    again = Comment(pk=comment.pk, text="Other words")
    assert incident.comment(entry, again, by=dana).change is None
    assert incident.resolve(entry, comment, by=dana).change is None
    assert incident.hide_comment(entry, comment, by=dana).change is None
    incident.show_comment(entry, comment, by=dana)
    assert incident.amend(entry, comment, by=dana, version=1, text=comment.text).change is None
    comment.refresh_from_db()
    assert (comment.text, comment.version, before.keys() == stored().keys()) == ("Who saw it?", 1, True)


def test_an_answer_opens_a_resolved_thread(incident, dana, ruth, entry):
    first = say(incident, entry, dana)
    incident.resolve(entry, first, by=dana)
    say(incident, entry, ruth, "Not so fast", reply_to=first)
    first.refresh_from_db()
    assert (first.resolved_at, first.resolved_by) == (None, None)


def test_who_may_not_is_refused_and_nothing_is_written(incident, dana, ruth, entry):
    reader = factories.participant(incident, factories.user("reader"), Role.READER)
    legal = factories.participant(incident, factories.user("legal"), Role.LEGAL)
    executive = factories.participant(incident, factories.user("executive"), Role.EXECUTIVE)
    outsider = factories.user("outsider")
    hers = say(incident, entry, ruth)
    his = say(incident, entry, dana)
    before = stored()
    for person in (reader, legal, executive, outsider):
        for deed in (incident.resolve, incident.hide_comment, incident.show_comment):
            with pytest.raises(Refused):
                deed(entry, hers, by=person)
        with pytest.raises(Refused):
            say(incident, entry, person)
    for person, comment in (
        (dana, hers),
        (ruth, his),
    ):  # a commander hides, and does not put words into mouths
        with pytest.raises(Refused):
            incident.amend(entry, comment, by=person, version=1, text="Other words")
    with pytest.raises(Refused):
        incident.hide_comment(entry, his, by=ruth)
    assert stored() == before


def test_impossible_comments_are_refused_with_a_sentence(incident, dana, entry):
    other = factories.entry(incident, "theories")
    comment = say(incident, entry, dana)
    hidden = say(incident, other, dana)
    incident.remove(other, by=dana)
    summary = SECTIONS["summary"].single(incident)
    before = stored()
    for deed in (
        lambda: say(incident, other, dana),
        lambda: incident.resolve(other, hidden, by=dana),
        lambda: say(incident, summary, dana),
        lambda: say(incident, entry, dana, reply_to=hidden),
        lambda: incident.comment(entry, Comment(pk=hidden.pk, text="Taken over"), by=dana),
    ):
        with pytest.raises(Impossible, match=r"\.$"):
            deed()
    assert stored() == before
    incident.hide_comment(entry, comment, by=dana)
    with pytest.raises(Impossible, match="hidden"):
        incident.amend(entry, comment, by=dana, version=1, text="x")
    incident.show_comment(entry, comment, by=dana)


def test_ones_own_words_of_two_tabs_are_merged_or_both_kept(incident, dana, entry):
    comment = say(incident, entry, dana, "The mail came at noon.")
    incident.amend(entry, comment, by=dana, version=1, text="The mail came at noon. Ask Ruth.")
    saved = incident.amend(entry, comment, by=dana, version=1, text="The second mail came at noon.")
    assert (comment.text, saved.merged) == ("The second mail came at noon. Ask Ruth.", True)
    with pytest.raises(Overlap):
        incident.amend(entry, comment, by=dana, version=1, text="The third mail came at noon.")
    assert (comment.text, comment.version) == ("The second mail came at noon. Ask Ruth.", 3)


def test_an_entrys_versions_are_its_own_whatever_was_said_about_it(incident, dana, entry):
    say(incident, entry, dana)
    incident.change(entry, by=dana, version=1, text="A second wording")
    say(incident, entry, dana, "Better")
    values = ledger.values_at(entry.pk, 1)
    assert (values["text"], ledger.values_at(entry.pk, 2)["text"]) == (
        factories.LEAST["theories"]["text"],
        "A second wording",
    )
    assert incident.change(entry, by=dana, version=1, why="Because").merged


# --- what stays closed ------------------------------------------------------------------------------


def test_comments_go_with_their_entry_and_words_said_under_the_mark_stay(incident, dana, entry):
    say(incident, entry, dana, "said before")
    incident.change(entry, by=dana, version=1, privileged=True)
    first = say(incident, entry, dana, "said under the mark")
    rows = list(incident.changes.order_by("revision"))
    assert "said" not in rendering.message(incident, rows, Audience.DOCUMENT)
    assert "said under the mark" in rendering.message(incident, rows, Audience.PRIVILEGED)
    incident.change(entry, by=dana, version=2, privileged=False)
    say(incident, entry, dana, "answered in the open", reply_to=first)
    rows = list(incident.changes.order_by("revision"))
    assert threads(incident, entry, Audience.DOCUMENT) == [["said before"]]
    assert len(threads(incident, entry)) == 2
    told = str(
        history.described(incident, list(history.changes_for(incident, Audience.DOCUMENT)), Audience.DOCUMENT)
    )
    assert ("said before" in told.replace("</span><span>", ""), "answered" in told, "mark" in told) == (
        True,
        False,
        False,
    )
    assert rendering.message(incident, rows[-1:], Audience.DOCUMENT) == ""


def test_line_04_an_older_answer_in_a_thread_under_the_mark_is_changed_under_it(incident, dana, entry):
    first = say(incident, entry, dana, "asked in the open")
    answer = say(incident, entry, dana, "answered in the open", reply_to=first)
    incident.change(entry, by=dana, version=1, privileged=True)
    incident.amend(entry, first, by=dana, version=1, text="asked for counsel")
    incident.change(entry, by=dana, version=2, privileged=False)
    incident.amend(entry, answer, by=dana, version=1, text="answered for counsel")
    incident.hide_comment(entry, answer, by=dana)
    readable = list(history.changes_for(incident, Audience.DOCUMENT))
    told = str(history.described(incident, readable, Audience.DOCUMENT)).replace("</span><span>", "")
    assert ("answered in the open" in told, "counsel" in told) == (True, False)
    assert [row.privileged for row in incident.changes.order_by("-revision")[:2]] == [True, True]
    assert threads(incident, entry, Audience.DOCUMENT) == []


def test_an_entry_has_a_limited_number_of_comments_and_a_refusal_keeps_the_words(
    incident, dana, as_dana, entry, monkeypatch
):
    monkeypatch.setattr("incidents.talk.MOST", 2)
    for words in ("one", "two"):
        say(incident, entry, dana, words)
    sent = {"id": str(uuid.uuid4()), "text": "kept in the form", "version": "0"}
    answer = as_dana.post(f"/incidents/kestrel/{entry.section}/{entry.pk}/talk/", sent, headers=HX)
    assert (answer.status_code, incident.comments.count()) == (422, 2)
    assert "This entry has 2 comments." in answer.content.decode()
    assert "kept in the form" in answer.content.decode()


def test_an_entry_that_stands_on_the_screens_anew_brings_what_was_said(incident, dana, entry):
    say(incident, entry, dana, "still here")
    incident.remove(entry, by=dana)
    incident.restore(entry, by=dana)
    incident.change(entry, by=dana, version=3, privileged=True)
    incident.change(entry, by=dana, version=4, privileged=False)
    incident.remove(entry, by=dana)
    incident.change(entry, by=dana, version=6, restore=True, text="Other words")
    for version in (3, 5, 7):
        [row] = incident.changes.filter(entry_id=entry.pk, version=version)
        assert "still here" in rendering.message(incident, [row], Audience.DOCUMENT)
    row.before = {"hidden": True}
    assert rendering.inline(row, entry) == ""
    row.before = {"hidden": False}
    assert "data-kept" in rendering.inline(row, entry)


def test_a_comment_moves_no_head(incident, dana):
    fact = factories.entry(incident, "timeline", milestone="detected")
    say(incident, fact, dana)
    html = rendering.message(incident, list(incident.changes.order_by("-revision")[:1]), Audience.DOCUMENT)
    assert html.startswith(f'<div class="talk" id="talk-{fact.pk}"') and "doc-head" not in html


def test_a_comment_arrives_where_the_entry_may_be_read(stage):
    async def scenario(stage):
        entry = await stage.write(text="for counsel", privileged=True)
        opened = await stage.write(text="for all")
        names = ("reader", "legal", "executive")
        reader, legal, executive = [await stage.open(name) for name in names]
        await stage.act(say, stage.incident, entry, stage.dana, "a closed word")
        arrived = await legal.event()
        assert (f'id="talk-{entry.pk}"' in arrived["data"], "a closed word" in arrived["data"]) == (
            True,
            True,
        )
        assert (await reader.silence(), await executive.silence()) == ([], [])
        await stage.act(say, stage.incident, opened, stage.dana, "an open word")
        assert "an open word" in (await reader.event())["data"]
        assert await executive.silence() == []

    stage.play(scenario)


# --- the pages --------------------------------------------------------------------------------------


def test_a_comment_that_is_sent_twice_is_one(incident, as_ruth, entry):
    sent = {"id": str(uuid.uuid4()), "version": "0", "text": "Who\r\nsaw it?"}
    answers = [as_ruth.post(where(entry), sent, headers=HX) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    [comment] = Comment.objects.all()
    assert (str(comment.pk), comment.text) == (sent["id"], "Who\nsaw it?")
    assert all(f'id="talk-{entry.pk}"' in answer.content.decode() for answer in answers)


def test_a_comment_that_is_sent_again_with_more_words_is_changed(incident, ruth, as_ruth, entry):
    sent = {"id": str(uuid.uuid4()), "version": "0", "text": "Half"}
    as_ruth.post(where(entry), sent, headers=HX)
    answer = as_ruth.post(where(entry), {**sent, "text": "Half a thought"}, headers=HX)
    [comment] = incident.comments.all()
    assert (answer.status_code, comment.text, comment.version) == (200, "Half a thought", 2)
    as_ruth.post(where(entry), sent, headers=HX)  # the first one was on its way once more
    other = as_ruth.post(where(entry), {**sent, "text": "Half a day"}, headers=HX)
    comment.refresh_from_db()
    assert (other.status_code, comment.text, comment.version) == (409, "Half a thought", 2)
    form = parse(other.content.decode()).all("form", "say")[0]
    fields = {node.attrs["name"]: node.attrs.get("value") for node in form.all("input")}
    assert (fields["id"], fields["version"]) == (sent["id"], "2")
    as_ruth.post(where(entry), {**sent, "version": "2", "text": "Half a day"}, headers=HX)
    assert [row.text for row in incident.comments.all()] == ["Half a day"]


def test_a_form_is_answered_as_a_fragment_and_as_a_page(incident, as_ruth, ruth, entry):
    form = as_ruth.get(where(entry, "new/"), headers=HX).content.decode()
    assert form.lstrip().startswith("<form") and 'name="id"' in form and 'name="version"' in form
    assert as_ruth.post(where(entry), {"text": "Plain"}).headers["Location"].startswith(where(entry))
    [comment] = Comment.objects.all()
    page = as_ruth.get(where(entry)).content.decode()
    assert "Plain" in page and "<html" in page
    reply = as_ruth.get(where(entry, f"new/?to={comment.pk}"), headers=HX).content.decode()
    assert f'action="{where(entry)}?to={comment.pk}"' in reply
    as_ruth.post(where(entry, f"?to={comment.pk}"), {"text": "A reply"})
    own = as_ruth.get(where(entry, f"{comment.pk}/"), headers=HX).content.decode()
    assert f'action="{where(entry, f"{comment.pk}/")}"' in own and ">\nPlain</textarea>" in own
    as_ruth.post(where(entry, f"{comment.pk}/"), {"text": "Plainer", "version": "1"})
    assert threads(incident, entry) == [["Plainer", "A reply"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [("", "the comment is empty"), ("\x00", "damaged"), ("x" * 5001, "at most 5000"), ("\ud800", "damaged")],
)
def test_bad_words_are_refused_and_kept(incident, as_ruth, entry, words, said):
    body = f"text={words}" if words != "\ud800" else "text=%ED%A0%80"
    answer = as_ruth.post(where(entry), body, content_type="application/x-www-form-urlencoded", headers=HX)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert Comment.objects.count() == 0


def test_a_refusal_keeps_the_words(incident, dana, as_ruth, entry):
    incident.remove(entry, by=dana)
    answer = as_ruth.post(where(entry), {"text": "Half an idea"}, headers=HX)
    assert answer.status_code == 422
    assert "This entry was hidden." in answer.content.decode() and "Half an idea" in answer.content.decode()


def test_overlapping_words_of_another_tab_are_shown_beside_ones_own(incident, ruth, as_ruth, entry):
    comment = say(incident, entry, ruth, "It came at noon")
    incident.amend(entry, comment, by=ruth, version=1, text="It came at ten")
    answer = as_ruth.post(
        where(entry, f"{comment.pk}/"), {"text": "It came at one", "version": "1"}, headers=HX
    )
    shown = answer.content.decode()
    assert (answer.status_code, "It came at ten" in shown, "It came at one" in shown) == (409, True, True)
    as_ruth.post(where(entry, f"{comment.pk}/"), {"text": "It came at one", "version": "2"}, headers=HX)
    comment.refresh_from_db()
    assert comment.text == "It came at one"


def test_deeds_of_the_page_and_what_it_refuses(incident, dana, ruth, as_ruth, entry):
    comment, other = say(incident, entry, ruth), say(incident, entry, dana)
    for deed in ("resolve", "reopen", "hide", "show"):
        assert as_ruth.post(where(entry, f"{comment.pk}/{deed}/"), headers=HX).status_code == 200
    statuses = {
        "somebody else's words": as_ruth.post(where(entry, f"{other.pk}/"), {"text": "x"}).status_code,
        "somebody else's form": as_ruth.get(where(entry, f"{other.pk}/"), headers=HX).status_code,
        "hiding somebody else's": as_ruth.post(where(entry, f"{other.pk}/hide/")).status_code,
        "no such deed": as_ruth.post(where(entry, f"{other.pk}/burn/")).status_code,
        "no such comment": as_ruth.post(where(entry, f"{uuid.uuid4()}/resolve/")).status_code,
        "no such thread": as_ruth.get(where(entry, "new/?to=x")).status_code,
    }
    assert list(statuses.values()) == [403, 403, 403, 404, 404, 404]
    incident.remove(entry, by=dana)
    refused = as_ruth.post(where(entry, f"{comment.pk}/hide/"), headers=HX)
    assert (refused.status_code, "This entry was hidden." in refused.content.decode()) == (409, True)


def test_the_history_tells_what_was_said_and_brings_a_comment_back(incident, ruth, as_ruth, entry):
    comment = say(incident, entry, ruth, "It came at noon")
    incident.amend(entry, comment, by=ruth, version=1, text="It came at ten")
    incident.hide_comment(entry, comment, by=ruth)
    rows = history.described(
        incident, list(history.changes_for(incident, Audience.DOCUMENT)[:3]), Audience.DOCUMENT
    )
    assert [(row.deed, row.subject) for row in rows] == [
        (f"{deed} a comment on".replace("said a comment on", "commented on"), entry.text)
        for deed in ("hid", "changed", "said")
    ]
    assert "<del>noon</del><ins>ten</ins>" in rows[1].diffs[0].html
    page = as_ruth.get("/incidents/kestrel/history/?kind=hidden").content.decode()
    back = where(entry, f"{comment.pk}/show/")
    assert f'action="{back}"' in page
    assert as_ruth.post(back).status_code == 302
    assert threads(incident, entry) == [["It came at ten"]]
    assert back not in as_ruth.get("/incidents/kestrel/history/").content.decode()


def test_a_hidden_first_comment_keeps_its_thread(incident, dana, entry):
    first = say(incident, entry, dana, "First")
    say(incident, entry, dana, "Answer", reply_to=first)
    alone = say(incident, entry, dana, "Alone")
    for comment in (first, alone):
        incident.hide_comment(entry, comment, by=dana)
    assert threads(incident, entry) == [["Answer"]]
    assert "The first comment was hidden" in rendering.talk(entry, incident, Audience.DOCUMENT)


def test_comments_cost_the_same_queries_for_one_and_for_many(incident, dana, ruth, as_dana):
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert as_dana.get("/incidents/kestrel/").status_code == 200
        return len(captured)

    entries = [factories.entry(incident, name) for name in ("timeline", "theories", "lessons")]
    cost()
    without = cost()
    say(incident, entries[0], ruth, "@Dana look")
    one = cost()
    for about in entries:
        first = say(incident, about, ruth, "@Dana look")
        say(incident, about, dana, "Seen", reply_to=first)
        incident.resolve(about, first, by=dana)
    assert (one - without, cost() - one) == (1, 0)


def test_a_comment_costs_its_writer_at_most_twelve_queries(
    incident, dana, entry, django_assert_max_num_queries
):
    first = say(incident, entry, dana)
    with django_assert_max_num_queries(12):
        say(incident, entry, dana, "Again", reply_to=first)


# --- names ------------------------------------------------------------------------------------------


def test_line_12_names_on_offer_are_those_who_read_the_document(incident, dana, ruth, as_ruth):
    for name, role in (("reader", Role.READER), ("legal", Role.LEGAL), ("executive", Role.EXECUTIVE)):
        factories.participant(incident, factories.user(name), role)
    factories.user("outsider")
    gone = factories.participant(incident, factories.user("gone"))
    incident.let_out(gone, by=dana)
    found = as_ruth.get("/incidents/kestrel/people/names/").json()
    assert found == {"names": ["Dana", "Legal", "Reader", "Ruth"]}


def test_line_12_naming_an_outsider_marks_nobody(incident, dana, entry):
    factories.user("outsider")
    factories.participant(incident, factories.user("executive"), Role.EXECUTIVE)
    say(incident, entry, dana, "@Outsider and @Executive, not <b>@Dana</b>")
    html = rendering.talk(entry, incident, Audience.DOCUMENT)
    assert re.findall('<b class="named">(.*?)</b>', html) == ["@Dana"]
    assert "&lt;b&gt;" in html


def test_marks_stand_around_names_of_any_length():
    words = "(@Straße) @STRASSE @Ana Maria, @Ana"
    names = ["Straße", "Ana", "Ana Maria"]
    assert [words[start:end] for start, end in spans(words, names)] == [
        "@Straße",
        "@STRASSE",
        "@Ana Maria",
        "@Ana",
    ]
    assert str(text.marked("a\n@Ana\u202e", [(2, 6)])).startswith('a<br><b class="named">@Ana</b><span')


# --- steps ------------------------------------------------------------------------------------------


def test_a_step_is_given_to_readers_of_the_document_only(incident, dana, as_dana, ruth):
    step = factories.entry(incident, "next_steps", assignee=ruth)
    executive = factories.participant(incident, factories.user("executive"), Role.EXECUTIVE)
    for person in (factories.user("outsider"), executive):
        with pytest.raises(Impossible, match="cannot be given the step"):
            incident.change(step, by=dana, version=1, assignee=person)
        with pytest.raises(Impossible, match="cannot be given the step"):
            factories.entry(incident, "next_steps", assignee=person)
        form = {
            "text": "x",
            "state": "open",
            "priority": "normal",
            "version": "1",
            "assignee": str(person.pk),
        }
        address = f"/incidents/kestrel/next_steps/{step.pk}/"
        assert as_dana.post(address, form).status_code == 422
    incident.change(step, by=dana, version=1, assignee=None)
    incident.let_out(ruth, by=dana)
    answer = as_dana.post(f"{address}revert/1/", headers=HX)
    assert (answer.status_code, "cannot be given the step" in answer.content.decode()) == (409, True)
    step.refresh_from_db()
    assert step.assignee is None


def test_a_step_is_given_back_by_whoever_has_it(incident, dana, ruth, as_dana, as_ruth):
    step = factories.entry(incident, "next_steps", assignee=ruth)
    act = f"/incidents/kestrel/next_steps/{step.pk}/do/"
    assert "Dana gave it to Ruth 1 s ago." in as_dana.post(f"{act}give-back/", headers=HX).content.decode()
    as_ruth.post(f"{act}give-back/", headers=HX)
    step.refresh_from_db()
    assert step.assignee is None
    as_ruth.post(f"{act}take/", headers=HX)
    incident.change(step, by=dana, version=3, text="Other words")
    assert "Ruth took it 1 s ago." in as_dana.post(f"{act}take/", headers=HX).content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_who_take_a_step_at_once_get_one_owner_and_one_sentence(monkeypatch):
    dana, ruth = factories.user("dana"), factories.user("ruth")
    incident = factories.incident(dana)
    factories.participant(incident, ruth)
    step = factories.entry(incident, "next_steps")
    clients = {"Dana": sign_in(Client(), dana), "Ruth": sign_in(Client(), ruth)}
    both = threading.Barrier(2, timeout=10)
    find, answers = verbs.find, {}

    def together(*args):
        found = find(*args)
        if not both.broken and found[1].assignee_id is None:
            both.wait()
        return found

    def take(name):
        try:
            answers[name] = (
                clients[name]
                .post(f"/incidents/kestrel/next_steps/{step.pk}/do/take/", headers=HX)
                .content.decode()
            )
        finally:
            connection.close()

    monkeypatch.setattr(verbs, "find", together)
    threads = [threading.Thread(target=take, args=[name]) for name in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    step.refresh_from_db()
    first = step.assignee.display_name
    [second] = clients.keys() - {first}
    assert (f"{first} took it 1 s ago." in answers[second], "took it" in answers[first]) == (True, False)
    assert incident.changes.filter(entry_id=step.pk, action="change").count() == 1
    assert step.version == 2
