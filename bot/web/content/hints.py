"""What helps somebody to write: lengths, words of the glossary, words that must not stand here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain import wording
from bot.domain.content import Item
from bot.domain.screens import Deck, Screen
from bot.domain.wording import Limits
from bot.services.content import Judge, rules


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the glossary that an English text has, and how it is said in a locale."""

    english: str
    own: str
    note: str


def limit_of(limits: Limits, context: str, deck: Deck) -> int:
    """Return how long a text of a context may be, in characters; 0 where there is no limit."""
    if context in ("button", "topic"):
        return limits.label
    return limits.template if context in deck else 0


def terms_in(glossary: Mapping[str, Any], locale: str, source: str) -> Sequence[Term]:
    """Return the words of a glossary that an English text has."""
    said = f" {' '.join(wording.words(source.casefold()))} "
    terms = [
        Term(str(one["en"]), str(one.get(locale, "")), str(one.get("note", "")))
        for one in glossary.get("terms", ())
    ]
    return [one for one in terms if re.search(rf"\s{re.escape(one.english.casefold())}s?\s", said)]


def forbidden_in(judge: Judge, item: Item, deck: Deck) -> Sequence[str]:
    """Return the words that must not stand in a translation, none where they may."""
    about = deck.screens.get(item.context)
    strict = about is not None and about.audience in rules.STRICT_AUDIENCES
    return rules.listed(judge.glossary(item.locale), "forbidden_words") if strict else ()


def audience_of(deck: Deck, screen: Screen | None) -> str:
    """Return for whom a screen is, in words, "" for what stands on many."""
    audiences = deck.meta.get("audiences")
    if screen is None or not isinstance(audiences, Mapping):
        return ""
    return str(audiences.get(screen.audience, screen.audience))
