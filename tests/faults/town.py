"""A whole Havn with visitors and a counsellor, who go on where they were when it died."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.bootstrap import App, open_app
from bot.domain.errors import ChangedError, HavnError, StoreUnavailableError
from bot.domain.handover import Close, Handover, Outcome
from bot.domain.messages import Channel, ConversationId, Event, Incoming, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.settings import Settings
from tests.faults.ledger import Ledger, Message
from tests.faults.network import Network
from tests.faults.points import Failpoints
from tests.support.app import COLLEAGUE, on_shift
from tests.support.deck import ROOT, words
from tests.support.fakes import OPEN, FakeClock, FakeDialogue, meaning
from tests.support.stores import laid

# Screens that answer and do nothing else; each visitor reads each at most once.
SCREENS = tuple(
    f"utter_{name}"
    for name in (
        *("signs_work", "signs_sex", "signs_crime", "signs_home", "signs_control", "signs_offer"),
        *("help_available", "shelter", "health", "debt", "documents_taken", "legal_help"),
        *("compensation", "residence", "asylum", "return_intro", "return_help", "return_steps"),
        *("law", "law_more", "conventions", "kinds", "who_cmm", "who_police", "who_tax"),
        *("press_numbers", "safety_tips", "action_plan", "demand", "witness"),
    )
)
# More than the longest lease: who was sending or talking when the program died is not waited for.
BETWEEN_LIVES = timedelta(minutes=6)
LINES = 2
_DELIVERIES = 400
_AGAIN = 10


@dataclass
class Town:
    """What one life of the program holds in its hands; ``life`` names it.

    ``patience`` is how often more people try what did not work, each time a little later.
    """

    app: App
    clock: FakeClock
    ledger: Ledger
    network: Network
    points: Failpoints
    life: str
    dice: random.Random
    patience: int = 0
    _count: int = 0
    _delivering: asyncio.Lock = field(default_factory=asyncio.Lock)

    # --- visitors ---

    def stranger(self, channel: Channel) -> "Stranger":
        """Let somebody in who was never there."""
        self._count += 1
        return Stranger(self, channel, f"{channel.value}-{self.life}-{self._count}")

    async def bring(self, messages: Sequence[Message]) -> None:
        """Bring what one visitor sent; the channel brings it again unless it is acknowledged."""
        if messages[0].channel == Channel.WEB:
            for one in messages:
                incoming = _incoming(one)
                await self.patiently(
                    lambda incoming=incoming: self.app.reception.converse(incoming)
                )  # type: ignore[misc]
                self._acknowledge([one])
            return
        batch = [_incoming(one) for one in messages]
        await self.patiently(lambda: self.app.reception.accept(batch))
        self._acknowledge(messages)

    def _acknowledge(self, messages: Sequence[Message]) -> None:
        self.points.reach("before acknowledgement")
        for one in messages:
            self.ledger.tell("acknowledged", id=one.id)
        self.points.reach("after acknowledgement")

    def turn(self, minutes: int) -> None:
        """Let time pass; the next life goes on from there."""
        self.ledger.tell("turned", minutes=minutes)
        self.clock.turn(minutes=minutes)

    # --- staff ---

    async def handover(self, sender: str) -> Handover | None:
        """Return the open request of a visitor."""
        ids = await self.ids([sender])
        async with self.app.store.begin() as unit:
            await self.app.sealer.load_keys(list(ids.values()))
            found = await unit.handovers.open_for(list(ids.values()))
        return next(iter(found.values()), None)

    async def talk(self, sender: str, between: Callable[[], Awaitable[None]] | None = None) -> None:
        """Take a visitor who waits, write, note and end it; or go on with what is left of that."""
        asked = await self.handover(sender)
        if asked is None or asked.id is None:
            return
        number, hotline, done = asked.id, self.app.hotline, self.ledger.read().done
        if not asked.is_held_by(COLLEAGUE, self.clock.now()):
            await self.take(sender, number)
        if between:
            await between()
        for line in range(1, LINES + 1):
            text = line_of(sender, line)
            if f"{sender}/say {line}" not in done:
                await self._step(
                    f"{sender}/say {line}",
                    lambda text=text: hotline.say(COLLEAGUE, "Ana", number, text, text),  # type: ignore[misc]
                )
        if f"{sender}/note" not in done:
            note = hotline.note(COLLEAGUE, number, f"note on {sender}", whisper=False)
            await self._step(f"{sender}/note", lambda: note)
        end = Close(Outcome.INFORMED)
        await self._step(f"{sender}/close", lambda: hotline.close(COLLEAGUE, number, end))

    async def take(self, sender: str, number: int) -> None:
        """Take a visitor who waits."""
        self._count += 1
        key = f"{sender}/take {self.life}-{self._count}"
        await self._step(key, lambda: self.app.hotline.take(COLLEAGUE, "Ana", number))

    async def _step(self, key: str, act: Callable[[], Awaitable[object]]) -> None:
        step = key.partition("/")[2].partition(" ")[0]
        self.ledger.tell("wants", key=key, step=step)
        await act()
        self.ledger.tell("done", key=key, step=step)

    # --- coming to rest ---

    async def ids(self, senders: Sequence[str]) -> dict[str, ConversationId]:
        """Return the conversations of visitors that there are."""
        lookups = {s: self.app.sealer.lookups(channel_of(s), s) for s in senders}
        everything = [one for found in lookups.values() for one in found]
        async with self.app.store.begin() as unit:
            known = await unit.conversations.find(everything)
        return {s: known[one] for s, found in lookups.items() for one in found if one in known}

    async def come_to_rest(self) -> None:
        """Finish everything that was begun, as visitors, staff and the program do after a start."""
        await self.patiently(self.app.keeper.round, _AGAIN)
        await self.app.reception.close()
        story = self.ledger.read()
        open_ = [one for one in story.messages if one.id not in story.acknowledged]
        repeated = self.dice.sample(story.messages, min(3, len(story.messages)))
        gone = story.senders("forgets")
        for one in [*open_, *(m for m in repeated if m.id in story.acknowledged)]:
            # Nobody brings again what was acknowledged before all of a visitor was forgotten.
            if one in open_ or one.sender not in gone:
                await self.bring([one])
        await self.quiet()
        ended = {key.partition("/")[0] for key in story.done if key.endswith("/close")}
        for sender in sorted(story.senders("asks") - ended):
            await self.patiently(lambda sender=sender: self.talk(sender), _AGAIN)  # type: ignore[misc]
        await self.quiet()

    async def answered(self, sender: str) -> None:
        """Have a visitor answered; ChangedError while they wait."""
        ids = list((await self.ids([sender])).values())
        await self.app.sealer.load_keys(ids)
        async with self.app.store.begin() as unit:
            waiting = await unit.messages.unanswered(ids)
        if waiting:
            await self.app.reception.resume()
            raise ChangedError("not yet")

    async def quiet(self) -> None:
        """Wait until everything is answered and sent."""
        await self.app.reception.close()
        for _ in range(_DELIVERIES):
            if not await self.deliver():
                async with self.app.store.begin() as unit:
                    later = self.clock.now() + timedelta(minutes=10)
                    if not await unit.messages.due(Channel.TELEGRAM, later, 1):
                        return

    async def deliver(self) -> int:
        """Send what is due, and let a second pass."""
        async with self._delivering:
            try:
                sent = await self.app.deliverers[Channel.TELEGRAM].step()
            except HavnError:
                await asyncio.sleep(0.05)
                return 1
            self.clock.turn(seconds=1)
            return sent

    async def delivering(self, over: asyncio.Event) -> None:
        """Deliver until it is over."""
        while not over.is_set():
            await self.deliver()
            await asyncio.sleep(0.001)

    async def patiently(self, act: Callable[[], Awaitable[object]], least: int = 0) -> None:
        """Do something, and again while the database is away, as people and channels do."""
        for left in reversed(range(1 + max(least, self.patience))):
            try:
                await act()
            except StoreUnavailableError:
                if not left:
                    raise
                await asyncio.sleep(0.1)
            else:
                return


@dataclass(frozen=True, slots=True)
class Stranger:
    """A visitor of this life."""

    town: Town
    channel: Channel
    sender: str

    def sends(self, does: str, of: str = "") -> Message:
        """Write a message into the ledger that is about to be brought."""
        self.town._count += 1
        id_ = f"{self.town.life}-{self.town._count}"
        self.town.ledger.tell(
            "came", id=id_, sender=self.sender, channel=self.channel, does=does, of=of
        )
        return Message(id_, self.sender, self.channel, does, of)

    async def does(self, does: str, *of: str) -> None:
        """Send something, or several things at once, until they are acknowledged.

        Who is patient waits for the answer: of three things at once only the last has one.
        """
        await self.town.bring([self.sends(does, one) for one in of or ("",)])
        if self.town.patience:
            await self.town.patiently(lambda: self.town.answered(self.sender))

    async def is_known(self) -> None:
        """Write down which conversation is this visitor's."""
        for id_ in (await self.town.ids([self.sender])).values():
            self.town.ledger.tell("known", sender=self.sender, id=id_)


def channel_of(sender: str) -> Channel:
    """Return where a visitor writes."""
    return Channel(sender.partition("-")[0])


def line_of(sender: str, number: int) -> str:
    """Return what a counsellor writes to a visitor."""
    return f"line {number} to {sender}"


def _incoming(one: Message) -> Incoming:
    return Incoming(
        Channel(one.channel), one.id, one.sender, _event(one), address=one.sender, hint="en"
    )


def _event(one: Message) -> Event:
    match one.does:
        case "starts":
            return Start("en")
        case "says":
            return Text(f"about {one.what}")
        case "writes":
            return Text(one.what)
        case _:
            return Tapped(Tap.decode(one.what))


class RealClock(FakeClock):
    """The clock on the wall, for programs in which time is shared; it cannot be turned."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@asynccontextmanager
async def town(
    folder: Path,
    ledger: Ledger,
    points: Failpoints,
    life: str,
    number: int,
    *,
    url: str = "",
    clock: FakeClock | None = None,
    dialogue: FakeDialogue | None = None,
) -> AsyncIterator[Town]:
    """Run Havn in a folder, in its n-th life."""
    settings = Settings(
        root=ROOT,
        data_dir=folder / "var",
        allow_drafts=True,
        database_url=url,
        nlu="off",
        web_idle_minutes=100_000,
        retention_idle_hours=100_000,
        retention_cap_days=10_000,
    )
    if not url:
        laid(settings.data_dir)
    turned = sum(fact["minutes"] for fact in ledger.read().all("turned"))
    clock = clock or FakeClock(OPEN + number * BETWEEN_LIVES + timedelta(minutes=turned))
    network = Network(ledger, f"{life}.", clock.now)
    dialogue = dialogue or FakeDialogue()
    dialogue.meanings = {f"about {one}": meaning("debt", one) for one in SCREENS}
    async with open_app(
        settings,
        clock=clock,
        dialogue=dialogue,
        channels={Channel.TELEGRAM: network},
        words=words(),
    ) as app:
        await on_shift(app, COLLEAGUE)
        dice = random.Random(f"{folder.name} {life}")
        yield Town(app, clock, ledger, network, points, life, dice)
