"""Tells a page that its reader was told of something: the page asks for the number. Floor 7. Event loop only."""

import asyncio
from collections.abc import Callable

from django.db.models import Count

from incidents.notices import Notice
from incidents.streams import Stream, event

EVERY = 1.5  # seconds


class Bell:
    """How many notices each person with a stream in this process had unread when it was last looked at."""

    def __init__(self, streams: dict[str, Stream], in_database: Callable):
        self.streams, self.in_database = streams, in_database
        self.known: dict[object, int] = {}

    async def run(self) -> None:
        """For as long as the process serves: look now and again."""
        while True:
            await asyncio.sleep(EVERY)
            await self.ring()

    async def ring(self) -> None:
        """Look, and tell the streams of those for whom it has changed."""
        people = {stream.user_id for stream in self.streams.values()}
        if not people:
            return
        now = dict.fromkeys(people, 0) | await self.in_database(unread, people)
        changed = {person for person in people if self.known.get(person, now[person]) != now[person]}
        self.known = now
        for stream in list(self.streams.values()):
            if stream.user_id in changed:
                stream.push(event("", None, "told"))


def unread(people: set) -> dict[object, int]:
    """User → how many notices they have not read, for those who have any."""
    rows = Notice.objects.filter(user__in=people, read_at=None).values_list("user_id")
    return dict(rows.annotate(number=Count("pk")).order_by())
