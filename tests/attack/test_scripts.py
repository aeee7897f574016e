"""Five hundred payloads: ``python -m tests.attack scripts`` sends more."""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.attack.corpora import own, sampled
from tests.attack.looking import SMALL, Looker
from tests.attack.world import world
from tests.browser.site import launch

PAYLOADS = sampled(own(), 500, "every change")


def test_five_hundred_payloads_by_every_door_add_nothing_to_any_page(tmp_path: Path) -> None:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        with world(browser, tmp_path) as everything:
            looker = Looker(everything, SMALL)
            looker.learn()
            learnt = set(looker.known)
            looker.round(PAYLOADS)
            assert looker.alarms == []
            assert set(looker.known) == learnt
            # The alarm can go off: for a node, and for what runs.
            page = everything.ana.page
            page.evaluate("document.body.append(document.createElement('blink'))")
            looker._watch("/queue", page)
            assert looker.alarms == ["/queue: unexpected node: xhtml blink"]
            page.evaluate("console.log('anything')")
            assert looker.alarms[1:] == ["/queue: console: log: anything"]
