"""Ids: conversations get random ones, messages growing ones."""

import secrets
from datetime import UTC, datetime, timedelta

from bot.domain.messages import ConversationId, MessageId

# An id is milliseconds since 1970, then a number of the process, then a counter: 63 bits last
# until the year 2039.
_BELOW_MILLISECOND = 22
_PROCESS_BITS = 12


def conversation_id() -> ConversationId:
    """Return a random id of 128 bits, as hexadecimal."""
    return ConversationId(secrets.token_hex(16))


def made_at(message: MessageId) -> datetime:
    """Return when an id was made, to the millisecond."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=message >> _BELOW_MILLISECOND)


class MessageIds:
    """Ids that grow with every call; one for a whole process, so that no two are alike.

    Two processes draw different numbers almost surely; the database refuses the rest.
    """

    def __init__(self) -> None:
        number = secrets.randbelow(1 << _PROCESS_BITS)
        self._process = number << (_BELOW_MILLISECOND - _PROCESS_BITS)
        self._last = 0

    def next(self, now: datetime) -> MessageId:
        """Return an id greater than every one before it."""
        milliseconds = int(now.timestamp() * 1000)
        self._last = max(self._last + 1, (milliseconds << _BELOW_MILLISECOND) + self._process)
        return MessageId(self._last)
