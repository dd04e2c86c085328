"""The three-way merge: what only one side touched is taken, what both touched is never guessed."""

from hypothesis import given
from hypothesis import strategies as st

from incidents.merging import join_text, merge_fields, merge_text

WORDS = st.lists(st.sampled_from("found closed wiki token Tuesday 17:23 by the actor".split()), max_size=8)
TEXT = WORDS.map(" ".join)
UNITS = [("text",), ("source",), ("at", "at_precision")]


def test_changes_apart_are_joined():
    assert (
        merge_text("one two three", "zero one two three", "one two three four") == "zero one two three four"
    )


def test_changes_that_touch_are_not_joined_to_a_fact_that_nobody_stated():
    base = "vault token revoked"
    assert merge_text(base, "vault token revoked at 02:10", "vault token rotated twice") is None
    assert merge_text(base, "vault key revoked", "vault token revoked twice") == "vault key revoked twice"


def test_changes_of_the_same_words_are_not_guessed():
    assert merge_text("at 17:23", "at 17:18", "at 17:30") is None


def test_both_said_the_same():
    assert merge_text("a b", "a c", "a c") == "a c"


def test_a_unit_moves_as_one():
    base = {"text": "x", "source": "", "at": "1", "at_precision": "day"}
    mine = {**base, "at": "2", "at_precision": "minute"}
    theirs = {**base, "source": "log"}
    merged, conflicts = merge_fields(UNITS, frozenset({"text"}), base, mine, theirs)
    assert (merged, conflicts) == ({**base, "source": "log", "at": "2", "at_precision": "minute"}, [])


@given(TEXT, TEXT, TEXT)
def test_no_word_of_either_is_lost(base, mine, theirs):
    merged = merge_text(base, mine, theirs)
    if merged is None:
        return
    added_by_me = set(mine.split()) - set(base.split())
    added_by_them = set(theirs.split()) - set(base.split())
    assert added_by_me | added_by_them <= set(merged.split())


@given(TEXT, TEXT, TEXT)
def test_the_draft_for_a_person_holds_every_word_that_either_added(base, mine, theirs):
    joined = join_text(base, mine, theirs)
    added = (set(mine.split()) | set(theirs.split())) - set(base.split())
    assert added <= set(joined.split())


def test_the_draft_for_a_person_says_only_the_disputed_words_twice():
    base = "One prompt is accepted. A session opens."
    mine, theirs = base.replace("accepted", "accepted (mine)"), base.replace("accepted", "accepted (theirs)")
    assert join_text(base, mine, theirs) == "One prompt is accepted (theirs) (mine). A session opens."
    assert join_text("It stood alone", "It stood there", "It stood here") == "It stood here there"


def test_the_draft_for_a_person_keeps_sentences_that_have_little_in_common():
    base, mine = "A message tells the contractor", "The contractor accepts by mistake, half asleep"
    theirs = "At 06:51 the intruder reaches the VPN"
    assert join_text(base, mine, theirs) == f"{theirs}\n{mine}"


@given(TEXT, TEXT)
def test_who_changed_alone_is_taken_as_it_is(base, mine):
    assert merge_text(base, mine, base) == mine
    assert merge_text(base, base, mine) == mine


@given(TEXT, TEXT, TEXT)
def test_a_merge_does_not_depend_on_who_comes_first(base, mine, theirs):
    one, other = merge_text(base, mine, theirs), merge_text(base, theirs, mine)
    assert (one is None) == (other is None)


def test_a_very_long_text_that_both_changed_is_left_to_a_person():
    base = "word " * 4000
    assert merge_text(base, base + "mine", "theirs " + base) is None
