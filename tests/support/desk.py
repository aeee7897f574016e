"""Counsellors with browsers at a console over a whole Havn, and visitors who ask for them."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from bot.bootstrap import App, desk
from bot.domain.factors import Account
from bot.domain.handover import Handover
from bot.domain.staff import Role, Staff, StaffId
from bot.web import Desk, create_console
from tests.support.app import Visitor, running
from tests.support.console import Browser
from tests.support.fakes import FakeClock

FRAGMENT = {"accept": "text/vnd.havn.fragment", "sec-fetch-mode": "cors"}
ADDRESS = "http://127.0.0.1:8081"


@dataclass
class House:
    """A running Havn with its console; ``browser`` gives a signed-in counsellor a browser."""

    app: App
    desk: Desk
    clock: FakeClock
    console: Any
    _open: list[Browser] = field(default_factory=list)

    async def counsellor(self, alias: str, *roles: Role, on_shift: bool = True) -> "Counsellor":
        """Return somebody signed in, on shift unless told otherwise."""
        id_ = StaffId(alias.lower())
        now = self.clock.now()
        staff = Staff(id_, alias, frozenset(roles or {Role.RESPONDER}), now, locale="en")
        async with self.app.store.begin() as unit:
            await unit.staff.add(Account(staff))
            new = await self.desk.sessions.begin(unit, staff, "test")
        browser = Browser(self.console, address=ADDRESS)
        browser.holds(self.desk, new)
        self._open.append(browser)
        person = Counsellor(self, staff, browser)
        if on_shift:
            await person.sends("/shift/start", language=["en", "ro"])
        return person

    async def close(self) -> None:
        for browser in self._open:
            await browser.aclose()


@dataclass
class Counsellor:
    """Somebody at the console."""

    house: House
    staff: Staff
    browser: Browser

    async def sees(self, path: str) -> str:
        response = await self.browser.get(path)
        assert response.status_code == 200, path
        return words(response.text)

    async def sends(self, path: str, *, script: bool = False, **fields: Any) -> httpx.Response:
        if script:
            self.browser.headers.update(FRAGMENT)
        try:
            return await self.browser.send_form(path, **fields)
        finally:
            self.browser.headers.update({"accept": "*/*", "sec-fetch-mode": "navigate"})

    async def takes(self, number: int) -> None:
        response = await self.sends(f"/queue/{number}/take")
        assert response.status_code == 303
        assert response.headers["location"] == f"/talk/{number}"


@asynccontextmanager
async def house(folder: Path, **options: Any) -> AsyncIterator[House]:
    """Open a Havn with a console; nobody but those who are asked in is on shift."""
    clock = options.pop("clock", None) or FakeClock()
    async with running(folder, clock=clock, staffed=False, **options) as app:
        own = desk(app)
        here = House(app, own, clock, create_console(own))
        try:
            yield here
        finally:
            await here.close()


async def asks(visitor: Visitor, **how: Any) -> int:
    """Have a visitor ask for a person and agree; return the number of the request."""
    return (await asked(visitor, **how)).id or 0


async def asked(
    visitor: Visitor,
    *,
    consent: str = "new",
    notify: str = "pull",
    word: str = "",
    before: Callable[[Visitor], Any] | None = None,
) -> Handover:
    """Have a visitor ask for a person and agree; return the request."""
    await visitor.starts()
    if before:
        await before(visitor)
    await visitor.taps("utter_human_consent")
    await visitor.taps(f"utter_human_notify consent={consent}")
    await visitor.taps(f"utter_human_code_word notify={notify}")
    await (visitor.says(word) if word else visitor.taps("action_queue_open"))
    return await request_of(visitor)


async def is_in_danger(visitor: Visitor) -> int:
    """Have a visitor in danger ask for a person; return the number of the request."""
    await visitor.starts()
    await visitor.taps("utter_danger_now")
    await visitor.taps("utter_danger_offer_person level=red")
    await visitor.taps("action_queue_urgent")
    return (await request_of(visitor)).id or 0


async def request_of(visitor: Visitor) -> Handover:
    found = await visitor.handover()
    assert found is not None
    return found


def words(page: str) -> str:
    """Return what can be read on a page, with single spaces."""
    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def hidden(page: str, name: str) -> str:
    """Return the value of the first hidden field with a name."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)
    assert found is not None
    return unescape(found[1])
