"""Who is on shift, and the counters, over SQL."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage import codec
from bot.adapters.storage.dialects import Insert, per_dialect
from bot.adapters.storage.tables import figures, shifts
from bot.domain.staff import StaffId
from bot.ports import Shift

_s, _f = shifts.c, figures.c


def _begin(insert_into: Insert) -> Any:
    row = insert_into(shifts)
    new = {name: row.excluded[name] for name in ("since", "beat_at", "languages")}
    return row.on_conflict_do_update(index_elements=[_s.staff], set_=new)


def _count(insert_into: Insert) -> Any:
    row = insert_into(figures)
    return row.on_conflict_do_update(
        index_elements=[_f.week, _f.kind, _f.value],
        set_={"number": _f.number + row.excluded.number},
    )


_BEGIN = per_dialect(_begin)
# The row of a shift that ended stays for its languages, without its times.
_OVER = 0
_WHOSE = _s.staff == bindparam("who")
_BEAT = update(shifts).where(_WHOSE, _s.beat_at > _OVER).values(beat_at=bindparam("at"))
_END = update(shifts).where(_WHOSE).values(since=_OVER, beat_at=_OVER)
_LANGUAGES = select(_s.languages).where(_WHOSE)
_SINCE = select(shifts).where(_s.beat_at >= bindparam("moment")).order_by(_s.since, _s.staff)
_COUNT = per_dialect(_count)
_BETWEEN = select(figures).where(_f.week.between(bindparam("first"), bindparam("last")))


class SqlShifts:
    """Shifts over SQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def begin(self, shift: Shift) -> None:
        """Start a shift."""
        row = {
            "staff": shift.staff,
            "since": codec.to_ms(shift.since),
            "beat_at": codec.to_ms(shift.beat_at),
            "languages": " ".join(sorted(shift.languages)),
        }
        await self._connection.execute(_BEGIN[self._connection.dialect.name], row)

    async def beat(self, staff: StaffId, at: datetime) -> bool:
        """Note a sign of life."""
        parameters = {"who": staff, "at": codec.to_ms(at)}
        return bool((await self._connection.execute(_BEAT, parameters)).rowcount)

    async def end(self, staff: StaffId) -> None:
        """End a shift."""
        await self._connection.execute(_END, {"who": staff})

    async def languages(self, staff: StaffId) -> frozenset[str] | None:
        """Return the locales of somebody's last shift."""
        languages = await self._connection.scalar(_LANGUAGES, {"who": staff})
        return None if languages is None else frozenset(languages.split())

    async def since(self, moment: datetime) -> Sequence[Shift]:
        """Return the shifts with a sign of life since a moment."""
        rows = await self._connection.execute(_SINCE, {"moment": codec.to_ms(moment)})
        return [
            Shift(
                StaffId(row.staff),
                codec.from_ms(row.since),
                codec.from_ms(row.beat_at),
                frozenset(row.languages.split()),
            )
            for row in rows
        ]


class SqlFigures:
    """Counters over SQL.

    What a transaction counts is written at its end and in one order, for all transactions share the
    counters: so no two wait for each other, and none waits for longer than a commit takes.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._counted: Counter[tuple[str, str, str]] = Counter()

    async def count(self, week: str, values: Mapping[str, str]) -> None:
        """Add one to each counter."""
        self._counted.update((week, kind, value) for kind, value in values.items())

    async def write(self) -> None:
        """Write what was counted; the last thing a transaction does."""
        counted, self._counted = sorted(self._counted.items()), Counter()
        rows = [
            {"week": week, "kind": kind, "value": value, "number": number}
            for (week, kind, value), number in counted
        ]
        if rows:
            await self._connection.execute(_COUNT[self._connection.dialect.name], rows)

    async def between(self, first: str, last: str) -> Mapping[tuple[str, str, str], int]:
        """Return the counters of a range of weeks."""
        await self.write()
        rows = await self._connection.execute(_BETWEEN, {"first": first, "last": last})
        return {(row.week, row.kind, row.value): row.number for row in rows}
