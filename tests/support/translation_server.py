"""A small translation server over real HTTP, with LibreTranslate's one call and many faults.

It "translates" by writing both languages in front: ``da>en: tekst``. Asked for the language, it
says the one in ``detects`` with that confidence, whatever the text.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Answer = bytes | None


@dataclass
class TranslationServer:
    """What it was asked, and how it answers: None is silence.

    ``endless`` is said again and again after the answer, with a ``pause`` in seconds.
    """

    address: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    detects: tuple[str, object] = ("da", 97.0)
    answer: Callable[[dict[str, Any]], Answer] | None = None
    endless: bytes = b""
    pause: float = 0.0
    busiest: int = 0
    _busy: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        try:
            await self._reply(await self._question(reader), writer)
        finally:
            self._busy -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def translated(self, question: dict[str, Any]) -> bytes:
        """Answer as a server that works; JSON with escapes, as LibreTranslate writes it."""
        source, answer = question["source"], {}
        if source == "auto":
            source, confidence = self.detects
            answer["detectedLanguage"] = {"confidence": confidence, "language": source}
        answer["translatedText"] = f"{source}>{question['target']}: {question['q']}"
        return http(json.dumps(answer).encode())

    async def _question(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.paths.append(head.split(" ")[1])
        fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
        question: dict[str, Any] = json.loads(
            await reader.readexactly(int(fields["content-length"]))
        )
        self.asked.append(question)
        return question

    async def _reply(self, question: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        answer = (self.answer or self.translated)(question)
        if answer is None:
            await asyncio.sleep(3600)
            return
        writer.write(answer)
        with contextlib.suppress(OSError):
            await writer.drain()
            while self.endless:
                writer.write(self.endless)
                await writer.drain()
                await asyncio.sleep(self.pause)


def http(body: bytes, status: int = 200, **headers: str) -> bytes:
    """Return an answer; headers as keywords with _ for -."""
    lines = {"content-length": str(len(body)), "content-type": "application/json"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\nconnection: close\r\n{head}\r\n".encode() + body


@asynccontextmanager
async def running() -> AsyncIterator[TranslationServer]:
    """Run a server on a free port of this machine."""
    stand_in = TranslationServer()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(stand_in.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    stand_in.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stand_in
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
