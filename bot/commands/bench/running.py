"""Processes a benchmark starts: on free ports, watched, and stopped however it ends."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.domain.errors import ConfigurationError

_POLL_SECONDS = 0.02
_STOP_SECONDS = 10.0


def free_port() -> int:
    """Return a port of the loopback interface that nothing uses at present."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(
    command: Sequence[str], *, log: Path, environ: Mapping[str, str], folder: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command in a group of its own, with its output in a file, and stop the whole group."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await _stop(process)


async def finish(
    command: Sequence[str], *, log: Path, environ: Mapping[str, str], folder: Path
) -> float:
    """Run a command to its end and return the seconds; ConfigurationError with its last words."""
    began = time.perf_counter()
    async with running(command, log=log, environ=environ, folder=folder) as process:
        code = await process.wait()
    if code:
        raise ConfigurationError(f"{command[0]} failed: {tail(log)}")
    return time.perf_counter() - began


async def until(
    answers: Callable[[], Awaitable[bool]],
    process: asyncio.subprocess.Process,
    *,
    patience: float,
    log: Path,
) -> float:
    """Wait until a started process answers; return the seconds this took."""
    began = time.perf_counter()
    while time.perf_counter() - began < patience:
        if await answers():
            return time.perf_counter() - began
        if process.returncode is not None:
            break
        await asyncio.sleep(_POLL_SECONDS)
    raise ConfigurationError(f"a process that was started does not answer: {tail(log)}")


def tail(log: Path) -> str:
    """Return the end of a log file."""
    return log.read_text("utf-8", errors="replace").strip()[-600:]


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process; 0 where /proc is missing."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            _signal(process, signal.SIGKILL)
            await process.wait()


def _signal(process: asyncio.subprocess.Process, signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signum)
