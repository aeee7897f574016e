"""Things that go wrong on purpose, with a visitor's words in hand."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bot.adapters.nlu import SocketDialogue
from bot.bootstrap import App
from bot.ports import Dialogue, Meaning

# The shortest deadline that a busy machine still tells apart from an answer.
_DEADLINE = 0.15


class Faults:
    """A Dialogue that can be deaf or broken; and doors and databases that fail."""

    def __init__(self, dialogue: Dialogue, folder: Path) -> None:
        self._dialogue = dialogue
        self._deaf_socket = folder / "deaf.sock"
        self._deaf = self._broken = False

    @property
    def ready(self) -> bool:
        return self._dialogue.ready

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:
        if self._broken:
            raise RuntimeError(f"this text broke the program: {text}")
        if not self._deaf:
            return await self._dialogue.interpret(text, screen, locale)
        deaf = SocketDialogue(self._deaf_socket, deadline=_DEADLINE)
        try:
            return await deaf.interpret(text, screen, locale)
        finally:
            await deaf.close()

    @contextmanager
    def deaf_unit(self) -> Iterator[None]:
        """Let the NLU unit take texts and never answer."""
        self._deaf = True
        yield
        self._deaf = False

    @contextmanager
    def broken_program(self) -> Iterator[None]:
        """Let an error that nobody foresaw quote the text."""
        self._broken = True
        yield
        self._broken = False

    @contextmanager
    def broken_door(self, app: App) -> Iterator[None]:
        """Let a request of the web chat end in such an error."""

        async def broken(incoming: Any) -> Any:
            raise RuntimeError(f"this broke the page: {incoming!r} {incoming.event.text}")

        working, app.reception.converse = app.reception.converse, broken  # type: ignore[method-assign]
        yield
        app.reception.converse = working  # type: ignore[method-assign]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Run the unit that never answers."""

        async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()

        server = await asyncio.start_unix_server(swallow, self._deaf_socket)
        try:
            yield
        finally:
            server.close()


@contextmanager
def missing_table(url: str) -> Iterator[None]:
    """Take the table of messages away: every statement on it fails with its parameters in hand."""
    _alter(url, "ALTER TABLE messages RENAME TO messages_away")
    yield
    _alter(url, "ALTER TABLE messages_away RENAME TO messages")


def _alter(url: str, statement: str) -> None:
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(statement.encode())
        return
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as file:
        file.execute(statement)
        file.commit()
