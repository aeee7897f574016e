"""A whole Havn and its console, and staff who are signed in without the ceremony of enrolling."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.bootstrap import App, desk
from bot.domain.factors import Account
from bot.domain.handover import Handover
from bot.domain.staff import Role, Staff, StaffId
from bot.web import Desk, create_console
from tests.support.app import Visitor, on_shift, running
from tests.support.console import Browser
from tests.support.fakes import FakeClock


@dataclass
class Floor:
    """A console over an app."""

    app: App
    desk: Desk
    clock: FakeClock

    async def signs_in(self, alias: str, *roles: Role) -> Browser:
        """Return the browser of somebody with these roles; they are on shift."""
        staff = Staff(StaffId(alias.lower()), alias, frozenset(roles), self.clock.now())
        async with self.app.store.begin() as unit:
            await unit.staff.add(Account(staff))
            new = await self.desk.sessions.begin(unit, staff, "passkey")
        await on_shift(self.app, staff.id, frozenset({"en"}))
        browser = Browser(create_console(self.desk), address=self.desk.address)
        browser.holds(self.desk, new)
        return browser

    async def asks(self, consent: str = "all") -> tuple[Visitor, Handover]:
        """Have a visitor ask for a person."""
        visitor = Visitor(self.app)
        await visitor.starts()
        await visitor.taps("utter_human_consent")
        await visitor.taps(f"utter_human_notify consent={consent}")
        await visitor.taps("utter_human_code_word notify=pull")
        await visitor.taps("action_queue_open")
        found = await visitor.handover()
        assert found is not None
        return visitor, found


@asynccontextmanager
async def floor(folder: Path) -> AsyncIterator[Floor]:
    """Run a console over a real store."""
    clock = FakeClock()
    async with running(folder, clock=clock) as app:
        yield Floor(app, desk(app), clock)
