"""Codenames: two plain words drawn at random, so that a name says nothing about its incident. Floor 0."""

import re
import secrets
import unicodedata
from collections.abc import Callable
from itertools import chain

from django.utils.crypto import salted_hmac

FIRST = """amber arctic ashen autumn basalt brass bright broken calm cedar chalk clear cobalt copper coral distant
drifting eastern ember faded fallow feather flint frozen gentle granite harbour hollow idle inland ivory juniper
kindled larch level linen lunar marble meadow mellow midnight misty morning mossy narrow northern oaken olive open
outer paper patient pewter plain quiet rapid russet salt sandy scarlet silent silver slate slow southern spruce
steady still stone summer sunken tidal timber upland velvet violet walnut western willow winter""".split()
SECOND = """anchor anvil arbour arrow badger barge basin beacon bellows birch bridge brook buoy canal cairn candle
canyon compass crane creek delta dune falcon fathom ferry finch fjord forge gable garnet glacier gull hammer harrow
haven heron inlet island kestrel kettle ladder lantern lark ledge lighthouse linnet loom marlin marten mill moth
needle oar orchard osprey otter paddle pasture pebble pier pilgrim plover prairie quarry quill raft rampart ravine
reef ridge river rudder saddle sail sandpiper sextant shuttle sparrow spindle summit swift tarn tern thicket tiller
torrent trellis valley vane wharf wren""".split()


PAGES = frozenset({"start", "access", "invitations", "notices"})  # addresses beside those of incidents
ROOM = 40  # letters of a codename that leave room for a number
TRIES = 20


def draw() -> str:
    """A codename such as QUIET HERON (about 8,000 of them)."""
    return f"{secrets.choice(FIRST)} {secrets.choice(SECOND)}".upper()


def proposal(seed: str, taken: Callable[[str], bool]) -> str:
    """The free codename that belongs to a seed: asked again, it is the same.

    If each look drew another, somebody could wait for a name and then try whether it is taken (SECURITY 6).
    """
    for turn in range(TRIES):
        digest = salted_hmac("incidents.codename", f"{seed}:{turn}", algorithm="sha256").digest()
        first, second = int.from_bytes(digest[:8]), int.from_bytes(digest[8:16])
        codename = f"{FIRST[first % len(FIRST)]} {SECOND[second % len(SECOND)]}".upper()
        if not taken(slug_of(codename)):
            return codename
    return longer(draw())


def slug_of(codename: str) -> str:
    """The form for addresses: PILGRIM LANTERN → pilgrim-lantern; empty when nothing usable is left."""
    letters = unicodedata.normalize("NFKD", codename).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:64].strip("-")


def plain(codename: str) -> str:
    """The codename with nothing but letters, digits, spaces and hyphens: it stands in the subject of mails."""
    return " ".join(
        "".join(letter if letter.isalnum() or letter == "-" else " " for letter in codename).split()
    )


def longer(codename: str) -> str:
    """The codename with a number, shortened where there is no room for it."""
    if len(slug_of(codename)) > ROOM:
        codename = slug_of(codename)[:ROOM].replace("-", " ").strip()
    return f"{codename} {secrets.randbelow(90_000) + 10_000}"


def numbered(codename: str, taken: Callable[[str], bool]) -> str:
    """A codename that somebody typed, with a number that is free.

    Whether one was taken does not show, and there are too many to find it out by the one that never comes.
    """
    while taken(slug_of(found := longer(codename))):
        pass
    return found


def unused(wanted: str, taken: Callable[[str], bool]) -> str:
    """The codename, or a longer one where its address is taken or that of another page."""
    for codename in chain([wanted], (longer(wanted) for _ in range(TRIES))):
        if slug_of(codename) not in PAGES and not taken(slug_of(codename)):
            return codename
    return unused(draw(), taken)
