"""F18: two whole Havns on one database by mistake: each takes in, answers, sends, keeps house, and
takes the visitors who wait. Nothing has two effects.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.errors import AlreadyTakenError, HavnError
from bot.domain.messages import Channel
from bot.domain.staff import StaffId
from bot.ports import Meaning
from tests.faults.judge import duplicates
from tests.faults.kills import told
from tests.faults.ledger import Ledger, Message
from tests.faults.lives import Course, Life, fresh_folder, live, run_all, warm_up
from tests.faults.points import Failpoints, install
from tests.faults.report import Result
from tests.faults.town import LINES, SCREENS, RealClock, Town, line_of, town
from tests.support.app import on_shift
from tests.support.fakes import FakeDialogue

VISITORS = 12
_PATIENCE = 500
_ASKS = ("utter_human_notify consent=all", "action_queue_open")


def carry_out(visitors: int = VISITORS, url: str = "") -> Result:
    """Run two processes on one database; ``url`` is empty for SQLite."""
    warm_up()
    failures: list[str] = []

    def course(life: Life) -> Course:
        end = yield life, 0
        if end.status:
            failures.extend(told(life, end.status))

    with fresh_folder() as home:
        _write_down(home, visitors)
        both = [Life(home, 0, name, str(visitors), url=url) for name in ("one", "two")]
        run_all(map(course, both), 2, _live)
        # Later than every lease: this life looks at what the two have left, and says what is wrong.
        later = datetime.now(UTC) + timedelta(hours=1)
        run_all(iter([course(Life(home, 0, "judge", url=url, at=later))]), 1, live)
        ledger = Ledger(home / "ledger")
        story = ledger.read()
        ledger.close()
    again = duplicates(story)
    if again:
        failures.append(f"{again} answers were sent twice")
    wins = [fact for fact in story.all("done") if fact["step"] == "win"]
    talks = len(story.senders("asks"))
    if len(wins) != talks:
        failures.append(f"{len(wins)} took {talks} visitors")
    figures = {
        "messages, each brought to both": len(story.messages),
        "sends": story.shown.total(),
        "sends doubled": again,
        "visitors who waited": talks,
        "counsellors who took them": len(wins),
    }
    where = "PostgreSQL" if url else "SQLite"
    return Result(f"two processes by mistake, {where}", figures, failures)


def _write_down(home: Path, visitors: int) -> None:
    """Write down what visitors will send; each sends one thing after another."""
    ledger, dice = Ledger(home / "ledger"), random.Random(1)
    for number in range(visitors):
        channel = Channel.TELEGRAM if number % 3 else Channel.WEB
        sender = f"{channel}-{number}"
        one, two = dice.sample(SCREENS, 2)
        sends = [("starts", ""), ("reads", one), ("says", two)]
        sends += [("asks", tap) for tap in _ASKS] if number % 2 else []
        for place, (does, of) in enumerate(sends):
            ledger.tell(
                "came", id=f"{sender}-{place}", sender=sender, channel=channel, does=does, of=of
            )
    ledger.close()


class _Pensive(FakeDialogue):
    """Thinks long enough for the other process to answer meanwhile."""

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:
        await asyncio.sleep(0.05)
        return await super().interpret(text, screen, locale)


def _live(life: Life) -> None:
    ledger = Ledger(life.folder / "ledger")
    points = Failpoints(lambda _point: None)
    install(points, lambda sent: ledger.tell("marked", references=sent))
    asyncio.run(_both(life, ledger, points))


async def _both(life: Life, ledger: Ledger, points: Failpoints) -> None:
    opened = town(
        *(life.folder, ledger, points, life.name, 0),
        url=life.url,
        clock=RealClock(),
        dialogue=_Pensive(),
    )
    async with opened as here:
        here.patience = _PATIENCE
        me = StaffId(life.name)
        await on_shift(here.app, me)
        over = asyncio.Event()
        delivering = [asyncio.create_task(here.delivering(over)), _keep(here, over)]
        keeping = asyncio.gather(*delivering)
        story = ledger.read()
        senders: dict[str, list[Message]] = defaultdict(list)
        for one in story.messages:
            senders[one.sender].append(one)
        await asyncio.gather(*(_send(here, mine) for mine in senders.values()))
        # What the bot has not sent when somebody takes a talk is dropped, as it should be.
        await here.quiet()
        for sender in sorted(story.senders("asks")):
            await _take(here, me, sender)
        await here.quiet()
        over.set()
        await keeping


async def _keep(here: Town, over: asyncio.Event) -> None:
    """Keep house far more often than in real life."""
    while not over.is_set():
        await _surely(here.app.keeper.round())
        await asyncio.sleep(0.01)


async def _send(here: Town, messages: Sequence[Message]) -> None:
    for one in messages:
        await here.bring([one])
        if one.does == "says":
            # Of three things at once only the last would be answered.
            await here.patiently(lambda one=one: here.answered(one.sender))  # type: ignore[misc]


async def _take(here: Town, me: StaffId, sender: str) -> None:
    """Try to take who waits, and press the button twice; whoever wins says two lines."""
    asked = await here.handover(sender)
    if asked is None or asked.id is None:
        return
    try:
        await here.patiently(lambda: here.app.hotline.take(me, here.life, asked.id or 0))
    except AlreadyTakenError:
        return
    for what, step in (("wants", "take"), ("done", "take"), ("done", "win")):
        here.ledger.tell(what, key=f"{sender}/take {here.life}", step=step)
    number = asked.id
    for line in range(1, LINES + 1):
        said = line_of(sender, line)
        await here.patiently(
            lambda said=said: here.app.hotline.say(me, here.life, number, said, said)  # type: ignore[misc]
        )


async def _surely(act: Awaitable[object]) -> bool:
    try:
        await act
    except HavnError:
        return False
    return True
