"""``havn bench demo``: how soon the demo answers, and what it and its training need."""

import asyncio
import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bot.adapters.nlu import SocketDialogue
from bot.bootstrap import nlu_unit
from bot.commands.bench.model import copy_model
from bot.commands.bench.report import Figure, Report, machine, of_runs, scratch
from bot.commands.bench.running import free_port, memory_mib, running, until
from bot.domain.errors import DialogueUnavailableError
from bot.settings import Settings

PAGE_SECONDS = 3.0
READY_SECONDS = 20.0
TRAIN_SECONDS = 60.0
BOT_MIB = 150.0
NLU_MIB = 700.0
ENVIRONMENT_GIB = 1.6
# Pages read and texts understood before memory is measured.
_PAGES = 200
_TURNS = 200
_PATIENCE = 180.0


@dataclass(frozen=True, slots=True)
class Demo:
    """One demo to start: where it listens and where it writes."""

    folder: Path
    root: Path
    port: int
    console_port: int

    @classmethod
    def fresh(cls, folder: Path, root: Path) -> Self:
        """Return a demo on free ports."""
        return cls(folder, root, free_port(), free_port())

    @property
    def log(self) -> Path:
        """Return where its output goes."""
        return self.folder / "demo.log"

    def command(self, *, nlu: bool) -> Sequence[str]:
        """Return the command line a person would type, for this very interpreter."""
        ports = ["--port", str(self.port), "--console-port", str(self.console_port)]
        return [sys.executable, "-m", "bot", "demo", *ports, *([] if nlu else ["--no-nlu"])]

    def environ(self) -> Mapping[str, str]:
        """Return an environment without the settings of this process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HAVN_")}
        python = os.environ.get("HAVN_NLU_PYTHON", "")
        return {**kept, "HAVN_DATA_DIR": str(self.folder), "HAVN_NLU_PYTHON": python}

    async def shows_page(self) -> bool:
        """Tell whether the first page of the web chat is served."""
        return await asyncio.to_thread(self._get)

    def read_pages(self, count: int) -> None:
        """Read the first page many times."""
        for _ in range(count):
            self._get()

    def _get(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            return response.status == http.client.OK and bool(response.read())
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


async def run(settings: Settings, *, rounds: int, nlu: bool, as_json: bool) -> None:
    """Measure and print."""
    root = settings.root.resolve()
    with scratch(settings) as folder:
        report = Report("demo", machine(folder))
        await _buttons(report, folder, root, rounds)
        if nlu:
            await _free_text(report, settings, folder, root)
    report.show(as_json=as_json)


async def _buttons(report: Report, folder: Path, root: Path, rounds: int) -> None:
    """Start the demo without the NLU unit, several times, each in an empty data folder."""
    waits: list[float] = []
    memory = 0.0
    for number in range(rounds):
        own = folder / f"buttons-{number}"
        own.mkdir()
        demo = Demo.fresh(own, root)
        async with running(
            demo.command(nlu=False), log=demo.log, environ=demo.environ(), folder=root
        ) as process:
            waits.append(await until(demo.shows_page, process, patience=_PATIENCE, log=demo.log))
            await asyncio.to_thread(demo.read_pages, _PAGES)
            memory = max(memory, memory_mib(process.pid))
    report.figures.append(of_runs("first_page", waits, "s", at_most=PAGE_SECONDS))
    report.figures.append(Figure("bot_memory", memory, "MiB", at_most=BOT_MIB))
    report.notes.append(
        f"First page: from the start of the process. Memory of the bot: after {_PAGES} pages."
    )


async def _free_text(report: Report, settings: Settings, folder: Path, root: Path) -> None:
    """Train once, then start the demo with a model that is up to date."""
    await copy_model(settings, folder)
    scratch_unit = nlu_unit(replace(settings, data_dir=folder / "training"))
    trained = await scratch_unit.train(lambda _progress: None)
    seconds = trained.get("seconds", 0.0)
    report.figures.append(Figure("training", float(str(seconds)), "s", at_most=TRAIN_SECONDS))
    demo = Demo.fresh(folder, root)
    dialogue = SocketDialogue(folder / "nlu.sock", deadline=2.0)
    try:
        async with running(
            demo.command(nlu=True), log=demo.log, environ=demo.environ(), folder=root
        ) as process:
            ready = await until(
                lambda: _understands(dialogue), process, patience=_PATIENCE, log=demo.log
            )
            for _ in range(_TURNS):
                await dialogue.interpret("what help can I get", "utter_main_menu")
            health = await dialogue.health()
            memory = memory_mib(process.pid)
    finally:
        await dialogue.close()
    report.figures += [
        Figure("free_text_ready", ready, "s", at_most=READY_SECONDS),
        Figure("bot_memory_with_nlu", memory, "MiB", at_most=BOT_MIB),
        Figure("nlu_memory", float(health["rss_mb"]), "MiB", at_most=NLU_MIB),
        Figure(
            "nlu_environment",
            size(root / "nlu" / ".venv") / 2**30,
            "GiB",
            at_most=ENVIRONMENT_GIB,
        ),
    ]
    report.notes.append(
        "Free text: from the start of the process, with environment and model up to date."
    )


async def _understands(dialogue: SocketDialogue) -> bool:
    if not dialogue.ready:
        return False
    try:
        await dialogue.health()
    except DialogueUnavailableError:
        return False
    return True


def size(folder: Path) -> int:
    """Return the bytes a folder takes on disk; a file with two names counts once."""
    blocks: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        blocks[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(blocks.values())
