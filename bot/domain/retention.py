"""How long things are kept, and what is due for erasure at a given time."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """How long each kind of thing is kept.

    ``idle`` for chats in which nobody waits for a counsellor, ``web`` for the web chat, ``cap`` for
    everything, ``receipts`` for the register of seen message ids.
    """

    idle: timedelta
    web: timedelta
    cap: timedelta
    receipts: timedelta

    def idle_before(self, now: datetime) -> datetime:
        """Return the moment before which an idle conversation is erased."""
        return now - self.idle

    def web_before(self, now: datetime) -> datetime:
        """Return the moment before which an idle web session is closed and erased."""
        return now - self.web

    def cap_before(self, now: datetime) -> datetime:
        """Return the moment before which nothing at all is kept."""
        return now - self.cap

    def receipts_before(self, now: datetime) -> datetime:
        """Return the moment before which receipts are dropped."""
        return now - self.receipts


@dataclass(slots=True)
class ClockWatch:
    """Compares the wall clock with the monotonic one: deletion pauses while they disagree.

    A clock that jumps ahead must not erase everything (security-reliability.md 4.1, Timers).
    """

    wall: datetime
    monotonic: float
    tolerance: timedelta = timedelta(minutes=5)

    def trusts(self, wall: datetime, monotonic: float) -> bool:
        """Tell whether both clocks moved alike since the watch began."""
        passed = timedelta(seconds=monotonic - self.monotonic)
        return abs((wall - self.wall) - passed) <= self.tolerance
