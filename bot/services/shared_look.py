"""Many who ask for the same at once share one look at the store, and nobody sees an old one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class SharedLook(Generic[Found]):
    """Looks for all who wait. What was found is kept no longer than somebody waits for it.

    Nobody is given a look that began before they asked: it may lack what they have just done. A
    look belongs to one of those who ask, never to a task of its own: that would go on when all of
    them have left. When the one who looks fails or leaves, the next one looks.
    """

    def __init__(self, look: Callable[[], Awaitable[Found]]) -> None:
        self._look = look
        self._turn = asyncio.Lock()
        self._asking = 0
        self._begun = 0
        self._found: tuple[int, Found] | None = None

    async def now(self) -> Found:
        """Return what a look finds that begins no earlier than this call."""
        asked = self._begun
        self._asking += 1
        try:
            async with self._turn:
                if self._found is not None and self._found[0] > asked:
                    return self._found[1]
                self._begun += 1
                self._found = (self._begun, await self._look())
                return self._found[1]
        finally:
            self._asking -= 1
            if not self._asking:
                self._found = None
