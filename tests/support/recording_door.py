"""A door that keeps what came in, in memory, and can be shut, slow or broken."""

import asyncio
from collections.abc import Sequence

from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Bubble, Channel, Incoming, MessageId, Sent, Tapped, Text

DANGER_WORD = "knife"
DANGER = Bubble("utter_danger_now", "en", "Call 112 now.", ())
BROKEN = Bubble("utter_error", "en", "Something is broken. Danger now: 112.", ())


class RecordingDoor:
    """Keeps the promises of `bot.ports.Door` that channels rely on.

    ``down`` shuts the store, ``gate`` makes it wait, ``indigestible`` is a text it fails on with an
    error that nobody promised.
    """

    def __init__(self) -> None:
        self.accepted: list[Incoming] = []
        self.marks: dict[str, int] = {}
        self.calls = 0
        self.down = False
        self.gate: asyncio.Event | None = None
        self.indigestible = ""
        self.changed = asyncio.Condition()
        self._seen: set[tuple[Channel, str]] = set()

    @property
    def texts(self) -> list[str]:
        """Return the words that came in, in order."""
        return [i.event.text for i in self.accepted if isinstance(i.event, Text)]

    @property
    def taps(self) -> list[str]:
        """Return where the buttons that were pressed lead."""
        return [i.event.tap.encode() for i in self.accepted if isinstance(i.event, Tapped)]

    async def accept(
        self, incoming: Sequence[Incoming], *, mark: tuple[str, int] | None = None
    ) -> None:
        async with self.changed:
            self.calls += 1
            self.changed.notify_all()
        if self.gate:
            await self.gate.wait()
        if self.down:
            raise StoreUnavailableError
        if any(i.event == Text(self.indigestible) for i in incoming):
            raise ZeroDivisionError(self.indigestible)
        for item in incoming:
            key = (item.channel, item.external_id)
            if key not in self._seen:
                self._seen.add(key)
                self.accepted.append(item)
        if mark:
            self.marks[mark[0]] = mark[1]
        async with self.changed:
            self.changed.notify_all()

    async def until(self, count: int, *, within: float = 5) -> list[Incoming]:
        """Wait until so many have come in, and return them."""
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(lambda: len(self.accepted) >= count)
        return self.accepted

    async def called(self, count: int, *, within: float = 5) -> None:
        """Wait until accept() was called so often, whether or not it worked."""
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(lambda: self.calls >= count)

    async def mark(self, name: str) -> int | None:
        if self.down:
            raise StoreUnavailableError
        return self.marks.get(name)

    def emergency(self, incoming: Incoming) -> Bubble:
        match incoming.event:
            case Text(text) if DANGER_WORD in text:
                return DANGER
        return BROKEN

    def greet(self, channel: Channel, screen: str, locale: str) -> Bubble:
        raise NotImplementedError

    async def converse(self, incoming: Incoming) -> Sequence[Sent]:
        raise NotImplementedError

    async def shown(
        self, channel: Channel, sender: str, after: MessageId, *, least: int = 0
    ) -> Sequence[Sent]:
        raise NotImplementedError

    async def watch(self, channel: Channel, sender: str, after: MessageId) -> Sequence[Sent] | None:
        raise NotImplementedError

    async def stay(self, channel: Channel, sender: str) -> bool:
        raise NotImplementedError

    async def leave(self, channel: Channel, sender: str) -> None:
        raise NotImplementedError
