"""Every line of the security bar that is about access, traces, sessions and the record has a test of its name."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent.parent

# What each line asks for, in a few words. Written by hand: a line without a test fails here.
LINES = {
    1: "every route × method × persona",
    2: "an executive sees the summary only",
    3: "a stream ends with the right to look",
    4: "each event is authorised when it is sent",
    5: "a superuser sees nothing",
    6: "an incident that exists looks like one that does not",
    7: "children are looked up within their incident",
    8: "who reads does not write",
    9: "a form takes what it lists",
    10: "revoked while a request is in flight",
    11: "old links obey today's grants",
    12: "lists offer members only",
    13: "titles and mail carry the codename only",
    14: "nothing is kept by the browser",
    15: "isolation headers, nothing from elsewhere",
    16: "nothing in logs and error pages",
    17: "nothing in the metadata of a report",
    18: "ids cannot be guessed, and are authorised",
    19: "twenty hand-overs make one commander",
    20: "a commander hands over before anything else",
    21: "break-glass takes two people, a reason and an end",
    22: "an invitation is bound, used once, dead with its inviter",
    23: "a closed account ends everything at once",
    36: "attempts are slowed down, nobody is locked out",
    37: "second factors",
    38: "sessions and cookies",
    39: "what grants asks again who one is",
    40: "nobody learns who has an account",
    41: "redirects stay on this host",
    42: "strict policy, tokens, GET never writes",
    43: "the ledger shows what was done to it",
    44: "readings and downloads are recorded without content",
    45: "a legal hold blocks deletion",
    46: "nothing is destroyed by editing",
}


def proved(sources: list[str]) -> set[int]:
    """The numbers of the lines that some collected test function is named after."""
    names = [
        node.name
        for source in sources
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {int(found[1]) for name in names if (found := re.match(r"test_line_(\d\d)_[a-z]", name))}


def test_every_line_of_the_bar_has_a_test():
    here = proved([path.read_text() for path in TESTS.rglob("test_*.py")])
    assert {number: words for number, words in LINES.items() if number not in here} == {}


def test_a_line_without_a_test_would_be_missed():
    assert proved(["def test_line_07_children(): ...", "def test_line_8(): ...", "def test_x(): ..."]) == {7}
