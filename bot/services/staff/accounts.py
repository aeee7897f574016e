"""Accounts as an admin sees them: invited, reset, switched off."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.audit import AuditEvent, Happening
from bot.domain.errors import InvitationError, StaffError
from bot.domain.factors import Account, Factors
from bot.domain.staff import (
    INVITATION,
    Role,
    Staff,
    StaffId,
    check_alias,
    check_languages,
    check_roles,
)
from bot.i18n import LOCALES
from bot.i18n.texts import SOURCE
from bot.ports import Clock, Store, UnitOfWork
from bot.services.staff.tokens import hash_token, new_token
from bot.staff_ports import Invitation


@dataclass(frozen=True, slots=True)
class Listed:
    """A person on the list of staff, and until when their invitation can be used."""

    account: Account
    invited_until: datetime | None


class Accounts:
    """Invites people and takes their access away; every step leaves an entry in the trail."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def listed(self) -> Sequence[Listed]:
        """Return everybody, by alias."""
        async with self._store.begin() as unit:
            invited = await unit.staff.invited()
            accounts = await unit.staff.all()
        now = self._clock.now()
        until = {id_: at for id_, at in invited.items() if at > now}
        return [Listed(account, until.get(account.staff.id)) for account in accounts]

    async def find(self, alias: str) -> Staff:
        """Return the person with an alias; InvitationError when there is none."""
        async with self._store.begin() as unit:
            account = await unit.staff.find(alias)
        if account is None:
            raise InvitationError("nobody has this alias; havn staff list shows everybody")
        return account.staff

    async def invite(
        self,
        alias: str,
        roles: Collection[Role],
        by: StaffId,
        translates: Collection[str] = (),
    ) -> str:
        """Make an account without a way in and return the token of the link that gives it one.

        ``translates`` are the languages of a translator. AliasError, RolesConflictError or
        LanguagesError when it cannot be.
        """
        staff = Staff(
            id=StaffId(secrets.token_hex(8)),
            alias=check_alias(alias),
            roles=check_roles(roles),
            created_at=self._clock.now(),
            translates=check_languages(roles, translates, LOCALES.keys() - {SOURCE}),
        )
        async with self._store.begin() as unit:
            await unit.staff.add(Account(staff))
            return await self._link(unit, staff.id, by, AuditEvent.STAFF_INVITED)

    async def reset(self, id_: StaffId, by: StaffId) -> str:
        """Void everything somebody proved with, end their sessions, return a new token.

        Also brings back somebody who was switched off.
        """
        async with self._store.begin() as unit:
            account = await _existing(unit, id_)
            staff = replace(account.staff, disabled=False)
            await unit.staff.save(replace(account, staff=staff, factors=Factors()))
            await unit.sessions.end_all(id_)
            await unit.subscriptions.drop(id_)
            return await self._link(unit, id_, by, AuditEvent.STAFF_RESET)

    async def disable(self, id_: StaffId, by: StaffId) -> None:
        """Switch somebody off at once: no session, no invitation, no way to sign in."""
        if id_ == by:
            raise StaffError("nobody can switch themselves off")
        async with self._store.begin() as unit:
            account = await _existing(unit, id_)
            await unit.staff.save(
                replace(account, staff=replace(account.staff, disabled=True), factors=Factors())
            )
            await unit.staff.withdraw_invitation(id_)
            await unit.sessions.end_all(id_)
            await unit.subscriptions.drop(id_)
            await self._record(unit, by, AuditEvent.STAFF_DISABLED, id_)

    async def choose_locale(self, id_: StaffId, locale: str) -> None:
        """Remember the language somebody wants the console in."""
        async with self._store.begin() as unit:
            account = await _existing(unit, id_)
            await unit.staff.save(replace(account, staff=replace(account.staff, locale=locale)))

    async def get(self, id_: StaffId) -> Account:
        """Return one account; InvitationError when there is none."""
        async with self._store.begin() as unit:
            return await _existing(unit, id_)

    async def remove_passkey(self, id_: StaffId, passkey: bytes) -> None:
        """Remove one of a person's passkeys; StaffError when nothing else would let them in."""
        async with self._store.begin() as unit:
            account = await _existing(unit, id_)
            left = replace(account, factors=account.factors.without_passkey(passkey))
            if left.factors == account.factors:
                return
            if not left.factors.passkeys and left.usable_password is None:
                raise StaffError("this is the only way in: add another one first")
            await unit.staff.save(left)
            await self._record(unit, id_, AuditEvent.PASSKEY_REMOVED, id_)

    async def _link(self, unit: UnitOfWork, id_: StaffId, by: StaffId, event: AuditEvent) -> str:
        token = new_token()
        expires_at = self._clock.now() + INVITATION
        await unit.staff.invite(Invitation(hash_token(token), id_, expires_at))
        await self._record(unit, by, event, id_)
        return token

    async def _record(
        self, unit: UnitOfWork, by: StaffId, event: AuditEvent, subject: StaffId
    ) -> None:
        await unit.audit.record(Happening(by, event, self._clock.now(), subject))


async def _existing(unit: UnitOfWork, id_: StaffId) -> Account:
    account = await unit.staff.get(id_, lock=True)
    if account is None:
        raise InvitationError("there is no such account")
    return account
