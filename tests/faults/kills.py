"""F1 and F2: kill -9 at named points and at random times, again and again; nothing is lost, nothing
takes effect twice.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.faults.judge import duplicates
from tests.faults.ledger import Ledger
from tests.faults.lives import FAULTY, LONGEST, Course, Life, fresh_folder, run_all, warm_up
from tests.faults.points import POINTS
from tests.faults.report import Result
from tests.faults.scenes import SCENES

# After so many kills a house is judged for the last time, and the next is begun: looking at
# everything that ever happened in it takes longer with every life.
_KILLS_PER_HOUSE = 6
_EARLY = 0.3


Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How often to kill, and how. The same seed makes the same choices."""

    kills: int
    randomly: bool = False
    jobs: int = 2
    seed: str = "1"
    points: tuple[str, ...] = POINTS


@dataclass(slots=True)
class Tally:
    """What came of it."""

    plan: Plan
    progress: Progress
    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    lives: int = 0
    houses: int = 0
    messages: int = 0
    acknowledged: int = 0
    sent: int = 0
    ambiguous: int = 0
    windows: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def killed(self) -> int:
        return self.kills.total()

    @property
    def failures(self) -> list[str]:
        """Return which bars are missed."""
        missed = list(self.faults)
        if self.doubled > self.ambiguous:
            missed.append(f"{self.doubled} duplicate sends after {self.ambiguous} unknown outcomes")
        if self.killed < self.plan.kills:
            missed.append(f"only {self.killed} kills")
        if not self.plan.randomly and (never := set(self.plan.points) - self.kills.keys()):
            few = self.plan.kills < len(self.plan.points)
            missed += [] if few else [f"never killed {point}" for point in sorted(never)]
        return missed

    def result(self) -> Result:
        """Return the figures."""
        name = f"kill -9 at {'random times' if self.plan.randomly else 'named points'}"
        figures = {
            "kills": self.killed,
            "points killed at": len(self.kills),
            "points passed too seldom": self.missed.total(),
            "messages": self.messages,
            "acknowledged": self.acknowledged,
            "sends": self.sent,
            "sends whose outcome was unknown": self.ambiguous,
            "kills between send and commit": self.windows,
            "sends doubled": self.doubled,
            "lost, doubled in effect, or unsound": len(self.faults),
            "kills a second": round(self.killed / self.seconds, 1) if self.seconds else 0,
        }
        return Result(name, figures, self.failures)

    def add(self, ledger: Path) -> None:
        """Count what happened in a house."""
        book = Ledger(ledger)
        story = book.read()
        book.close()
        self.houses += 1
        self.messages += len(story.messages)
        self.acknowledged += len(story.acknowledged)
        self.sent += story.shown.total()
        self.ambiguous += len(story.ambiguous)
        self.windows += len({fact["reference"].split(".")[0] for fact in story.ambiguous})
        self.doubled += duplicates(story)


@dataclass(slots=True)
class _Counts:
    """How often each point is passed in a scene, and while a killed life is gone on with."""

    scenes: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def scene_for(self, point: str, dice: random.Random) -> tuple[str, int] | None:
        """Return a scene that passes a point, and one of the times it does."""
        fit = [name for name, passed in self.scenes.items() if passed[point]]
        if not fit:
            return None
        scene = dice.choice(fit)
        return scene, dice.randint(1, self.scenes[scene][point])


def carry_out(plan: Plan, progress: Progress = lambda _done, _of: None) -> Tally:
    """Kill as planned; return what came of it."""
    warm_up()
    tally, began = Tally(plan, progress), time.monotonic()
    with fresh_folder() as folder:
        counts = _measure()
        order = _order(plan)
        run_all(_houses(folder, plan, counts, tally, order), plan.jobs)
    tally.seconds = time.monotonic() - began
    return tally


def _order(plan: Plan) -> Iterator[str]:
    """Return the points in turn, in another order each time round."""
    dice = random.Random(plan.seed)
    while True:
        yield from dice.sample(plan.points, len(plan.points))


@cache
def _measure() -> _Counts:
    """Play every scene once in peace."""
    counts = _Counts()

    def peace(home: Path) -> Course:
        for number, scene in enumerate(SCENES):
            life = Life(home, number, f"peace{number}", scene)
            end = yield life, 0
            if end.status:
                raise RuntimeError(f"without a kill: {'; '.join(told(life, end.status))}")
            counts.seconds = max(counts.seconds, end.seconds)

    with fresh_folder() as home:
        run_all(iter([peace(home)]), 1)
        ledger = Ledger(home / "ledger")
        for fact in ledger.read().all("played"):
            counts.scenes[fact["scene"]] = Counter(fact["passed"])
        ledger.close()
    return counts


def _houses(
    folder: Path, plan: Plan, counts: _Counts, tally: Tally, order: Iterator[str]
) -> Iterator[Course]:
    number = 0
    begun = 0
    while begun < plan.kills or (tally.killed < plan.kills and number < plan.kills):
        share = min(_KILLS_PER_HOUSE, max(1, plan.kills - begun))
        begun += share
        yield _house(folder / f"house{number}", plan, counts, tally, order, share)
        number += 1


def _house(
    home: Path, plan: Plan, counts: _Counts, tally: Tally, order: Iterator[str], kills: int
) -> Course:
    """Kill in one house, then let it come to rest."""
    home.mkdir()
    dice = random.Random(f"{plan.seed} {home.name}")
    typical, done, number = counts.seconds, 0, 0
    while done < kills and number < 3 * kills:
        life, after = _next(home, number, plan, counts, order, dice)
        end = yield life, after * typical
        number += 1
        tally.lives += 1
        if end.status == -9 and end.seconds < LONGEST:
            done += 1
            tally.kills[life.point or "at random"] += 1
            tally.progress(tally.killed, plan.kills)
        elif end.status == 0:
            tally.missed[life.point or "at random"] += 1
            typical = 0.7 * typical + 0.3 * end.seconds
        else:
            tally.faults += told(life, end.status)
            return
    end = yield Life(home, number, f"rest{number}"), 0
    if end.status:
        tally.faults += told(Life(home, number, "rest"), end.status)
    tally.add(home / "ledger")


def _next(
    home: Path,
    number: int,
    plan: Plan,
    counts: _Counts,
    order: Iterator[str],
    dice: random.Random,
) -> tuple[Life, float]:
    name = f"life{number}"
    if plan.randomly:
        return Life(home, number, name, dice.choice(list(SCENES))), dice.uniform(0.3, 1.2)
    point = next(order)
    fit = counts.scene_for(point, dice)
    if fit is None:
        raise RuntimeError(f"no scene passes '{point}'")
    scene, nth = fit
    early = number > 0 and dice.random() < _EARLY
    return Life(home, number, name, scene, point, 1 if early else nth, early), 0


def told(life: Life, status: int) -> list[str]:
    """Return in words why a life did not end well."""
    ledger = Ledger(life.ledger)
    story = ledger.read()
    ledger.close()
    kills = [fact["point"] for fact in story.all("killed")]
    where = f"{life.folder.name}, {life.name}, after {kills[-1] if kills else 'no kill'}"
    told = [fact["fault"] for fact in story.all("fault")] if status == FAULTY else []
    return [f"{where}: {one}" for one in told or [f"ended with {status}: {_words(life.folder)}"]]


def _words(home: Path) -> str:
    log = home / "log"
    return log.read_text("utf-8", "replace")[-3000:] if log.exists() else ""
