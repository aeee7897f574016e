"""One-time links of a demo: they let somebody look at the console without enrolling.

They live in the memory of a process that listens on this machine only.
"""

from dataclasses import dataclass

from bot.domain.errors import AliasError, InvitationError
from bot.domain.factors import Account
from bot.domain.staff import Role, Staff, StaffId
from bot.ports import Clock, Store, UnitOfWork
from bot.services.staff.sessions import NewSession, SessionKeeper
from bot.services.staff.tokens import hash_token, new_token


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody who exists on demos only."""

    id: StaffId
    alias: str
    roles: frozenset[Role]


COUNSELLOR = DemoAccount(
    StaffId("demo-counsellor"),
    "Demo counsellor",
    frozenset({Role.RESPONDER, Role.SUPERVISOR}),
)
EDITOR = DemoAccount(StaffId("demo-editor"), "Demo editor", frozenset({Role.EDITOR}))
# Apart from the editor: nobody publishes alone, on a demo neither.
PUBLISHER = DemoAccount(StaffId("demo-publisher"), "Demo publisher", frozenset({Role.PUBLISHER}))


class DemoLinks:
    """Makes links and takes each once."""

    def __init__(self) -> None:
        self._open: dict[bytes, DemoAccount] = {}

    def make(self, account: DemoAccount) -> str:
        """Return the token of a new link."""
        token = new_token()
        self._open[hash_token(token)] = account
        return token

    def look(self, token: str) -> DemoAccount:
        """Return who a link signs in; InvitationError when it was used or never was one."""
        account = self._open.get(hash_token(token))
        if account is None:
            raise InvitationError("this link was used, or never was one")
        return account

    async def use(
        self, token: str, store: Store, clock: Clock, sessions: SessionKeeper
    ) -> NewSession:
        """Spend a link and sign its account in; InvitationError as look()."""
        account = self.look(token)
        del self._open[hash_token(token)]
        async with store.begin() as unit:
            staff = await _present(unit, account, clock)
            return await sessions.begin(unit, staff, "demo")


async def _present(unit: UnitOfWork, wanted: DemoAccount, clock: Clock) -> Staff:
    found = await unit.staff.get(wanted.id)
    if found is not None:
        return found.staff
    if await unit.staff.find(wanted.alias) is not None:
        raise AliasError("somebody has the alias of a demo account")
    staff = Staff(wanted.id, wanted.alias, wanted.roles, clock.now(), demo=True)
    await unit.staff.add(Account(staff))
    return staff
