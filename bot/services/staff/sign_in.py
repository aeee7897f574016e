"""Signing in, and proving again what was proved before something that cannot be undone.

Whoever is not known gets the words of somebody who is, after the same time.
"""

import math
from dataclasses import replace
from typing import Any

from bot.domain import totp
from bot.domain.errors import ClockError, ProofError, TooManyTriesError
from bot.domain.factors import Account, Passkey, Password, Session
from bot.domain.staff import StaffId, alias_key
from bot.domain.tries import Tries
from bot.logs import logger
from bot.ports import Clock, Store, UnitOfWork
from bot.services.staff.challenges import Challenges
from bot.services.staff.sessions import NewSession, SessionKeeper
from bot.staff_ports import Hasher, PasskeyRites

log = logger(__name__)

_ANYBODY = "sign-in"
# Checked in the place of a secret that is not there, so that it takes as long.
_NO_SECRET = bytes(totp.SECRET_BYTES)


class SignIn:
    """Judges what people prove with. Failed tries slow down the name they were made for.

    Passkeys are not slowed: they cannot be guessed, so an outsider who tries somebody's alias
    keeps nobody out who has one, and nobody at all who is signed in.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        challenges: Challenges,
        rites: PasskeyRites,
        hasher: Hasher,
        sessions: SessionKeeper,
    ) -> None:
        self._store = store
        self._clock = clock
        self._challenges = challenges
        self._rites = rites
        self._hasher = hasher
        self._sessions = sessions
        self._tries = Tries()

    # --- at the door ---

    def passkey_options(self) -> tuple[bytes, Any]:
        """Return a challenge and what the browser needs to ask for any passkey."""
        challenge = self._challenges.make(_ANYBODY, self._clock.now())
        return challenge, self._rites.request((), challenge)

    async def by_passkey(self, challenge: bytes, answer: Any) -> NewSession:
        """Sign in the owner of a passkey; ProofError."""
        async with self._store.begin() as unit:
            id_, _ = self._rites.claimed(answer)
            account = await unit.staff.get(id_, lock=True)
            account = await self._prove_passkey(unit, account, _ANYBODY, challenge, answer)
            return await self._sessions.begin(unit, account.staff, "passkey")

    async def by_password(self, alias: str, password: str, code: str) -> NewSession:
        """Sign in with alias, password and code; ProofError, ClockError or TooManyTriesError."""
        name = f"alias:{alias_key(alias)}"
        self._refuse_haste(name)
        async with self._store.begin() as unit:
            account = await unit.staff.find(alias)
        held = account.usable_password if account else None
        fits = await self._hasher.verify(held.hashed if held else None, password)
        async with self._store.begin() as unit:
            account = await unit.staff.find(alias, lock=True)
            if account is None or account.usable_password is None or not fits:
                totp.check(_NO_SECRET, code, self._clock.now(), last_step=0)
            elif held is not None and account.usable_password.hashed == held.hashed:
                await self._take_code(unit, account, account.usable_password, code, name)
                return await self._sessions.begin(unit, account.staff, "password")
        raise self._refused(name)

    # --- once more ---

    async def proof_options(self, session: Session) -> tuple[bytes, Any]:
        """Return a challenge and what the browser needs to ask for one of a person's passkeys."""
        account = await self._own(session)
        challenge = self._challenges.make(f"prove:{session.id}", self._clock.now())
        return challenge, self._rites.request(account.factors.passkeys, challenge)

    async def prove_by_passkey(self, session: Session, challenge: bytes, answer: Any) -> NewSession:
        """Take a passkey of somebody signed in as a fresh proof; ProofError."""
        async with self._store.begin() as unit:
            account = await unit.staff.get(session.staff.id, lock=True)
            purpose = f"prove:{session.id}"
            await self._prove_passkey(unit, account, purpose, challenge, answer)
            return await self._sessions.renew(unit, session, "passkey")

    async def prove_by_code(self, session: Session, code: str) -> NewSession:
        """Take a code of somebody signed in as a fresh proof; as by_password()."""
        name = f"session:{session.id}"
        self._refuse_haste(name)
        async with self._store.begin() as unit:
            account = await unit.staff.get(session.staff.id, lock=True)
            held = account.usable_password if account else None
            if account is None or held is None:
                raise self._refused(name)
            await self._take_code(unit, account, held, code, name)
            return await self._sessions.renew(unit, session, "code")

    # --- judging ---

    async def _prove_passkey(
        self,
        unit: UnitOfWork,
        account: Account | None,
        purpose: str,
        challenge: bytes,
        answer: Any,
    ) -> Account:
        now = self._clock.now()
        self._challenges.check(purpose, challenge, now)
        passkey = _held(account, *self._rites.claimed(answer))
        if account is None or passkey is None or not account.active:
            log.warning("passkey_refused")
            raise ProofError("this passkey is not known here")
        proved = self._rites.proved(answer, passkey, challenge)
        await self._challenges.spend(unit, challenge, now)
        account = replace(account, factors=account.factors.with_passkey(proved))
        await unit.staff.save(account)
        return account

    async def _take_code(
        self, unit: UnitOfWork, account: Account, held: Password, code: str, name: str
    ) -> None:
        """Use up a code, or raise: each is good once, whoever saw it being typed."""
        checked = totp.check(held.totp_secret, code, self._clock.now(), held.last_step)
        if checked.verdict is totp.Verdict.CLOCK_OFF:
            raise ClockError(checked.minutes)
        if checked.verdict is not totp.Verdict.RIGHT:
            raise self._refused(name)
        self._tries.succeeded(name)
        used = replace(held, last_step=checked.step)
        factors = replace(account.factors, password=used)
        await unit.staff.save(replace(account, factors=factors))

    def _refuse_haste(self, name: str) -> None:
        wait = self._tries.wait(name, self._clock.now())
        if wait:
            raise TooManyTriesError(math.ceil(wait.total_seconds()))

    def _refused(self, name: str) -> ProofError:
        """Count a failure and return the one error there is for all of them."""
        self._tries.failed(name, self._clock.now())
        log.warning("proof_refused")
        return ProofError("alias, password and code do not fit together")

    async def _own(self, session: Session) -> Account:
        async with self._store.begin() as unit:
            account = await unit.staff.get(session.staff.id)
        if account is None:
            raise ProofError("this account is gone")
        return account


def _held(account: Account | None, claimed_by: StaffId, id_: bytes) -> Passkey | None:
    """Return a passkey of an account, unless the answer names somebody else as its owner."""
    if account is None or claimed_by not in ("", account.staff.id):
        return None
    return account.factors.passkey(id_)
