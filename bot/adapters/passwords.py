"""Passwords: hashed by Argon2id, and refused when a guesser would find them soon."""

import asyncio
import base64
from collections.abc import Collection

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# RFC 9106, second recommended choice: 64 MiB, three passes, four lanes.
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
# 256 MiB at most; more tries at once than that wait in line.
_AT_ONCE = 4
# The scale of zxcvbn goes to 4; 3 stands for ten thousand million guesses or more.
_SAFE_SCORE = 3
# Longer ones take it very long, and what follows makes none of them worse.
_JUDGED_LENGTH = 72


class Argon2Hasher:
    """The Hasher."""

    def __init__(self, hasher: PasswordHasher = _HASHER) -> None:
        self._hasher = hasher
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobody = _unmatched(hasher)

    async def hash(self, password: str) -> str:
        """Return a hash that holds its salt and parameters."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _encoded(password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether a password fits; None takes as long and never fits."""
        async with self._turn:
            fits = await asyncio.to_thread(self._fits, hashed or self._nobody, password)
        return fits and hashed is not None

    def is_guessable(self, password: str, known: Collection[str]) -> bool:
        """Tell whether it is common or made of common parts, by lists that came with zxcvbn."""
        from zxcvbn import zxcvbn  # noqa: PLC0415 -- its lists take 2 MB that enrolling alone needs

        judged = zxcvbn(password[:_JUDGED_LENGTH], user_inputs=[*known])
        return int(judged["score"]) < _SAFE_SCORE

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, _encoded(password))
        except (VerificationError, InvalidHashError):
            return False


def _unmatched(hasher: PasswordHasher) -> str:
    """Return a hash that takes as long as any other and that no password has: its bits are 0."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, tag = (base64.b64encode(bytes(n)).decode().rstrip("=") for n in (16, hasher.hash_len))
    return f"$argon2id$v=19${cost}${salt}${tag}"


def _encoded(password: str) -> bytes:
    """Write a password; lone surrogates too, which UTF-8 has no form for."""
    return password.encode("utf-8", "surrogatepass")
