"""What people at the content desk can do; pages call this and nothing else.

Each step is one transaction with its entry in the audit trail. Rights are asked here as well as at
the page: a translator writes their own languages only, and nobody approves their own words.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.content_ports import LONGEST_REMARK, Remark
from bot.domain.audit import AuditEvent, Happening
from bot.domain.content import Change, ChangeId, Item, ItemKind, State, Value, digest
from bot.domain.errors import (
    BundleError,
    ChangedError,
    ContentError,
    NotYoursError,
)
from bot.domain.factors import Account
from bot.domain.staff import Permission, Staff, StaffId
from bot.i18n.values import COPENHAGEN
from bot.ports import Clock, Store, UnitOfWork
from bot.services.content.assembly import normal
from bot.services.content.judging import Judge, Judgement
from bot.services.content.library import Library

_ID_BYTES = 8
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a form was made from: the open change it showed, or the live value where none was."""

    change: ChangeId | None
    version: int
    base: str


class NotGoodError(ContentError):
    """A value breaks a rule; ``judgement`` says which, for the page."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__("; ".join(f"{one.rule}: {one.says}" for one in judgement.errors))
        self.judgement = judgement


@dataclass(frozen=True, slots=True)
class ContentDesk:
    """The use cases of editors, translators and publishers."""

    store: Store
    clock: Clock
    library: Library
    judge: Judge

    # --- writing ---

    async def judge_now(self, item: Item, value: Value) -> Judgement:
        """Return what is wrong with a value; visitors are answered meanwhile."""
        return await asyncio.to_thread(self.judged, item, value)

    def judged(self, item: Item, value: Value) -> Judgement:
        """Return what is wrong with a value; it takes up to a third of a second."""
        today = self.clock.now().astimezone(COPENHAGEN).date()
        return self.judge.judge(item, value, self.library.served, today)

    async def edit(self, item: Item, value: Value, seen: Seen, by: Staff) -> Change:
        """Store a value as a draft.

        NotYoursError without the right to it, NotGoodError when a rule is broken, ChangedError when
        somebody else wrote or published since the form was made: nothing is overwritten.
        """
        return await self._write(item, value, seen, by, frozenset({by.id}))

    async def _write(
        self, item: Item, value: Value, seen: Seen, by: Staff, authors: frozenset[StaffId]
    ) -> Change:
        _needs_right(by, item)
        judgement = await self.judge_now(item, value)
        if not judgement.passes:
            raise NotGoodError(judgement)
        value, now = normal(item, value), self.clock.now()
        async with self.store.begin() as unit:
            found = await unit.contents.open_for(item)
            base = digest(self.library.served.value(item))
            self._needs_same(seen, found, base)
            if found is None:
                id_ = ChangeId(secrets.token_hex(_ID_BYTES))
                change = await unit.contents.add(Change(id_, item, value, base, authors, now))
            else:
                edited = replace(found.edit(value, by.id, now), base=base)
                change = await unit.contents.save(edited)
            await _record(unit, by.id, AuditEvent.TEXT_EDITED, now, change)
        return change

    def _needs_same(self, seen: Seen, found: Change | None, base: str) -> None:
        same = (
            seen == Seen(None, 0, base)
            if found is None
            else (seen.change, seen.version) == (found.id, found.version)
        )
        if not same:
            raise ChangedError("somebody else changed this text or fact")

    async def submit(self, id_: ChangeId, version: int, by: Staff) -> Change:
        """Ask for review; NotGoodError or ChangedError when it no longer fits what is live."""
        async with self.store.begin() as unit:
            proposed = await _read(unit, id_, version)
        _needs_right(by, proposed.item)
        judgement = await self._fitting(proposed)
        async with self.store.begin() as unit:
            change = await self._still_fitting(unit, id_, version)
            sent = change.submit(self.clock.now(), guarded=judgement.guarded)
            return await self._saved(unit, sent, by, AuditEvent.TEXT_SUBMITTED)

    async def drop(self, id_: ChangeId, version: int, by: Staff) -> Change:
        """Give a change up: its authors, or whoever publishes."""
        async with self.store.begin() as unit:
            change = await _read(unit, id_, version)
            if by.id not in change.authors:
                _needs(by, Permission.PUBLISH)
            return await self._saved(
                unit, change.drop(self.clock.now()), by, AuditEvent.TEXT_DROPPED
            )

    async def undo(self, item: Item, former: ChangeId, by: Staff) -> Change:
        """Propose the value of an earlier change again, as a draft.

        Who wrote what was never approved stays an author of it, and does not approve it.
        """
        async with self.store.begin() as unit:
            old = await unit.contents.get(former)
        if old is None or old.item != item:
            raise ContentError("there is no such change")
        base = digest(self.library.served.value(item))
        authors = frozenset({by.id}) if old.state is State.LIVE else old.authors | {by.id}
        return await self._write(item, old.value, Seen(None, 0, base), by, authors)

    # --- approving ---

    async def approve(self, id_: ChangeId, version: int, by: Account) -> Change:
        """Let a change go live.

        FourEyesError for its authors and, where it is guarded, for an account whose way in is
        younger than a day; NotGoodError or ChangedError when it no longer fits what is live.
        """
        _needs(by.staff, Permission.PUBLISH)
        async with self.store.begin() as unit:
            proposed = await _read(unit, id_, version)
        judgement = await self._fitting(proposed)
        now = self.clock.now()
        async with self.store.begin() as unit:
            change = await self._still_fitting(unit, id_, version)
            change = replace(change, guarded=change.guarded or judgement.guarded)
            approved = change.approve(by.staff.id, _settled_since(by), now)
            return await self._saved(unit, approved, by.staff, AuditEvent.TEXT_APPROVED)

    async def send_back(self, id_: ChangeId, version: int, by: Staff, why: str = "") -> Change:
        """Refuse a change in review, or stop an approved one before it is live."""
        _needs(by, Permission.PUBLISH)
        async with self.store.begin() as unit:
            change = await _read(unit, id_, version)
            if why.strip():
                await unit.contents.remark(self._remark(change.item, by.id, why))
            back = change.back(self.clock.now())
            return await self._saved(unit, back, by, AuditEvent.TEXT_SENT_BACK)

    async def go_back(self, to: int, by: Staff) -> Change:
        """Ask for the content of an earlier bundle, 0 for the shipped one; one person may.

        ContentError when there is none of that number, it is what is live, or it was taken back.
        """
        _needs(by, Permission.PUBLISH)
        now = self.clock.now()
        async with self.store.begin() as unit:
            signed = await unit.contents.bundle(to)
            if not self.library.bundle.may_go_back(to) or (to and signed is None):
                raise ContentError("there is nothing to go back to")
            try:
                if signed is not None:
                    self.library.read(signed)
            except BundleError:
                raise ContentError("this version was tampered with") from None
            id_ = ChangeId(secrets.token_hex(_ID_BYTES))
            wish = await unit.contents.add(Change.going_back(id_, to, by.id, now))
            await _record(unit, by.id, AuditEvent.TEXT_ROLLED_BACK, now, wish)
        return wish

    # --- talking about it ---

    async def remark(self, item: Item, by: StaffId, text: str, *, report: bool = False) -> None:
        """Say something about an item, or report it; ContentError when it is empty or too long."""
        if not 0 < len(text.strip()) <= LONGEST_REMARK:
            raise ContentError(f"write between 1 and {LONGEST_REMARK} characters")
        async with self.store.begin() as unit:
            await unit.contents.remark(self._remark(item, by, text, report=report))

    async def settle(self, item: Item, by: Staff) -> None:
        """Settle the reports about an item."""
        _needs_right(by, item)
        async with self.store.begin() as unit:
            await unit.contents.settle(item)

    # --- reading ---

    async def waiting(self) -> Sequence[Change]:
        """Return every open change, oldest first."""
        async with self.store.begin() as unit:
            return await unit.contents.every_open()

    # --- parts ---

    def _remark(self, item: Item, by: StaffId, text: str, *, report: bool = False) -> Remark:
        id_ = secrets.token_hex(_ID_BYTES)
        return Remark(id_, item, by, self.clock.now(), text.strip()[:LONGEST_REMARK], report)

    async def _still_fitting(self, unit: UnitOfWork, id_: ChangeId, version: int) -> Change:
        """Read a change that was judged; ChangedError when it, or what is live, has moved on."""
        change = await _read(unit, id_, version)
        self._needs_live_as_it_was(change)
        return change

    async def _fitting(self, change: Change) -> Judgement:
        self._needs_live_as_it_was(change)
        judgement = await self.judge_now(change.item, change.value)
        if not judgement.passes:
            raise NotGoodError(judgement)
        return judgement

    def _needs_live_as_it_was(self, change: Change) -> None:
        if change.base != digest(self.library.served.value(change.item)):
            raise ChangedError("what is live has changed since this was written")

    async def _saved(
        self, unit: UnitOfWork, change: Change, by: Staff, event: AuditEvent
    ) -> Change:
        saved = await unit.contents.save(change)
        await _record(unit, by.id, event, change.at, saved)
        return saved


def may_edit(staff: Staff, item: Item) -> bool:
    """Tell whether somebody may write an item: editors all, translators their languages."""
    if staff.may(Permission.EDIT_CONTENT):
        return True
    own = item.kind is ItemKind.TEXT and item.locale in staff.translates
    return own and staff.may(Permission.TRANSLATE)


def _needs_right(staff: Staff, item: Item) -> None:
    if not may_edit(staff, item):
        raise NotYoursError("this person may not edit this text or fact")


def _needs(staff: Staff, permission: Permission) -> None:
    if not staff.may(permission):
        raise NotYoursError("this person may not do this")


def _settled_since(account: Account) -> datetime:
    """Return since when an account is its owner's: a reset gives it to whoever holds the link.

    Accounts of a demo have no way in that could be taken from anybody.
    """
    if account.staff.demo:
        return _LONG_AGO
    added = [key.added_at for key in account.factors.passkeys]
    return max([account.staff.created_at, *([min(added)] if added else [])])


async def _read(unit: UnitOfWork, id_: ChangeId, version: int) -> Change:
    change = await unit.contents.get(id_, lock=True)
    if change is None:
        raise ContentError("there is no such change")
    if change.version != version:
        raise ChangedError("somebody else changed this text or fact")
    return change


async def _record(
    unit: UnitOfWork, by: StaffId, event: AuditEvent, at: datetime, change: Change
) -> None:
    await unit.audit.record(Happening(by, event, at, change.id, change.item.kind))
