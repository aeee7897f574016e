"""Challenges for passkeys: made without being stored, each good for one purpose, once."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from bot.domain.errors import KeyUnavailableError, ProofError
from bot.ports import UnitOfWork
from bot.staff_ports import Vault

# A person may have to find their key first.
VALID = timedelta(minutes=5)
_RANDOM_BYTES = 16
_SKEW = timedelta(minutes=1)


class Challenges:
    """Seals the time into a challenge, bound to its purpose.

    Asking for one costs no row, so nobody can fill the store by asking. Only a challenge that was
    answered rightly is noted, so that the same answer cannot be brought again.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def make(self, purpose: str, now: datetime) -> bytes:
        """Return a new challenge."""
        seconds = int(now.timestamp()).to_bytes(8, "big")
        return self._vault.seal_own(
            f"challenge:{purpose}", seconds + secrets.token_bytes(_RANDOM_BYTES)
        )

    def check(self, purpose: str, challenge: bytes, now: datetime) -> None:
        """Raise ProofError unless the challenge was made for this purpose and not long ago."""
        try:
            plain = self._vault.open_own(f"challenge:{purpose}", challenge)
        except KeyUnavailableError:
            raise ProofError("this challenge was not made here") from None
        made_at = datetime.fromtimestamp(int.from_bytes(plain[:8], "big"), UTC)
        if not -_SKEW <= now - made_at <= VALID:
            raise ProofError("this challenge is too old")

    async def spend(self, unit: UnitOfWork, challenge: bytes, now: datetime) -> None:
        """Note that a challenge was answered; ProofError when it had been before."""
        used = hashlib.sha256(challenge).digest()
        if not await unit.staff.spend(used, now + VALID + _SKEW, now):
            raise ProofError("this answer was given before")
