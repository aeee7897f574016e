"""The list of facts: how each one reads, how it stands, and how many messages rest on it."""

import enum
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.domain.content import Change, Item, ItemKind, Value
from bot.domain.errors import HavnError
from bot.domain.facts import Fact, Kind
from bot.domain.wording import RUNTIME
from bot.services.content.assembly import Served
from bot.services.content.judging import Judge

# In days: the first reminder, and how long a fact is good for.
SOON = timedelta(days=30)
GOOD_FOR = timedelta(days=180)
# facts.yml: what people act on and nobody has confirmed is looked at again within a month.
UNCONFIRMED_GOOD_FOR = timedelta(days=30)


class Standing(enum.StrEnum):
    """What a list can be narrowed to."""

    STALE = "stale"  # past its review date, or due within 30 days
    UNVERIFIED = "unverified"
    UNUSED = "unused"
    OPEN = "open"  # somebody proposed another value


@dataclass(frozen=True, slots=True)
class Row:
    """A fact in the list: its value in English, and the screens it is seen on."""

    fact: Fact
    reads: str
    screens: int
    used: bool
    change: Change | None
    overdue: bool
    soon: bool

    def stands(self, standing: Standing) -> bool:
        """Tell whether it belongs in a narrowed list."""
        match standing:
            case Standing.STALE:
                return self.overdue or self.soon
            case Standing.UNVERIFIED:
                return self.fact.verify_before_launch
            case Standing.UNUSED:
                return not self.used
            case Standing.OPEN:
                return self.change is not None

    def has(self, words: str) -> bool:
        """Tell whether every word of a search stands in it."""
        said = f"{self.fact.key} {called(self.fact.key)} {self.fact.meaning} {self.reads}"
        # Numbers are shown with spaces that do not break; nobody types those.
        said = " ".join(said.split()).casefold()
        return all(word in said for word in words.casefold().split())


def rows(served: Served, changes: Collection[Change], today: date) -> Sequence[Row]:
    """Return every fact by its key."""
    opened = {one.item.key: one for one in changes if one.item.kind is ItemKind.FACT}
    seen = usage(served)
    mentioned = _mentioned(served)
    return [
        Row(
            fact,
            reads(served, fact),
            screens=len(seen.get(fact.key, ())),
            used=fact.key in seen or fact.key in mentioned,
            change=opened.get(fact.key),
            overdue=fact.is_overdue(today),
            soon=not fact.is_overdue(today) and fact.review_by - today <= SOON,
        )
        for fact in sorted(served.registry, key=lambda fact: fact.key)
    ]


def usage(served: Served) -> Mapping[str, frozenset[str]]:
    """Return the screens on which each fact is seen; facts that no screen shows are not in it."""
    found: dict[str, set[str]] = defaultdict(set)
    for screen in served.deck.screens.values():
        for text in (*screen.sources(), *(button.label for button in screen.buttons)):
            for key in served.registry.used_by(text):
                found[key].add(screen.id)
    return {key: frozenset(screens) for key, screens in found.items()}


def _mentioned(served: Served) -> frozenset[str]:
    """Return the facts that an interface word rests on."""
    words = served.deck.words.values()
    return frozenset(key for text in words for key in served.registry.used_by(text))


def reads(served: Served, fact: Fact, locale: str = "en") -> str:
    """Return the value of a fact as a visitor reads it."""
    try:
        return served.values.fill(f"{{{fact.key}}}", locale, RUNTIME)
    except HavnError:
        return str(fact.value)


def source_of(judge: Judge, served: Served, item: Item, value: Value) -> str:
    """Return a proposed or former value in words: of a sentence its source, to be compared."""
    try:
        fact = Fact.read(item.key, value)
        if fact.kind is Kind.SENTENCE:
            return str(fact.value)
        return reads(judge.with_value(item, value, served), fact)
    except (HavnError, KeyError, TypeError, AttributeError, ValueError):
        return str(value.get("value", ""))


def review_by(checked_on: date, *, safety: bool, confirmed: bool) -> date:
    """Return when a fact is to be looked at again."""
    return checked_on + (UNCONFIRMED_GOOD_FOR if safety and not confirmed else GOOD_FOR)


def called(key: str) -> str:
    """Return a key as a name people read."""
    words = ("CMM" if word == "cmm" else word for word in key.split("_"))
    name = " ".join(words)
    return name[:1].upper() + name[1:]


def stale_after(served: Served, item: Item, value: Value) -> Iterator[str]:
    """Yield the locales whose translation a new English sentence makes stale."""
    old = served.registry.facts.get(item.key)
    if old is None or old.kind is not Kind.SENTENCE or value.get("value") == old.value:
        return
    for locale in served.texts.locales:
        if locale != "en" and served.texts.get(f"fact:{item.key}", str(old.value), locale) != str(
            old.value
        ):
            yield locale
