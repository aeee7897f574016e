"""The paces of all conversations, in memory only: who is answered now, and who floods."""

from datetime import datetime, timedelta

from bot.domain.messages import ConversationId
from bot.domain.pace import Pace
from bot.ports import Clock

# How many paces are remembered before those of calm conversations are dropped.
_MANY = 1000


class Paces:
    """How fast each conversation writes, and how often it may be answered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paces: dict[ConversationId, Pace] = {}
        self._tidy_at = _MANY

    def hear(self, conversation: ConversationId, *, urgent: bool) -> timedelta:
        """Count a message and return how long its answer waits while others gather."""
        now = self._clock.now()
        pace = self._paces.setdefault(conversation, Pace())
        pace.hear(now)
        self._rest(now)
        return pace.wait(now, urgent=urgent)

    def answered(self, conversation: ConversationId, *, urgent: bool) -> None:
        """Note that an answer is made."""
        if pace := self._paces.get(conversation):
            pace.answer(self._clock.now(), urgent=urgent)

    def quiet(self, conversation: ConversationId) -> bool:
        """Tell whether so much came that only numbers and buttons answer."""
        pace = self._paces.get(conversation)
        return pace is not None and pace.quiet

    def _rest(self, now: datetime) -> None:
        """Forget the pace of conversations that have calmed down.

        Only when there are twice as many as were left last time, so that it stays cheap in a crowd.
        """
        if len(self._paces) > self._tidy_at:
            self._paces = {k: p for k, p in self._paces.items() if not p.resting(now)}
            self._tidy_at = max(_MANY, 2 * len(self._paces))
