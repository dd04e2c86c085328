"""Who is named with an @."""

import pytest

from incidents.mentions import mentioned

PEOPLE = {1: "Dana Voss", 2: "Dana", 3: "Ruth Okafor", 4: "Ruth Okafor", 5: "José N."}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@Dana Voss look", {1}),
        ("ask @dana voss, and @DANA", {1, 2}),
        ("(@Dana)", {2}),
        ("@Danas", set()),
        ("mail dana@Dana.example", set()),
        ("@@Dana", set()),
        ("@Ruth Okafor", {3, 4}),
        ("@Ruth", set()),
        ("@José N. has it", {5}),
        ("@ Dana", set()),
        ("", set()),
    ],
)
def test_mentioned_finds_names_behind_an_at(text, found):
    assert mentioned(text, PEOPLE) == found
