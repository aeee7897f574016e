"""Browsers that are rung while they are closed, over SQL. Their addresses are sealed."""

import contextlib
from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.storage.staff_tables import subscriptions
from bot.domain.errors import KeyUnavailableError
from bot.domain.staff import StaffId
from bot.staff_ports import Vault

_c = subscriptions.c
_OF = select(subscriptions).where(_c.staff_id.in_(bindparam("staff", expanding=True)))


class SqlSubscriptions:
    """Subscriptions over SQL."""

    def __init__(self, connection: AsyncConnection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def set(self, staff: StaffId, endpoint: str) -> None:
        """Ring this browser of a person, and no other."""
        await self.drop(staff)
        sealed = self._vault.seal_own(_place(staff), endpoint.encode())
        row = {"staff_id": staff, "endpoint": sealed}
        await self._connection.execute(insert(subscriptions), row)

    async def of(self, staff: Collection[StaffId]) -> Mapping[StaffId, str]:
        """Return the addresses of those who have one."""
        found = {}
        for row in await self._connection.execute(_OF, {"staff": list(staff)}):
            with contextlib.suppress(KeyUnavailableError):
                opened = self._vault.open_own(_place(row.staff_id), row.endpoint)
                found[StaffId(row.staff_id)] = opened.decode()
        return found

    async def drop(self, staff: StaffId | None = None) -> None:
        """Ring a person no more, or nobody."""
        every = delete(subscriptions)
        await self._connection.execute(
            every if staff is None else every.where(_c.staff_id == staff)
        )


def _place(staff: str) -> str:
    return f"subscription:{staff}"
