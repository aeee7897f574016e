"""How long to wait between tries to sign in: nobody is locked out, and guessing gets slow."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

# Tries that are free, and the time in which they count.
FREE_TRIES = 5
WINDOW = timedelta(minutes=1)
# The wait doubles from the first to the last; a person who mistyped can always come back.
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=5)
_MOST_DOUBLINGS = 20
# Names in memory: somebody who tries very many loses the count of those tried first.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    first_at: datetime
    last_at: datetime

    def is_past(self, now: datetime) -> bool:
        """Tell whether a new failure has nothing to do with these."""
        if self.count < FREE_TRIES:
            return now - self.first_at > WINDOW
        return now - self.last_at > 2 * LONGEST_WAIT


class Tries:
    """Counts failed tries by name, known or not, in memory.

    A name is whatever slows down together: an alias at the sign-in page, a session at a step-up,
    so that an outsider who tries an alias cannot slow down its owner who is signed in.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, name: str, now: datetime) -> timedelta:
        """Return how long this name must still wait; zero when it may try."""
        failed = self._failures.get(name)
        if failed is None or failed.count < FREE_TRIES:
            return timedelta(0)
        doublings: int = 1 << min(failed.count - FREE_TRIES, _MOST_DOUBLINGS)
        wait = min(FIRST_WAIT * doublings, LONGEST_WAIT)
        return max(failed.last_at + wait - now, timedelta(0))

    def failed(self, name: str, now: datetime) -> None:
        """Count a failed try; few that lie more than a minute apart never add up."""
        old = self._failures.pop(name, None)
        if old is None or old.is_past(now):
            old = _Failures(0, now, now)
        self._failures[name] = _Failures(old.count + 1, old.first_at, now)
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """Forget the failures of a name."""
        self._failures.pop(name, None)
