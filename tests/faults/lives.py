"""Lives of the program: each is a child of this process, forked once everything is loaded. It goes
on in the folder of the one before and kills itself, or is killed, or ends in peace.
"""

import asyncio
import gc
import os
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from bot.adapters.holidays import is_danish_holiday
from bot.domain.triage import assess
from bot.logs import configure
from tests.faults.judge import judge
from tests.faults.ledger import Ledger
from tests.faults.points import Failpoints, install
from tests.faults.scenes import SCENES, play
from tests.faults.town import Town, town
from tests.support.deck import words
from tests.support.fakes import OPEN, FakeClock

# How long a life may take before it counts as hanging; a machine may be busy.
LONGEST = 120.0
FAULTY = 3


Play = Callable[[Town, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Life:
    """What happens in one life. ``point`` is "" where it ends in peace, or is killed from outside.

    With ``early`` it may be killed while it goes on with what was left, else only in the scene.
    ``at`` is when it begins, a while after the life before where it is not given.
    """

    folder: Path
    number: int
    name: str
    scene: str = ""
    point: str = ""
    nth: int = 1
    early: bool = False
    url: str = ""
    at: datetime | None = None

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"


@dataclass(frozen=True, slots=True)
class End:
    """How a life ended: ``status`` is 0, FAULTY, or minus the number of a signal."""

    status: int
    seconds: float


@cache
def warm_up() -> None:
    """Load everything a life needs, so that a child begins at once."""
    words()
    is_danish_holiday(OPEN.date())
    assess("", words()[1])
    with fresh_folder() as folder:
        asyncio.run(_rehearse(folder))
    gc.collect()
    gc.freeze()


async def _rehearse(folder: Path) -> None:
    """Live in peace once: what is made at its first use is then there in every child."""
    ledger = Ledger(folder / "ledger")
    async with town(folder, ledger, Failpoints(lambda _point: None), "rehearsal", 0) as here:
        for scene in SCENES:
            await play(here, scene)
        await here.come_to_rest()
    ledger.close()


def begin(life: Life, live: Callable[[Life], None]) -> int:
    """Begin a life; return the id of its process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        log = os.open(life.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        live(life)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:  # noqa: BLE001 -- nothing of a child may go on in its parent's frames
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def live(life: Life, play: Play = play) -> None:
    """Live one life: go on, be judged, play the scene."""
    configure("WARNING")
    ledger = Ledger(life.ledger)
    ledger.tell("life", name=life.name)

    def strike(point: str) -> None:
        ledger.tell("killed", point=point)
        os.kill(os.getpid(), signal.SIGKILL)

    points = Failpoints(strike)
    install(points, lambda sent: ledger.tell("marked", references=sent))
    asyncio.run(_live(life, ledger, points, play))


async def _live(life: Life, ledger: Ledger, points: Failpoints, play: Play) -> None:
    if life.early:
        points.set(life.point, life.nth)
    clock = FakeClock(life.at) if life.at else None
    opened = town(life.folder, ledger, points, life.name, life.number, url=life.url, clock=clock)
    async with opened as here:
        await here.come_to_rest()
        if faults := await judge(here):
            for fault in faults:
                ledger.tell("fault", fault=fault)
            sys.exit(FAULTY)
        if not life.scene:
            return
        ledger.tell("rest", passed=dict(points.passed))
        points.passed.clear()
        if not life.early:
            points.set(life.point, life.nth)
        await play(here, life.scene)
        ledger.tell("played", scene=life.scene, passed=dict(points.passed))


Course = Generator[tuple[Life, float], End, None]


@dataclass(frozen=True, slots=True)
class _Running:
    """A life under way; ``until`` is when it is killed."""

    course: Course
    child: int
    began: float
    until: float


class _Lives:
    """Lives that run side by side."""

    def __init__(self, live: Callable[[Life], None]) -> None:
        self._live = live
        self._running: dict[int, _Running] = {}
        self._waiting = selectors.DefaultSelector()

    def __len__(self) -> int:
        return len(self._running)

    def go_on(self, course: Course, end: End | None) -> None:
        """Begin the next life of a course, if there is one."""
        try:
            life, kill_after = next(course) if end is None else course.send(end)
        except StopIteration:
            return
        child, now = begin(life, self._live), time.monotonic()
        handle = os.pidfd_open(child)
        self._running[handle] = _Running(course, child, now, now + (kill_after or LONGEST))
        self._waiting.register(handle, selectors.EVENT_READ)

    def wait(self) -> None:
        """Wait until a life ends or is to be killed, and go on."""
        soonest = min(one.until for one in self._running.values())
        ended = self._waiting.select(max(0.0, soonest - time.monotonic()))
        for one in self._running.values():
            if time.monotonic() >= one.until:
                os.kill(one.child, signal.SIGKILL)
        for key, _ in ended:
            self._waiting.unregister(key.fd)
            os.close(key.fd)
            one = self._running.pop(key.fd)
            _, status = os.waitpid(one.child, 0)
            end = End(os.waitstatus_to_exitcode(status), time.monotonic() - one.began)
            self.go_on(one.course, end)

    def close(self) -> None:
        """Leave no child behind."""
        for one in self._running.values():
            os.kill(one.child, signal.SIGKILL)
            os.waitpid(one.child, 0)
        self._waiting.close()


def run_all(courses: Iterator[Course], jobs: int, live: Callable[[Life], None] = live) -> None:
    """Run courses of lives, so many at a time.

    A course yields a life and after how many seconds it is killed from outside, 0 for never, and
    is told how it ended.
    """
    lives = _Lives(live)
    try:
        while True:
            while len(lives) < jobs and (course := next(courses, None)):
                lives.go_on(course, None)
            if not lives:
                return
            lives.wait()
    finally:
        lives.close()


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """Lend a folder in memory where there is one: a killed process takes no page cache with it."""
    shared = Path("/dev/shm")
    place = shared if os.access(shared, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="havn-faults-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
