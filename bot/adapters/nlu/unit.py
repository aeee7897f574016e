"""The NLU unit as a process: its environment, its model, and its restarts."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from bot.adapters.nlu import interpreter
from bot.adapters.nlu.client import SocketDialogue
from bot.domain.errors import ConfigurationError, DialogueUnavailableError
from bot.logs import Word, logger

log = logger(__name__)

_START_SECONDS = 120.0
_RESTART_AFTER = (1.0, 60.0)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the preparation is: a stage, and parts done of a total where they are known."""

    stage: str
    done: int = 0
    of: int = 0


Report = Callable[[Progress], None]


class NluUnit:
    """Prepares, starts, watches and stops the unit. Everything it needs lies below ``root``."""

    def __init__(self, root: Path, *, python: str, models: Path, socket: Path) -> None:
        self._root = root
        self._python = python
        self._models = models
        self._socket = socket

    @property
    def interpreter(self) -> Path:
        """Return the interpreter of the unit's own environment."""
        return self._root / "nlu" / ".venv" / "bin" / "python"

    @property
    def model(self) -> Path:
        """Return where the trained model lies."""
        return self._models / "model.tar.gz"

    async def prepare(self, report: Report) -> None:
        """Build the environment and train, each only if needed.

        ConfigurationError says what the operator can do.
        """
        report(Progress("environment"))
        await self._sync()
        await self.train(report, if_changed=True)

    async def train(self, report: Report, *, if_changed: bool = False) -> Mapping[str, object]:
        """Train the model and return the unit's closing line; ConfigurationError if it fails."""
        arguments = ["-m", "havn_nlu.train", "--out", str(self._models), "--root", str(self._root)]
        if if_changed:
            arguments.append("--if-changed")
        last: Mapping[str, object] = {}
        async for line in self._lines(arguments):
            last = line
            stage = str(line.get("stage", ""))
            report(Progress(stage, _number(line.get("done")), _number(line.get("of"))))
        if last.get("stage") not in ("done", "unchanged"):
            detail = last.get("detail", "the unit stopped without a word")
            raise ConfigurationError(f"training the NLU unit failed: {detail}")
        return last

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Run the unit and start it again whenever it ends, until cancelled."""
        low, high = _RESTART_AFTER
        pause = low
        while True:
            process = await self._start()
            try:
                if await self._answers(process):
                    pause = low
                    log.info("nlu_ready")
                    ready()
                await process.wait()
            finally:
                await _stop(process)
            log.warning("nlu_ended", code=process.returncode)
            await asyncio.sleep(pause)
            pause = min(high, pause * 2)

    async def _sync(self) -> None:
        """Build or mend the environment from its lock file."""
        python = await asyncio.to_thread(interpreter.find, self._python)
        command = ["sync", "--project", str(self._root / "nlu"), "--frozen", "--python", python]
        process = await asyncio.create_subprocess_exec(
            find_uv_bin(),
            *command,
            "--no-progress",
            "--color",
            "never",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(os.environ, keep_network=True),
        )
        _, errors = await process.communicate()
        if process.returncode:
            raise ConfigurationError(
                "the NLU unit's environment could not be built. It needs CPython 3.10: install it "
                "and set HAVN_NLU_PYTHON to its path, or set HAVN_NLU=off to go on with buttons "
                f"only. uv said: {errors.decode(errors='replace').strip()[-400:]}"
            )

    async def _lines(self, arguments: list[str]) -> AsyncIterator[Mapping[str, object]]:
        """Run a module of the unit and yield the JSON lines it prints."""
        process = await asyncio.create_subprocess_exec(
            str(self.interpreter),
            *arguments,
            cwd=self._root / "nlu",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(os.environ),
        )
        try:
            assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
            async for raw in process.stdout:
                with contextlib.suppress(ValueError):
                    line = json.loads(raw)
                    if isinstance(line, dict):
                        yield line
            await process.wait()
        finally:
            await _stop(process)

    async def _start(self) -> asyncio.subprocess.Process:
        """Start the worker; it ends by itself when this process does, however that happens."""
        self._socket.parent.mkdir(parents=True, exist_ok=True)
        return await asyncio.create_subprocess_exec(
            str(self.interpreter),
            "-m",
            "havn_nlu.worker",
            "--model",
            str(self.model.resolve()),
            "--socket",
            str(self._socket.resolve()),
            "--until-stdin-closes",
            cwd=self._root / "nlu",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(os.environ),
        )

    async def _answers(self, process: asyncio.subprocess.Process) -> bool:
        """Wait until the worker answers, or has ended."""
        dialogue = SocketDialogue(self._socket, deadline=2.0)
        loop = asyncio.get_running_loop()
        until = loop.time() + _START_SECONDS
        try:
            while process.returncode is None and loop.time() < until:
                if self._socket.exists():
                    with contextlib.suppress(DialogueUnavailableError):
                        health = await dialogue.health()
                        log.info("nlu_health", loaded_s=_seconds(health), model=Word("loaded"))
                        return True
                await asyncio.sleep(0.2)
        finally:
            await dialogue.close()
        return False


def _seconds(health: Mapping[str, object]) -> float:
    value = health.get("loaded_s", 0.0)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _environment(environ: Mapping[str, str], *, keep_network: bool = False) -> dict[str, str]:
    """Return the environment of a child: no token and no key of the bot ever reaches the unit."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("HAVN_", "VIRTUAL_ENV", "PYTHON", "UV_PROJECT"))
    }
    if not keep_network:
        names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
        kept = {name: kept[name] for name in names if name in kept}
    return {**kept, "RASA_TELEMETRY_ENABLED": "false", "PYTHONDONTWRITEBYTECODE": "1"}


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a child: first asking, then not."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), timeout=5)
    except TimeoutError:
        process.kill()
        await process.wait()
