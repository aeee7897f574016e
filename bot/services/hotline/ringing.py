"""Rings counsellors whose page is closed, when somebody waits and each time that gets louder.

A page that is open rings by itself. Who has not ended their shift and whose page gave no sign of
life for a while is taken to have a phone in the pocket. Publishers are rung as well while a change
that they can stop waits, and editors when a fact wants to be looked at.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.domain import queue
from bot.domain.errors import AlertError, HavnError
from bot.domain.factors import ABSOLUTE
from bot.domain.facts import Registry
from bot.domain.handover import Handover, State
from bot.domain.staff import StaffId
from bot.logs import error_class, logger
from bot.ports import Clock, Store, UnitOfWork
from bot.services.content.calling import publishers_to_ring, reviewers_to_ring
from bot.services.hotline.views import waits
from bot.staff_ports import Alerts

log = logger(__name__)

EVERY_SECONDS = 5.0
# Two signs of life of a page and a little more.
LOOKS = timedelta(seconds=45)


class Ringer:
    """Looks every few seconds who is to be rung."""

    def __init__(
        self, *, store: Store, clock: Clock, alerts: Alerts, facts: Callable[[], Registry]
    ) -> None:
        self._store = store
        self._clock = clock
        self._alerts = alerts
        self._facts = facts

    async def run(self) -> None:
        """Ring until cancelled; where alerts are off, there is nothing to do."""
        while self._alerts.key:
            try:
                await self.round()
            except HavnError as error:
                log.warning("ringing_failed", error=error_class(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def round(self) -> int:
        """Ring everybody who is due once; return how many were rung.

        What was rung for is remembered first: a kill in between leaves the next step of the ladder.
        """
        async with self._store.begin() as unit:
            now = self._clock.now()
            reviewers = await reviewers_to_ring(unit, now, self._facts())
            due = {**reviewers, **await publishers_to_ring(unit, now), **await self._due(unit)}
        rung = await asyncio.gather(*(self._ring(*one) for one in due.items()))
        return sum(rung)

    async def _due(self, unit: UnitOfWork) -> Mapping[StaffId, str]:
        """Return the browsers of those who are away and were not rung for all that waits.

        That they were is remembered with it.
        """
        now = self._clock.now()
        open_ = await unit.handovers.every_open()
        reasons = [_reason(one, now) for one in open_ if _calls(one, now)]
        if not reasons:
            return {}
        # A shift that was never ended is over when its session would be.
        shifts = await unit.shifts.since(now - ABSOLUTE)
        away = [shift.staff for shift in shifts if now - shift.beat_at > LOOKS]
        due = {}
        for staff, endpoint in (await unit.subscriptions.of(away)).items():
            # All are remembered, not only the first: several reasons make one call.
            fresh = [await unit.messages.once(f"ring {staff} {one}", now) for one in reasons]
            if any(fresh):
                due[staff] = endpoint
        return due

    async def _ring(self, staff: StaffId, endpoint: str) -> bool:
        try:
            if await self._alerts.ring(endpoint):
                return True
        except AlertError as error:
            log.warning("alert_failed", error=error_class(error))
            return False
        async with self._store.begin() as unit:
            # Unless another browser took its place meanwhile.
            if (await unit.subscriptions.of([staff])).get(staff) == endpoint:
                await unit.subscriptions.drop(staff)
        return False


def _calls(handover: Handover, now: datetime) -> bool:
    """Tell whether somebody should come: one who waits, or keeps a place while nobody looks."""
    return waits(handover, now) or handover.state is State.LEFT_MESSAGE


def _reason(handover: Handover, now: datetime) -> str:
    """Name why one rings; a new name each time it gets louder or a visitor waits anew.

    A kept place rings once: its visitor was told that nobody is here.
    """
    if handover.state is State.LEFT_MESSAGE:
        return f"{handover.id} kept"
    taken = handover.claimed_at.timestamp() if handover.claimed_at else 0
    level, step = handover.level.name, queue.alarm(handover, now).name
    return f"{handover.id} {level} {step} {taken:.0f}"
