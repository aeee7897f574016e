"""Leaving once in Firefox or WebKit: the same visit, presses and looks as in Chromium."""

import time
from typing import Any

from tests.attack.drivers import Driven, until
from tests.attack.leaving import CHAT, LEAVE, LONGEST, SLOWER, WORDS
from tests.attack.neutral import Neutral
from tests.browser.site import NEUTRAL, Site

_TIMED = f"""(way) => {{
  const leave = {LEAVE};
  const began = performance.now();
  const left = leave(way);
  return [performance.now() - began, left];
}}"""
_NONCE = "() => (document.querySelector('#answers [name=nonce]') || {}).value || ''"
# Seconds before each look.
_RESTS = (0.15, 0.1)
# A browser that runs script takes what is in there for text.
_HAS_NO_SCRIPT = "() => document.querySelector('noscript meta') !== null"


def with_script(browser: Driven, away: Neutral, site: Site, way: str) -> dict[str, Any]:
    """Write, press one of the ways, and go back. Return what the press ``took`` and ``missed``."""
    missed = []
    _come(browser, site)
    for label in ("Start", "Yes, I am alone"):
        _answered(browser, lambda label=label: _press(browser, label))
    _answered(browser, lambda: _write(browser))
    if not CHAT.search(browser.source) or browser.run(_HAS_NO_SCRIPT):
        missed.append(f"{way}: there was no chat with script to leave")
    away.answers.clear()
    wall, left = browser.run(_TIMED, way)
    away.answers.set()
    took = wall * SLOWER
    if left:
        missed.append(f"{way}: something of the page was left after the press")
    if took >= LONGEST:
        missed.append(f"{way}: {took:.0f} ms of script")
    until(lambda: browser.url.startswith(NEUTRAL), "the neutral site")
    return {"took": took, "missed": missed + _goes_back(browser, way)}


def without_script(browser: Driven, site: Site) -> list[str]:
    """Write, press the button, and go back, on a page that is only forms."""
    missed = []
    _come(browser, site)
    _answered(browser, lambda: browser.click("#answers button"))
    _answered(browser, lambda: _write(browser))
    if WORDS not in browser.source or not browser.run(_HAS_NO_SCRIPT):
        missed.append("button: there was no chat without script to leave")
    browser.click("#exit")
    until(lambda: browser.url.startswith(NEUTRAL), "the neutral site")
    return missed + _goes_back(browser, "button", came_from=site.url)


def _come(browser: Driven, site: Site) -> None:
    """Come to the chat from elsewhere in a new tab, so that there is always something behind it."""
    browser.tab()
    browser.go(f"{NEUTRAL}/")
    until(lambda: browser.has("h1"), "the site before the chat")
    browser.go(site.url)
    until(lambda: browser.has("#answers button"), "the chat")


def _press(browser: Driven, label: str) -> None:
    browser.run(
        "label => [...document.querySelectorAll('main button')]"
        ".find(one => one.textContent.trim() === label).click()",
        label,
    )


def _write(browser: Driven) -> None:
    browser.write("#text", WORDS)
    browser.click("#send")


def _answered(browser: Driven, do: Any) -> None:
    """Do it, and wait until the page carries another nonce and all of it is there."""
    before = browser.run(_NONCE)
    do()

    until(lambda: browser.run(_NONCE) not in ("", before) and browser.has("#send"), "an answer")


def _goes_back(browser: Driven, way: str, came_from: str = "") -> list[str]:
    """Go back as far as there is anything, ask for that page again, and go forward and back.

    ``came_from`` is where the first step back must lead, if it must.
    """
    missed = []
    for number, go in enumerate(
        (browser.back, browser.reload, browser.back, browser.forward, browser.back)
    ):
        go()
        if number == 0 and came_from:
            until(lambda: browser.url.startswith(came_from), "the first step back")
        if any(CHAT.search(_shown(browser, rest)) for rest in _RESTS):
            missed.append(f"{way}: the chat was shown again")
    return missed


def _shown(browser: Driven, rest: float) -> str:
    """Return what is shown after so many seconds; between two pages, look until there is one."""
    time.sleep(rest)
    return str(until(lambda: browser.source, "a page to look at"))
