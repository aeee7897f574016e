"""Pauses after failures, so that a server in trouble is not asked by everybody at once."""

import asyncio
import random
from collections.abc import Awaitable, Callable

FIRST = 1.0
LONGEST = 60.0
_SHORTEST = 0.05


class Backoff:
    """Full jitter: each pause is drawn from zero to a ceiling that doubles from 1 to 60 seconds."""

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._sleep = sleep
        self._draw = draw
        self._ceiling = FIRST

    async def pause(self, at_least: float = 0.0) -> None:
        """Wait, longer each time; ``at_least`` is in seconds and was asked by the server."""
        drawn = max(self._draw(0.0, self._ceiling), _SHORTEST)
        self._ceiling = min(self._ceiling * 2, LONGEST)
        await self._sleep(at_least + drawn)

    async def rest(self, seconds: float) -> None:
        """Wait exactly so long; the next pause is not affected."""
        await self._sleep(seconds)

    def reset(self) -> None:
        """Begin with short pauses again: something worked."""
        self._ceiling = FIRST
