"""A sealed word beside the epoch: it tells whether a key-encryption key is the one in force.

Without it a key of the right length and the wrong content would be noticed only when nothing opens
any more, and the next rotation would throw every data key away.
"""

import sqlite3

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.adapters.sealing.cipher import KEY_BYTES, decrypt, encrypt
from bot.domain.errors import KeyUnavailableError

TABLE = "CREATE TABLE IF NOT EXISTS proof (epoch INTEGER PRIMARY KEY, sealed BLOB NOT NULL)"
_WORD = b"havn"


def prove(database: sqlite3.Connection, kek: AESGCM, epoch: int) -> None:
    """Write the proof of an epoch and drop those of earlier ones, in the caller's transaction."""
    database.execute("DELETE FROM proof")
    database.execute(
        "INSERT INTO proof VALUES (?, ?)", [epoch, encrypt(kek, _WORD, _binding(epoch))]
    )


def has_proof(database: sqlite3.Connection, epoch: int) -> bool:
    """Tell whether an epoch has a proof; one begun by an earlier version has none."""
    return database.execute("SELECT 1 FROM proof WHERE epoch = ?", [epoch]).fetchone() is not None


def is_other_key(database: sqlite3.Connection, kek: bytes, epoch: int) -> bool:
    """Tell whether a file holds another key than that of an epoch, for who only looks."""
    if len(kek) != KEY_BYTES:
        return True
    known = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'proof'").fetchone()
    return known is not None and is_refuted(database, AESGCM(kek), epoch)


def is_refuted(database: sqlite3.Connection, kek: AESGCM, epoch: int) -> bool:
    """Tell whether a key is not that of an epoch, as far as its proof or the data keys can say.

    Without a proof, a key is refuted where there are data keys and it opens none of them.
    """
    row = database.execute("SELECT sealed FROM proof WHERE epoch = ?", [epoch]).fetchone()
    if row is not None:
        return not _opens(kek, row[0], _binding(epoch))
    rows = database.execute("SELECT wrapped, conversation FROM data_keys").fetchall()
    return bool(rows) and not any(_opens(kek, wrapped, id_.encode()) for wrapped, id_ in rows)


def _opens(kek: AESGCM, sealed: bytes, bound_to: bytes) -> bool:
    try:
        decrypt(kek, sealed, bound_to)
    except KeyUnavailableError:
        return False
    return True


def _binding(epoch: int) -> bytes:
    return f"epoch|{epoch}".encode()
