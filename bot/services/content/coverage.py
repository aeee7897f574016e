"""How far the translations have come: every screen in every language, and what misses for a start.

A screen has many texts: what it says on each channel, its buttons, and the sentences of facts it
rests on. It counts as the worst of them, for a visitor reads all of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.domain.content import Item, translation
from bot.domain.facts import Kind
from bot.domain.screens import Screen
from bot.i18n.texts import Status
from bot.services.content.assembly import Served, has_words

Text = tuple[str, str]

# What must be approved to the last word before a language is switched on: screens of danger and
# of hiding, consent, and what is said when something fails (ux.md bar 23).
_FIRST = re.compile(
    r"utter_(?:danger_|suicide_|hide_|forget_|safe_to_talk|not_safe|not_sure_safe|phone_"
    r"|minor_urgent|human_consent|human_code_word|privacy_short|queue_red_|error|fallback_|nlu_off"
    r"|outside_denmark|web_not_sent|web_interruption|web_session_closed|autoclean_).*"
)
REST = 95  # in percent, of all other screens (ux.md bar 23)
_WORST_LAST = (Status.LIVE, Status.DRAFT, Status.STALE, Status.MISSING)
# Rows of the grid that are no screens: the buttons under nearly each, and the interface words.
FIXED_ROW = "fixed_row"
WORDS = "words"


@dataclass(frozen=True, slots=True)
class Cell:
    """A screen in a locale: the state of its worst text, and which text that is."""

    status: Status
    worst: Item


@dataclass(frozen=True, slots=True)
class Row:
    """A screen in every locale; ``first`` ones must be approved before a language is offered."""

    key: str
    first: bool
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Total:
    """What is approved in a locale, of the screens that come first and of all others."""

    first_live: int
    first: int
    rest_live: int
    rest: int

    @property
    def percent(self) -> int:
        """Return the part of all screens that is live, rounded down: 100 only for all."""
        return 100 * (self.first_live + self.rest_live) // max(1, self.first + self.rest)

    @property
    def ready(self) -> bool:
        """Tell whether the language may be switched on."""
        enough = 100 * self.rest_live >= REST * self.rest
        return self.first_live == self.first and enough


@dataclass(frozen=True)
class Grid:
    """Screens by locales."""

    locales: Sequence[str]
    rows: Sequence[Row]

    @cached_property
    def totals(self) -> Mapping[str, Total]:
        """Return the totals of each locale."""
        return {locale: self._total(locale) for locale in self.locales}

    def _total(self, locale: str) -> Total:
        first = [row.cells[locale].status is Status.LIVE for row in self.rows if row.first]
        rest = [row.cells[locale].status is Status.LIVE for row in self.rows if not row.first]
        return Total(sum(first), len(first), sum(rest), len(rest))


def grid(served: Served, locales: Sequence[str]) -> Grid:
    """Return how far every screen has come in some locales."""
    known: dict[tuple[Text, str], Status] = {}

    def status(text: Text, locale: str) -> Status:
        if (text, locale) not in known:
            known[text, locale] = served.texts.status(*text, locale)
        return known[text, locale]

    def cell(texts: Sequence[Text], locale: str) -> Cell:
        worst = max(texts, key=lambda text: _WORST_LAST.index(status(text, locale)))
        return Cell(status(worst, locale), translation(locale, *worst))

    rows = [
        Row(key, first, {locale: cell(texts, locale) for locale in locales})
        for key, first, texts in _rows(served)
        if texts
    ]
    return Grid(locales, rows)


def _rows(served: Served) -> Iterator[tuple[str, bool, Sequence[Text]]]:
    fixed = [("button", button.label) for button in served.deck.fixed_row]
    yield FIXED_ROW, True, list(filter(has_words, fixed))
    for screen in served.deck.screens.values():
        first = bool(_FIRST.fullmatch(screen.id))
        yield screen.id, first, list(dict.fromkeys(filter(has_words, _texts(screen, served))))
    words = [("word", text) for text in served.deck.words.values()]
    yield WORDS, False, list(dict.fromkeys(filter(has_words, words)))


def _texts(screen: Screen, served: Served) -> Iterator[Text]:
    """Yield every English text that is seen on a screen, the main one first."""
    yield from ((screen.id, text) for text in screen.sources())
    yield from (("button", button.label) for button in screen.buttons)
    if screen.topic:
        yield "topic", screen.topic
    used = {key for text in screen.sources() for key in served.registry.used_by(text)}
    for key in sorted(used):
        fact = served.registry[key]
        if fact.kind is Kind.SENTENCE:
            yield f"fact:{key}", str(fact.value)
