"""Ids: conversations get random ones, messages growing ones."""

import secrets
from datetime import datetime

from bot.domain.messages import ConversationId, MessageId

_COUNTER_BITS = 22


def conversation_id() -> ConversationId:
    """Return a random id of 128 bits, as hexadecimal."""
    return ConversationId(secrets.token_hex(16))


class MessageIds:
    """Ids that grow with time within a process: milliseconds, then a counter.

    The counter starts at random, so that two processes hardly ever meet in one millisecond.
    """

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: datetime) -> MessageId:
        """Return an id greater than every one before it; below 2**63 until the year 2039."""
        floor = int(now.timestamp() * 1000) << _COUNTER_BITS
        start = floor + secrets.randbelow(1 << (_COUNTER_BITS - 2))
        self._last = max(self._last + 1, start)
        return MessageId(self._last)
