"""Three-way merge of an entry's fields. Floor 0: works on plain values as the ledger keeps them.

Fields that only one side touched take that side. Text that both changed is merged word by word with the
merge3 library; where the same words were changed differently there is no merge, and nothing is guessed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from merge3 import Merge3

MOST_WORDS = 5000  # the work grows with the square; a longer text that both changed is shown to a person
WORD = re.compile(r"\s+|\w+|[^\w\s]")


def merge_text(base: str, mine: str, theirs: str) -> str | None:
    """Both changes in one text, or None where they touch: the same words, or words with none unchanged between them."""
    words = [WORD.findall(text) for text in (base, mine, theirs)]
    if max(map(len, words)) > MOST_WORDS:
        return None
    parts = Merge3(words[0], words[1], words[2])
    merged: list[str] = []
    changed_by = ""  # whose change stands before, with no unchanged word since
    for side, *pieces in parts.merge_groups():
        if side == "conflict" or (side in ("a", "b") and changed_by not in ("", side)):
            return None
        merged.extend(pieces[0])
        if side in ("a", "b"):
            changed_by = side
        elif any(piece[0].isalnum() for piece in pieces[0]):
            changed_by = ""
    return "".join(merged)


def join_text(base: str, mine: str, theirs: str) -> str:
    """Every word of both in one text, for a person to edit: where both changed the same words, theirs and then mine.

    The texts one below the other where they are long, or less than half of the words of either are unchanged.
    """
    words = [WORD.findall(text) for text in (base, mine, theirs)]
    below = f"{theirs}\n{mine}"
    if max(map(len, words)) > MOST_WORDS:
        return below
    groups = list(Merge3(words[0], words[1], words[2]).merge_groups())
    unchanged = sum(_count(pieces[0]) for side, *pieces in groups if side == "unchanged")
    if 2 * unchanged < max(_count(words[1]), _count(words[2])):
        return below
    joined = ""
    for side, *pieces in groups:
        if side == "conflict":
            own, other = "".join(pieces[1]), "".join(pieces[2])
            apart = own and other and not other[-1].isspace() and not own[0].isspace()
            joined += f"{other} {own}" if apart else other + own
        else:
            joined += "".join(pieces[0])
    return joined


def _count(pieces: Sequence[str]) -> int:
    """How many of them are words."""
    return sum(piece[0].isalnum() for piece in pieces)


def merge_fields(
    units: Iterable[tuple[str, ...]], prose: frozenset[str], base: Mapping, mine: Mapping, theirs: Mapping
) -> tuple[dict, list[str]]:
    """Merge field by field; a unit is the fields that belong together, such as a time and its precision.

    Returns the merged values (mine where it could not merge) and the first field of each unit in conflict.
    """
    merged: dict = {}
    conflicts: list[str] = []
    for unit in units:
        was, one, other = (tuple(side.get(name) for name in unit) for side in (base, mine, theirs))
        if one == other or other == was:
            chosen = one
        elif one == was:
            chosen = other
        else:
            text = (
                merge_text(*(str(side[0] or "") for side in (was, one, other))) if unit[0] in prose else None
            )
            chosen = one if text is None else (text,)
            if text is None:
                conflicts.append(unit[0])
        merged.update(zip(unit, chosen, strict=True))
    return merged, conflicts
