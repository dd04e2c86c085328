"""The page for a fault. A database that does not answer, or has no room, is no fault of the code: 503, try again."""

import errno
import sys

from django.db import InterfaceError, NotSupportedError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

# SQLite's primary result codes: busy, locked, out of memory, read-only, I/O error, full, cannot open.
PASSING = {5, 6, 7, 8, 10, 13, 14}
# What PostgreSQL says of a statement that a connection prepared before a migration changed its columns.
OUTDATED = "0A000"
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
AGAIN = 5  # seconds


def passes(error: BaseException | None) -> bool:
    """Whether an error means that the database or the disk cannot do it now, and may be able to in a moment.

    What psycopg calls operational is that (connections, resources, intervention); sqlite3 calls a fault in a
    statement so as well, so its result code is asked.
    """
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    if connection.vendor == "sqlite":
        code = getattr(error.__cause__, "sqlite_errorcode", 0) if isinstance(error, OperationalError) else 0
        return code & 0xFF in PASSING
    return isinstance(error, InterfaceError | OperationalError) or outdated(error)


def outdated(error: BaseException | None) -> bool:
    """Whether the connection prepared statements for columns that a migration has changed since."""
    return isinstance(error, NotSupportedError) and getattr(error.__cause__, "sqlstate", "") == OUTDATED


def fault(request: HttpRequest) -> HttpResponse:
    """Django's handler500: called while the exception is being handled. The pages ask the database nothing."""
    error = sys.exc_info()[1]
    if outdated(error):
        connection.close()  # a new one prepares anew
    if passes(error):
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": str(AGAIN)})
    return HttpResponse(render_to_string("500.html"), status=500)
