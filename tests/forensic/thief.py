"""Somebody who copied the disk, holds pepper and key-encryption key, and tries every key there is.

What is copied earlier stays with them: a sealed value or a wrapped key that was erased since may
still lie in a journal, a snapshot or a replica.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import dict_row

from bot.adapters.sealing.cipher import KEY_BYTES, NONCE_BYTES, _binding, decrypt
from bot.domain.errors import KeyUnavailableError
from bot.domain.messages import ConversationId

WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16
# Table and column of everything that is sealed under a conversation's key, and the row's name.
_SEALED = {
    "conversations": (("memory", "conversation"), ("address", "conversation")),
    "messages": (("body", "{id}"), ("aside", "{id}"), ("reference", "{id}")),
    "handovers": (("details", "handover"),),
    "notes": (("body", "note {id}"),),
    "drafts": (("body", "draft {staff}"),),
}


@dataclass(frozen=True, slots=True)
class Record:
    """A sealed value and what it is bound to."""

    conversation: str
    bound_to: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """What could be opened: values and keys, by conversation."""

    values: Mapping[str, int]
    keys: frozenset[str]

    def among(self, conversations: Iterable[str]) -> int:
        """Count what opened of some conversations."""
        return sum(self.values.get(id_, 0) + (id_ in self.keys) for id_ in conversations)


class Thief:
    """Collects, and tries."""

    def __init__(self, keys: Path, url: str) -> None:
        self._folder = keys
        self._url = url
        self.records: set[Record] = set()
        self.wrapped: set[tuple[str, bytes]] = set()
        self.secrets: set[bytes] = set()

    def copy(self) -> None:
        """Copy sealed values and wrapped keys as they lie there now."""
        self.records |= set(_records(self._url))
        self.wrapped |= set(self._wrapped())

    def secrets_now(self) -> set[bytes]:
        """Return pepper and key-encryption keys, and all else that has the size of a key."""
        contents = [path.read_bytes() for path in self._folder.iterdir() if path.is_file()]
        return {content for content in contents if len(content) == KEY_BYTES}

    def try_everything(self, conversations: Iterable[str]) -> Opened:
        """Try every value and wrapped key, of now and of before, with every key of now."""
        self.copy()
        masters = [AESGCM(secret) for secret in self.secrets_now()]
        data = dict(self._unwrapped(masters, set(conversations)))
        tried = [*masters, *map(AESGCM, data.values())]
        values: dict[str, int] = {}
        for record in self.records:
            own = data.get(record.conversation)
            ciphers = [AESGCM(own), *tried] if own else tried
            if any(_opens(cipher, record.sealed, record.bound_to) for cipher in ciphers):
                values[record.conversation] = values.get(record.conversation, 0) + 1
        return Opened(values, frozenset(data))

    def _unwrapped(
        self, masters: Iterable[AESGCM], conversations: set[str]
    ) -> Iterator[tuple[str, bytes]]:
        """Unwrap what was copied, and whatever of the right size stands in any file of keys."""
        carved = [(id_, blob) for blob in self._carved() for id_ in conversations]
        for master in masters:
            for id_, blob in (*self.wrapped, *carved):
                with contextlib.suppress(KeyUnavailableError):
                    yield id_, decrypt(master, blob, id_.encode())

    def _wrapped(self) -> list[tuple[str, bytes]]:
        with contextlib.closing(_reading(self._folder / "keys.db")) as database:
            return database.execute("SELECT conversation, wrapped FROM data_keys").fetchall()

    def _carved(self) -> set[bytes]:
        """Return every stretch of the size of a wrapped key that is not mostly empty."""
        found: set[bytes] = set()
        for path in self._folder.glob("keys.db*"):
            content = path.read_bytes()
            windows = (content[i : i + WRAPPED_BYTES] for i in range(len(content)))
            found |= {w for w in windows if len(w) == WRAPPED_BYTES and w.count(0) < KEY_BYTES}
        return found


def _opens(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bool:
    try:
        decrypt(cipher, sealed, bound_to)
    except KeyUnavailableError:
        return False
    return True


def _records(url: str) -> Iterator[Record]:
    for table, columns in _SEALED.items():
        for row in _rows(url, table):
            conversation = row.get("conversation_id") or row["id"]
            for column, name in columns:
                if row[column] is not None:
                    bound = _binding(ConversationId(conversation), name.format(**row), column)
                    yield Record(conversation, bound, bytes(row[column]))


def _rows(url: str, table: str) -> list[dict]:
    query = f"SELECT * FROM {table}"
    if url.startswith("postgresql"):
        with psycopg.connect(url, row_factory=dict_row) as server:
            return server.execute(query.encode()).fetchall()
    with contextlib.closing(_reading(Path(url.removeprefix("sqlite:///")))) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query)]


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
