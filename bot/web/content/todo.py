"""What there is to do at the content desk, for whoever looks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from bot.content_ports import VISITOR, Remark
from bot.domain.content import COOL_OFF, Change, Item, ItemKind, State
from bot.domain.facts import Registry
from bot.domain.staff import Permission
from bot.i18n.texts import SOURCE
from bot.i18n.values import COPENHAGEN
from bot.ports import UnitOfWork
from bot.services.content.calling import cooling
from bot.web.alerts import alerts_of
from bot.web.content.naming import Named, People, named, people
from bot.web.content.parts import CONTENT, content_of
from bot.web.content.published import check_of, live_by
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

# A remark and the step that it gives the reason for are of one moment.
_TOGETHER = timedelta(seconds=2)
_AHEAD = timedelta(days=30)  # the first reminder (ux.md bar 22)
# So many facts are named here; the list of facts has them all.
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Task:
    """A change on the page, in words."""

    change: Change
    named: Named
    authors: Sequence[str]
    approved_by: str
    why: str = ""

    @property
    def live_by(self) -> datetime | None:
        """Return when it is live at the latest, once it was approved."""
        return live_by(self.change)


class Review(NamedTuple):
    """A fact that is to be checked; ``days`` are negative once it is late."""

    key: str
    review_by: date
    days: int
    safety: bool


class Reported(NamedTuple):
    """An item that is reported as wrong; ``locale`` is that of the words, ``times`` how often."""

    named: Named
    locale: str
    times: int
    by_visitors: bool


@dataclass(slots=True)
class ToDo:
    """Changes by what they ask of somebody."""

    cooling: list[Task] = field(default_factory=list)
    approve: list[Task] = field(default_factory=list)
    sent_back: list[Task] = field(default_factory=list)
    drafts: list[Task] = field(default_factory=list)
    waiting: list[Task] = field(default_factory=list)


async def todo_page(request: Request) -> Response:
    """Show what there is to do."""
    desk, content = desk_of(request), content_of(request)
    now, registry = desk.clock.now(), content.library.served.registry
    async with desk.store.begin() as unit:
        found = await _todo(unit, request, now)
        reports = await unit.contents.reports()
        damaged = await unit.contents.damaged()
        check = await check_of(unit, request)
    staff = session_of(request).staff
    is_rung = staff.may(Permission.BE_RUNG)
    alert_key, alerted = await alerts_of(request) if is_rung else ("", False)
    items = dict.fromkeys(report.item for report in reports)
    reviews = to_review(registry, now.astimezone(COPENHAGEN).date())
    return pages_of(request).show(
        request,
        "content.html",
        todo=found,
        minutes=COOL_OFF // timedelta(minutes=1),
        reports=[_reported(one, reports, request) for one in items],
        reviews=[(named(Item(ItemKind.FACT, one.key), request), one) for one in reviews[:_NAMED]],
        reviewable=len(reviews),
        damaged=damaged,
        check=check,
        live=content.library.bundle,
        may_publish=staff.may(Permission.PUBLISH),
        alert_key=alert_key,
        alerted=alerted,
    )


def to_review(registry: Registry, today: date) -> Sequence[Review]:
    """Return the facts whose review is due within 30 days or late, those of danger first."""
    due = [
        Review(fact.key, fact.review_by, (fact.review_by - today).days, fact.safety)
        for fact in registry
        if fact.review_by - today <= _AHEAD
    ]
    return sorted(due, key=lambda one: (one.days >= 0, not one.safety, one.days, one.key))


def _reported(item: Item, reports: Sequence[Remark], request: Request) -> Reported:
    by = [report.by for report in reports if report.item == item]
    return Reported(named(item, request), item.locale or SOURCE, len(by), VISITOR in by)


async def _todo(unit: UnitOfWork, request: Request, now: datetime) -> ToDo:
    staff = session_of(request).staff
    changes = await unit.contents.every_open()
    names = await people(unit, request)
    waiting = {change.id for change in cooling(changes, now)}
    found = ToDo()
    for change in changes:
        mine = staff.id in change.authors
        why = await _sent_back(unit, change) if mine else None
        task = _task(change, names, request, why)
        if change.id in waiting:
            found.cooling.append(task)
        elif mine and change.state is State.DRAFT:
            (found.drafts if why is None else found.sent_back).append(task)
        elif change.state is State.IN_REVIEW and not mine and staff.may(Permission.PUBLISH):
            found.approve.append(task)
        elif mine and change.state in (State.IN_REVIEW, State.APPROVED):
            found.waiting.append(task)
    return found


def _task(change: Change, names: People, request: Request, why: Remark | None) -> Task:
    return Task(
        change,
        named(change.item, request),
        names.all(change.authors),
        names.one(change.approved_by),
        f"{names.one(why.by)}: {why.text}" if why else "",
    )


async def _sent_back(unit: UnitOfWork, change: Change) -> Remark | None:
    """Return why a draft was sent back, None where it was not or was edited since."""
    if change.state is not State.DRAFT or change.version < 2:  # noqa: PLR2004 -- sent, then back
        return None
    remarks = await unit.contents.remarks(change.item)
    given = (one for one in reversed(remarks) if not one.report)
    return next((one for one in given if abs(change.at - one.at) <= _TOGETHER), None)


def todo_routes() -> list[Declared]:
    """Return the routes of this module."""
    return [route(CONTENT, todo_page, permission=Permission.SEE_CONTENT)]
