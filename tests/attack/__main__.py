"""``python -m tests.attack``: hostile words through every door, guesses, and hasty exits.

Three attacks: ``scripts`` sends payloads in by every door and looks at every page in Chromium
(security-reliability.md, B13), ``oracle`` asks whether an answer or its time tells what exists
(B24), ``exit`` leaves the visitors' page again and again (B25) in Chromium, Firefox (Debian's
``firefox-esr``) and WebKit (``webkit2gtk-driver`` and ``xvfb``).

Corpora are files on the command line, since most may not be kept with other people's code:

    payloadbox/xss-payload-list          Intruder/xss-payload-list.txt              MIT
    swisskyrepo/PayloadsAllTheThings     XSS Injection/Intruders/*.txt              MIT
    minimaxir/big-list-of-naughty-strings    blns.json                              MIT
    PortSwigger/xss-cheatsheet-data      json/*.json                                no licence

All four are repositories on GitHub. Without a corpus, the payloads are our own.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.attack import exits, oracle
from tests.attack.corpora import own, read, sampled
from tests.attack.looking import FULL, SMALL, Looker
from tests.attack.world import world
from tests.browser.site import launch

_IN_A_ROUND = 2500


def main() -> int:
    """Return 0 when nothing went off."""
    asked = _arguments()
    attacks: Mapping[str, Callable[[Any], Mapping[str, Any]]] = {
        "scripts": _scripts,
        "oracle": _oracle,
        "exit": _exit,
    }
    told, missed = {}, []
    for name in asked.attacks or attacks:
        print(f"== {name}", flush=True)
        told[name] = attacks[name](asked)
        missed += [f"{name}: {one}" for one in told[name]["missed"]]
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1, ensure_ascii=False), "utf-8")
    print("\n".join(missed) or "every bar is held")
    return 1 if missed else 0


def _scripts(asked: Any) -> Mapping[str, Any]:
    """Replay every payload in rounds: a world of their own for each, so that lists stay short."""
    found = [one for path in asked.corpus for one in read(path)]
    payloads = sampled(found or own(), asked.payloads or 10**6, asked.seed)
    alarms: list[str] = []
    sent: dict[str, int] = {}
    looked, pages = 0, set[str]()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for at in range(0, len(payloads), _IN_A_ROUND):
            began = time.monotonic()
            some = payloads[at : at + _IN_A_ROUND]
            with tempfile.TemporaryDirectory() as folder, world(browser, Path(folder)) as all_:
                looker = Looker(all_, SMALL if asked.quick else FULL)
                looker.learn()
                all_.sent.clear()
                before = looker.looked
                looker.round(some)
            for one in dict.fromkeys(looker.alarms):
                print(f"  ALARM {one}")
            alarms += looker.alarms
            looked += looker.looked - before
            pages |= looker.known.keys()
            for door, number in all_.sent.items():
                sent[door] = sent.get(door, 0) + number
            took = time.monotonic() - began
            done = min(at + _IN_A_ROUND, len(payloads))
            print(
                f"  {done}/{len(payloads)} payloads, {len(alarms)} alarms, {took:.0f} s", flush=True
            )
        browser.close()
    for door, number in sent.items():
        print(f"  {door:32} {number:6}")
    print(f"  {len(pages)} pages and forms, looked at {looked} times: {len(alarms)} alarms")
    return {
        "payloads": len(payloads),
        "doors": sent,
        "pages": sorted(pages),
        "looked": looked,
        "missed": list(dict.fromkeys(alarms)),
    }


def _oracle(asked: Any) -> Mapping[str, Any]:
    return _shown(oracle.carry_out(asked.tries))


def _exit(asked: Any) -> Mapping[str, Any]:
    return _shown(exits.carry_out(asked.exits, asked.browsers))


def _shown(found: Mapping[str, Any]) -> Mapping[str, Any]:
    for row in found["rows"]:
        print(f"  {row}")
    return found


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.attack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("attacks", nargs="*", metavar="scripts|oracle|exit", help="all, if none")
    parser.add_argument("--corpus", nargs="+", type=Path, default=[], help="files of payloads")
    parser.add_argument("--payloads", type=int, default=0, help="at most so many of them")
    parser.add_argument("--seed", default="havn", help="chooses which, and in which order")
    parser.add_argument("--quick", action="store_true", help="show only the pages with words")
    parser.add_argument("--tries", type=int, default=10_000, help="of each pair of the oracle")
    parser.add_argument("--exits", type=int, default=100, help="with script, and as many without")
    parser.add_argument(
        "--browsers",
        nargs="+",
        choices=exits.BROWSERS,
        default=exits.BROWSERS,
        help="those to leave; all three, and one that is not installed is missed",
    )
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    asked = parser.parse_args(given)
    if set(asked.attacks) - {"scripts", "oracle", "exit"}:
        parser.error("an attack is scripts, oracle or exit")
    return asked


if __name__ == "__main__":
    sys.exit(main())
