"""A visit: a random token that lives in the page and nowhere else."""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

NewSecret = Callable[[], str]
_REMEMBERED = 10_000
# A page cannot come from the future; clocks of several machines may differ a little.
_SKEW_SECONDS = 60


def new_secret() -> str:
    """Return 256 random bits in 43 characters that are safe in a form."""
    return secrets.token_urlsafe(32)


def external_id(token: str, nonce: str, kind: str, content: str) -> str:
    """Return the id of one thing the visitor did: the same again if the same form is sent again.

    The content is part of it, so that another button of the same old page is another thing. Nobody
    can try out contents: the token is secret.
    """
    parts = (token, nonce, kind, content)
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def is_idle(now: float, page_at: float, shown_at: float, minutes: int) -> bool:
    """Tell whether nothing happened for too long, by the page's time and the last message's."""
    if page_at > now + _SKEW_SECONDS:
        page_at = 0
    return now - max(page_at, shown_at) > minutes * 60


class Departures:
    """Who left within the last minutes, so that an answer still under way does not bring them back.

    Holds hashes of tokens, in memory only.
    """

    def __init__(self, seconds: float = 600, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._left: OrderedDict[bytes, float] = OrderedDict()

    def note(self, token: str) -> None:
        """Remember that a visitor left."""
        self._left[_digest(token)] = self._clock()
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)

    def __contains__(self, token: str) -> bool:
        at = self._left.get(_digest(token))
        return at is not None and self._clock() - at <= self._seconds


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
