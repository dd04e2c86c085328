"""One process: the raw live stream, and Django's synchronous chain on a few threads beside it.

A stream costs no thread and no database connection; a page view keeps its thread's connection.
"""

import asyncio
import gc
import sys

from a2wsgi import WSGIMiddleware

from config import bodies, precedence
from config.wsgi import application as pages
from incidents.live import Live

THREADS = 16
LANE = 12  # of them for those who read, and for those who write: either leaves some to the other

# What is there after the start stays: the collector need not go through it again while people wait.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
# The event loop hands a change to everybody in one go; it should not wait 5 ms for a thread that renders a page.
sys.setswitchinterval(0.0005)


def answered(environ, start_response):
    """Django's answer; while it is made, who writes goes first. A request that waits for a thread holds up nobody."""
    with precedence.under_way(environ["REQUEST_METHOD"]):
        return pages(environ, start_response)


live = Live()
reading, writing = asyncio.Semaphore(LANE), asyncio.Semaphore(LANE)
threaded = WSGIMiddleware(answered, workers=THREADS)


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
            async with reading if scope["method"] in precedence.READS else writing:
                await threaded(scope, receive, send)
