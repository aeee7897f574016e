"""The bus of several processes on one PostgreSQL: LISTEN and NOTIFY."""

import asyncio
import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg

from bot.adapters.backoff import Backoff
from bot.adapters.bus.memory import CAPACITY, MemoryBus
from bot.domain.topics import QUEUE, checked, is_topic
from bot.logs import error_class, logger

log = logger(__name__)

_CHANNEL = "havn"
# A start waits so long for the first connection, and goes on without: the bus is no necessity.
_START_SECONDS = 5.0
# How long a silent connection is believed to be alive, and how long any answer may take.
_PROBE_SECONDS = 20.0
_ANSWER_SECONDS = 5.0
_FAILURES = (psycopg.Error, OSError, TimeoutError)


class PostgresBus:
    """A Bus over PostgreSQL; subscribers in this process are told without a detour.

    It holds two connections, for one that waits for notifications can send none. While either is
    away topics are not lost but become ``queue``: for this process when it listens again, for the
    others when it can speak again.
    """

    def __init__(self, url: str, backoff: Callable[[], Backoff] = Backoff) -> None:
        self._url = _conninfo(url)
        self._local = MemoryBus()
        self._backoff = backoff
        # Tells our own notifications from those of others: PostgreSQL brings back both.
        self._self = secrets.token_hex(8)
        self._unsent: dict[str, None] = {}
        self._news = asyncio.Event()
        self.listening = asyncio.Event()

    def publish(self, topic: str) -> None:
        """Tell the subscribers here at once, and those of other processes within a moment."""
        checked(topic)
        self._local.publish(topic)
        if len(self._unsent) == CAPACITY and topic not in self._unsent:
            self._unsent = {QUEUE: None}
        else:
            self._unsent[topic] = None
        self._news.set()

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Listen from the start of the block to its end."""
        return self._local.subscribe()

    def close(self) -> None:
        """End every subscription."""
        self._local.close()

    async def listen(self) -> None:
        """Hand on what other processes publish; runs until it is cancelled."""
        backoff = self._backoff()
        while True:
            try:
                async with await self._connect() as connection:
                    await _answered(connection.execute(f"LISTEN {_CHANNEL}".encode()))
                    backoff.reset()
                    # Whatever was said while nobody listened here.
                    self._local.publish(QUEUE)
                    self.listening.set()
                    await self._hear(connection)
            except _FAILURES as error:
                log.warning("bus_listening_failed", error=error_class(error))
            self.listening.clear()
            await backoff.pause()

    async def speak(self) -> None:
        """Notify other processes of what is published here; runs until it is cancelled."""
        backoff = self._backoff()
        while True:
            try:
                async with await self._connect() as connection:
                    await self._send(connection, backoff)
            except _FAILURES as error:
                log.warning("bus_speaking_failed", error=error_class(error))
            await backoff.pause()

    async def _hear(self, connection: psycopg.AsyncConnection) -> None:
        """Hand on notifications, and ask now and then: a connection can die without a word."""
        while True:
            async for notification in connection.notifies(timeout=_PROBE_SECONDS):
                sender, _, topic = notification.payload.partition(" ")
                # Anybody with access to the database can notify: take nothing but topics.
                if sender != self._self and is_topic(topic):
                    self._local.publish(topic)
            await _answered(connection.execute(b"SELECT 1"))

    async def _send(self, connection: psycopg.AsyncConnection, backoff: Backoff) -> None:
        while True:
            await self._news.wait()
            while self._unsent:
                topic = next(iter(self._unsent))
                # Removed first: published again while this one is under way, it is sent again.
                del self._unsent[topic]
                try:
                    notice = (_CHANNEL, f"{self._self} {topic}")
                    await _answered(connection.execute("SELECT pg_notify(%s, %s)", notice))
                except BaseException:
                    # It may have arrived or not, and those behind it have waited long enough.
                    self._unsent = {QUEUE: None}
                    raise
                backoff.reset()
            self._news.clear()

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=int(_ANSWER_SECONDS)
        )


async def _answered(query: Awaitable[object]) -> None:
    """Wait for a query, but not for a server that no longer answers."""
    async with asyncio.timeout(_ANSWER_SECONDS):
        await query


@asynccontextmanager
async def open_postgres_bus(
    url: str, backoff: Callable[[], Backoff] = Backoff
) -> AsyncIterator[PostgresBus]:
    """Lend a bus that listens already, or that will as soon as the database can be reached."""
    bus = PostgresBus(url, backoff)
    tasks = [asyncio.create_task(bus.listen()), asyncio.create_task(bus.speak())]
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(bus.listening.wait(), _START_SECONDS)
        yield bus
    finally:
        bus.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _conninfo(url: str) -> str:
    """Return the address as libpq reads it: without the name of SQLAlchemy's driver."""
    return re.sub(r"^postgresql\+\w+:", "postgresql:", url)
