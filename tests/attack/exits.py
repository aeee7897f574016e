"""Leaving the visitors' page in a hurry, again and again: how long it takes, what "Back" shows."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from playwright.sync_api import Browser, CDPSession, Page, Route, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.attack import driven, drivers
from tests.attack.leaving import CHAT, LEAVE, LONGEST, SLOWER, WAYS, WORDS
from tests.attack.neutral import neutral
from tests.browser.site import (
    CHROMIUM,
    NEUTRAL,
    WEATHER,
    Site,
    begin,
    launch,
    serve,
    visit,
    wait_for_answer,
)

BROWSERS = ("chromium", "firefox", "webkit")


@dataclass(frozen=True)
class Ways:
    """How a browser is left once: with script (``took`` milliseconds, ``missed``) and without."""

    name: str
    with_script: Callable[[Site, str], dict[str, Any]]
    without_script: Callable[[Site], list[str]]


def missing(name: str) -> str:
    """Say how to get a browser that is not here."""
    if name == "firefox":
        return drivers.firefox_missing()
    if name == "webkit":
        return drivers.webkit_missing()
    return "" if os.access(CHROMIUM, os.X_OK) else "apt-get install chromium"


def carry_out(times: int, browsers: Sequence[str] = BROWSERS) -> Mapping[str, Any]:
    """Leave each browser so many times with script and as many without; every time must do.

    What was asked for and is not here is missed; what was not asked for is named.
    """
    rows, missed, told = [], [], {}
    for name in BROWSERS:
        if name not in browsers:
            rows.append(f"{name}: left out, not asked for")
        elif how := missing(name):
            rows.append(f"{name}: not here: {how}")
            missed.append(f"{name} is not here: {how}")
        else:
            try:
                found = _in_browser(name, times)
            except (drivers.RefusedError, httpx.HTTPError, PlaywrightError, OSError) as error:
                rows.append(f"{name}: stopped answering")
                missed.append(f"{name} stopped answering: {type(error).__name__} {error}")
                continue
            told[name] = found
            rows += found["rows"]
            missed += [f"{name}, {one}" for one in found["missed"]]
    return {"rows": rows, "browsers": told, "missed": missed}


def _in_browser(name: str, times: int) -> Mapping[str, Any]:
    if name == "chromium":
        with sync_playwright() as playwright:
            browser = launch(playwright)
            found = leave(browser, times)
            browser.close()
        return found
    return leave_driven(name, times)


def leave(browser: Browser, times: int) -> Mapping[str, Any]:
    """Leave in a Chromium that runs."""
    ways = Ways(
        f"Chromium {browser.version}",
        partial(_with_script, browser),
        partial(_without_script, browser),
    )
    return _leave(ways, times)


def leave_driven(name: str, times: int) -> Mapping[str, Any]:
    """Start Firefox or WebKit, once with script and once without, and leave in both."""
    start = drivers.firefox if name == "firefox" else drivers.webkit
    with (
        neutral() as away,
        start(away.address, script=True) as scripted,
        start(away.address, script=False) as plain,
    ):
        ways = Ways(
            scripted.version,
            partial(driven.with_script, scripted, away),
            partial(driven.without_script, plain),
        )
        return _leave(ways, times)


def _leave(ways: Ways, times: int) -> Mapping[str, Any]:
    took: list[float] = []
    missed: list[str] = []
    with serve() as site:
        for number in range(times):
            seen = ways.with_script(site, WAYS[number % len(WAYS)])
            took.append(seen["took"])
            missed += [f"with script, {one}" for one in seen["missed"]]
            missed += [f"without script, {one}" for one in ways.without_script(site)]
        told = len(site.door.left)
    if told != 2 * times:
        missed.append(f"{2 * times - told} chats were left and went on")
    longest, half = max(took), sorted(took)[len(took) // 2]
    return {
        "rows": [
            f"{ways.name}: left {times} times with script and {times} without, {told} chats ended",
            f"  script at the press: {half:.1f} ms at p50, {longest:.1f} at most (bar {LONGEST})",
        ],
        "version": ways.name,
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
    left = page.evaluate(LEAVE, way)
    took = (_script_seconds(client) - before_it) * 1000 * SLOWER
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
