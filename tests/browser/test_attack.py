"""The attacks in a size for every change; ``python -m tests.attack`` is the full one."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.attack.corpora import own, packed, sampled
from tests.attack.exits import leave
from tests.attack.looking import SMALL, Looker
from tests.attack.world import world

PAYLOADS = sampled(own(), 500, "every change")


def test_five_hundred_payloads_by_every_door_add_nothing_to_any_page(
    chromium: Browser, tmp_path: Path
) -> None:
    with world(chromium, tmp_path) as everything:
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


def test_nobody_sees_the_chat_after_leaving_with_script_or_without(chromium: Browser) -> None:
    assert leave(chromium, 3)["missed"] == []


def test_payloads_that_share_a_text_are_all_in_it() -> None:
    texts = list(packed(PAYLOADS, 3000))
    assert all(len(one.encode("utf-16-le")) <= 6000 for one in texts)
    assert sum(one in " ".join(texts) for one in PAYLOADS) >= 490
    assert list(packed(["a", "b"], 1)) == ["a", "b"]
