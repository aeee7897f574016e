"""Small stand-ins behind ports: a clock to turn, a dialogue to script, a channel that records."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.errors import DialogueUnavailableError
from bot.domain.messages import Bubble, Channel
from bot.ports import DeliveryError, Meaning

# A Tuesday, 10:00 in Copenhagen: counsellors can write then.
OPEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
# The Sunday before, 23:00 in Copenhagen: nobody can.
CLOSED = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until it is turned."""

    def __init__(self, at: datetime = OPEN) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def turn(self, **by: float) -> None:
        self.at += timedelta(**by)


class FakeDialogue:
    """A dialogue that knows the meanings it was given; every other text is unknown to it."""

    def __init__(self, **meanings: Meaning) -> None:
        self.meanings = meanings
        self.asked: list[tuple[str, str]] = []
        self.locales: list[str] = []
        self.down = False

    @property
    def ready(self) -> bool:
        return not self.down

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:
        self.asked.append((text, screen))
        self.locales.append(locale)
        if self.down or text not in self.meanings:
            raise DialogueUnavailableError("scripted")
        return self.meanings[text]


def meaning(intent: str, outcome: str, *, lang: str = "en", sure: float = 0.99) -> Meaning:
    """Return a confident meaning with one outcome."""
    ranking = ((intent, 0.9), ("debt", 0.05), ("shelter", 0.01))
    return Meaning(intent, 0.9, ranking, (outcome,), lang, sure)


class RecordingChannel:
    """A pushed channel that keeps what it was given, and refuses on request."""

    name = Channel.TELEGRAM

    def __init__(self) -> None:
        self.shown: list[tuple[str, Bubble]] = []
        self.deleted: list[tuple[str, tuple[str, ...]]] = []
        self.refusals: list[DeliveryError] = []

    async def show(self, address: str, bubble: Bubble) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.shown.append((address, bubble))
        return str(1000 + len(self.shown))

    async def delete(self, address: str, references: Sequence[str]) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.deleted.append((address, tuple(references)))

    @property
    def screens(self) -> list[str]:
        return [bubble.screen for _, bubble in self.shown]
