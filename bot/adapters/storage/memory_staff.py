"""Accounts, sessions and the audit trail of the store in memory."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.adapters.storage.memory_data import Data
from bot.domain.audit import AuditAlias, ChainKey, Entry, Happening, append
from bot.domain.errors import AliasError, StoreUnavailableError
from bot.domain.factors import Account, Session
from bot.domain.messages import ConversationId
from bot.domain.staff import StaffId, alias_key
from bot.staff_ports import Invitation


class MemoryStaff:
    """Accounts in memory."""

    def __init__(self, data: Data) -> None:
        self._data = data

    async def add(self, account: Account) -> None:
        """Store a new account."""
        if account.staff.id in self._data.accounts or await self.find(account.staff.alias):
            raise AliasError("somebody has this alias")
        self._data.accounts[account.staff.id] = replace(account, version=account.version + 1)

    async def get(self, id_: StaffId, *, lock: bool = False) -> Account | None:
        """Read an account by its id."""
        del lock  # one transaction at a time
        return self._data.accounts.get(id_)

    async def find(self, alias: str, *, lock: bool = False) -> Account | None:
        """Read an account by its alias."""
        del lock
        wanted = alias_key(alias)
        return next((a for a in await self.all() if alias_key(a.staff.alias) == wanted), None)

    async def all(self) -> Sequence[Account]:
        """Read every account, by alias."""
        return sorted(self._data.accounts.values(), key=lambda a: alias_key(a.staff.alias))

    async def save(self, account: Account) -> None:
        """Write an account under the version read."""
        stored = self._data.accounts.get(account.staff.id)
        if stored is None or stored.version != account.version:
            raise StoreUnavailableError("the account has changed since it was read")
        self._data.accounts[account.staff.id] = replace(account, version=account.version + 1)

    async def invite(self, invitation: Invitation) -> None:
        """Store an invitation in the place of an earlier one."""
        if invitation.staff not in self._data.accounts:
            raise StoreUnavailableError("there is no such account")
        self._data.invitations[invitation.staff] = invitation

    async def invitation(self, token_hash: bytes) -> Invitation | None:
        """Return an invitation."""
        held = self._data.invitations.values()
        return next((i for i in held if i.token_hash == token_hash), None)

    async def withdraw_invitation(self, staff: StaffId) -> bool:
        """Delete the invitation of a person."""
        return self._data.invitations.pop(staff, None) is not None

    async def invited(self) -> Mapping[StaffId, datetime]:
        """Return who holds an invitation."""
        return {id_: held.expires_at for id_, held in self._data.invitations.items()}

    async def spend(self, token_hash: bytes, expires_at: datetime, now: datetime) -> bool:
        """Note that a one-time value was used."""
        spent = {used: until for used, until in self._data.spent.items() if until >= now}
        fresh = token_hash not in spent
        self._data.spent = {token_hash: expires_at, **spent}
        return fresh


class MemorySessions:
    """Sessions in memory, by the hash of their token."""

    def __init__(self, data: Data) -> None:
        self._data = data

    async def begin(self, session: Session, token_hash: bytes) -> None:
        """Store a session and end every other one of its owner."""
        await self.end_all(session.staff.id)
        self._data.sessions[token_hash] = session

    async def find(self, token_hash: bytes) -> Session | None:
        """Return a session by its token."""
        session = self._data.sessions.get(token_hash)
        return session and replace(session, staff=self._data.accounts[session.staff.id].staff)

    async def get(self, id_: str) -> Session | None:
        """Return a session by its name."""
        token_hash = next((h for h, s in self._data.sessions.items() if s.id == id_), None)
        return None if token_hash is None else await self.find(token_hash)

    async def touch(self, id_: str, seen_at: datetime) -> None:
        """Write when a session was last used."""
        self._data.sessions = {
            token_hash: replace(session, seen_at=seen_at) if session.id == id_ else session
            for token_hash, session in self._data.sessions.items()
        }

    async def renew(self, id_: str, token_hash: bytes, proved_at: datetime) -> None:
        """Give a session a new token."""
        session = await self.get(id_)
        if session:
            await self.end(id_)
            renewed = replace(session, proved_at=proved_at, seen_at=proved_at)
            self._data.sessions[token_hash] = renewed

    async def end(self, id_: str) -> None:
        """End one session."""
        kept = {h: s for h, s in self._data.sessions.items() if s.id != id_}
        self._data.sessions = kept

    async def end_all(self, staff: StaffId | None = None) -> int:
        """End the sessions of a person, or everybody's."""
        before = self._data.sessions
        chosen = (staff,) if staff is not None else {s.staff.id for s in before.values()}
        self._data.sessions = {h: s for h, s in before.items() if s.staff.id not in chosen}
        return len(before) - len(self._data.sessions)

    async def drop_over(self, seen_before: datetime, began_before: datetime) -> None:
        """Delete sessions that can no longer be used."""
        self._data.sessions = {
            h: s
            for h, s in self._data.sessions.items()
            if s.seen_at >= seen_before and s.began_at >= began_before
        }


class MemorySubscriptions:
    """Browsers that are rung while they are closed, in memory."""

    def __init__(self, data: Data) -> None:
        self._data = data

    async def set(self, staff: StaffId, endpoint: str) -> None:
        """Ring this browser of a person, and no other."""
        if staff not in self._data.accounts:
            raise StoreUnavailableError("there is no such account")
        self._data.subscriptions[staff] = endpoint

    async def of(self, staff: Collection[StaffId]) -> Mapping[StaffId, str]:
        """Return the addresses of those who have one."""
        held = self._data.subscriptions
        return {one: held[one] for one in staff if one in held}

    async def drop(self, staff: StaffId | None = None) -> None:
        """Ring a person no more, or nobody."""
        gone = self._data.subscriptions.keys() if staff is None else {staff}
        held = self._data.subscriptions.items()
        self._data.subscriptions = {one: endpoint for one, endpoint in held if one not in gone}


class MemoryAudit:
    """The audit trail in memory. ``next`` is the number of the entry to come."""

    def __init__(self, data: Data, key: ChainKey) -> None:
        self._data = data
        self._key = key
        self.next = key.number

    async def record(self, happening: Happening) -> None:
        """Append an entry."""
        entry = append(happening, await self.last(), self._key)
        self._data.audit.append(entry)
        self.next = entry.number + 1

    async def alias_of(self, conversation: ConversationId) -> AuditAlias:
        """Return the name of a conversation in the trail."""
        self._data.require([conversation])
        fresh = AuditAlias(secrets.token_hex(8))
        return self._data.audit_aliases.setdefault(conversation, fresh)

    async def between(
        self, since: datetime, until: datetime, *, newest: int = 1000
    ) -> Sequence[Entry]:
        """Return the last entries from a span of time, newest first."""
        chosen = [e for e in reversed(self._data.audit) if since <= e.happening.at < until]
        return chosen[:newest]

    async def after(self, number: int, limit: int) -> Sequence[Entry]:
        """Return the entries after a number, in order."""
        return [e for e in self._data.audit if e.number > number][:limit]

    async def last(self) -> Entry | None:
        """Return the head of the trail."""
        return self._data.audit[-1] if self._data.audit else None
