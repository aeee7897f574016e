"""One run: a Havn in a process of its own, searched at four moments."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from tests.forensic.canaries import Canary, Kind, Songbook, Stay
from tests.forensic.house import channel_of
from tests.forensic.places import Ground
from tests.forensic.search import Hit, Search
from tests.forensic.subject import FATES, STEPS, Task
from tests.forensic.thief import Thief
from tests.support.deck import ROOT
from tests.support.postgres import Cluster

MOMENTS = {
    "live": "T1 while live",
    "forgotten": "T2 after forget",
    "expired": "T3 after expiry",
    "restarted": "T4 after kill -9 inside forget and restart",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. ``kills`` is how many of the steps of forget are killed at, of six.

    With ``briefly`` it ends after the first moment, which is enough for a control.
    """

    conversations: int
    level: str
    postgres: bool = False
    sealed: bool = True
    nlu: bool = False
    kills: int = len(STEPS)
    briefly: bool = False
    seed: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)


@dataclass(slots=True)
class Moment:
    """What was found at a moment; ``opened`` of those who are gone, ``readable`` of the others."""

    name: str
    hits: Mapping[str, set[Hit]]
    megabytes: float
    seconds: float
    opened: int = 0
    readable: int = 0
    alive: int = 0
    old_keys: int = 0

    @property
    def canaries(self) -> set[Canary]:
        """Return the canaries that were found anywhere."""
        return {hit.canary for hits in self.hits.values() for hit in hits}


@dataclass(slots=True)
class Outcome:
    """What a run found."""

    plan: Plan
    canaries: int
    moments: list[Moment] = field(default_factory=list)
    copied: int = 0
    logged: int = 0
    places: int = 0


class Run:
    """Carries out a plan in a folder of its own."""

    def __init__(self, plan: Plan, folder: Path, cluster: Cluster | None) -> None:
        self._plan = plan
        self._folder = folder
        self._cluster = cluster
        self._songs = Songbook(plan.seed)
        self._ground = Ground(folder, time.time_ns(), cluster.folder if cluster else None)
        self._url = cluster.create("forensic") if cluster else ""
        address = self._url or f"sqlite:///{folder / 'var' / 'havn.db'}"
        self._thief = Thief(folder / "var" / "keys", address)
        self._canaries: list[Canary] = []
        self._ids: dict[str, list[str]] = {}
        self._gone: set[str] = set()
        self._keys: set[bytes] = set()

    def go(self) -> Outcome:
        """Live, forget, expire, be killed and rise; search at each moment."""
        for number in range(self._plan.conversations):
            self._canaries += self._songs.all_of(number, channel_of(number))
        if self._plan.briefly:
            moments = self._beginning()
        else:
            moments = list(chain(self._first_life(), self._later_lives()))
            names = [moment.name for moment in moments]
            if names != list(MOMENTS):
                raise RuntimeError(f"the run ended early, at {names}: {self._last_words()}")
        logged = len((self._folder / "log").read_bytes().splitlines())
        outcome = Outcome(self._plan, len(self._canaries), moments, len(self._thief.records))
        outcome.logged, outcome.places = logged, len(self._ground.places())
        return outcome

    def _beginning(self) -> list[Moment]:
        """Live up to the first moment, and be killed there."""
        with self._subject("live", STEPS) as told:
            self._learn(next(told))
            return [self._look("live")]

    def _first_life(self) -> Iterator[Moment]:
        with self._subject("live", STEPS[: self._plan.kills]) as told:
            for facts in told:
                if facts["moment"] == "live":
                    self._learn(facts)
                elif facts["moment"] in FATES:
                    self._gone |= set(self._ids[facts["moment"]])
                yield self._look(facts["moment"])

    def _later_lives(self) -> Iterator[Moment]:
        for killed in range(1, self._plan.kills):
            with self._subject("rise", STEPS[killed : self._plan.kills]) as told:
                list(told)
        with self._subject("rise", ()) as told:
            for facts in told:
                self._gone |= {id_ for id_ in self._ids["killed"] if id_ not in facts["left"]}
                if facts["left"]:
                    raise RuntimeError("somebody is left whom every share should have held")
                yield self._look(facts["moment"])

    def _learn(self, facts: Mapping[str, Any]) -> None:
        self._ids = facts["ids"]
        for drawn in facts["drawn"]:
            number, label, value = drawn["conversation"], drawn["label"], drawn["value"]
            self._canaries.append(Canary(number, label, Kind.PLAIN, Stay.BRIEF, value))

    def _look(self, moment: str) -> Moment:
        """Search everything; with the keys of this moment nothing of the gone may open."""
        if self._cluster:
            self._cluster.run("CHECKPOINT")
        began, search, size = time.monotonic(), Search(self._canaries), 0
        hits: dict[str, set[Hit]] = {}
        old = self._keys - self._thief.secrets_now()
        remnants = 0
        for place, files in self._ground.places().items():
            for path in files:
                content = _content(path)
                size += len(content)
                hits.setdefault(place, set()).update(search.hits(content))
                remnants += sum(key in content for key in old)
        seconds = time.monotonic() - began
        seen = Moment(moment, hits, size / 1e6, seconds, old_keys=remnants)
        if self._plan.sealed:
            self._try_keys(seen)
        return seen

    def _try_keys(self, seen: Moment) -> None:
        everyone = set(chain.from_iterable(self._ids.values()))
        opened = self._thief.try_everything(everyone)
        seen.opened = opened.among(self._gone)
        seen.alive = len(everyone - self._gone)
        seen.readable = len((everyone - self._gone) & set(opened.values) & opened.keys)
        self._keys |= self._thief.secrets_now() - {_pepper(self._folder)}

    @contextmanager
    def _subject(self, life: str, steps: tuple[str, ...]) -> Iterator[Iterator[dict[str, Any]]]:
        """Start the program; yield what it tells, and let it go on after each."""
        plan = self._plan
        task = Task(
            *(str(self._folder), self._songs.seed, plan.conversations, plan.level),
            *(self._url, plan.sealed, plan.nlu, steps),
        )
        (self._folder / "home").mkdir(exist_ok=True)
        environ = os.environ | {
            "PTB_TIMEDELTA": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(self._folder / "home"),
        }
        command = [sys.executable, "-m", "tests.forensic.subject", life, json.dumps(asdict(task))]
        with (
            (self._folder / "log").open("ab") as log,
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as process,
        ):
            try:
                yield _told(process)
            finally:
                process.kill()
        expected = -signal.SIGKILL if steps else 0
        if process.returncode != expected:
            raise RuntimeError(f"the program ended with {process.returncode}: {self._last_words()}")

    def _last_words(self) -> str:
        return (self._folder / "log").read_text("utf-8", "replace")[-2000:]


def carry_out(plan: Plan) -> Outcome:
    """Carry out a plan in a fresh folder, which is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="havn-forensic-"))
    cluster = Cluster.start() if plan.postgres else None
    try:
        return Run(plan, folder, cluster).go()
    finally:
        if cluster:
            cluster.stop()
        shutil.rmtree(folder)


def _told(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdin is not None
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)
        process.stdin.write("\n")
        process.stdin.flush()
    process.wait()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _pepper(folder: Path) -> bytes:
    return (folder / "var" / "keys" / "pepper").read_bytes()
