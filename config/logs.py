"""Log lines that cannot be forged by what somebody typed (ASVS 16.2.5)."""

import logging


class OneLine(logging.Formatter):
    """A formatter that writes CR and LF inside a message as escapes; a traceback keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
