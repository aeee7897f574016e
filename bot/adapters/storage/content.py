"""Changes, bundles, remarks and what processes serve, over SQL."""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage import codec
from bot.adapters.storage.content_tables import bundles, content_changes, content_remarks, servings
from bot.adapters.storage.dialects import Insert, per_dialect
from bot.content_ports import Remark, Serving, Signed, Stamps
from bot.domain.content import OPEN, Change, ChangeId, Item, canonical
from bot.domain.errors import ChangedError, ContentError
from bot.domain.staff import StaffId

_c, _r, _s = content_changes.c, content_remarks.c, servings.c


def _serve(insert_into: Insert) -> Any:
    row = insert_into(servings)
    new = {name: row.excluded[name] for name in ("number", "at", "asked", "wrong", "refused")}
    return row.on_conflict_do_update(index_elements=[_s.process], set_=new)


def _report(insert_into: Insert) -> Any:
    row = insert_into(content_remarks)
    again = {"at": row.excluded.at, "settled": row.excluded.settled}
    return row.on_conflict_do_update(index_elements=[_r.id], set_=again)


_ADD = per_dialect(
    lambda into: into(content_changes).on_conflict_do_nothing().returning(content_changes.c.id)
)
_PUBLISH = per_dialect(
    lambda into: into(bundles).on_conflict_do_nothing().returning(bundles.c.number)
)
_SERVE = per_dialect(_serve)
_REPORT = per_dialect(_report)
_IS_OPEN = select(exists().where(_r.id == bindparam("report"), ~_r.settled))
_OPEN = select(content_changes).where(_c.open).order_by(_c.at, _c.id)
_HISTORY = (
    select(content_changes)
    .where(_c.item == bindparam("name"))
    .order_by(_c.at.desc(), _c.version.desc())
    .limit(bindparam("most"))
)
_AFTER = (
    select(bundles)
    .where(bundles.c.number > bindparam("number"))
    .order_by(bundles.c.number)
    .limit(bindparam("most"))
)
_BUNDLES = select(bundles).order_by(bundles.c.number.desc()).limit(bindparam("most"))


class SqlContents:
    """Contents over SQL."""

    def __init__(self, connection: AsyncConnection, stamps: Stamps) -> None:
        self._connection = connection
        self._stamps = stamps

    # --- changes ---

    async def add(self, change: Change) -> Change:
        """Store a new change."""
        row = self._row(change)
        if await self._connection.scalar(_ADD[self._connection.dialect.name], row) is None:
            raise ChangedError("another change of this text or fact is open")
        return change

    async def get(self, id_: ChangeId, *, lock: bool = False) -> Change | None:
        """Read a change."""
        query = select(content_changes).where(_c.id == id_)
        found = await self._connection.execute(query.with_for_update() if lock else query)
        return next(self._sound(found), None)

    async def save(self, change: Change) -> Change:
        """Write a change under the version it was read with."""
        new = replace(change, version=change.version + 1)
        statement = update(content_changes).where(_c.id == change.id, _c.version == change.version)
        result = await self._connection.execute(statement.values(**self._row(new)))
        if result.rowcount != 1:
            raise ChangedError("somebody else changed this text or fact")
        return new

    async def open_for(self, item: Item) -> Change | None:
        """Return the open change of an item."""
        query = select(content_changes).where(_c.item == item.name, _c.open)
        return next(self._sound(await self._connection.execute(query)), None)

    async def every_open(self) -> Sequence[Change]:
        """Return all open changes, oldest first."""
        return list(self._sound(await self._connection.execute(_OPEN)))

    async def history(self, item: Item, limit: int = 50) -> Sequence[Change]:
        """Return the changes of an item, newest first."""
        wanted = {"name": item.name, "most": limit}
        return list(self._sound(await self._connection.execute(_HISTORY, wanted)))

    async def damaged(self) -> int:
        """Count the changes that were written by something else than Havn."""
        rows = (await self._connection.execute(select(content_changes))).all()
        return len(rows) - len(list(self._sound(rows)))

    def _row(self, change: Change) -> dict[str, Any]:
        body = canonical(change.written())
        return {
            "id": change.id,
            "item": change.item.name,
            "open": change.state in OPEN,
            "at": codec.to_ms(change.at),
            "version": change.version,
            "body": body,
            "stamp": self._stamps.stamp(_place(change.id), body),
        }

    def _sound(self, rows: Iterable[Row[Any]]) -> Iterator[Change]:
        """Yield the changes that Havn wrote as they stand."""
        for row in rows:
            expected = self._stamps.stamp(_place(row.id), row.body)
            if not hmac.compare_digest(expected, row.stamp):
                continue
            try:
                change = Change.read(json.loads(row.body))
            except (ValueError, KeyError, TypeError, ContentError):
                continue
            told = (row.id, row.item, row.open, row.version)
            if told == (change.id, change.item.name, change.state in OPEN, change.version):
                yield change

    # --- bundles ---

    async def publish(self, bundle: Signed, *, instead: bool = False) -> None:
        """Store a bundle."""
        if instead:
            gone = delete(bundles).where(bundles.c.number == bundle.number)
            await self._connection.execute(gone)
        row = {"number": bundle.number, "body": bundle.body, "signature": bundle.signature}
        if await self._connection.scalar(_PUBLISH[self._connection.dialect.name], row) is None:
            raise ChangedError("there is a bundle of this number")

    async def latest(self) -> int:
        """Return the number of the newest bundle."""
        return await self._connection.scalar(select(func.max(bundles.c.number))) or 0

    async def bundle(self, number: int) -> Signed | None:
        """Return a bundle as it is stored."""
        query = select(bundles).where(bundles.c.number == number)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else Signed(row.number, row.body, row.signature)

    async def bundles(self, limit: int = 50) -> Sequence[Signed]:
        """Return bundles, newest first."""
        rows = await self._connection.execute(_BUNDLES, {"most": limit})
        return [Signed(row.number, row.body, row.signature) for row in rows]

    async def after(self, number: int, limit: int = 50) -> Sequence[Signed]:
        """Return the bundles above a number, lowest first."""
        wanted = {"number": number, "most": limit}
        rows = await self._connection.execute(_AFTER, wanted)
        return [Signed(row.number, row.body, row.signature) for row in rows]

    # --- remarks ---

    async def remark(self, remark: Remark) -> None:
        """Store a remark."""
        await self._connection.execute(insert(content_remarks), _row(remark))

    async def report_once(self, report: Remark) -> None:
        """Store a report, unless it is open."""
        # Asked first: to write takes a lock that every visitor of a flood would wait for.
        if not await self._connection.scalar(_IS_OPEN, {"report": report.id}):
            statement = _REPORT[self._connection.dialect.name]
            await self._connection.execute(statement, _row(report))

    async def remarks(self, item: Item) -> Sequence[Remark]:
        """Return what was said about an item, oldest first."""
        query = select(content_remarks).where(_r.item == item.name).order_by(_r.at, _r.id)
        return [_remark(row) for row in await self._connection.execute(query)]

    async def reports(self) -> Sequence[Remark]:
        """Return the reports nobody has settled, oldest first."""
        query = select(content_remarks).where(_r.report, ~_r.settled).order_by(_r.at, _r.id)
        return [_remark(row) for row in await self._connection.execute(query)]

    async def settle(self, item: Item) -> None:
        """Settle every report about an item."""
        statement = update(content_remarks).where(_r.item == item.name, _r.report)
        await self._connection.execute(statement.values(settled=True))

    # --- what is served ---

    async def serving(self, serving: Serving) -> None:
        """Write what a process serves over what it served before."""
        row = {
            "process": serving.process,
            "number": serving.number,
            "at": codec.to_ms(serving.at),
            "asked": _counts(serving.asked),
            "wrong": _counts(serving.wrong),
            "refused": serving.refused,
        }
        await self._connection.execute(_SERVE[self._connection.dialect.name], row)

    async def servings(self, since: datetime) -> Sequence[Serving]:
        """Return what each process served that was heard of since a moment."""
        query = select(servings).where(_s.at >= codec.to_ms(since)).order_by(_s.process)
        return [
            Serving(
                process=row.process,
                number=row.number,
                at=codec.from_ms(row.at),
                asked=_counted(row.asked),
                wrong=_counted(row.wrong),
                refused=row.refused,
            )
            for row in await self._connection.execute(query)
        ]

    async def forget_servings(self, before: datetime) -> None:
        """Delete what processes served that were not heard of since a moment."""
        await self._connection.execute(delete(servings).where(_s.at < codec.to_ms(before)))


def _place(id_: str) -> str:
    return f"change:{id_}"


def _row(remark: Remark) -> dict[str, Any]:
    return {
        "id": remark.id,
        "item": remark.item.name,
        "by": remark.by,
        "at": codec.to_ms(remark.at),
        "text": remark.text,
        "report": remark.report,
        "settled": remark.settled,
    }


def _remark(row: Row[Any]) -> Remark:
    return Remark(
        id=row.id,
        item=Item.parse(row.item),
        by=StaffId(row.by),
        at=codec.from_ms(row.at),
        text=row.text,
        report=row.report,
        settled=row.settled,
    )


def _counts(counts: Mapping[tuple[str, str], int]) -> str:
    return json.dumps([[*key, number] for key, number in sorted(counts.items())])


def _counted(text: str) -> Mapping[tuple[str, str], int]:
    return {(channel, locale): number for channel, locale, number in json.loads(text)}
