"""Publishers whose browser is closed are rung when something begins its 15 minutes.

Each of them can stop it, and an alert that nobody sees stops nothing (security-reliability.md 3.5).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.content import Change, State
from bot.domain.staff import Permission, StaffId
from bot.ports import UnitOfWork


def cooling(changes: Sequence[Change], now: datetime) -> Sequence[Change]:
    """Return those of some changes that every publisher can still stop, and should look at."""
    return [
        one
        for one in changes
        if one.state is State.APPROVED and one.guarded and one.live_from and one.live_from > now
    ]


async def publishers_to_ring(unit: UnitOfWork, now: datetime) -> Mapping[StaffId, str]:
    """Return the browsers of publishers who were not rung for all that waits; remembers that.

    Who approved it knows of it.
    """
    waiting = cooling(await unit.contents.every_open(), now)
    if not waiting:
        return {}
    people = [account.staff for account in await unit.staff.all()]
    publishers = [one.id for one in people if one.may(Permission.PUBLISH)]
    due = {}
    for staff, endpoint in (await unit.subscriptions.of(publishers)).items():
        fresh = [
            await unit.messages.once(f"ring {staff} change {one.id} {one.version}", now)
            for one in waiting
            if one.approved_by != staff
        ]
        if any(fresh):
            due[staff] = endpoint
    return due
