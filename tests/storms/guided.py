"""Coverage-guided fuzzing of what reads strangers' bytes first, with atheris:

``uv run --with atheris python -m tests.storms.guided update|answer|frame [-max_total_time=600]``

atheris is no dependency of the project: it is fetched for the run. The storms ask the same with
Hypothesis and need nothing.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["bot.adapters"]):
    from bot.adapters.nlu.client import _meaning
    from bot.adapters.telegram.inbound import Reader
from bot.domain.errors import DialogueUnavailableError
from tests.storms.unit import worker

READER = Reader("7", lambda: ("en", "da", "ro"))
_UNREADABLE = (ValueError, RecursionError)


def update(data: bytes) -> None:
    """Read an update; the reader never raises, and what it lets in can be stored."""
    with suppress(*_UNREADABLE):
        found = READER.read(json.loads(data))
        if hasattr(found, "incoming"):
            repr(found.incoming.event).encode()


def answer(data: bytes) -> None:
    """Read an answer of the NLU unit: a meaning, or an error that says so."""
    with suppress(*_UNREADABLE):
        said = json.loads(data)
        if isinstance(said, dict):
            with suppress(DialogueUnavailableError):
                _meaning(said)


def frame(data: bytes) -> None:
    """Read a frame as the NLU unit does."""

    async def read() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        with suppress(worker.BadFrameError):
            await worker.read_frame(reader)

    asyncio.run(read())


TARGETS: dict[str, Callable[[bytes], None]] = {"update": update, "answer": answer, "frame": frame}


if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
