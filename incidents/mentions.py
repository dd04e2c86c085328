"""Who is named in a text with @name. Floor 0: works on plain text and names."""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
AT = re.compile(r"(?<![\w@.])@(?=\w)")


def mentioned(text: str, people: Mapping[Key, str]) -> set[Key]:
    """The keys of the people whose display name stands behind an @ in the text, in any case.

    The longest name wins: “@Ana Maria” is not Ana. Two people of the same name are both meant.
    """
    found = {text[start + 1 : end].casefold() for start, end in spans(text, people.values())}
    return {key for key, name in people.items() if name.casefold() in found}


def spans(text: str, names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where one of the names stands behind an @: from the @ to the end of the name, in order."""
    folded = sorted({name.casefold() for name in names if name}, key=len, reverse=True)
    for at in AT.finditer(text):
        rest = text[at.end() : at.end() + 400]
        for name in folded:
            length = _matched(rest, name)
            if length and not re.match(r"\w", rest[length:]):
                yield at.start(), at.end() + length
                break


def _matched(rest: str, name: str) -> int:
    """How many characters of a text are the name, which is case-folded and may have another length then; 0: none."""
    if not rest.casefold().startswith(name):
        return 0
    return next((end for end in range(1, len(rest) + 1) if rest[:end].casefold() == name), 0)
