"""Changes, bundles, remarks and what processes serve, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.adapters.storage.memory_data import Data
from bot.content_ports import Remark, Serving, Signed
from bot.domain.content import OPEN, Change, ChangeId, Item
from bot.domain.errors import ChangedError


class MemoryContents:
    """Contents in memory. Nobody else writes there, so nothing is ever damaged."""

    def __init__(self, data: Data) -> None:
        self._data = data

    async def add(self, change: Change) -> Change:
        """Store a new change."""
        if change.id in self._data.changes or (
            change.state in OPEN and await self.open_for(change.item)
        ):
            raise ChangedError("another change of this text or fact is open")
        self._data.changes[change.id] = change
        return change

    async def get(self, id_: ChangeId, *, lock: bool = False) -> Change | None:
        """Read a change."""
        del lock  # one transaction at a time
        return self._data.changes.get(id_)

    async def save(self, change: Change) -> Change:
        """Write a change under the version it was read with."""
        stored = self._data.changes.get(change.id)
        if stored is None or stored.version != change.version:
            raise ChangedError("somebody else changed this text or fact")
        self._data.changes[change.id] = new = replace(change, version=change.version + 1)
        return new

    async def open_for(self, item: Item) -> Change | None:
        """Return the open change of an item."""
        return next((c for c in await self.every_open() if c.item == item), None)

    async def every_open(self) -> Sequence[Change]:
        """Return all open changes, oldest first."""
        found = [c for c in self._data.changes.values() if c.state in OPEN]
        return sorted(found, key=lambda change: (change.at, change.id))

    async def history(self, item: Item, limit: int = 50) -> Sequence[Change]:
        """Return the changes of an item, newest first."""
        found = [c for c in self._data.changes.values() if c.item == item]
        return sorted(found, key=lambda c: (c.at, c.version), reverse=True)[:limit]

    async def damaged(self) -> int:
        """Count the changes that were written by something else than Havn."""
        return 0

    async def publish(self, bundle: Signed, *, instead: bool = False) -> None:
        """Store a bundle."""
        if bundle.number in self._data.bundles and not instead:
            raise ChangedError("there is a bundle of this number")
        self._data.bundles[bundle.number] = bundle

    async def latest(self) -> int:
        """Return the number of the newest bundle."""
        return max(self._data.bundles, default=0)

    async def bundle(self, number: int) -> Signed | None:
        """Return a bundle as it is stored."""
        return self._data.bundles.get(number)

    async def bundles(self, limit: int = 50) -> Sequence[Signed]:
        """Return bundles, newest first."""
        return [self._data.bundles[n] for n in sorted(self._data.bundles, reverse=True)[:limit]]

    async def after(self, number: int, limit: int = 50) -> Sequence[Signed]:
        """Return the bundles above a number, lowest first."""
        return [self._data.bundles[n] for n in sorted(self._data.bundles) if n > number][:limit]

    async def remark(self, remark: Remark) -> None:
        """Store a remark."""
        self._data.remarks[remark.id] = remark

    async def report_once(self, report: Remark) -> None:
        """Store a report, unless it is open."""
        known = self._data.remarks.get(report.id)
        if known is None or known.settled:
            self._data.remarks[report.id] = report

    async def remarks(self, item: Item) -> Sequence[Remark]:
        """Return what was said about an item, oldest first."""
        found = [r for r in self._data.remarks.values() if r.item == item]
        return sorted(found, key=lambda remark: (remark.at, remark.id))

    async def reports(self) -> Sequence[Remark]:
        """Return the reports nobody has settled, oldest first."""
        found = [r for r in self._data.remarks.values() if r.report and not r.settled]
        return sorted(found, key=lambda remark: (remark.at, remark.id))

    async def settle(self, item: Item) -> None:
        """Settle every report about an item."""
        for remark in await self.remarks(item):
            if remark.report:
                self._data.remarks[remark.id] = replace(remark, settled=True)

    async def serving(self, serving: Serving) -> None:
        """Write what a process serves over what it served before."""
        self._data.servings[serving.process] = serving

    async def servings(self, since: datetime) -> Sequence[Serving]:
        """Return what each process served that was heard of since a moment."""
        return [s for _, s in sorted(self._data.servings.items()) if s.at >= since]

    async def forget_servings(self, before: datetime) -> None:
        """Delete what processes served that were not heard of since a moment."""
        kept = {name: s for name, s in self._data.servings.items() if s.at >= before}
        self._data.servings = kept
