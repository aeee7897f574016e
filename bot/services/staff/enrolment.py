"""Enrolling: from a one-time link to a way in, and further passkeys later."""

import secrets
from dataclasses import replace
from typing import Any

from bot.domain import totp
from bot.domain.audit import AuditEvent, Happening
from bot.domain.errors import (
    ClockError,
    InvitationError,
    KeyUnavailableError,
    PasswordError,
    ProofError,
)
from bot.domain.factors import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    Account,
    Factors,
    Passkey,
    Password,
    Session,
)
from bot.domain.staff import StaffId, needs_passkey
from bot.ports import Clock, Store, UnitOfWork
from bot.services.staff.challenges import Challenges
from bot.services.staff.sessions import NewSession, SessionKeeper
from bot.services.staff.tokens import hash_token
from bot.staff_ports import Hasher, PasskeyRites, Vault

# Words of the place itself, which a guesser would try first.
_KNOWN = ("havn", "harbour", "cmm", "counsellor", "hotline")


class Enrolment:
    """Gives people their way in. A link works once, for one person, for a day."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        challenges: Challenges,
        rites: PasskeyRites,
        hasher: Hasher,
        sessions: SessionKeeper,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._challenges = challenges
        self._rites = rites
        self._hasher = hasher
        self._sessions = sessions

    async def invited(self, token: str) -> Account:
        """Return who a link is for; InvitationError when it was used, is too old or never was."""
        async with self._store.begin() as unit:
            return await self._invited(unit, token)

    # --- passkey ---

    async def passkey_options(self, token: str) -> tuple[bytes, Any]:
        """Return a challenge and what the browser needs to make a passkey."""
        account = await self.invited(token)
        return self._options(f"enrol:{account.staff.id}", account)

    async def enrol_passkey(
        self, token: str, challenge: bytes, answer: Any, name: str
    ) -> NewSession:
        """Take a first passkey and sign its owner in."""
        async with self._store.begin() as unit:
            account = await self._invited(unit, token)
            purpose = f"enrol:{account.staff.id}"
            passkey = await self._new_passkey(unit, purpose, challenge, answer, name)
            return await self._enrol(unit, account, Factors((passkey,)), "passkey")

    async def further_passkey_options(self, session: Session) -> tuple[bytes, Any]:
        """Return a challenge and what the browser needs to make one more passkey."""
        async with self._store.begin() as unit:
            account = await _own(unit, session)
        return self._options(f"add:{account.staff.id}", account)

    async def add_passkey(self, session: Session, challenge: bytes, answer: Any, name: str) -> None:
        """Add a passkey to the account of somebody signed in."""
        async with self._store.begin() as unit:
            account = await _own(unit, session)
            id_ = account.staff.id
            passkey = await self._new_passkey(unit, f"add:{id_}", challenge, answer, name)
            await unit.staff.save(replace(account, factors=account.factors.with_passkey(passkey)))
            await unit.audit.record(
                Happening(id_, AuditEvent.PASSKEY_ADDED, self._clock.now(), id_)
            )

    # --- password and code ---

    def new_secret(self, account: Account) -> tuple[bytes, bytes]:
        """Return a secret for codes, and the same sealed, which the page brings back."""
        secret = secrets.token_bytes(totp.SECRET_BYTES)
        return secret, self._vault.seal_own(_secret_place(account.staff.id), secret)

    def secret_of(self, account: Account, sealed: bytes) -> bytes:
        """Return the secret that a page brought back; ProofError when it is not this person's."""
        try:
            return self._vault.open_own(_secret_place(account.staff.id), sealed)
        except KeyUnavailableError:
            raise ProofError("this page is too old") from None

    async def enrol_password(
        self, token: str, password: str, sealed_secret: bytes, code: str
    ) -> NewSession:
        """Take a password and a first code and sign their owner in.

        PasswordError says what is wrong with the password; ProofError or ClockError judge the code.
        """
        account = await self.invited(token)
        if needs_passkey(account.staff.roles):
            raise ProofError("these roles need a passkey")
        secret = self.secret_of(account, sealed_secret)
        self._check_password(password, account.staff.alias)
        checked = totp.check(secret, code, self._clock.now(), last_step=0)
        if checked.verdict is totp.Verdict.CLOCK_OFF:
            raise ClockError(checked.minutes)
        if checked.verdict is not totp.Verdict.RIGHT:
            raise ProofError("this code is not the right one")
        hashed = await self._hasher.hash(password)
        async with self._store.begin() as unit:
            account = await self._invited(unit, token)
            held = Password(hashed, secret, checked.step)
            return await self._enrol(unit, account, Factors(password=held), "password")

    def _check_password(self, password: str, alias: str) -> None:
        if len(password) < SHORTEST_PASSWORD:
            raise PasswordError(f"use {SHORTEST_PASSWORD} characters or more")
        if len(password) > LONGEST_PASSWORD:
            raise PasswordError(f"use {LONGEST_PASSWORD} characters or fewer")
        if self._hasher.is_guessable(password, (alias, *_KNOWN)):
            raise PasswordError("this would be guessed soon: use several unrelated words")

    # --- shared ---

    def _options(self, purpose: str, account: Account) -> tuple[bytes, Any]:
        challenge = self._challenges.make(purpose, self._clock.now())
        held = account.factors.passkeys
        return challenge, self._rites.creation(account.staff, held, challenge)

    async def _new_passkey(
        self, unit: UnitOfWork, purpose: str, challenge: bytes, answer: Any, name: str
    ) -> Passkey:
        now = self._clock.now()
        self._challenges.check(purpose, challenge, now)
        passkey = self._rites.created(answer, challenge, name, now)
        await self._challenges.spend(unit, challenge, now)
        return passkey

    async def _invited(self, unit: UnitOfWork, token: str) -> Account:
        invitation = await unit.staff.invitation(hash_token(token))
        if invitation is None or invitation.expires_at <= self._clock.now():
            raise InvitationError("this link was used, is too old, or never was one")
        account = await unit.staff.get(invitation.staff, lock=True)
        if account is None or account.staff.disabled:
            raise InvitationError("this link was used, is too old, or never was one")
        return account

    async def _enrol(
        self, unit: UnitOfWork, account: Account, factors: Factors, how: str
    ) -> NewSession:
        """Spend the link; of two that use it at once, one finds it gone."""
        id_ = account.staff.id
        if not await unit.staff.withdraw_invitation(id_):
            raise InvitationError("this link was used, is too old, or never was one")
        await unit.staff.save(replace(account, factors=factors))
        await unit.audit.record(
            Happening(id_, AuditEvent.STAFF_ENROLLED, self._clock.now(), id_, reason=how)
        )
        return await self._sessions.begin(unit, account.staff, how)


async def _own(unit: UnitOfWork, session: Session) -> Account:
    account = await unit.staff.get(session.staff.id, lock=True)
    if account is None or not account.active:
        raise ProofError("this account is switched off")
    return account


def _secret_place(id_: StaffId) -> str:
    return f"enrol:{id_}"
