"""Each process that serves looks for newer bundles, takes them, and asks itself what it says."""

import asyncio
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.content_ports import Serving
from bot.domain.content import NOTHING, Bundle, Item
from bot.domain.errors import ContentError, HavnError
from bot.domain.facts import Fact, Kind
from bot.domain.hours import WeekHours
from bot.domain.messages import Bubble, Channel, Reply
from bot.domain.turn import MENU
from bot.i18n.values import COPENHAGEN
from bot.logs import error_class, logger
from bot.ports import Clock, Store
from bot.services.content.assembly import Served
from bot.services.content.judging import screens_of
from bot.services.content.library import Library
from bot.services.reply import Renderer

# How often a process looks, in seconds, and how often it says that it is alive.
PAUSE = 3.0
BEAT = timedelta(minutes=1)
# Silent for this long, and a process has stopped.
SILENT = timedelta(minutes=3)

Say = Callable[[Channel, str, str], Bubble]

log = logger(__name__)


@dataclass(slots=True)
class Watcher:
    """Keeps one process at the newest bundle.

    ``say`` is the way a visitor of a channel would be shown a screen in a locale.
    """

    process: str
    channels: Sequence[Channel]
    store: Store
    clock: Clock
    library: Library
    say: Say
    _refused: int = 0
    _told_at: datetime | None = None
    _asked: Mapping[tuple[str, str], int] = field(default_factory=dict)
    _wrong: Mapping[tuple[str, str], int] = field(default_factory=dict)

    async def run(self) -> None:
        """Look for ever; a failure is logged, and the last good words go on."""
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 -- whatever broke, the next round tries again
                log.error("looking_failed", error=error_class(error))
            await asyncio.sleep(PAUSE)

    async def look(self) -> bool:
        """Take what is new; tell whether there was any."""
        async with self.store.begin() as unit:
            found = await unit.contents.after(self.library.bundle.number)
        before = self.library.bundle
        for signed in found:
            try:
                self.library.take(signed)
            except ContentError:
                if signed.number != self._refused:
                    log.error("bundle_refused", number=signed.number)
                self._refused = signed.number
        new = self.library.bundle
        if new.number > before.number:
            self._refused = 0
        if new.number > before.number or self._told_at is None:
            await self._ask(before if self._told_at else NOTHING, new)
        await self._tell(at_once=new.number > before.number)
        return new.number > before.number

    async def _ask(self, before: Bundle, now: Bundle) -> None:
        """Ask every channel in every locale for what has changed; visitors come in between."""
        served = self.library.served
        # Made anew from what was signed: the answer must not be compared with itself.
        fresh = self.library.shipped.under(self.library.shipped.fitting(now))
        expected = Renderer(fresh.deck, fresh.texts, fresh.values, self._today)
        items = list(differing(before, now))
        screens = sorted({MENU}.union(*(screens_of(item, served) for item in items)))
        asked: dict[tuple[str, str], int] = {}
        wrong: dict[tuple[str, str], int] = {}
        for channel in self.channels:
            for locale in served.texts.locales:
                await asyncio.sleep(0)
                asked[channel, locale] = len(screens)
                bad = sum(not self._says(channel, locale, one, expected, fresh) for one in screens)
                if bad:
                    wrong[channel, locale] = bad
        self._asked, self._wrong = asked, wrong

    def _says(
        self, channel: Channel, locale: str, screen: str, expected: Renderer, fresh: Served
    ) -> bool:
        try:
            wanted = expected.render(Reply(screen, locale), channel)
        except HavnError:
            # Some screens need values that only a conversation has.
            return True
        try:
            said = self.say(channel, screen, locale)
        except HavnError:
            return False
        source = fresh.deck[screen].source(channel)
        facts = (fresh.registry[key] for key in fresh.registry.used_by(source))
        return said == wanted and all(_stands(fact, said.text) for fact in facts)

    def _today(self) -> date:
        return self.clock.now().astimezone(COPENHAGEN).date()

    async def _tell(self, *, at_once: bool) -> None:
        now = self.clock.now()
        if not at_once and self._told_at is not None and now - self._told_at < BEAT:
            return
        self._told_at = now
        serving = Serving(
            self.process,
            self.library.bundle.number,
            now,
            self._asked,
            self._wrong,
            self._refused,
        )
        async with self.store.begin() as unit:
            await unit.contents.serving(serving)
            await unit.contents.forget_servings(now - SILENT * 20)


def differing(before: Bundle, now: Bundle) -> Iterator[Item]:
    """Yield the items whose value is another than before."""
    for name in sorted(before.values.keys() | now.values.keys()):
        if before.values.get(name) != now.values.get(name):
            yield Item.parse(name)


def _stands(fact: Fact, text: str) -> bool:
    """Tell whether a phone number or the hours of a fact stand in a text.

    They are found without the program's own way of writing them.
    """
    digits = _digits(text)
    if fact.kind is Kind.PHONE:
        return _digits(str(fact.value)) in digits
    if isinstance(fact.value, WeekHours):
        spans = (span for day in fact.value.days.values() for span in day)
        return all(f"{span.opens:%H%M}{span.closes:%H%M}" in digits for span in spans)
    return True


def _digits(text: str) -> str:
    """Return the digits of a text, those of other scripts as ours."""
    return "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())
