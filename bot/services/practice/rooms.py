"""The practices of a process, one for each session at most; each plays by itself."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.errors import HavnError
from bot.domain.staff import Staff
from bot.logs import error_class, logger
from bot.ports import Clock
from bot.services.practice.world import World

log = logger(__name__)

MakeWorld = Callable[[str], World]
# A practice that nobody has looked at for so long is over; so are the oldest when there are many.
IDLE = timedelta(minutes=30)
MOST = 20
_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class _Room:
    world: World
    seen_at: datetime
    playing: asyncio.Task[None]


class Rooms:
    """The practices of a process, one for each session at most."""

    def __init__(self, make: MakeWorld, clock: Clock, *, every: float = _EVERY_SECONDS) -> None:
        self._make = make
        self._clock = clock
        self._every = every
        self._rooms: dict[str, _Room] = {}

    async def begin(self, session: str, staff: Staff, locale: str) -> World:
        """Begin a practice, in place of the one this session had."""
        await self.end(session)
        while len(self._rooms) >= MOST:
            await self.end(min(self._rooms, key=lambda one: self._rooms[one].seen_at))
        world = self._make(locale)
        await world.begin(staff)
        playing = asyncio.create_task(self._play(session, world))
        self._rooms[session] = _Room(world, self._clock.now(), playing)
        return world

    def find(self, session: str) -> World | None:
        """Return the practice of a session, None when there is none (any more)."""
        room = self._rooms.get(session)
        if room is None:
            return None
        room.seen_at = self._clock.now()
        return room.world

    async def end(self, session: str) -> None:
        """End a practice; ending none is no error."""
        room = self._rooms.pop(session, None)
        if room is not None:
            room.playing.cancel()
            await asyncio.wait({room.playing})

    async def close(self) -> None:
        """End every practice."""
        for session in list(self._rooms):
            await self.end(session)

    async def _play(self, session: str, world: World) -> None:
        while True:
            await asyncio.sleep(self._every)
            room = self._rooms.get(session)
            if room is None or self._clock.now() - room.seen_at > IDLE:
                self._rooms.pop(session, None)
                return
            try:
                await world.play()
            except HavnError as error:
                log.warning("practice_failed", error=error_class(error))
