"""What all tests share."""

import asyncio
import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import cache, partialmethod
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest
from httpx._transports import default

# Before python-telegram-bot is imported: durations as timedelta, as its next version has it.
os.environ.setdefault("PTB_TIMEDELTA", "true")

ROOT = Path(__file__).parents[1]
# Building the environment and training take minutes on a fresh machine, and seconds later.
_START_SECONDS = 900.0
# Folders with more than half of the time that all tests take.
_LONG = ("browser", "walks")


def pytest_configure(config: pytest.Config) -> None:
    """Leave out what is long where nothing was named; what is named runs, long or not."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    chosen = config.option.markexpr or config.option.keyword
    if not (named or chosen):
        config.option.markexpr = "not long"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(ROOT / "tests").parts[0] in _LONG:
            item.add_marker(pytest.mark.long)


class _Compiled(jinja2.BytecodeCache):
    """Compiled templates in memory, shared by every environment."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """Make once what every Havn makes anew: compiled templates, and the trust of HTTP clients."""
    environment = partialmethod(jinja2.Environment.__init__, bytecode_cache=_Compiled())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "__init__", environment)
        patch.setattr(default, "create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(scope="session")
def nlu_socket() -> Iterator[Path]:
    """Train the NLU unit where its data changed, run it, and lend its socket."""
    from bot.adapters.nlu import NluUnit  # noqa: PLC0415 -- a test without the unit needs none of it

    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "nlu.sock"
        unit = NluUnit(ROOT, python="", models=ROOT / "var" / "models", socket=socket)
        ready: Future[None] = Future()
        stop = asyncio.Event()

        async def run() -> None:
            try:
                with (ROOT / "nlu" / "uv.lock").open() as turn:
                    # Tests run in several processes: one prepares, the others find it done.
                    await asyncio.to_thread(fcntl.flock, turn, fcntl.LOCK_EX)
                    await unit.prepare(lambda _progress: None)
                working = asyncio.create_task(unit.run(lambda: ready.set_result(None)))
                await stop.wait()
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
            except Exception as error:  # noqa: BLE001 -- raised again where the test waits
                ready.set_exception(error)

        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
        thread.start()
        try:
            ready.result(_START_SECONDS)
            yield socket
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(30)
            loop.close()
