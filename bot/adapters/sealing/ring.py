"""Keys in their own folder and their own tiny database, apart from what they open.

The folder holds ``pepper`` (recognises visitors; ``pepper.previous`` too for a while after a
change), ``kek.<epoch>`` (wraps data keys) and ``keys.db`` (one wrapped data key per conversation,
Havn's own keys, and a proof of the ``kek`` in force). Nothing in the main database can be read
without it, and a data key that was destroyed cannot be read from a remnant once the epoch has moved
on.
"""

import asyncio
import contextlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.adapters.sealing import proof
from bot.adapters.sealing.cipher import KEY_BYTES, Cipher, decrypt, encrypt
from bot.adapters.sealing.files import OWNER_ONLY, shred, write_secret
from bot.adapters.sealing.own import CONSOLE, OwnKeys
from bot.domain.audit import ChainKey
from bot.domain.errors import ConfigurationError, KeyUnavailableError, StoreUnavailableError
from bot.domain.messages import Channel, ConversationId
from bot.ports import Lookup

# Keys held in memory. Those in use are the latest, so none is dropped while it is needed.
CACHED_KEYS = 20_000
_BUSY_SECONDS = 5.0
# Set on each connection and read back: none of them is kept in the file.
_PRAGMAS = {"journal_mode": "truncate", "secure_delete": 1, "synchronous": 3, "temp_store": 2}
_DATA_KEYS = """
CREATE TABLE IF NOT EXISTS data_keys (
    conversation TEXT PRIMARY KEY, wrapped BLOB NOT NULL
) WITHOUT ROWID
"""
_EPOCH = """
CREATE TABLE IF NOT EXISTS epoch (
    only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL
)
"""
_SOME = (
    "SELECT conversation, wrapped FROM data_keys "
    "WHERE conversation IN (SELECT value FROM json_each(?))"
)

Wrapped = Sequence[tuple[ConversationId, bytes]]


class KeyRing(Cipher):
    """The Sealer of a machine. Several processes may share one folder."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        super().__init__([])
        self._folder = folder
        self._database = database
        self._own_keys = OwnKeys(database)
        self._lock = threading.Lock()
        self._kek: tuple[int, AESGCM] | None = None
        self._pepper_seen = (0, 0)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open or create the folder; ConfigurationError when it cannot be used."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            _refuse_half_a_folder(folder)
            ring = cls(folder, _connect(folder / "keys.db"))
            ring._begin_epochs()
            with ring._transaction("IMMEDIATE") as epoch:
                ring._tidy(epoch)
                ring._read_own(epoch)
            ring._read_peppers()
        except (OSError, sqlite3.Error, StoreUnavailableError) as error:
            raise ConfigurationError(f"the key folder {folder} cannot be used: {error}") from error
        return ring

    def close(self) -> None:
        """Close the key database and forget cached keys."""
        with self._lock:
            self._keys.clear()
            self._own = None
            self._kek = None
            self._database.close()

    # --- recognising ---

    def lookups(self, channel: Channel, sender: str) -> Sequence[Lookup]:
        """Return the keyed hashes of a visitor, also after another process changed the pepper.

        StoreUnavailableError while the pepper is away: a message that comes must be brought again.
        """
        try:
            self._read_peppers()
        except OSError as error:
            raise StoreUnavailableError(f"pepper: {type(error).__name__}") from None
        return super().lookups(channel, sender)

    def change_pepper(self) -> None:
        """Begin a new pepper; the present one is still recognised until the next change.

        Change it no more often than conversations are kept, or visitors are taken for new ones.
        """
        with self._transaction("IMMEDIATE"):
            self._read_peppers()
            write_secret(self._folder / "pepper.previous", self._peppers[0])
            write_secret(self._folder / "pepper", secrets.token_bytes(KEY_BYTES))
            self._read_peppers()

    # --- data keys ---

    async def create_keys(self, conversations: Collection[ConversationId]) -> None:
        """Make and store one key each before returning."""
        if conversations:
            fresh = {id_: secrets.token_bytes(KEY_BYTES) for id_ in conversations}
            await asyncio.to_thread(self._store, fresh)
            self._keep(fresh)

    async def load_keys(self, conversations: Collection[ConversationId]) -> None:
        """Bring keys into memory; absent ones are skipped."""
        if self._is_behind():
            # Takes the epoch in force as well, and drops what another process destroyed.
            await self.holders()
        missing: list[ConversationId] = []
        for conversation in conversations:
            if conversation in self._keys:
                self._keys.move_to_end(conversation)
            else:
                missing.append(conversation)
        if missing:
            self._keep(await asyncio.to_thread(self._read, missing))

    async def holders(self) -> Collection[ConversationId]:
        """Return everything that has a key in the database."""
        before = list(self._keys)
        alive = await asyncio.to_thread(self._catch_up)
        self._drop_gone(before, alive)
        return alive

    async def destroy_keys(self, conversations: Collection[ConversationId]) -> None:
        """Delete keys; follow with rotate() to make remnants useless."""
        self._drop(conversations)
        await asyncio.to_thread(self._delete, list(conversations))
        self._drop(conversations)

    async def rotate(self) -> int:
        """Wrap all keys anew under a fresh key-encryption key; return the new epoch."""
        before = list(self._keys)
        epoch, alive = await asyncio.to_thread(self._rotate)
        self._drop_gone(before, alive)
        return epoch

    # --- Havn's own keys ---

    async def chain_key(self) -> ChainKey:
        """Return the key of the audit trail in force; made at the first call."""
        return await asyncio.to_thread(self._chain_key)

    async def advance_chain(self, number: int) -> None:
        """Erase the keys of all entries before a number."""
        await asyncio.to_thread(self._advance_chain, number)

    async def first_chain_key(self) -> bytes | None:
        """Return the key the trail began with, until it was handed over."""
        return await asyncio.to_thread(self._first_chain_key)

    async def hand_over_first_chain_key(self) -> None:
        """Erase the key the trail began with."""
        await asyncio.to_thread(self._erase_first_chain_key)

    async def alert_key(self) -> bytes:
        """Return the secret number Havn proves itself with to push services, made once."""
        return await asyncio.to_thread(self._alert_key)

    def _read_own(self, epoch: int) -> None:
        """Take the console's own key, and make it the first time.

        One that was tampered with stays unread: staff cannot sign in, visitors are still served.
        """
        kek = self._kek_of(epoch)
        with contextlib.suppress(KeyUnavailableError):
            raw = self._own_keys.read(kek, CONSOLE)
            if raw is None:
                raw = secrets.token_bytes(KEY_BYTES)
                self._own_keys.write(kek, CONSOLE, raw)
            self._own = AESGCM(raw)

    def _chain_key(self) -> ChainKey:
        with self._transaction("IMMEDIATE") as epoch:
            kek = self._kek_of(epoch)
            return self._own_keys.chain(kek) or self._own_keys.begin_chain(kek)

    def _advance_chain(self, number: int) -> None:
        with self._transaction("IMMEDIATE") as epoch:
            kek = self._kek_of(epoch)
            present = self._own_keys.chain(kek)
            if present is not None and number > present.number:
                self._own_keys.keep_chain(kek, present.at(number))

    def _first_chain_key(self) -> bytes | None:
        with self._transaction("DEFERRED") as epoch:
            return self._own_keys.first(self._kek_of(epoch))

    def _erase_first_chain_key(self) -> None:
        with self._transaction("IMMEDIATE"):
            self._own_keys.erase_first()

    def _alert_key(self) -> bytes:
        with self._transaction("IMMEDIATE") as epoch:
            return self._own_keys.alert_key(self._kek_of(epoch))

    # --- memory ---

    def _keep(self, fresh: Mapping[ConversationId, bytes]) -> None:
        super()._keep(fresh)
        while len(self._keys) > max(CACHED_KEYS, len(fresh)):
            self._keys.popitem(last=False)

    def _drop_gone(
        self, before: Collection[ConversationId], alive: Collection[ConversationId]
    ) -> None:
        """Drop keys that another process destroyed, of those held before the database was read.

        A key that was made meanwhile is not among the living that were read, and it is in use.
        """
        self._drop([id_ for id_ in before if id_ not in alive])

    def _is_behind(self) -> bool:
        """Tell whether another process has moved to a new epoch, as it does after it forgets."""
        return self._kek is None or not self._kek_path(self._kek[0]).exists()

    def _read_peppers(self) -> None:
        """Read the peppers if the file is another one than last time."""
        status = os.stat(self._folder / "pepper")  # noqa: PTH116 -- called for every message
        seen = (status.st_ino, status.st_mtime_ns)
        if seen != self._pepper_seen:
            names = ("pepper", "pepper.previous")
            paths = [self._folder / name for name in names]
            self._peppers = tuple(_read_secret(path) for path in paths if path.exists())
            self._pepper_seen = seen

    # --- the database and the files; called in threads ---

    @contextlib.contextmanager
    def _transaction(self, kind: str) -> Iterator[int]:
        """Hold the key database, across processes; yield the epoch in force.

        A "DEFERRED" one may only read: while it lasts, nobody can commit a new epoch, so the
        key-encryption key of the epoch it saw stays in its file.
        """
        try:
            with self._lock:
                self._database.execute(f"BEGIN {kind}")
                try:
                    (epoch,) = self._database.execute("SELECT number FROM epoch").fetchone()
                    yield epoch
                    self._database.execute("COMMIT")
                except BaseException:
                    self._database.rollback()
                    raise
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailableError(f"keys: {type(error).__name__}") from None

    def _begin_epochs(self) -> None:
        """Make the tables and the first secrets, once, whoever of several processes comes first."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.execute(_DATA_KEYS)
                self._database.execute(_EPOCH)
                self._own_keys.make_table()
                self._database.execute(proof.TABLE)
                if self._database.execute("SELECT number FROM epoch").fetchone() is None:
                    _refuse_later_epochs(self._folder)
                    write_secret(self._kek_path(0), secrets.token_bytes(KEY_BYTES))
                    if not (self._folder / "pepper").exists():
                        write_secret(self._folder / "pepper", secrets.token_bytes(KEY_BYTES))
                    self._database.execute("INSERT INTO epoch VALUES (1, 0)")
                self._prove_once()
                self._database.execute("COMMIT")
            except BaseException:
                self._database.rollback()
                raise

    def _prove_once(self) -> None:
        """Write the proof that an earlier version of Havn did not."""
        (epoch,) = self._database.execute("SELECT number FROM epoch").fetchone()
        if not proof.has_proof(self._database, epoch):
            proof.prove(self._database, self._kek_of(epoch), epoch)

    def _kek_path(self, epoch: int) -> Path:
        return self._folder / f"kek.{epoch}"

    def _kek_of(self, epoch: int) -> AESGCM:
        """Return the key of the epoch in force, within a transaction.

        StoreUnavailableError for a key that keys.db was not written with: under it nothing would
        open, and a rotation would destroy what the right key still opens.
        """
        if self._kek is None or self._kek[0] != epoch:
            kek = AESGCM(_read_secret(self._kek_path(epoch)))
            if proof.is_refuted(self._database, kek, epoch):
                raise StoreUnavailableError(
                    f"{self._kek_path(epoch).name} is not the key that keys.db was written with; "
                    "restore both from the same moment"
                )
            self._kek = (epoch, kek)
        return self._kek[1]

    def _store(self, fresh: Mapping[ConversationId, bytes]) -> None:
        with self._transaction("IMMEDIATE") as epoch:
            self._insert(self._kek_of(epoch), fresh)

    def _insert(self, kek: AESGCM, keys: Mapping[ConversationId, bytes]) -> None:
        self._database.executemany(
            "INSERT INTO data_keys VALUES (?, ?)",
            [(id_, encrypt(kek, key, id_.encode())) for id_, key in keys.items()],
        )

    def _read(self, conversations: Sequence[ConversationId]) -> Mapping[ConversationId, bytes]:
        with self._transaction("DEFERRED") as epoch:
            rows = self._database.execute(_SOME, [json.dumps(conversations)]).fetchall()
            kek = self._kek_of(epoch)
        return _unwrapped(kek, rows)

    def _catch_up(self) -> Collection[ConversationId]:
        """Take the epoch in force; return the conversations that still have a key."""
        with self._transaction("DEFERRED") as epoch:
            self._kek_of(epoch)
            rows = self._database.execute("SELECT conversation FROM data_keys").fetchall()
        return {id_ for (id_,) in rows}

    def _delete(self, conversations: Sequence[ConversationId]) -> None:
        with self._transaction("IMMEDIATE"):
            self._database.executemany(
                "DELETE FROM data_keys WHERE conversation = ?", [(id_,) for id_ in conversations]
            )

    def _rotate(self) -> tuple[int, Collection[ConversationId]]:
        """Order matters: new key on disk, rows under it committed, only then the old one destroyed.

        A key that does not unwrap was tampered with; it is left out, for it opens nothing.
        """
        with self._transaction("IMMEDIATE") as epoch:
            rows = self._database.execute("SELECT conversation, wrapped FROM data_keys").fetchall()
            keys = _unwrapped(self._kek_of(epoch), rows)
            fresh = secrets.token_bytes(KEY_BYTES)
            write_secret(self._kek_path(epoch + 1), fresh)
            self._database.execute("DELETE FROM data_keys")
            self._insert(AESGCM(fresh), keys)
            self._own_keys.wrap_anew(self._kek_of(epoch), AESGCM(fresh))
            proof.prove(self._database, AESGCM(fresh), epoch + 1)
            self._database.execute("UPDATE epoch SET number = ?", [epoch + 1])
        with self._transaction("IMMEDIATE") as now:
            self._tidy(now)
        return epoch + 1, keys.keys()

    def _tidy(self, epoch: int) -> None:
        """Destroy every key-encryption key but the one in force; a kill may have left one."""
        self._kek_of(epoch)
        for pattern in ("kek.*", ".*.new"):
            for path in self._folder.glob(pattern):
                if path != self._kek_path(epoch):
                    shred(path)


def _read_secret(path: Path) -> bytes:
    """Read a secret of ours; StoreUnavailableError for a damaged one, which would guard nothing."""
    secret = path.read_bytes()
    if len(secret) != KEY_BYTES:
        raise StoreUnavailableError(f"{path.name} is damaged")
    return secret


def _refuse_half_a_folder(folder: Path) -> None:
    """Refuse keys without their database; a new one would silently lose every visitor.

    In this order: the database is made before the first key.
    """
    if any(folder.glob("kek.*")) and not (folder / "keys.db").exists():
        raise ConfigurationError(
            f"the key folder {folder} has lost keys.db: restore it, or move the whole folder away "
            "to begin anew (what was written before cannot be read then)"
        )


def _refuse_later_epochs(folder: Path) -> None:
    """Refuse an emptied database beside keys that were changed since the first one."""
    if any(path.name != "kek.0" for path in folder.glob("kek.*")):
        raise StoreUnavailableError("keys.db is empty")


def _unwrapped(kek: AESGCM, rows: Wrapped) -> Mapping[ConversationId, bytes]:
    """Return the keys that unwrap."""
    keys: dict[ConversationId, bytes] = {}
    for conversation, wrapped in rows:
        with contextlib.suppress(KeyUnavailableError):
            keys[conversation] = decrypt(kek, wrapped, conversation.encode())
    return keys


def _connect(path: Path) -> sqlite3.Connection:
    """Open the key database so that deleted rows leave the file."""
    path.touch(OWNER_ONLY)
    path.chmod(OWNER_ONLY)
    database = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
    )
    for name, value in _PRAGMAS.items():
        database.execute(f"PRAGMA {name} = {value}")
        if database.execute(f"PRAGMA {name}").fetchone()[0] != value:
            raise ConfigurationError(f"the key database does not keep {name}")
    return database
