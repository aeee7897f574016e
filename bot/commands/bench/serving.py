"""A whole ``havn serve`` of a benchmark's own: another process, on free ports, on fresh data."""

import asyncio
import http.client
import json
import os
import secrets
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bot.commands.bench.running import free_port, memory_mib, running, until
from bot.settings import PREFIX, Settings

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 60.0
_SETTLING_SECONDS = 10.0
_POLL_SECONDS = 0.5
_LOUD = frozenset({"error", "critical"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where one installation lies: its folder, its ports, and the Bot API it calls."""

    folder: Path
    root: Path
    api: str
    chat_port: int = field(default_factory=free_port)
    console_port: int = field(default_factory=free_port)
    token: str = field(default=f"7000000001:{secrets.token_hex(16)}", repr=False)
    secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def log(self) -> Path:
        """Return where its output goes."""
        return self.folder / "serve.log"

    @property
    def database(self) -> Path:
        """Return its SQLite file."""
        return self.folder / "havn.db"

    @property
    def chat(self) -> str:
        """Return the address of the web chat."""
        return f"http://{HOST}:{self.chat_port}"

    @property
    def console(self) -> str:
        """Return the address of the console."""
        return f"http://{HOST}:{self.console_port}"

    @property
    def webhook(self) -> str:
        """Return where updates are brought."""
        return f"{self.chat}/updates"

    def settings(self, settings: Settings) -> Settings:
        """Return the settings of the same installation for this process."""
        return replace(
            settings,
            data_dir=self.folder,
            key_dir=None,
            database_url="",
            nlu="off",
            allow_drafts=True,
            console_port=self.console_port,
            console_url="",
        )

    def environ(self) -> Mapping[str, str]:
        """Return an environment without the settings of this process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        own = {
            "data_dir": str(self.folder),
            "allow_drafts": "true",
            "nlu": "off",
            "signer": "off",
            "chat_port": str(self.chat_port),
            "console_port": str(self.console_port),
            "telegram_token": self.token,
            "telegram_api_url": self.api,
            "telegram_webhook_url": f"https://chat.example{urlsplit(self.webhook).path}",
            "telegram_webhook_secret": self.secret,
        }
        return kept | {f"{PREFIX}{name.upper()}": value for name, value in own.items()}

    async def is_up(self) -> bool:
        """Tell whether the web chat answers."""
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                return (await client.get(self.chat)).status_code == http.client.OK
        except httpx.HTTPError:
            return False

    def unfinished(self) -> tuple[int, int, int]:
        """Return from the database how many messages came, are unanswered, and wait to be sent."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            ((came, unanswered, unsent),) = connection.execute(
                "SELECT count(*) FILTER (WHERE incoming),"
                " count(*) FILTER (WHERE incoming AND state <> 'done'),"
                " count(*) FILTER (WHERE NOT incoming AND state IN ('pending', 'sending'))"
                " FROM messages"
            )
        finally:
            connection.close()
        return came, unanswered, unsent

    async def settled(self) -> tuple[int, int, int]:
        """Return unfinished() once everything is answered, or after some seconds all the same."""
        until = time.monotonic() + _SETTLING_SECONDS
        while True:
            counted = await asyncio.to_thread(self.unfinished)
            if not counted[1] or time.monotonic() > until:
                return counted
            await asyncio.sleep(_POLL_SECONDS)

    def errors(self) -> int:
        """Count what the log calls an error, and every traceback."""
        return sum(_is_error(line) for line in self.log.read_text("utf-8").splitlines())


@dataclass(frozen=True, slots=True)
class Process:
    """A server under way."""

    pid: int

    @property
    def memory_mib(self) -> float:
        """Return its resident memory."""
        return memory_mib(self.pid)

    @property
    def open_files(self) -> int:
        """Return how many files and sockets it holds; 0 where /proc is missing."""
        with suppress(OSError):
            return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        return 0

    @property
    def seconds(self) -> float:
        """Return the processor time it has used; 0 where /proc is missing."""
        with suppress(OSError, IndexError, ValueError):
            used = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
            return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0


@asynccontextmanager
async def serving(place: Place) -> AsyncIterator[Process]:
    """Run the server until the end of the block; ConfigurationError where it does not start."""
    command = [sys.executable, "-m", "bot", "serve"]
    async with running(
        command, log=place.log, environ=place.environ(), folder=place.root
    ) as process:
        await until(place.is_up, process, patience=_PATIENCE_SECONDS, log=place.log)
        yield Process(process.pid)


def _is_error(line: str) -> bool:
    if line.startswith("Traceback"):
        return True
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("level") in _LOUD
