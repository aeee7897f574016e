"""Marks what Havn itself wrote to the database: whoever can only write there cannot imitate it."""

import fcntl
import hashlib
import hmac
import secrets
from pathlib import Path

from bot.adapters.sealing.files import write_secret
from bot.domain.errors import ConfigurationError

_KEY_BYTES = 32


class Stamp:
    """The Stamps of one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def fresh(cls) -> "Stamp":
        """Return one whose key ends with the process."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    @classmethod
    def open(cls, path: Path) -> "Stamp":
        """Read the key, or make it at the first call; ConfigurationError when that fails."""
        try:
            if not path.exists():
                _make(path)
            key = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be used: {error.strerror}") from None
        if len(key) != _KEY_BYTES:
            raise ConfigurationError(f"{path} is damaged: restore it from a backup")
        return cls(key)

    def stamp(self, place: str, data: bytes) -> bytes:
        """Return a keyed hash of data in its place."""
        name = place.encode()
        return hmac.digest(self._key, len(name).to_bytes(2, "big") + name + data, hashlib.sha256)


def _make(path: Path) -> None:
    """Make the key once, however many processes start at the same moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            write_secret(path, secrets.token_bytes(_KEY_BYTES))
