"""A content desk with its signer and the processes that serve, over one store."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bot.adapters import catalog
from bot.adapters.signing import LastGoodFile, Signer, Verifier
from bot.content_ports import Signed
from bot.domain.content import Change, Item, Value, digest, fact
from bot.domain.factors import Account, Factors, Passkey
from bot.domain.messages import Bubble, Channel, Reply
from bot.domain.staff import Role, Staff, StaffId
from bot.ports import Clock, Store
from bot.services.content import (
    ContentDesk,
    Judge,
    Library,
    Publisher,
    Seen,
    Shipped,
    Watcher,
)
from bot.services.reply import Renderer
from bot.settings import Settings
from tests.support import deck
from tests.support.fakes import FakeClock

LONG_AGO = timedelta(days=400)


def shipped(renderer: Renderer) -> Shipped:
    return Shipped(renderer.deck, renderer.registry, renderer.texts, Settings().said())


def library(renderer: Renderer, folder: Path, kept: str = "last-good.json") -> Library:
    verifier = Verifier(folder / "content" / "signer.pub")
    return Library(shipped(renderer), renderer, verifier, LastGoodFile(folder / "content" / kept))


def judge_of(shelf: Library) -> Judge:
    glossary = catalog.read_glossary(deck.ROOT / "locales")
    return Judge(shelf.shipped, lambda locale: glossary.get(locale, {}))


def content_desk(store: Store, clock: Clock, renderer: Renderer, folder: Path) -> ContentDesk:
    shelf = library(renderer, folder)
    return ContentDesk(store, clock, shelf, judge_of(shelf))


def person(name: str, *roles: Role, now: Any, translates: str = "") -> Account:
    """Return an account that has been its owner's for long."""
    staff = Staff(StaffId(name), name, frozenset(roles), now - LONG_AGO)
    staff = replace(staff, translates=frozenset(translates.split()))
    key = Passkey(name.encode(), b"", 0, "", now - LONG_AGO)
    return Account(staff, Factors(passkeys=(key,)))


@dataclass
class Newsroom:
    """Two editors, a publisher and a translator; what they publish is served by ``watcher``."""

    store: Store
    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    ticks: float = 0.0

    def __post_init__(self) -> None:
        now = self.clock.now()
        self.renderer = deck.renderer()
        self.signer = Signer.open(
            self.folder / "signing" / "key", self.folder / "content" / "signer.pub"
        )
        self.desk = content_desk(self.store, self.clock, self.renderer, self.folder)
        signing = library(deck.renderer(), self.folder, "last-signed.json")
        self.publisher = Publisher(
            self.store, self.clock, signing, judge_of(signing), self.signer, lambda: self.ticks
        )
        self.watcher = self.process("web", self.desk.library, self.renderer)
        self.editor = person("editor", Role.EDITOR, now=now)
        self.publisher_account = person("publisher", Role.PUBLISHER, now=now)
        self.both = person("both", Role.EDITOR, Role.PUBLISHER, now=now)
        self.translator = person("translator", Role.TRANSLATOR, now=now, translates="th")

    def process(self, name: str, shelf: Library, renderer: Renderer) -> Watcher:
        def say(channel: Channel, screen: str, locale: str) -> Bubble:
            return renderer.render(Reply(screen, locale), channel)

        return Watcher(name, tuple(Channel), self.store, self.clock, shelf, say)

    def live(self, item: Item) -> dict[str, Any]:
        """Return a copy of what is live, to be edited."""
        value = self.desk.library.served.value(item)
        return dict(value or {})

    async def seen(self, item: Item) -> Seen:
        async with self.store.begin() as unit:
            found = await unit.contents.open_for(item)
        base = digest(self.desk.library.served.value(item))
        return Seen(found.id, found.version, base) if found else Seen(None, 0, base)

    async def edit(self, item: Item, value: Value, by: Account | None = None) -> Change:
        who = (by or self.editor).staff
        return await self.desk.edit(item, value, await self.seen(item), who)

    async def submitted(self, item: Item, value: Value, by: Account | None = None) -> Change:
        change = await self.edit(item, value, by)
        return await self.desk.submit(change.id, change.version, (by or self.editor).staff)

    async def approved(self, item: Item, value: Value) -> Change:
        change = await self.submitted(item, value)
        return await self.desk.approve(change.id, change.version, self.publisher_account)

    async def published(self, item: Item, value: Value) -> int:
        """Edit, approve, wait if it must, sign and take; return the number of the bundle."""
        await self.approved(item, value)
        await self.publisher.publish_due()
        self.wait(minutes=16)
        number = await self.publisher.publish_due() or self.publisher.library.bundle.number
        await self.watcher.look()
        return number

    def wait(self, **by: float) -> None:
        self.clock.turn(**by)
        self.ticks += timedelta(**by).total_seconds()

    async def bundle(self, number: int) -> Signed:
        async with self.store.begin() as unit:
            found = await unit.contents.bundle(number)
        assert found is not None
        return found

    def says(self, screen: str, locale: str = "en", channel: Channel = Channel.WEB) -> str:
        return self.renderer.render(Reply(screen, locale), channel).text


HOURS = fact("chat_hours")
CMM = fact("cmm_phone")


def with_value(entry: Value, value: object, day: str = "2026-11-23") -> dict[str, Any]:
    """Return a fact's entry with another value, read from a source on a day."""
    source = {"url": "https://www.cmm.dk/kontakt", "says": "read there", "seen": ""}
    return {**entry, "value": value, "sources": [source], "checked_on": day}


SUNDAYS = partial(
    with_value,
    value={
        "tz": "Europe/Copenhagen",
        "week": {
            **{day: ["09:15-17:45"] for day in ("mon", "tue", "wed", "thu", "fri")},
            "sat": [],
            "sun": ["10:30-12:00"],
            "holiday": [],
        },
    },
)
