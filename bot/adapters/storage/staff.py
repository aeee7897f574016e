"""Accounts, invitations and sessions over SQL. What a person proves with is sealed."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage import codec
from bot.adapters.storage.dialects import per_dialect
from bot.adapters.storage.staff_tables import invitations, sessions, spent, staff
from bot.domain.errors import AliasError, StoreUnavailableError
from bot.domain.factors import Account, Factors, Passkey, Password, Session
from bot.domain.staff import Role, Staff, StaffId, alias_key
from bot.staff_ports import Invitation, Vault

_ADD = per_dialect(lambda into: into(staff).on_conflict_do_nothing().returning(staff.c.id))
_SPEND = per_dialect(
    lambda into: into(spent).on_conflict_do_nothing().returning(spent.c.token_hash)
)
_WITH_OWNER = select(sessions, staff).join(staff, staff.c.id == sessions.c.staff_id)


class SqlStaff:
    """Accounts over SQL."""

    def __init__(self, connection: AsyncConnection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def add(self, account: Account) -> None:
        """Store a new account."""
        statement = _ADD[self._connection.dialect.name]
        if await self._connection.scalar(statement, self._row(account)) is None:
            raise AliasError("somebody has this alias")

    async def get(self, id_: StaffId, *, lock: bool = False) -> Account | None:
        """Read an account by its id."""
        return await self._one(staff.c.id == bindparam("wanted", id_), lock=lock)

    async def find(self, alias: str, *, lock: bool = False) -> Account | None:
        """Read an account by its alias."""
        return await self._one(
            staff.c.alias_key == bindparam("wanted", alias_key(alias)), lock=lock
        )

    async def all(self) -> Sequence[Account]:
        """Read every account, by alias."""
        rows = await self._connection.execute(select(staff).order_by(staff.c.alias_key))
        return [self._account(row) for row in rows]

    async def save(self, account: Account) -> None:
        """Write an account under the version read."""
        id_, version = account.staff.id, account.version
        change = update(staff).where(staff.c.id == id_, staff.c.version == version)
        if (await self._connection.execute(change.values(**self._row(account)))).rowcount != 1:
            raise StoreUnavailableError("the account has changed since it was read")

    async def invite(self, invitation: Invitation) -> None:
        """Store an invitation in the place of an earlier one."""
        await self.withdraw_invitation(invitation.staff)
        row = {
            "staff_id": invitation.staff,
            "token_hash": invitation.token_hash,
            "expires_at": codec.to_ms(invitation.expires_at),
        }
        await self._connection.execute(insert(invitations), row)

    async def invitation(self, token_hash: bytes) -> Invitation | None:
        """Return an invitation."""
        query = select(invitations).where(invitations.c.token_hash == token_hash)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        expires_at = codec.from_ms(row.expires_at)
        return Invitation(row.token_hash, StaffId(row.staff_id), expires_at)

    async def withdraw_invitation(self, staff: StaffId) -> bool:
        """Delete the invitation of a person."""
        gone = delete(invitations).where(invitations.c.staff_id == staff)
        return (await self._connection.execute(gone)).rowcount == 1

    async def invited(self) -> Mapping[StaffId, datetime]:
        """Return who holds an invitation."""
        rows = await self._connection.execute(select(invitations))
        return {StaffId(row.staff_id): codec.from_ms(row.expires_at) for row in rows}

    async def spend(self, token_hash: bytes, expires_at: datetime, now: datetime) -> bool:
        """Note that a one-time value was used."""
        await self._connection.execute(delete(spent).where(spent.c.expires_at < codec.to_ms(now)))
        row = {"token_hash": token_hash, "expires_at": codec.to_ms(expires_at)}
        statement = _SPEND[self._connection.dialect.name]
        return await self._connection.scalar(statement, row) is not None

    async def _one(self, condition: Any, *, lock: bool) -> Account | None:
        query = select(staff).where(condition)
        if lock:
            query = query.with_for_update()
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else self._account(row)

    def _row(self, account: Account) -> dict[str, Any]:
        who = account.staff
        return {
            "id": who.id,
            "alias": who.alias,
            "alias_key": alias_key(who.alias),
            "roles": " ".join(sorted(who.roles)),
            "translates": " ".join(sorted(who.translates)),
            "locale": who.locale,
            "disabled": who.disabled,
            "demo": who.demo,
            "created_at": codec.to_ms(who.created_at),
            "version": account.version + 1,
            "factors": self._vault.seal_own(_place(who.id), _factors_to_bytes(account.factors)),
        }

    def _account(self, row: Row[Any]) -> Account:
        plain = self._vault.open_own(_place(row.id), row.factors)
        return Account(_person(row), _factors_from_bytes(plain), row.version)


class SqlSessions:
    """Sessions over SQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def begin(self, session: Session, token_hash: bytes) -> None:
        """Store a session and end every other one of its owner."""
        await self.end_all(session.staff.id)
        row = {
            "id": session.id,
            "staff_id": session.staff.id,
            "token_hash": token_hash,
            "secret": session.secret,
            "began_at": codec.to_ms(session.began_at),
            "seen_at": codec.to_ms(session.seen_at),
            "proved_at": codec.to_ms(session.proved_at),
        }
        await self._connection.execute(insert(sessions), row)

    async def find(self, token_hash: bytes) -> Session | None:
        """Return a session by its token."""
        return await self._one(sessions.c.token_hash == token_hash)

    async def get(self, id_: str) -> Session | None:
        """Return a session by its name."""
        return await self._one(sessions.c.id == id_)

    async def touch(self, id_: str, seen_at: datetime) -> None:
        """Write when a session was last used."""
        await self._change(id_, seen_at=codec.to_ms(seen_at))

    async def renew(self, id_: str, token_hash: bytes, proved_at: datetime) -> None:
        """Give a session a new token."""
        at = codec.to_ms(proved_at)
        await self._change(id_, token_hash=token_hash, proved_at=at, seen_at=at)

    async def end(self, id_: str) -> None:
        """End one session."""
        await self._connection.execute(delete(sessions).where(sessions.c.id == id_))

    async def end_all(self, staff: StaffId | None = None) -> int:
        """End the sessions of a person, or everybody's."""
        every = delete(sessions)
        chosen = every if staff is None else every.where(sessions.c.staff_id == staff)
        return (await self._connection.execute(chosen)).rowcount

    async def drop_over(self, seen_before: datetime, began_before: datetime) -> None:
        """Delete sessions that can no longer be used."""
        late = sessions.c.seen_at < codec.to_ms(seen_before)
        old = sessions.c.began_at < codec.to_ms(began_before)
        await self._connection.execute(delete(sessions).where(late | old))

    async def _one(self, condition: Any) -> Session | None:
        row = (await self._connection.execute(_WITH_OWNER.where(condition))).one_or_none()
        if row is None:
            return None
        columns = row._mapping  # noqa: SLF001 -- SQLAlchemy's public name for a row by column
        return Session(
            id=columns[sessions.c.id],
            staff=_owner(columns),
            began_at=codec.from_ms(row.began_at),
            seen_at=codec.from_ms(row.seen_at),
            proved_at=codec.from_ms(row.proved_at),
            secret=row.secret,
        )

    async def _change(self, id_: str, **values: Any) -> None:
        await self._connection.execute(
            update(sessions).where(sessions.c.id == id_).values(**values)
        )


def _place(id_: str) -> str:
    return f"staff:{id_}"


def _person(row: Row[Any]) -> Staff:
    return _owner({column: getattr(row, column.name) for column in staff.c})


def _owner(columns: Mapping[Any, Any]) -> Staff:
    """Read a person; a role that this version does not know gives no right."""
    known = set(Role)
    return Staff(
        id=StaffId(columns[staff.c.id]),
        alias=columns[staff.c.alias],
        roles=frozenset(Role(r) for r in columns[staff.c.roles].split() if r in known),
        created_at=codec.from_ms(columns[staff.c.created_at]),
        locale=columns[staff.c.locale],
        translates=frozenset(columns[staff.c.translates].split()),
        disabled=columns[staff.c.disabled],
        demo=columns[staff.c.demo],
    )


def _factors_to_bytes(factors: Factors) -> bytes:
    password = factors.password
    return codec.dump(
        {
            "passkeys": [
                [_text(k.id), _text(k.public_key), k.sign_count, k.name, codec.to_ms(k.added_at)]
                for k in factors.passkeys
            ],
            "password": password
            and [password.hashed, _text(password.totp_secret), password.last_step],
        }
    )


def _factors_from_bytes(data: bytes) -> Factors:
    raw = codec.load(data)
    passkeys = tuple(
        Passkey(_bytes(id_), _bytes(key), count, name, codec.from_ms(added_at))
        for id_, key, count, name, added_at in raw["passkeys"]
    )
    password = None
    if raw["password"]:
        hashed, secret, last_step = raw["password"]
        password = Password(hashed, _bytes(secret), last_step)
    return Factors(passkeys, password)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
