"""A whole Havn that publishes: its signer and its watcher run, and editors have browsers."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from bot.adapters.signing import Signer
from bot.bootstrap import watcher
from bot.domain.content import Item, translation
from bot.domain.messages import Channel
from bot.domain.staff import Role, StaffId
from bot.services.content import Publisher
from tests.browser.desk import LAPTOP, Harbour, harbour
from tests.support import deck
from tests.support.content import judge_of, library, person


@dataclass
class Newsdesk:
    """A running Havn, what signs for it, and a browser for everybody."""

    haven: Harbour
    publisher: Publisher
    browser: Browser
    _pages: list[Page] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.haven.console}/content"

    def opens(
        self, alias: str, *roles: Role, translates: str = "", at: str = "", **options: Any
    ) -> Page:
        """Return a page of the desk in a browser of somebody whose account is old."""
        id_ = StaffId(alias.lower())
        self.haven.run(self._hired(id_, alias, *roles, translates=translates))
        context = self.browser.new_context(**{"viewport": LAPTOP, "locale": "en-GB", **options})
        self.haven.signs_in(context, alias)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{self.url}{at}")
        self._pages.append(page)
        return page

    def leave(self) -> None:
        """Close every browser."""
        while self._pages:
            self._pages.pop().context.close()

    def text_of(self, screen: str, locale: str) -> Item:
        """Return the translation of what a screen says now."""
        served = self.haven.app.library.served
        return translation(locale, screen, served.deck[screen].text)

    async def _hired(self, id_: StaffId, alias: str, *roles: Role, translates: str) -> None:
        account = person(alias, *roles, now=self.haven.clock.now(), translates=translates)
        account = replace(account, staff=replace(account.staff, id=id_, locale="en"))
        async with self.haven.app.store.begin() as unit:
            if await unit.staff.get(id_) is None:
                await unit.staff.add(account)


@contextmanager
def newsdesk(browser: Browser, folder: Path) -> Iterator[Newsdesk]:
    """Run everything until the block ends; the signer and the watcher go at their own pace."""
    with harbour(folder) as haven:
        data = haven.app.settings.data_dir
        signing = library(deck.renderer(), data, "last-signed.json")
        publisher = Publisher(
            haven.app.store,
            haven.clock,
            signing,
            judge_of(signing),
            Signer.open(data / "signing" / "key", data / "content" / "signer.pub"),
            lambda: haven.clock.now().timestamp(),
        )
        watching = watcher(haven.app, "all", (Channel.WEB, Channel.TELEGRAM))
        work: list[Future[None]] = [
            asyncio.run_coroutine_threadsafe(one, haven.loop)
            for one in (publisher.run(), watching.run())
        ]
        desk = Newsdesk(haven, publisher, browser)
        try:
            yield desk
        finally:
            desk.leave()
            for one in work:
                one.cancel()
