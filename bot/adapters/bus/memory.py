"""The bus of one process; it also hands out what the bus of several processes receives."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from bot.domain.topics import QUEUE, checked

# More than a console shows at once; beyond it a refresh of everything is cheaper anyway.
CAPACITY = 64


class _Waiting:
    """What one subscriber has not been told yet: each topic once, and never more than a limit."""

    def __init__(self) -> None:
        self._topics: dict[str, None] = {}
        self._news = asyncio.Event()
        self._over = False

    def add(self, topic: str) -> None:
        if len(self._topics) == CAPACITY and topic not in self._topics:
            self._topics.clear()
            topic = QUEUE
        self._topics[topic] = None
        self._news.set()

    def end(self) -> None:
        self._over = True
        self._news.set()

    async def topics(self) -> AsyncIterator[str]:
        while True:
            await self._news.wait()
            for topic in self._taken():
                yield topic
            if self._over:
                return

    def _taken(self) -> Iterator[str]:
        """Take one after the other, so that a topic published meanwhile is not lost or doubled."""
        while self._topics:
            topic = next(iter(self._topics))
            del self._topics[topic]
            yield topic
        if not self._over:
            self._news.clear()


class MemoryBus:
    """A Bus within one process."""

    def __init__(self) -> None:
        self._subscribers: set[_Waiting] = set()
        self._closed = False

    def publish(self, topic: str) -> None:
        """Tell all subscribers."""
        checked(topic)
        for subscriber in self._subscribers:
            subscriber.add(topic)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[str]]:
        """Listen from the start of the block to its end."""
        waiting = _Waiting()
        if self._closed:
            waiting.end()
        self._subscribers.add(waiting)
        try:
            yield waiting.topics()
        finally:
            self._subscribers.discard(waiting)

    def close(self) -> None:
        """End every subscription, so that open streams do not hold up a stop."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.end()
