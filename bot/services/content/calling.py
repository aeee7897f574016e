"""Whose closed browser is rung for the sake of what visitors read.

Publishers, when something begins its 15 minutes: each of them can stop it, and an alert that nobody
sees stops nothing (security-reliability.md 3.5). Editors, on the days when somebody
should look at a fact.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.content import Change, State
from bot.domain.facts import Registry
from bot.domain.staff import Permission, StaffId
from bot.i18n.values import COPENHAGEN
from bot.ports import UnitOfWork
from bot.services.content.reminders import due

# A review is no reason to wake anybody: from nine until four in Copenhagen.
_OFFICE = range(9, 16)


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
    called = {}
    for staff, endpoint in (await _browsers(unit, Permission.PUBLISH)).items():
        fresh = [
            await unit.messages.once(f"ring {staff} change {one.id} {one.version}", now)
            for one in waiting
            if one.approved_by != staff
        ]
        if any(fresh):
            called[staff] = endpoint
    return called


async def reviewers_to_ring(
    unit: UnitOfWork, now: datetime, registry: Registry
) -> Mapping[StaffId, str]:
    """Return the browsers of those to be reminded of a fact today; once a day each, remembered."""
    local = now.astimezone(COPENHAGEN)
    if local.hour not in _OFFICE or not due(registry, local.date()):
        return {}
    editors = await _browsers(unit, Permission.EDIT_CONTENT)
    return {
        staff: endpoint
        for staff, endpoint in editors.items()
        if await unit.messages.once(f"ring {staff} facts {local.date()}", now)
    }


async def _browsers(unit: UnitOfWork, permission: Permission) -> Mapping[StaffId, str]:
    people = [account.staff for account in await unit.staff.all()]
    return await unit.subscriptions.of([one.id for one in people if one.may(permission)])
