"""Attacks in a size for every change; ``python -m tests.attack`` is the full one."""

from playwright.sync_api import Browser

from tests.attack.corpora import own, packed, sampled
from tests.attack.exits import leave

PAYLOADS = sampled(own(), 500, "every change")


def test_nobody_sees_the_chat_after_leaving_with_script_or_without(chromium: Browser) -> None:
    assert leave(chromium, 1)["missed"] == []


def test_payloads_that_share_a_text_are_all_in_it() -> None:
    texts = list(packed(PAYLOADS, 3000))
    assert all(len(one.encode("utf-16-le")) <= 6000 for one in texts)
    assert sum(one in " ".join(texts) for one in PAYLOADS) >= 490
    assert list(packed(["a", "b"], 1)) == ["a", "b"]
