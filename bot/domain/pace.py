"""How often a conversation is answered. Limits act on the answer, never on the hearing.

Everything a visitor sends is stored; when it comes too fast it is joined and answered together
(security-reliability.md section 6). Words of danger and the wish for a person pass at any pace.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

BURST = 20
REFILL = timedelta(seconds=1)
JOINED = timedelta(seconds=5)
QUIET_AFTER = 200
QUIET_WINDOW = timedelta(minutes=10)
QUIET = timedelta(minutes=1)


@dataclass(slots=True)
class Pace:
    """The pace of one conversation, kept in memory only."""

    tokens: float = BURST
    counted_at: datetime | None = None
    window_from: datetime | None = None
    in_window: int = 0
    answered_at: datetime | None = None
    bypassed_at: datetime | None = None

    def hear(self, now: datetime) -> None:
        """Count one arrival."""
        if self.counted_at is not None:
            # A clock that was set back takes nothing away.
            passed = max(timedelta(0), now - self.counted_at)
            self.tokens = min(BURST, self.tokens + passed / REFILL)
        self.counted_at = now
        self.tokens = max(0.0, self.tokens - 1)
        if self.window_from is None or now - self.window_from > QUIET_WINDOW:
            self.window_from, self.in_window = now, 0
        self.in_window += 1

    @property
    def quiet(self) -> bool:
        """Tell whether so much came that only numbers and buttons answer."""
        return self.in_window > QUIET_AFTER

    def wait(self, now: datetime, *, urgent: bool) -> timedelta:
        """Return how long the answer should wait; zero when it may go now.

        Urgent messages do not wait, once per ten minutes when a flood is on.
        """
        if urgent and (self.bypassed_at is None or now - self.bypassed_at > QUIET_WINDOW):
            return timedelta(0)
        if self.tokens >= 1 and not self.quiet:
            return timedelta(0)
        gap = QUIET if self.quiet else JOINED
        if self.answered_at is None:
            return timedelta(0)
        return min(gap, max(timedelta(0), self.answered_at + gap - now))

    def answer(self, now: datetime, *, urgent: bool) -> None:
        """Note that an answer was made."""
        self.answered_at = now
        if urgent and (self.tokens < 1 or self.quiet):
            self.bypassed_at = now

    def resting(self, now: datetime) -> bool:
        """Tell whether nothing need be remembered any more."""
        return self.counted_at is not None and now - self.counted_at > QUIET_WINDOW
