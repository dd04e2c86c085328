"""Whatever the order in which people begin, type, save, hide and restore one entry: no word of anybody is lost."""

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.conflicts import joined
from incidents.incident import Conflict
from incidents.ledger import Change
from incidents.merging import merge_fields, merge_text
from tests import factories

PROSE = ("text", "why")
STATES = ("open", "pursuing", "ruled out")
KINDS = ("begin", "insert", "insert", "insert", "delete", "state", "save", "save", "hide", "restore")
RESOLUTIONS = ("joined", "mine", "theirs")

# --- the merge alone: a text as words that are nowhere else, and edits of some of them --------------------


@st.composite
def edits_apart(draw):
    """A base, and two people's edits of it with at least one untouched word between any two of them."""
    places = draw(st.integers(2, 12))
    new = itertools.count()
    base, mine, theirs, both = [], [], [], []
    touched = False
    for place in range(places):
        word = f"w{place}"
        base.append(word)
        who = "nobody" if touched else draw(st.sampled_from(("nobody", "me", "them")))
        touched = who != "nobody"
        how = draw(st.sampled_from(("before", "after", "instead", "without"))) if touched else "as it was"
        said = {
            "before": [f"n{next(new)}", word],
            "after": [word, f"n{next(new)}"],
            "instead": [f"n{next(new)}"],
            "without": [],
            "as it was": [word],
        }[how]
        mine += said if who == "me" else [word]
        theirs += said if who == "them" else [word]
        both += said
    return [" ".join(words) for words in (base, mine, theirs, both)]


@given(edits_apart())
def test_edits_that_do_not_touch_are_both_in_the_text_exactly(texts):
    base, mine, theirs, both = texts
    assert merge_text(base, mine, theirs) == both
    assert merge_text(base, theirs, mine) == both


@given(edits_apart(), st.sampled_from(STATES), st.sampled_from(STATES))
def test_fields_that_one_person_touched_are_as_that_person_left_them(texts, my_state, their_state):
    base, mine, theirs, both = texts
    merged, conflicts = merge_fields(
        [("text",), ("state",), ("why",)],
        frozenset(PROSE),
        {"text": base, "state": "open", "why": "unknown"},
        {"text": mine, "state": my_state, "why": "unknown"},
        {"text": theirs, "state": their_state, "why": "for a reason"},
    )
    assert (merged["text"], merged["why"]) == (both, "for a reason")
    apart = my_state != their_state and "open" not in (my_state, their_state)
    assert conflicts == (["state"] if apart else [])
    assert merged["state"] == (my_state if my_state != "open" else their_state)


# --- with the database: people, each with a form ----------------------------------------------------------


@dataclass
class Editor:
    """Somebody with a form: what it held when it was opened, what stands in it, and at which version it was opened."""

    user: object
    version: int = 0
    base: dict = field(default_factory=dict)
    form: dict = field(default_factory=dict)


def words(values: dict) -> set[str]:
    """The words of an entry's prose."""
    return {word for name in PROSE for word in str(values.get(name) or "").split()}


class Desk:
    """One entry, and everybody who edits it."""

    def __init__(self, incident, users):
        self.incident = incident
        self.entry = factories.entry(incident, "theories", text="one two three four", why="five six")
        self.editors = [Editor(user) for user in users]
        self.acknowledged: set[str] = {"one", "two", "three", "four", "five", "six"}
        self.new = itertools.count()
        for editor in self.editors:
            self.begin(editor)

    def begin(self, editor: Editor) -> None:
        """Open the form, unless the entry is hidden."""
        self.entry.refresh_from_db()
        editor.form = {}
        if not self.entry.hidden:
            editor.version, editor.base = self.entry.version, self.entry.values()
            editor.form = dict(editor.base)

    def do(self, who: int, kind: str, number: int) -> None:
        """One step of one editor; what makes no sense just then is left out."""
        editor = self.editors[who]
        if kind in ("hide", "restore"):
            act = self.incident.remove if kind == "hide" else self.incident.restore
            act(self.entry, by=editor.user)
        elif kind == "begin":
            self.begin(editor)
        elif editor.form and kind == "save":
            self.save(editor, RESOLUTIONS[number % 3])
        elif editor.form:
            self.type(editor, kind, number)

    def type(self, editor: Editor, kind: str, number: int) -> None:
        """Change what stands in the form."""
        if kind == "state":
            editor.form["state"] = STATES[number % 3]
            return
        name = PROSE[number % 2]
        said = editor.form[name].split()
        if kind == "insert":
            said.insert(number % (len(said) + 1), f"new{next(self.new)}")
        elif name == "why" or len(set(said)) > 1:  # the theory itself is never empty
            gone = said[number % len(said)] if said else ""
            said = [word for word in said if word != gone]
        editor.form[name] = " ".join(said)

    def save(self, editor: Editor, resolution: str) -> None:
        """Send the form; where it conflicts, choose."""
        self.entry.refresh_from_db()
        theirs, hidden = self.entry.values(), self.entry.hidden
        mine, base = editor.form, editor.base
        sent = {name: mine[name] for name in (*PROSE, "state")}
        try:
            self.incident.change(self.entry, by=editor.user, version=editor.version, **sent)
        except Conflict as conflict:
            self.entry.refresh_from_db()
            assert self.entry.values() == theirs, "a conflict writes nothing"
            assert words(conflict.mine) >= words(mine) and words(conflict.theirs) == words(theirs)
            if resolution == "theirs":
                self.begin(editor)
                return
            chosen = joined(conflict, type(self.entry)) if resolution == "joined" else conflict.merged
            version = conflict.entry.version
            sent = {name: chosen[name] for name in (*PROSE, "state")}
            self.incident.change(self.entry, by=editor.user, version=version, restore=True, **sent)
            self.entry.refresh_from_db()
            if resolution == "joined":
                self.merged(base, mine, theirs, exactly=False)
            assert words(mine) - words(base) <= words(self.entry.values())
        else:
            assert not hidden, "a hidden entry is not changed unasked"
            self.entry.refresh_from_db()
            self.merged(base, mine, theirs)
        assert not self.entry.hidden
        self.acknowledged |= words(mine)
        self.begin(editor)

    def merged(self, base: dict, mine: dict, theirs: dict, exactly: bool = True) -> None:
        """What both added is there; and, where no word occurs twice, what either took out is not."""
        now = words(self.entry.values())
        added = (words(mine) | words(theirs)) - words(base)
        assert added <= now
        plain = all(
            len(side[name].split()) == len(set(side[name].split()))
            for side in (base, mine, theirs)
            for name in PROSE
        )
        if exactly and plain:
            assert now == added | (words(base) & words(mine) & words(theirs))

    def check(self) -> None:
        """Every acknowledged word is in the entry or in its history, whose versions have no gap."""
        rows = list(Change.objects.filter(entry_id=self.entry.pk).order_by("revision"))
        kept = set().union(*(words(row.values) for row in rows))
        assert self.acknowledged <= kept
        assert [row.version for row in rows] == list(range(1, len(rows) + 1))
        self.entry.refresh_from_db()
        assert rows[-1].values == self.entry.values()


def steps(editors: int):
    """What so many editors do, in any order."""
    step = st.tuples(st.integers(0, editors - 1), st.sampled_from(KINDS), st.integers(0, 20))
    return st.lists(step, min_size=6, max_size=24)


def play(incident, users, what) -> None:
    desk = Desk(incident, users)
    for step in what:
        desk.do(*step)
    desk.check()


small = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def people(incident, dana):
    """The commander and two responders."""
    return [dana, *(factories.participant(incident, factories.user(name)) for name in ("tomas", "ruth"))]


@small
@given(what=steps(2))
def test_two_editors_lose_no_word(incident, people, what):
    play(incident, people[:2], what)


@small
@given(what=steps(3))
def test_three_editors_lose_no_word(incident, people, what):
    play(incident, people, what)
