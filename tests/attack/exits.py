"""Leaving the visitors' page in a hurry, again and again: how long it takes, what "Back" shows."""

import re
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, Route, sync_playwright

from tests.browser.site import NEUTRAL, WEATHER, Site, begin, launch, serve, visit, wait_for_answer

WORDS = "my boss has my passport"
CHAT = re.compile("How can I help|I am a computer program|passport")
# Milliseconds of script (B25). They are those of the processor, which a busy machine does not
# stretch, times six: a cheap phone is as much slower.
LONGEST, _SLOWER = 200, 6
_WAYS = ("button", "shift", "link")
# Presses, and returns what is left on the page the moment that what runs at a press is over.
_LEAVE = """(way) => {
  const press = () => {
    if (way === 'button') document.getElementById('exit').click();
    else if (way === 'link') document.querySelector('#skips a').click();
    else for (let n = 0; n < 3; n++) {
      document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Shift' }));
      document.dispatchEvent(new KeyboardEvent('keyup', { key: 'Shift' }));
    }
  };
  press();
  return document.body.innerText.trim() + document.title.replace('\\u200b', '');
}"""


def carry_out(times: int) -> Mapping[str, Any]:
    """Leave so many times with script and as many without; every time must do."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        found = leave(browser, times)
        browser.close()
    return found


def leave(browser: Browser, times: int) -> Mapping[str, Any]:
    """Leave in a browser that runs."""
    took: list[float] = []
    missed: list[str] = []
    with serve() as site:
        for number in range(times):
            seen = _with_script(browser, site, _WAYS[number % len(_WAYS)])
            took.append(seen["took"])
            missed += [f"with script, {one}" for one in seen["missed"]]
            missed += [f"without script, {one}" for one in _without_script(browser, site)]
        told = len(site.door.left)
    if told != 2 * times:
        missed.append(f"{2 * times - told} chats were left and went on")
    longest, half = max(took), sorted(took)[len(took) // 2]
    return {
        "rows": [
            f"left {times} times with script and {times} without, {told} chats ended",
            f"script at the press: {half:.1f} ms at p50, {longest:.1f} at most (bar {LONGEST})",
        ],
        "times": times,
        "p50": half,
        "longest": longest,
        "missed": list(dict.fromkeys(missed)),
    }


def _with_script(browser: Browser, site: Site, way: str) -> dict[str, Any]:
    context, missed = visit(browser), []
    page = context.new_page()
    page.set_default_timeout(30_000)
    begin(page, site)
    before = page.locator("#answers [name=nonce]").input_value()
    page.locator("#text").fill(WORDS)
    page.locator("#send").click()
    wait_for_answer(page, before)
    held: list[Route] = []
    page.route(f"{NEUTRAL}/**", lambda one: held.append(one))  # noqa: PLW0108 -- it marks it
    client = context.new_cdp_session(page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})
    before_it = _script_seconds(client)
    left = page.evaluate(_LEAVE, way)
    took = (_script_seconds(client) - before_it) * 1000 * _SLOWER
    _let_go(page, held)
    if left:
        missed.append(f"{way}: something of the page was left after the press")
    if took >= LONGEST:
        missed.append(f"{way}: {took:.0f} ms of script")
    missed += _goes_back(page, way)
    context.close()
    return {"took": took, "missed": missed}


def _script_seconds(client: CDPSession) -> float:
    found = client.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in found if one["name"] == "ScriptDuration"))


def _let_go(page: Page, held: list[Route]) -> None:
    """Let the neutral site answer."""
    while not held:
        page.wait_for_timeout(10)
    held[0].fulfill(content_type="text/html; charset=utf-8", body=WEATHER)
    page.unroute(f"{NEUTRAL}/**")


def _without_script(browser: Browser, site: Site) -> list[str]:
    context = visit(browser, java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(site.url)
    page.locator("button", has_text="Start").click()
    page.locator("#text").fill(WORDS)
    page.locator("#send").click()
    page.locator("#exit").click()
    missed = _goes_back(page, "button")
    context.close()
    return missed


def _goes_back(page: Page, way: str) -> list[str]:
    """Wait for the neutral site, then go back as far as there is anything, and forward again."""
    page.wait_for_url(f"{NEUTRAL}/**")
    missed = []
    for go in (page.go_back, page.go_back, page.go_forward, page.go_back):
        go(wait_until="load")
        page.wait_for_timeout(50)
        if CHAT.search(page.content()):
            missed.append(f"{way}: the chat was shown again")
    return missed
