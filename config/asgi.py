"""One process: the raw live stream, and Django's synchronous chain on a few threads beside it.

A stream costs no thread and no database connection; a page view keeps its thread's connection.
"""

import gc
import sys

from a2wsgi import WSGIMiddleware

from config import bodies, precedence
from config.wsgi import application as pages
from incidents.live import Live

THREADS = 16

# What is there after the start stays: the collector need not go through it again while people wait.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
# The event loop hands a change to everybody in one go; it should not wait 5 ms for a thread that renders a page.
sys.setswitchinterval(0.0005)

live = Live()
threaded = WSGIMiddleware(pages, workers=THREADS)  # type: ignore[arg-type]


async def application(scope, receive, send):
    """ASGI entry point: lifespan, the streams, and everything else."""
    if scope["type"] == "lifespan":
        await live.lifespan(receive, send)
    elif scope["type"] == "http" and live.serves(scope):
        await live.answer(scope, receive, send)
    else:
        try:
            receive = await bodies.spool(scope, receive)
        except bodies.Refused as refused:
            await bodies.refuse(send, refused.status)
        else:
            with precedence.under_way(scope["method"]):
                await threaded(scope, receive, send)
