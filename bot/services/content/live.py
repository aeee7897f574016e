"""What the processes that serve have said of themselves, read as one answer about all of them.

A process in doubt counts as not live: one that has not taken within a minute what was published,
one that refuses it, one that said something else.
"""

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.content_ports import Serving
from bot.domain.messages import Channel

# What was published may take this long to reach every process.
ON_ITS_WAY = timedelta(seconds=60)


class Sign(enum.StrEnum):
    """How a process stands."""

    LIVE = "live"
    ON_ITS_WAY = "on_its_way"
    BEHIND = "behind"
    REFUSED = "refused"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Process:
    """One process and what it says of itself."""

    serving: Serving
    sign: Sign

    @property
    def wrong_in(self) -> Sequence[tuple[str, str]]:
        """Return the channels and locales in which it said something else."""
        return sorted(self.serving.wrong)


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """Whether the newest bundle is what visitors get.

    ``good`` are the locales in which every process says it on every channel it serves, ``locales``
    all that are served.
    """

    number: int
    processes: Sequence[Process]
    locales: Sequence[str]
    good: Sequence[str]
    channels: Sequence[str]
    checked_at: datetime | None

    @property
    def trouble(self) -> Sequence[Process]:
        """Return the processes that somebody must look at."""
        calm = {Sign.LIVE, Sign.ON_ITS_WAY}
        return [one for one in self.processes if one.sign not in calm]

    @property
    def on_its_way(self) -> bool:
        """Tell whether it is soon to be known: worth another look in a few seconds."""
        return any(one.sign is Sign.ON_ITS_WAY for one in self.processes)

    @property
    def all_good(self) -> bool:
        """Tell whether it is live in every language, on every channel of every process."""
        calm = all(one.sign is Sign.LIVE for one in self.processes)
        return bool(self.processes) and calm and len(self.good) == len(self.locales)


def live_check(
    servings: Sequence[Serving],
    number: int,
    published_at: datetime,
    locales: Collection[str],
    now: datetime,
) -> LiveCheck:
    """Read what processes said that were heard of lately.

    ``number`` is that of the newest bundle, 0 where nothing was published; ``locales`` those that
    visitors can choose.
    """
    late = now - published_at > ON_ITS_WAY
    processes = [Process(one, _sign(one, number, late=late)) for one in servings]
    asked = {channel for one in servings for channel, _ in one.asked}
    return LiveCheck(
        number=number,
        processes=processes,
        locales=list(locales),
        good=[locale for locale in locales if processes and _is_live(locale, processes)],
        channels=[channel for channel in Channel if channel in asked],
        checked_at=min((one.at for one in servings), default=None),
    )


def _sign(serving: Serving, number: int, *, late: bool) -> Sign:
    if serving.refused:
        return Sign.REFUSED
    if serving.number < number:
        return Sign.BEHIND if late else Sign.ON_ITS_WAY
    return Sign.WRONG if serving.wrong else Sign.LIVE


def _is_live(locale: str, processes: Sequence[Process]) -> bool:
    """Tell whether each process has the newest bundle and found a locale right everywhere."""
    return all(
        one.sign in {Sign.LIVE, Sign.WRONG}
        and any(asked == locale for _, asked in one.serving.asked)
        and not any(wrong == locale for _, wrong in one.serving.wrong)
        for one in processes
    )
