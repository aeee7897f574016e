"""F8, F9: a chat that Telegram makes wait, and a Telegram that breaks three calls of ten.

Messages go through python-telegram-bot over HTTP to the emulated Bot API; time is the test's own.
"""

import asyncio
import math
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from itertools import count
from pathlib import Path
from typing import Any

from bot.adapters.telegram import TelegramChannel, open_client
from bot.bootstrap import App
from bot.domain.messages import Channel, Event, Incoming, Start, Tapped
from bot.domain.screens import Tap
from bot.ports import Dialogue
from tests.storms.listening import listening
from tests.storms.outcome import Outcome
from tests.support.app import running
from tests.support.fakes import FakeClock
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_chats import Visitor
from tests.support.telegram_faults import Call, Fault
from tests.support.telegram_methods import ApiError

TICK = 0.25
CHATS = 100
# Seconds that Telegram makes one chat wait, and what the others may wait in them (B9).
PAUSE = 600
SOON = 2.0
BROKEN = 0.3
# Screens of one message each, of no urgency.
SCREENS = ("utter_debt", "utter_shelter", "utter_health", "utter_work_money", "utter_witness")
_numbers = count(1)


@asynccontextmanager
async def on_telegram(
    folder: Path, clock: FakeClock, dialogue: Dialogue | None = None
) -> AsyncIterator[tuple[App, TelegramApi]]:
    """Run Havn with a real client and an emulated Bot API whose time is the clock's."""
    async with (
        await TelegramApi.start(now=lambda: clock.now().timestamp()) as api,
        open_client(api.token, api.base_url.removesuffix("/bot")) as client,
        running(
            folder,
            clock=clock,
            dialogue=dialogue,
            channel=TelegramChannel(client),  # type: ignore[arg-type]
        ) as app,
    ):
        yield app, api


def incoming(visitor: Visitor, event: Event) -> Incoming:
    """Return what the intake would hand over."""
    number, chat = next(_numbers), str(visitor.id)
    return Incoming(
        Channel.TELEGRAM, f"storm:{number}", chat, event, address=chat, reference=f"{number}"
    )


def tapped(screen: str) -> Tapped:
    """Return the press of a button that leads to a screen."""
    return Tapped(Tap.decode(screen))


def states(folder: Path) -> Counter[str]:
    """Count messages that go out, by where they stand."""
    with closing(sqlite3.connect(folder / "var" / "havn.db")) as file:
        return Counter(
            dict(file.execute("SELECT state, count(*) FROM messages WHERE NOT incoming GROUP BY 1"))
        )


async def deliver(app: App, clock: FakeClock, folder: Path, *, within: float = math.inf) -> float:
    """Send until nothing is left, or so many seconds of the clock have passed; return these."""
    passed = 0.0
    left = ("pending", "sending")
    while passed < within and any(states(folder)[state] for state in left):
        await app.deliverers[Channel.TELEGRAM].step()
        clock.turn(seconds=TICK)
        passed += TICK
    return passed


async def begin(app: App, clock: FakeClock, folder: Path, visitors: Sequence[Visitor]) -> None:
    """Have everybody begin a chat and get their first answer."""
    await app.reception.accept([incoming(visitor, Start("en")) for visitor in visitors])
    await app.reception.close()
    await deliver(app, clock, folder)
    clock.turn(seconds=30)


# --- F8 ---------------------------------------------------------------------------------------


def one_waits(times: int, folder: Path, number: int) -> Outcome:
    """Send so many messages to a hundred chats, ten a second, of which one must wait."""
    outcome, chance, clock = Outcome(), random.Random(number), FakeClock()
    waits: list[float] = []

    async def storm() -> None:
        async with on_telegram(folder, clock) as (app, api):
            visitors = [api.visitor(language_code="en") for _ in range(min(CHATS, times))]
            await begin(app, clock, folder, visitors)
            heard = {visitor.id: len(visitor.heard) for visitor in visitors}
            asked: dict[int, list[float]] = {visitor.id: [] for visitor in visitors}
            poor, *others = visitors
            began = clock.now()
            api.fail(429, retry_after=PAUSE, chat=poor.id, times=math.inf)
            sent = 0
            while sent < times or any(len(asked[v.id]) > _answers(v, heard) for v in others):
                now = clock.now().timestamp()
                if sent < times:
                    some = [*chance.sample(others, 2), *([poor] if sent % 100 == 0 else [])]
                    events = [incoming(v, tapped(chance.choice(SCREENS))) for v in some]
                    await app.reception.accept(events)
                    await app.reception.close()
                    for visitor in some:
                        asked[visitor.id].append(now)
                    sent += len(some)
                before = {v.id: _answers(v, heard) for v in others}
                while await app.deliverers[Channel.TELEGRAM].step():
                    pass
                for v in others:
                    waits.extend(now - at for at in asked[v.id][before[v.id] : _answers(v, heard)])
                clock.turn(seconds=TICK)
            outcome.expect(_answers(poor, heard) == 0, "the chat was written to all the same")
            outcome.figures["seconds"] = (clock.now() - began).seconds
            clock.turn(seconds=PAUSE)
            api.heal()
            await deliver(app, clock, folder)
            late = _answers(poor, heard)
            outcome.expect(late == len(asked[poor.id]), f"{late} of {len(asked[poor.id])} at last")
            tries = [c for c in api.calls if c.status == 429]
            outcome.figures["calls to the chat that waits"] = len(tries)

    with listening():
        asyncio.run(storm())
    waits.sort()
    outcome.figures["messages"] = len(waits)
    outcome.figures["p95 s"] = waits[math.ceil(len(waits) * 0.95) - 1]
    outcome.expect(outcome.figures["p95 s"] < SOON, f"p95 of the others {outcome.figures}")
    return outcome


def _answers(visitor: Visitor, heard: dict[int, int]) -> int:
    return len(visitor.heard) - heard[visitor.id]


# --- F9 ---------------------------------------------------------------------------------------


class Weather:
    """Breaks calls at random, and counts those of whose outcome the bot cannot know."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.broken: Counter[str] = Counter()
        self.ambiguous = 0

    def __call__(self, call: Call) -> Fault | None:
        if self._chance.random() > BROKEN:
            return None
        name, effect = self._chance.choice(_FAULTS)
        self.broken[name] += 1
        done = name in ("cut after", "half an answer", "garbled")
        self.ambiguous += done and call.method.lower() == "sendmessage"
        return Fault(None, None, 1, **effect)


_FAULTS: Sequence[tuple[str, dict[str, Any]]] = (
    ("500", {"error": ApiError(500, "Internal Server Error")}),
    ("502", {"error": ApiError(502, "Bad Gateway")}),
    ("504", {"error": ApiError(504, "Gateway Timeout")}),
    ("cut before", {"drop": "before"}),
    ("cut after", {"drop": "after"}),
    ("half an answer", {"drop": "half"}),
    ("garbled", {"garbled": True}),
)


def bad_weather(times: int, folder: Path, number: int) -> Outcome:
    """Send so many messages through faults; one chat of thirty has blocked the bot."""
    outcome, chance, clock = Outcome(), random.Random(number), FakeClock()
    weather = Weather(chance)

    async def storm() -> None:
        async with on_telegram(folder, clock) as (app, api):
            visitors = [api.visitor(language_code="en") for _ in range(max(30, times // 20))]
            await begin(app, clock, folder, visitors)
            wanted: dict[int, list[str]] = {visitor.id: [] for visitor in visitors}
            heard = {visitor.id: len(visitor.heard) for visitor in visitors}
            api.fault_for = weather  # type: ignore[method-assign, assignment]
            blocked = visitors[::30]
            for visitor in blocked:
                visitor.closed = "Forbidden: bot was blocked by the user"
            for _ in range(math.ceil(times / len(visitors))):
                events = []
                for visitor in visitors:
                    screen = chance.choice(SCREENS)
                    wanted[visitor.id].append(_first_words(app, screen))
                    events.append(incoming(visitor, tapped(screen)))
                await app.reception.accept(events)
                await app.reception.close()
                await deliver(app, clock, folder)
                clock.turn(seconds=5)
            extra = 0
            for visitor in visitors:
                if visitor in blocked:
                    continue
                got = [message.text for message in visitor.heard[heard[visitor.id] :]]
                lost = _missing(wanted[visitor.id], got)
                outcome.expect(not lost, f"{lost} are missing or out of order")
                extra += len(got) - len(wanted[visitor.id])
            outcome.figures["twice"] = extra
            outcome.figures["messages"] = sum(map(len, wanted.values()))

    with listening() as log:
        asyncio.run(storm())
    found = states(folder)
    outcome.figures["broken calls"] = weather.broken.total()
    outcome.figures["ambiguous"] = weather.ambiguous
    outcome.figures["given up"] = found["failed"]
    told = log.getvalue().count('"delivery_given_up"')
    outcome.expect(told == found["failed"], f"{found['failed']} given up, {told} told")
    outcome.expect(found["failed"] > 0, "nobody had blocked the bot")
    outcome.expect(not found["pending"] + found["sending"], f"left behind: {found}")
    outcome.expect(outcome.figures["twice"] <= weather.ambiguous, "too many came twice")
    return outcome


def _first_words(app: App, screen: str) -> str:
    bubble = app.reception.greet(Channel.TELEGRAM, screen, "en")
    return bubble.text[:40]


def _missing(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Return how many did not come in order; what comes again right after itself is no matter."""
    place = 0
    for text in got:
        if place < len(wanted) and text.startswith(wanted[place]):
            place += 1
        elif not (place and text.startswith(wanted[place - 1])):
            return len(wanted) - place or 1
    return len(wanted) - place
