"""The signer: a process of its own that turns approved changes into signed bundles.

It holds the private key, serves nobody, and believes nobody: it asks for two people, for the
waiting time by its own clock and by one that cannot be set, and for every rule once more.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from bot.content_ports import BundleSigner, Signed
from bot.domain.content import (
    COOL_OFF,
    NOTHING,
    Bundle,
    Change,
    ChangeId,
    ItemKind,
    State,
    Value,
    fits,
)
from bot.domain.errors import ContentError
from bot.i18n.values import COPENHAGEN
from bot.logs import error_class, logger
from bot.ports import Clock, Store, UnitOfWork
from bot.services.content.assembly import Served, normal, renamed
from bot.services.content.judging import Judge
from bot.services.content.library import Library

# An approval is published within this time, in seconds, plus what the channels take to look.
PAUSE = 2.0

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Step:
    """What comes of one change: its value in the form that is signed, and what is served then."""

    value: Value
    links: Mapping[tuple[str, str], str]
    served: Served
    guarded: bool


@dataclass(slots=True)
class Publisher:
    """Publishes what is due. ``ticks`` is a clock that only runs forward, in seconds."""

    store: Store
    clock: Clock
    library: Library
    judge: Judge
    signer: BundleSigner
    ticks: Callable[[], float] = time.monotonic
    _first_seen: dict[tuple[ChangeId, int], float] = field(default_factory=dict)

    async def run(self) -> None:
        """Publish for ever; a failure is logged, and the next round tries again."""
        while True:
            try:
                await self.publish_due()
            except Exception as error:  # noqa: BLE001 -- whatever broke, the next round tries again
                log.error("publishing_failed", error=error_class(error))
            await asyncio.sleep(PAUSE)

    async def publish_due(self) -> int:
        """Publish every change whose time has come; return the number of the new bundle, or 0."""
        async with self.store.begin() as unit:
            await self._catch_up(unit)
            due = self._due(await unit.contents.every_open())
            made = await self._bundle(unit, due) if due else None
            if made is None:
                return 0
            body = made.body()
            signed = Signed(made.number, body, self.signer.sign(body))
            await unit.contents.publish(signed, instead=await self._is_forged(unit, made.number))
        self.library.take(signed)
        log.info("bundle_published", number=signed.number)
        return signed.number

    async def _is_forged(self, unit: UnitOfWork, number: int) -> bool:
        """Tell whether something stands under a number that no signer signed."""
        found = await unit.contents.bundle(number)
        try:
            return found is not None and not self.library.read(found)
        except ContentError:
            return True

    async def _catch_up(self, unit: UnitOfWork) -> None:
        """Take what was published while another signer ran; what is not signed is left alone."""
        for signed in await unit.contents.after(self.library.bundle.number):
            try:
                self.library.take(signed)
            except ContentError:
                log.error("bundle_refused", number=signed.number)

    def _due(self, changes: Sequence[Change]) -> Sequence[Change]:
        approved = [change for change in changes if change.state is State.APPROVED]
        now = self.ticks()
        self._first_seen = {
            (c.id, c.version): self._first_seen.get((c.id, c.version), now) for c in approved
        }
        return [c for c in approved if c.is_due(self.clock.now()) and self._has_waited(c)]

    def _has_waited(self, change: Change) -> bool:
        """Tell whether the waiting time has passed here too, whatever the clock was set to."""
        since = self._first_seen[change.id, change.version]
        return not change.guarded or self.ticks() - since >= COOL_OFF.total_seconds()

    async def _bundle(self, unit: UnitOfWork, due: Sequence[Change]) -> Bundle | None:
        now = self.clock.now()
        wishes = [change for change in due if change.item.kind is ItemKind.BUNDLE]
        if wishes:
            # Everything else waits for the next round, and is judged against what is live then.
            return await self._going_back(unit, wishes, now)
        accepted: list[Change] = []
        links: dict[tuple[str, str], str] = {}
        served = self.library.served
        for change in due:
            step = self._tried(change, served, now)
            if step is None:
                await unit.contents.save(change.back(now))
            elif self._has_waited(replace(change, guarded=step.guarded)):
                links |= step.links
                served = step.served
                published = replace(change, value=step.value).live(now)
                accepted.append(await unit.contents.save(published))
        return self.library.bundle.after(accepted, links, now) if accepted else None

    def _tried(self, change: Change, served: Served, now: datetime) -> "_Step | None":
        """Return what comes of a change on top of what is served, None where it must not be."""
        try:
            return self._step(change, served, now)
        except Exception as error:  # noqa: BLE001 -- one bad change must not stop all others
            log.error("change_refused", error=error_class(error))
            return None

    def _step(self, change: Change, served: Served, now: datetime) -> "_Step | None":
        item, live = change.item, served.value(change.item)
        judgement = self.judge.judge(item, change.value, served, _day(now))
        if not (fits(change, live) and judgement.passes):
            return None
        value = normal(item, change.value)
        links = renamed(item, value, served)
        # What it rests on may have become one of those facts since it was submitted.
        guarded = change.guarded or judgement.guarded
        return _Step(value, links, self.judge.with_value(item, value, served), guarded)

    async def _going_back(
        self, unit: UnitOfWork, wishes: Sequence[Change], now: datetime
    ) -> Bundle | None:
        newest = wishes[-1]
        for wish in wishes:
            done = wish.live(now) if wish is newest else wish.drop(now)
            await unit.contents.save(done)
        number = int(newest.item.key)
        if not self.library.bundle.may_go_back(number):
            return None
        if number == 0:
            return self.library.bundle.going_back(NOTHING, now)
        signed = await unit.contents.bundle(number)
        try:
            return None if signed is None else self._former(signed, now)
        except ContentError:
            return None

    def _former(self, signed: Signed, now: datetime) -> Bundle:
        return self.library.bundle.going_back(self.library.read(signed), now)


def _day(now: datetime) -> date:
    return now.astimezone(COPENHAGEN).date()
