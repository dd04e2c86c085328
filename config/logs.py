"""Log lines that cannot be forged by what somebody typed and quote none of it (ASVS 16.2.5)."""

import logging
import re
import traceback
from types import TracebackType

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# What these say is about the machine: a connection, a file, a setting. Any other message may quote what
# somebody wrote (“Failing row contains …”, “invalid literal: …”) and is left out.
OF_THE_MACHINE = ("OSError", "OperationalError", "InterfaceError", "ImproperlyConfigured")
WITHHELD = "(message withheld: it may quote an incident)"


class OneLine(logging.Formatter):
    """A formatter that escapes control characters inside a message; a traceback keeps its lines, not its words."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), line)

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        if ei[1] is None:
            return ""
        told = traceback.TracebackException.from_exception(ei[1])
        withhold(told, ei[1])
        return "".join(told.format()).rstrip("\n")


def withhold(told: traceback.TracebackException, error: BaseException) -> None:
    """Leave only type and place of an exception and of those behind it, unless they speak of the machine."""
    if not {kind.__name__ for kind in type(error).__mro__} & set(OF_THE_MACHINE):
        told._str = WITHHELD if str(error) else ""  # type: ignore[attr-defined]
        told.__notes__ = []
    for behind, cause in ((told.__cause__, error.__cause__), (told.__context__, error.__context__)):
        if behind is not None and cause is not None:
            withhold(behind, cause)
    for part, member in zip(told.exceptions or (), getattr(error, "exceptions", ()), strict=False):
        withhold(part, member)
