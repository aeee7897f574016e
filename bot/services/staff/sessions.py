"""Sessions on the server: begun, found by their token, renewed after a fresh proof, ended."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.audit import AuditEvent, Happening
from bot.domain.factors import ABSOLUTE, IDLE, Session
from bot.domain.staff import Staff, StaffId
from bot.ports import Clock, Store, UnitOfWork
from bot.services.staff.tokens import hash_token, new_token

# A session in use is written at most this often; its idle time is that much too short at worst.
_TOUCHED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session and the token that its browser gets; nobody else ever sees it."""

    session: Session
    token: str = field(repr=False)


class SessionKeeper:
    """Knows who is signed in. ``demo`` accounts are let in on a demo and nowhere else."""

    def __init__(self, store: Store, clock: Clock, *, demo: bool = False) -> None:
        self._store = store
        self._clock = clock
        self._demo = demo

    async def begin(self, unit: UnitOfWork, staff: Staff, reason: str) -> NewSession:
        """Sign somebody in within a transaction; their other sessions end."""
        now = self._clock.now()
        session = Session(
            id=secrets.token_hex(16),
            staff=staff,
            began_at=now,
            seen_at=now,
            proved_at=now,
            secret=secrets.token_bytes(32),
        )
        token = new_token()
        await unit.sessions.drop_over(now - IDLE, now - ABSOLUTE)
        await unit.sessions.begin(session, hash_token(token))
        await unit.audit.record(
            Happening(staff.id, AuditEvent.SIGNED_IN, now, staff.id, reason=reason)
        )
        return NewSession(session, token)

    async def find(self, token: str, *, quiet: bool = False) -> Session | None:
        """Return the session of a token, None when there is none or it is over.

        It counts as used, unless ``quiet``: what a page asks by itself keeps nobody signed in.
        """
        async with self._store.begin() as unit:
            session = await unit.sessions.find(hash_token(token))
            if session is None or not self._is_good(session):
                return None
            now = self._clock.now()
            if not quiet and now - session.seen_at >= _TOUCHED:
                await unit.sessions.touch(session.id, now)
                session = replace(session, seen_at=now)
        return session

    async def still(self, id_: str) -> Session | None:
        """Return a session that goes on, by its name: for a stream, which has no new request."""
        async with self._store.begin() as unit:
            session = await unit.sessions.get(id_)
        return session if session and self._is_good(session) else None

    async def renew(self, unit: UnitOfWork, session: Session, reason: str) -> NewSession:
        """Give a session a new token after a fresh proof, within a transaction."""
        now, token = self._clock.now(), new_token()
        await unit.sessions.renew(session.id, hash_token(token), now)
        who = session.staff.id
        await unit.audit.record(Happening(who, AuditEvent.PROVED_AGAIN, now, who, reason=reason))
        return NewSession(replace(session, proved_at=now, seen_at=now), token)

    async def sign_out(self, session: Session) -> None:
        """End a session because its owner says so."""
        who = session.staff.id
        async with self._store.begin() as unit:
            await unit.sessions.end(session.id)
            await unit.subscriptions.drop(who)
            await unit.audit.record(Happening(who, AuditEvent.SIGNED_OUT, self._clock.now(), who))

    async def end_all(self, by: StaffId, staff: StaffId | None = None) -> int:
        """End the sessions of a person, or of everybody; return how many."""
        async with self._store.begin() as unit:
            ended = await unit.sessions.end_all(staff)
            await unit.subscriptions.drop(staff)
            await unit.audit.record(
                Happening(
                    by,
                    AuditEvent.SESSIONS_ENDED,
                    self._clock.now(),
                    staff or "",
                    reason="one" if staff else "everybody",
                )
            )
        return ended

    def _is_good(self, session: Session) -> bool:
        if session.staff.demo and not self._demo:
            return False
        return not session.is_over(self._clock.now())


def seconds_left(session: Session, now: datetime) -> int:
    """Return how long a session lasts if nobody touches it."""
    ends = min(session.seen_at + IDLE, session.began_at + ABSOLUTE)
    return max(0, int((ends - now).total_seconds()))
