"""Havn's own keys, beside those of conversations: the console's, and that of the audit trail."""

import contextlib
import sqlite3

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.adapters.sealing.cipher import decrypt, encrypt
from bot.domain.audit import ChainKey
from bot.domain.errors import KeyUnavailableError

CONSOLE = "console"
_CHAIN = "audit_chain"
FIRST = "audit_first"
_ALERTS = "alerts"
_NUMBER_BYTES = 8
_ALERT_BYTES = 32
_TABLE = "CREATE TABLE IF NOT EXISTS own_keys (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL)"


class OwnKeys:
    """Named keys in the key database, wrapped like the others. The caller holds a transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def make_table(self) -> None:
        """Make the table where it is not there yet."""
        self._database.execute(_TABLE)

    def read(self, kek: AESGCM, name: str) -> bytes | None:
        """Return a key, None when it was never made or was erased; KeyUnavailableError."""
        query = "SELECT wrapped FROM own_keys WHERE name = ?"
        row = self._database.execute(query, [name]).fetchone()
        return None if row is None else decrypt(kek, row[0], _binding(name))

    def write(self, kek: AESGCM, name: str, raw: bytes) -> None:
        """Store a key, over the one of its name."""
        self._database.execute(
            "INSERT INTO own_keys VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET wrapped = excluded.wrapped",
            [name, encrypt(kek, raw, _binding(name))],
        )

    def wrap_anew(self, old: AESGCM, new: AESGCM) -> None:
        """Wrap every key under the next key-encryption key; one that was tampered with is lost."""
        names = [name for (name,) in self._database.execute("SELECT name FROM own_keys")]
        for name in names:
            with contextlib.suppress(KeyUnavailableError):
                raw = self.read(old, name)
                if raw is not None:
                    self.write(new, name, raw)

    def alert_key(self, kek: AESGCM) -> bytes:
        """Return the secret number for push services; made at the first call."""
        raw = self.read(kek, _ALERTS)
        if raw is None:
            raw = new_alert_key()
            self.write(kek, _ALERTS, raw)
        return raw

    # --- the audit trail ---

    def chain(self, kek: AESGCM) -> ChainKey | None:
        """Return the key of the trail in force."""
        raw = self.read(kek, _CHAIN)
        if raw is None:
            return None
        return ChainKey(int.from_bytes(raw[:_NUMBER_BYTES], "big"), raw[_NUMBER_BYTES:])

    def begin_chain(self, kek: AESGCM) -> ChainKey:
        """Make the key a trail begins with, and keep it until an auditor takes it."""
        first = ChainKey.first()
        self.write(kek, FIRST, first.key)
        self.keep_chain(kek, first)
        return first

    def keep_chain(self, kek: AESGCM, key: ChainKey) -> None:
        """Store the key of the trail over the one before, which is then gone."""
        self.write(kek, _CHAIN, key.number.to_bytes(_NUMBER_BYTES, "big") + key.key)

    def first(self, kek: AESGCM) -> bytes | None:
        """Return the key the trail began with, None once it was taken."""
        return self.read(kek, FIRST)

    def erase_first(self) -> None:
        """Erase the key the trail began with."""
        self._database.execute("DELETE FROM own_keys WHERE name = ?", [FIRST])


def new_alert_key() -> bytes:
    """Return the secret number of a fresh key on the curve P-256, which RFC 8292 asks for."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return number.to_bytes(_ALERT_BYTES, "big")


def _binding(name: str) -> bytes:
    return f"own|{name}".encode()
