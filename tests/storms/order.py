"""F7, F20: messages of many chats through many workers, and a day's backlog at once."""

import asyncio
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bot.adapters.backoff import Backoff
from bot.adapters.telegram import Intake, Poller, TelegramChannel, open_client
from bot.bootstrap import App
from bot.domain.messages import Bubble, Channel, Incoming, MessageId, Reply, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.ports import Arrival
from tests.storms.listening import listening
from tests.storms.outcome import Outcome
from tests.storms.sending import SCREENS, TICK, deliver, states
from tests.support.app import running
from tests.support.fakes import OPEN, FakeClock, FakeDialogue, RecordingChannel, meaning
from tests.support.hostile import HurryingClock
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_rig import kill

CHATS = 100
WORKERS = 8
FROM_THE_START = MessageId(0)


class Pondering(FakeDialogue):
    """A dialogue that takes its time, never the same."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(**{screen: meaning("debt", screen) for screen in SCREENS})
        self._chance = chance

    async def interpret(self, text: str, screen: str, locale: str = "") -> object:  # type: ignore[override]
        await asyncio.sleep(self._chance.random() / 500)
        # Texts in a row are one text: the last of them is what is meant here.
        return await super().interpret(text.rsplit(maxsplit=1)[-1], screen, locale)


class Lines(RecordingChannel):
    """Telegram, with a line that is slow now and then."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    async def show(self, address: str, bubble: Bubble) -> str:
        await asyncio.sleep(self._chance.random() / 1000)
        return await super().show(address, bubble)


@dataclass
class Chat:
    """One chat: what is still to be sent, in order; several may be on their way at once."""

    name: str
    left: list[Incoming] = field(default_factory=list)
    screens: dict[str, str] = field(default_factory=dict)


def workers(times: int, folder: Path, number: int) -> Outcome:
    """Bring so many messages of a hundred chats by eight workers, some of them out of turn.

    Telegram brings the next message of a chat once the last was taken, but taps on their own. What
    counts is the order in which they were taken: answers are made and sent in it.
    """
    outcome, chance = Outcome(), random.Random(number)
    channel = Lines(chance)

    async def storm() -> None:
        dialogue = Pondering(chance)
        async with running(
            folder, clock=HurryingClock(), dialogue=dialogue, channel=channel
        ) as app:
            chats = [Chat(f"{1000 + place}") for place in range(min(CHATS, max(4, times // 10)))]
            for chat in chats:
                await app.reception.accept([_one(chat, 0, Start("en"))])
                chat.left = [
                    _one(chat, place, _event(chance)) for place in range(1, 1 + times // len(chats))
                ]
                chat.screens = {one.reference: _wanted(one) for one in chat.left}
            await app.reception.close()
            sending = asyncio.create_task(_send(app))
            free: asyncio.Queue[Chat] = asyncio.Queue()
            for chat in chats:
                free.put_nowait(chat)
            await asyncio.gather(*(_work(app, free, chance) for _ in range(WORKERS)))
            await app.reception.close()
            await kill(sending)
            await deliver(app, app.clock, folder)  # type: ignore[arg-type]
            for chat in chats:
                await _judge(app, chat, channel, outcome)

    with listening():
        asyncio.run(storm())
    return outcome


def _one(chat: Chat, place: int, event: Start | Text | Tapped) -> Incoming:
    name = f"{chat.name}:{place}"
    return Incoming(
        Channel.TELEGRAM, name, chat.name, event, address=chat.name, reference=f"in{place}"
    )


def _event(chance: random.Random) -> Text | Tapped:
    screen = chance.choice(SCREENS)
    return Text(screen) if chance.random() < 1 / 2 else Tapped(Tap.decode(screen))


async def _work(app: App, free: "asyncio.Queue[Chat]", chance: random.Random) -> None:
    """Bring messages of whichever chat is free; now and then two or three at once, turned round."""
    while True:
        try:
            chat = await asyncio.wait_for(free.get(), 1)
        except TimeoutError:
            return
        many = chance.choice([1, 1, 1, 1, 2, 3])
        some, chat.left = chat.left[:many], chat.left[many:]
        chance.shuffle(some)
        again = [one for one in some if chance.random() < 1 / 10]
        await asyncio.gather(*(app.reception.accept([one]) for one in (*some, *again)))
        if chat.left:
            free.put_nowait(chat)


async def _send(app: App) -> None:
    while True:
        if not await app.deliverers[Channel.TELEGRAM].step():
            await asyncio.sleep(0.002)


async def _judge(app: App, chat: Chat, channel: RecordingChannel, outcome: Outcome) -> None:
    """Compare what was asked, what was answered and what arrived, each in its order."""
    async with app.store.begin() as unit:
        known = await unit.conversations.find(app.sealer.lookups(Channel.TELEGRAM, chat.name))
        (id_,) = known.values()
        await app.sealer.load_keys([id_])
        # In the order of the rows; what the visitor sees has a number of Telegram's.
        references = await unit.messages.references(id_, OPEN - timedelta(days=1))
        rows = await unit.messages.replies_after(id_, FROM_THE_START)
    asked = [chat.screens[one] for one in references if one in chat.screens]
    answered = [
        row.body.screen
        for row in rows
        if isinstance(row.body, Reply) and row.body.screen in SCREENS
    ]
    arrived = [
        bubble.screen
        for address, bubble in channel.shown
        if address == chat.name and bubble.screen in SCREENS
    ]
    outcome.count("messages", len(asked))
    outcome.expect(len(asked) == len(chat.screens), f"{chat.name}: {len(asked)} were taken")
    outcome.count("answers", len(arrived))
    outcome.expect(arrived == answered, f"{chat.name}: sent in another order than answered")
    outcome.expect(_follows(arrived, asked), f"{chat.name}: out of order")
    outcome.expect(
        arrived[-1:] == asked[-1:],
        f"{chat.name}: the last has no answer {asked[-4:]} {arrived[-4:]}",
    )


def _wanted(one: Incoming) -> str:
    """Return the words of a message, or where a button leads."""
    match one.event:
        case Text(text):
            return text
        case Tapped(tap):
            return tap.to
    return ""


def _follows(found: Sequence[str], of: Sequence[str]) -> bool:
    """Tell whether one is the other in its order, where several may be answered together."""
    left = iter(of)
    return all(one in left for one in found)


# --- F20 --------------------------------------------------------------------------------------

DANGER = "he has a knife"
# How soon the last of all is answered, by the clock of the deliverer.
ALL_WITHIN = 600.0


def backlog(times: int, folder: Path, number: int) -> Outcome:
    """Cut Telegram off for a day in which many write; then everything comes at once."""
    outcome, chance, clock = Outcome(), random.Random(number), FakeClock()

    async def storm() -> None:
        async with (
            await TelegramApi.start(now=lambda: clock.now().timestamp()) as api,
            open_client(api.token, api.base_url.removesuffix("/bot")) as client,
        ):
            channel = TelegramChannel(client)
            async with running(folder, clock=clock, channel=channel) as app:  # type: ignore[arg-type]
                visitors = [api.visitor(language_code="en") for _ in range(max(3, times // 10))]
                urgent = set(chance.sample(range(len(visitors)), max(1, len(visitors) // 10)))
                api.cut_off()
                intake = Intake(client.number, channel, app.reception, lambda: ("en", "da"))
                poller = Poller(client, intake, app.reception, wait=1, backoff=Backoff(_quick))
                polling = asyncio.create_task(poller.run())
                for turn in range(10):
                    for place in chance.sample(range(len(visitors)), len(visitors)):
                        last = turn == 9 and place in urgent
                        await visitors[place].sends(DANGER if last else f"what about {turn}")
                        outcome.count("messages")
                clock.turn(hours=23, minutes=50)
                api.heal()
                await api.drained(within=600)
                await app.reception.close()
                while await app.reception.resume():
                    await app.reception.close()
                began = clock.now()
                soon = began + timedelta(seconds=len(urgent) / 25 + 10)
                helped: dict[int, float] = {}
                left = ("pending", "sending")
                while any(states(folder)[state] for state in left):
                    await app.deliverers[Channel.TELEGRAM].step()
                    for place in urgent - helped.keys():
                        if any("112" in message.text for message in visitors[place].heard):
                            helped[place] = (clock.now() - began).total_seconds()
                            outcome.expect(clock.now() <= soon, f"numbers only {clock.now()}")
                    clock.turn(seconds=TICK)
                outcome.figures["in danger"] = len(urgent)
                outcome.figures["last numbers s"] = max(helped.values(), default=-1)
                outcome.figures["all answered s"] = (clock.now() - began).total_seconds()
                outcome.expect(len(helped) == len(urgent), f"{len(helped)} of {len(urgent)} helped")
                silent = sum(not visitor.heard for visitor in visitors)
                outcome.expect(not silent, f"{silent} were not answered")
                await _in_order(app, [f"{v.id}" for v in visitors], outcome)
                await kill(polling)
                await intake.close()

    with listening():
        asyncio.run(storm())
    with closing(sqlite3.connect(folder / "var" / "havn.db")) as file:
        ((stored,),) = file.execute("SELECT count(*) FROM messages WHERE incoming").fetchall()
    outcome.expect(stored == outcome.figures["messages"], f"{stored} were stored")
    quick = outcome.figures["all answered s"] <= ALL_WITHIN
    outcome.expect(quick, "not all were answered in ten minutes")
    return outcome


async def _in_order(app: App, chats: Sequence[str], outcome: Outcome) -> None:
    for chat in chats:
        async with app.store.begin() as unit:
            known = await unit.conversations.find(app.sealer.lookups(Channel.TELEGRAM, chat))
            (id_,) = known.values()
            await app.sealer.load_keys([id_])
            rows = await unit.messages.thread(id_, FROM_THE_START, 1000)
        said = [_wanted(row.incoming) for row in rows if isinstance(row, Arrival)]
        plain = [text for text in said if text != DANGER]
        outcome.expect(plain == sorted(plain), f"{chat}: {plain}")


async def _quick(_seconds: float) -> None:
    await asyncio.sleep(0.01)
