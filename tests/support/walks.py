"""Walks: scripted visits in files that anybody can read, replayed on every channel.

A file ``<journey>.<locale>.jsonl`` holds walks. A line is one step; blank lines and lines that
begin with ``#`` are left out. What a line can say: tests/walks/README.md.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.domain.facts import PLACEHOLDER
from bot.domain.messages import Channel
from bot.i18n.values import COPENHAGEN
from bot.services.reply import Renderer

FOLDER = Path(__file__).parents[1] / "walks"
NOTICE = "utter_translation_unreviewed"
# Two moments in Copenhagen: chat hours are open in the first and closed in the second.
MOMENTS: Mapping[str, datetime] = {
    "tuesday 10:00": datetime(2026, 11, 24, 10, 0, tzinfo=COPENHAGEN),
    "sunday 23:00": datetime(2026, 11, 22, 23, 0, tzinfo=COPENHAGEN),
    "monday 09:00": datetime(2026, 11, 23, 9, 0, tzinfo=COPENHAGEN),
}
# What somebody does in front of a channel, and what else may happen.
ACTS = frozenset({"tap", "text", "send", "start", "report", "exit", "back", "reload"})
_DOES = (*ACTS, "wait", "clock", "visitor", "counsellor")
_SEES = ("expect", "has", "lacks", "offers", "withholds", "in", "within", "draft")
_KNOWS = ("left", "seen", "unseen", "queue", "reported", "rows", "cleans")
_FILTERS = ("only", "nlu")
_HEAD = ("walk", "about", "at", "link", "app")
_RUNTIME = frozenset(
    {
        *("wait_estimate", "next_open_time", "fact_reviewed_on", "option_1", "option_2"),
        *("staff_alias", "transfer_reason", "return_code"),
    }
)
# What a counsellor typed is no screen of the deck.
LINE = "line"
# Stands where any words may stand.
_ANYTHING = "\0"
# Invisible characters that keep numbers and names in order; a reader does not see them.
_INVISIBLE = re.compile("[\u200e\u200f\u061c\u2066-\u2069]")
_LIMIT = re.compile(r"(?:(\d+) taps? of (\w+)|(\d+) seconds?)")
_PAUSE = re.compile(r"(\d+) (seconds?|minutes?|hours?)")


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as a visitor sees it, with the buttons under it."""

    text: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a walk, and where it stands."""

    where: str
    says: Mapping[str, Any]

    def applies(self, channel: Channel, *, nlu: bool) -> bool:
        """Tell whether the line is meant for this channel and this setting of free text."""
        only = self.says.get("only", [channel.value])
        return channel.value in only and self.says.get("nlu", nlu) == nlu


@dataclass(frozen=True, slots=True)
class Walk:
    """A visit: how it begins, and its steps."""

    name: str
    locale: str
    head: Step
    steps: tuple[Step, ...] = field(repr=False)
    # The notice that nobody has approved a language's words then comes where it comes.
    translated: bool = False

    @property
    def begins(self) -> datetime:
        """Return the moment at which the visit begins."""
        return MOMENTS[self.head.says.get("at", "tuesday 10:00")]

    @property
    def link(self) -> str:
        """Return the payload of the deep link on the poster."""
        return str(self.head.says.get("link", f"{self.locale}-p07"))

    @property
    def app(self) -> str:
        """Return the language of the visitor's app or browser."""
        return str(self.head.says.get("app", self.locale))


def read(path: Path) -> Iterator[Walk]:
    """Read the walks of a file; ValueError names the line that cannot be one."""
    locale = path.name.split(".")[1]
    head: Step | None = None
    steps: list[Step] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        step = _step(f"{path.name}:{number}", line)
        if "walk" not in step.says:
            steps.append(step)
            continue
        if head:
            yield _walk(head, locale, steps)
        head, steps = step, []
    if head is None:
        raise ValueError(f"{path.name}: a file begins with a line that names a walk")
    yield _walk(head, locale, steps)


def _walk(head: Step, locale: str, steps: Sequence[Step]) -> Walk:
    if not any("expect" in step.says for step in steps):
        raise ValueError(f"{head.where}: a walk that expects nothing cannot fail")
    return Walk(head.says["walk"], locale, head, tuple(steps))


def _step(where: str, line: str) -> Step:
    try:
        says = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{where}: not JSON: {error}") from None
    known = {*_DOES, *_SEES, *_KNOWS, *_FILTERS} if "walk" not in says else {*_HEAD, *_FILTERS}
    if unknown := says.keys() - known:
        raise ValueError(f"{where}: unknown words {sorted(unknown)}")
    if {*_SEES} & says.keys() and "expect" not in says:
        raise ValueError(f"{where}: what is seen belongs to an expected screen")
    if sum(name in says for name in _DOES) > 1:
        raise ValueError(f"{where}: one thing at a time")
    return Step(where, says)


def pause(words: str) -> timedelta:
    """Return the length of ``31 minutes``."""
    match = _PAUSE.fullmatch(words)
    if not match:
        raise ValueError(f"not a time: {words}")
    unit = match[2].rstrip("s") + "s"
    return timedelta(**{unit: int(match[1])})


def plain(text: str, *, strip: bool = True) -> str:
    """Return a text as a reader sees it: marks of direction gone, spaces alike."""
    seen = _INVISIBLE.sub("", text).replace("\u00a0", " ")
    return seen.strip() if strip else seen


class Screens:
    """Names screens by their words, because that is all a visitor sees of them."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._patterns: dict[tuple[str, str, str], re.Pattern[str]] = {}

    def is_screen(self, text: str, screen: str, locale: str, channel: Channel) -> bool:
        """Tell whether a text is that of a screen, facts filled in, in that locale."""
        return self._pattern(screen, locale, channel).fullmatch(plain(text)) is not None

    def named(self, text: str, channel: Channel) -> str:
        """Return which screens a text may be, for a message that says what went wrong."""
        found = [
            f"{screen} ({locale})"
            for locale in self._renderer.texts.locales
            for screen in self._renderer.deck.screens
            if self.is_screen(text, screen, locale, channel)
        ]
        return " or ".join(found) or "no screen of the deck"

    def ways_out(self, locale: str) -> set[str]:
        """Return the labels of the row that keeps its place, whatever else a screen offers."""
        return {self._renderer.label(button, locale) for button in self._renderer.deck.fixed_row}

    def _pattern(self, screen: str, locale: str, channel: Channel) -> re.Pattern[str]:
        key = (screen, locale, channel.value)
        if key not in self._patterns:
            source = self._renderer.deck[screen].source(channel)
            template = self._renderer.texts.get(screen, source, locale)
            words = "".join(self._parts(template, locale)).strip()
            fixed = map(re.escape, words.split(_ANYTHING))
            self._patterns[key] = re.compile(".+?".join(fixed), re.DOTALL)
        return self._patterns[key]

    def _parts(self, template: str, locale: str) -> Iterator[str]:
        """Yield the fixed words, and for each placeholder its fact or, at run time, anything."""
        for number, part in enumerate(PLACEHOLDER.split(template)):
            if number % 2 == 0:
                yield plain(part, strip=False)
            elif part in _RUNTIME:
                yield _ANYTHING
            else:
                yield plain(self._renderer.values.fill(f"{{{part}}}", locale, {}), strip=False)


@dataclass(slots=True)
class Count:
    """Counts taps, and remembers at which tap a screen was last seen."""

    taps: int = 0
    seen: dict[str, int] = field(default_factory=lambda: {"start": 0})

    def see(self, screen: str) -> None:
        """Note that a screen is on the display."""
        self.seen[screen] = self.taps


class LateError(AssertionError):
    """A screen came, but after its time."""


def check_limit(words: str, count: Count, seconds: float) -> None:
    """Fail if a screen took more taps, or ``LateError`` if more time, than a line allows."""
    match = _LIMIT.fullmatch(words)
    assert match, f"not a limit: {words}"
    if match[3]:
        if seconds > float(match[3]):
            raise LateError(f"it took {seconds:.2f} seconds")
        return
    taken = count.taps - count.seen[match[2]]
    assert taken <= int(match[1]), f"it took {taken} taps"


def check_seen(step: Step, shown: Shown, screens: Screens, locale: str, channel: Channel) -> None:
    """Fail unless a message is the expected screen, with the expected words and buttons."""
    says = step.says
    text = plain(shown.text)
    locale = says.get("in", locale)
    is_it = says["expect"] == LINE or screens.is_screen(shown.text, says["expect"], locale, channel)
    found = "" if is_it else screens.named(shown.text, channel)
    assert is_it, f"expected {says['expect']} ({locale}), but saw {found}: {text!r}"
    for words in says.get("has", ()):
        assert words in text, f"no {words!r} in {text!r}"
    for words in says.get("lacks", ()):
        assert words not in text, f"{words!r} in {text!r}"
    for label in says.get("offers", ()):
        assert label in shown.labels, f"no button {label!r} among {list(shown.labels)}"
    for label in says.get("withholds", ()):
        assert label not in shown.labels, f"a button {label!r} among {list(shown.labels)}"
    twice = {label for label in shown.labels if shown.labels.count(label) > 1}
    twice -= screens.ways_out(locale)
    assert not twice, f"buttons that are there twice: {twice}"


def for_channel(walk: Walk, channel: Channel, *, nlu: bool) -> Walk:
    """Return a walk with the lines that are meant for a channel."""
    steps: Iterable[Step] = walk.steps
    return replace(walk, steps=tuple(s for s in steps if s.applies(channel, nlu=nlu)))
