"""A whole Havn on a temporary SQLite, with a clock to turn and a dialogue to script."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bot.bootstrap import App, open_app
from bot.domain.handover import Handover
from bot.domain.messages import Channel, Event, Incoming, Sent, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.domain.staff import StaffId
from bot.ports import Dialogue, Shift
from bot.services.answer import chat_hours
from bot.settings import Settings
from tests.support.deck import ROOT, words
from tests.support.fakes import FakeClock, FakeDialogue, RecordingChannel

_numbers = count(1)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
# Somebody who is there, so that visitors can wait; nobody plays them.
COLLEAGUE = StaffId("c0ffee")


@dataclass
class Visitor:
    """Somebody who writes on one channel of an app."""

    app: App
    channel: Channel = Channel.WEB
    sender: str = field(default_factory=lambda: f"visitor-{next(_numbers)}")
    hint: str = "en"

    def incoming(self, event: Event, *, external_id: str = "", reference: str = "") -> Incoming:
        return Incoming(
            self.channel,
            external_id or f"{self.sender}-{next(_numbers)}",
            self.sender,
            event,
            address=f"address-of-{self.sender}",
            reference=reference,
            hint=self.hint,
        )

    async def does(self, event: Event) -> Sequence[Sent]:
        return await self.app.reception.converse(self.incoming(event))

    async def says(self, text: str) -> Sequence[Sent]:
        return await self.does(Text(text))

    async def taps(self, data: str) -> Sequence[Sent]:
        return await self.does(Tapped(Tap.decode(data)))

    async def starts(self, locale: str = "en") -> Sequence[Sent]:
        return await self.does(Start(locale))

    async def handover(self) -> Handover | None:
        lookups = self.app.sealer.lookups(self.channel, self.sender)
        async with self.app.store.begin() as unit:
            ids = list((await unit.conversations.find(lookups)).values())
            await self.app.sealer.load_keys(ids)
            found = await unit.handovers.open_for(ids)
        return next(iter(found.values()), None)


def screens(said: Sequence[Sent]) -> list[str]:
    return [sent.bubble.screen for sent in said]


@asynccontextmanager
async def running(
    folder: Path,
    *,
    clock: FakeClock | None = None,
    dialogue: Dialogue | None = None,
    channel: RecordingChannel | None = None,
    staffed: bool | None = None,
    translator_url: str = "",
    database_url: str = "",
    return_codes: bool = False,
) -> AsyncIterator[App]:
    """Run Havn; unless ``staffed`` says so, somebody is on shift in the hours of the chat."""
    clock = clock or FakeClock()
    settings = Settings(
        root=ROOT,
        data_dir=folder / "var",
        allow_drafts=True,
        translator_url=translator_url,
        database_url=database_url,
        return_codes=return_codes,
    )
    channels = {Channel.TELEGRAM: channel} if channel else {}
    async with open_app(
        settings,
        clock=clock,
        dialogue=dialogue or FakeDialogue(),
        channels=channels,  # type: ignore[arg-type]
        words=words(),
    ) as app:
        if in_hours(app) if staffed is None else staffed:
            await on_shift(app, COLLEAGUE)
        yield app


def in_hours(app: App) -> bool:
    """Tell whether the hours of the chat say that somebody writes now."""
    return chat_hours(app.renderer.registry).is_open(app.clock.now(), lambda _day: False)


async def on_shift(app: App, staff: StaffId, languages: frozenset[str] = frozenset()) -> None:
    """Put somebody on shift whose console never falls silent."""
    async with app.store.begin() as unit:
        await unit.shifts.begin(Shift(staff, app.clock.now(), FAR, languages))


async def off_shift(app: App, staff: StaffId) -> None:
    """End a shift: inside the hours, too, nobody may be there."""
    async with app.store.begin() as unit:
        await unit.shifts.end(staff)
