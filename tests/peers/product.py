"""A program that answers on Telegram, as processes that are started, killed and weighed."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.commands.bench.running import memory_mib, running, tail
from bot.domain.errors import ConfigurationError
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_chats import Visitor

# What a program may take from its start to its first answer.
_PATIENCE_SECONDS = 180.0
# Below so much processor time a second nothing goes on any more; so many seconds are waited for it.
_CALM_SECONDS, _CALM_TRIES = 0.05, 15


@dataclass
class Product:
    """One program. All it writes lies below ``folder``: home, temporary files, data and logs."""

    folder: Path
    starts: int = field(default=0, init=False)

    name = ""
    opening = "/start"  # what a visitor says first
    understands = True  # free text

    def command(self, api: TelegramApi) -> Sequence[str]:
        """Return what starts it, talking to an emulated Bot API."""
        raise NotImplementedError

    def own_environ(self, api: TelegramApi) -> Mapping[str, str]:
        """Return its settings."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Do once what its manual asks for before the first start."""

    async def ready(self, process: asyncio.subprocess.Process) -> None:
        """Wait for what goes on in the background after the first answer."""

    async def contest(self, api: TelegramApi, visitors: Sequence[Visitor]) -> int | None:
        """Let two of the staff take each visitor at once; return how often both got them.

        None where there are no staff. The program is running.
        """

    @property
    def where(self) -> Path:
        """Return the folder its processes start in."""
        return self.folder

    @property
    def log(self) -> Path:
        """Return where the output of the last start went."""
        return self.folder / f"output-{self.starts}.log"

    def environ(self, api: TelegramApi) -> Mapping[str, str]:
        """Return a whole environment, with a home and temporary files of its own."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        places = {"HOME": self.folder / "home", "TMPDIR": self.folder / "tmp"}
        for place in places.values():
            place.mkdir(exist_ok=True)
        return {
            **kept,
            **{name: str(place) for name, place in places.items()},
            "PYTHONUNBUFFERED": "1",
            **self.own_environ(api),
        }

    @asynccontextmanager
    async def alive(self, api: TelegramApi) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run it until the block ends."""
        self.starts += 1
        async with running(
            self.command(api), log=self.log, environ=self.environ(api), folder=self.where
        ) as process:
            yield process

    async def first_answer(
        self, api: TelegramApi, visitor: Visitor, process: asyncio.subprocess.Process
    ) -> None:
        """Wait until somebody who wrote meanwhile has an answer; ConfigurationError if none."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline and process.returncode is None:
            try:
                await api.wait_for(lambda: visitor.heard or None, 0.2)
            except TimeoutError:
                continue
            return
        raise ConfigurationError(f"{self.name} does not answer: {tail(self.log)}")


async def kill(process: asyncio.subprocess.Process) -> None:
    """Kill a program and all it started, at once and without a word."""
    family = _family(process.pid)
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    for pid in family:
        await _gone(pid)


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process and of all it started."""
    return sum(memory_mib(one) for one in _family(pid))


def processor_seconds(pid: int) -> float:
    """Return the processor time a process and all it started have used; 0 where /proc is missing.

    Unlike a wait it says something on a busy machine too.
    """
    ticks = 0
    for one in _family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def calm(pid: int) -> None:
    """Wait until what a program does after its start is over, but not for ever."""
    for _ in range(_CALM_TRIES):
        before = processor_seconds(pid)
        await asyncio.sleep(1)
        if processor_seconds(pid) - before < _CALM_SECONDS:
            return


def _family(pid: int) -> list[int]:
    """Return a process and its descendants; where /proc is missing, only itself."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = [pid]
    for one in family:
        family += [child for child, parent in parents.items() if parent == one]
    return family


async def _gone(pid: int) -> None:
    """Wait until a process of a killed family has ended as well, but not for ever."""
    with contextlib.suppress(ProcessLookupError):
        for _ in range(500):
            os.kill(pid, 0)
            await asyncio.sleep(0.02)
