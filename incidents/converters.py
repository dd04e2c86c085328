"""What stands in an address: codenames, sections, numbers."""

import re


def whole_number(text: str) -> int | None:
    """A number as an address or a header names it; None for everything else (“²” is a digit to Python)."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


class CodenameConverter:
    """pilgrim-lantern: lower-case words with hyphens, as Incident.slug holds them."""

    regex = "[a-z0-9]+(?:-[a-z0-9]+)*"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class SectionConverter(CodenameConverter):
    """The name of a registered section."""

    regex = "[a-z_]+"

    def to_python(self, value: str) -> str:
        from incidents.sections import SECTIONS

        if value not in SECTIONS:
            raise ValueError
        return value
