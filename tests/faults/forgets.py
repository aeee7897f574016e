"""F19: kill -9 at every step of forgetting. It ends forgotten, and a thief who copied everything on
the way and holds all keys of the present opens nothing of who is gone.
"""

import asyncio
import functools
import itertools
from pathlib import Path

from bot.domain.messages import Channel
from tests.faults.kills import told
from tests.faults.ledger import Ledger
from tests.faults.lives import Course, Life, fresh_folder, live, run_all, warm_up
from tests.faults.report import Result
from tests.faults.town import SCREENS, Stranger, Town, channel_of
from tests.forensic.thief import Thief
from tests.support.stores import sqlite_url

STEPS = tuple(
    f"{side} {place}"
    for place in (
        *("commit of forgetting", "Channel.delete", "Sealer.destroy_keys", "Sealer.rotate"),
        *("secret file.write_secret", "secret file.shred", "commit of erasing", "Store.scrub"),
    )
    for side in ("before", "after")
)
# Of these half forget.
_VISITORS = 4


class Trial:
    """Forgetting with a kill at each step in turn, so many times each."""

    def __init__(self, each: int, jobs: int = 2, steps: tuple[str, ...] = STEPS) -> None:
        self._each = each
        self._jobs = jobs
        self._steps = steps
        self.kills = self.forgotten = self.opened = self.readable = self.alive = 0
        self.failures: list[str] = []

    def carry_out(self) -> Result:
        """Kill, go on, and let the thief try."""
        warm_up()
        with fresh_folder() as folder:
            plan = itertools.product(range(self._each), self._steps)
            houses = (folder / f"house{number}" for number in itertools.count())
            courses = (self._house(h, step) for h, (_, step) in zip(houses, plan, strict=False))
            run_all(courses, self._jobs, _live)
        due = self._each * len(self._steps)
        if self.kills < due:
            self.failures.append(f"only {self.kills} kills of {due}")
        if self.opened:
            self.failures.append(f"the thief opened {self.opened} values of who is gone")
        if self.readable < self.alive:
            self.failures.append("the thief opened too little of who is there: no proof")
        figures = {
            "kills inside forget": self.kills,
            "steps": len(self._steps),
            "conversations forgotten": self.forgotten,
            "their values and keys that opened": self.opened,
            "others that opened, as they must": f"{self.readable} of {self.alive}",
        }
        return Result("kill -9 inside forget", figures, self.failures)

    def _house(self, home: Path, step: str) -> Course:
        home.mkdir()
        thief = Thief(home / "var" / "keys", sqlite_url(home / "var"))
        end = yield Life(home, 0, "talks", "talks"), 0
        if end.status:
            self.failures += told(Life(home, 0, "talks"), end.status)
            return
        thief.copy()
        life = Life(home, 1, "forgets", "forgets", step)
        end = yield life, 0
        if end.status != -9:
            self.failures += told(life, end.status)
            return
        self.kills += 1
        thief.copy()
        life = Life(home, 2, "rises")
        end = yield life, 0
        if end.status:
            self.failures += told(life, end.status)
            return
        self._try(home, thief)

    def _try(self, home: Path, thief: Thief) -> None:
        ledger = Ledger(home / "ledger")
        story = ledger.read()
        ledger.close()
        ids = {fact["sender"]: fact["id"] for fact in story.all("known")}
        gone = [id_ for sender, id_ in ids.items() if sender in story.senders("forgets")]
        there = [id_ for id_ in ids.values() if id_ not in gone]
        opened = thief.try_everything([*gone, *there])
        self.forgotten += len(gone)
        self.opened += opened.among(gone)
        self.alive += len(there)
        self.readable += len({*there} & {*opened.values} & opened.keys)


async def _play(town: Town, scene: str) -> None:
    """Let everybody talk; or let half of them forget."""
    if scene == "talks":
        await asyncio.gather(*(_talk(town, number) for number in range(_VISITORS)))
        await town.quiet()
        return
    senders = sorted({one.sender for one in town.ledger.read().messages})
    leaving = [Stranger(town, channel_of(sender), sender) for sender in senders[::2]]
    await asyncio.gather(*(one.does("forgets", "action_forget") for one in leaving))
    await town.app.reception.close()


async def _talk(town: Town, number: int) -> None:
    """Let somebody talk; those who will forget and those who will not are on both channels."""
    visitor = town.stranger(Channel.TELEGRAM if number < _VISITORS // 2 else Channel.WEB)
    await visitor.does("starts")
    await visitor.is_known()
    one, two, three = town.dice.sample(SCREENS, 3)
    await visitor.does("reads", one, two)
    await visitor.does("says", three)


_live = functools.partial(live, play=_play)
