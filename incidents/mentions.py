"""Who is named in a text with @name. Floor 0: works on plain text and names."""

import re
from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
AT = re.compile(r"(?<![\w@.])@(?=\w)")


def mentioned(text: str, people: Mapping[Key, str]) -> set[Key]:
    """The keys of the people whose display name stands behind an @ in the text, in any case.

    The longest name wins: “@Ana Maria” is not Ana. Two people of the same name are both meant.
    """
    names = sorted({name.casefold() for name in people.values() if name}, key=len, reverse=True)
    found = set()
    for at in AT.finditer(text):
        rest = text[at.end() : at.end() + 400].casefold()
        for name in names:
            if rest.startswith(name) and not re.match(r"\w", rest[len(name) :]):
                found.add(name)
                break
    return {key for key, name in people.items() if name.casefold() in found}
