"""Whether a proposed value may be published, said in words an editor understands.

The same judgement is made when somebody saves, when somebody approves, and once more by the signer,
which believes nobody.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from bot.domain import wording
from bot.domain.content import NOTHING, Item, ItemKind, Value, canonical
from bot.domain.content.bundle import linked
from bot.domain.content.guard import is_guarded
from bot.domain.errors import HavnError
from bot.domain.facts import PLACEHOLDER, Fact, Kind
from bot.domain.screens import Screen
from bot.domain.wording import Finding, Limits
from bot.services.content import rules
from bot.services.content.assembly import Served, Shipped, renamed

# In bytes of JSON. The longest screen that is shipped takes about 2,000.
LARGEST = 8_000
# What only the program may decide about a screen that is there already.
_KEPT = ("audience", "intent", "in_place", "journeys")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found: ``errors`` forbid, ``hints`` only advise."""

    errors: tuple[Finding, ...] = ()
    hints: tuple[Finding, ...] = ()
    guarded: bool = False

    @property
    def passes(self) -> bool:
        """Tell whether the value may go on."""
        return not self.errors


@dataclass(frozen=True, slots=True)
class Judge:
    """Holds values to the rules of the shipped files.

    ``glossary`` returns the part of a locale; ``hosts`` may be named by addresses besides those
    the shipped facts and their sources name.
    """

    shipped: Shipped
    glossary: Callable[[str], Mapping[str, Any]] = field(repr=False)
    hosts: frozenset[str] = frozenset()

    @property
    def limits(self) -> Limits:
        """Return the limits of the deck."""
        return Limits.read(self.shipped.deck.meta["limits"])  # type: ignore[arg-type]

    def judge(self, item: Item, value: Value, live: Served, today: date) -> Judgement:
        """Return what is wrong with a value of an item, given what is live and the day."""
        where = item.name
        try:
            if len(canonical(value)) > LARGEST:
                return Judgement((Finding(where, "length", "too long: shorten it"),))
            errors = [*_unseen(where, value), *self._errors(item, value, live, today)]
            if errors:
                return Judgement(tuple(dict.fromkeys(errors)))
            shown = tuple(dict.fromkeys(self._shown(item, value, live)))
            hints = tuple(self._hints(item, value, live))
            guarded = is_guarded(item, value, live.deck, live.registry)
        except (
            HavnError,
            LookupError,
            TypeError,
            AttributeError,
            ValueError,
            OSError,
            ArithmeticError,
        ):
            says = "this is not complete, or not of the form it must have"
            return Judgement((Finding(where, "form", says),))
        return Judgement(shown, hints, guarded)

    def _errors(self, item: Item, value: Value, live: Served, today: date) -> Iterator[Finding]:
        match item.kind:
            case ItemKind.FACT:
                yield from self._fact(Fact.read(item.key, value), live, today)
            case ItemKind.SCREEN:
                yield from self._screen(Screen.read(item.key, value), live)
            case ItemKind.WORD:
                yield from self._word(item, str(value["text"]), live)
            case ItemKind.TEXT:
                yield from self._translation(item, value, live)
            case _:
                yield Finding(item.name, "form", "this cannot be edited")

    # --- facts ---

    def _fact(self, new: Fact, live: Served, today: date) -> Iterator[Finding]:
        where = f"facts.{new.key}"
        yield from rules.fact_errors(new, live.registry)
        if new.value == "":
            yield Finding(where, "value", "there is no value")
        if new.checked_on > today:
            yield Finding(where, "checked on", "the day it was checked lies ahead")
        if new.key in live.registry and live.registry[new.key].kind is not new.kind:
            yield Finding(where, "kind", "a fact stays what it is: make a new one instead")
        if new.kind is Kind.URL and urlsplit(str(new.value)).hostname not in self._hosts():
            says = "this site is not on the list of allowed sites: ask the operator to add it"
            yield Finding(where, "url", says)
        if new.key not in live.registry and self._is_taken(new.key):
            yield Finding(where, "key", "this name is taken: choose another")
        old = live.registry[new.key].sources if new.key in live.registry else ()
        for source in set(new.sources) - set(old):
            if not source.url.startswith(("https://", "document:")):
                says = "a source is an address that begins with https://"
                yield Finding(where, "source", says)

    def _is_taken(self, key: str) -> bool:
        """Tell whether the program puts something of its own where a fact of this name would."""
        own = {*wording.RUNTIME, *self.shipped.said, "supported_languages"}
        return key in own or key.startswith("language_")

    def _hosts(self) -> frozenset[str | None]:
        named = [s.url for fact in self.shipped.registry for s in fact.sources]
        named += [str(f.value) for f in self.shipped.registry if f.kind is Kind.URL]
        return self.hosts | {urlsplit(one).hostname for one in named}

    # --- English ---

    def _screen(self, new: Screen, live: Served) -> Iterator[Finding]:
        old = live.deck.screens.get(new.id)
        deck = replace(live.deck, screens={**live.deck.screens, new.id: new})
        audiences = live.deck.meta.get("audiences", {})
        if not isinstance(audiences, Mapping) or new.audience not in audiences:
            yield Finding(new.id, "audience", "choose who the screen is for")
        if old and any(getattr(new, part) != getattr(old, part) for part in _KEPT):
            says = "who it is for and what it answers cannot be changed here"
            yield Finding(new.id, "form", says)
        if not new.text.strip():
            yield Finding(new.id, "text", "there is no text")
        yield from rules.screen_words(new, deck, self.limits)
        yield from rules.number_near(new, deck, live.registry)
        yield from rules.dead_ends(new, deck)
        yield from rules.carried(new, old)
        known = {*self.shipped.said, *_runtime(old)}
        for text in (*new.sources(), *(button.label for button in new.buttons), new.topic):
            yield from _unknown(new.id, text, live, known)

    def _word(self, item: Item, text: str, live: Served) -> Iterator[Finding]:
        if item.key not in live.deck.words:
            yield Finding(item.name, "form", "there is no such word")
            return
        if not text.strip():
            yield Finding(item.name, "text", "there is no text")
        yield from rules.interface_word(item.key, text, live.deck)
        yield from wording.placeholders_differ(item.name, live.deck.words[item.key], text)

    # --- translations ---

    def _translation(self, item: Item, value: Value, live: Served) -> Iterator[Finding]:
        source, text = live.source(item), str(value["text"])
        if source is None or value["source"] != source or value["context"] != item.context:
            says = "the English text has changed: translate the new one"
            yield Finding(item.name, "stale", says)
            return
        if not text.strip():
            yield Finding(item.name, "text", "there is no text")
        part = self.glossary(item.locale)
        yield from rules.translated(
            item.name, item.context, source, text, live.deck, self.limits, part
        )

    # --- what a visitor would see ---

    def _shown(self, item: Item, value: Value, live: Served) -> Iterator[Finding]:
        after = self.with_value(item, value, live)
        renderer = rules.undated(after.deck, after.texts, after.values)
        locales = [item.locale] if item.locale else list(after.texts.locales)
        screens = sorted(screens_of(item, after))
        yield from rules.rendered(renderer, screens, locales, self.limits)
        key = item.key if item.kind is ItemKind.FACT else item.context.removeprefix("fact:")
        if item.kind is ItemKind.FACT or item.context.startswith("fact:"):
            yield from rules.written_out(key, after.values, locales)

    def with_value(self, item: Item, value: Value, live: Served) -> Served:
        """Return what would be served with one more value; ContentError if it does not fit."""
        base = Shipped(live.deck, live.registry, live.texts, self.shipped.said)
        before = linked(live.texts.before, renamed(item, value, live))
        return base.under(replace(NOTHING, values={item.name: value}, before=before))

    def _hints(self, item: Item, value: Value, live: Served) -> Iterator[Finding]:
        if item.kind is ItemKind.TEXT:
            source, text = str(value["source"]), str(value["text"])
            if text.strip() == source.strip():
                yield Finding(item.name, "same", "it is the same as the English text")
            yield from self._glossary(item, source, text)
        if item.kind is ItemKind.SCREEN:
            after = self.with_value(item, value, live)
            yield from set(rules.unreachable(after.deck)) - set(rules.unreachable(live.deck))

    def _glossary(self, item: Item, source: str, text: str) -> Iterator[Finding]:
        """Advise where an English term is there and its word in the glossary is not."""
        for term in self.glossary(item.locale).get("terms", ()):
            english, own = str(term["en"]), str(term.get(item.locale, ""))
            words = f" {' '.join(wording.words(source.casefold()))} "
            if own and f" {english.casefold()} " in words and own.casefold() not in text.casefold():
                yield Finding(item.name, "glossary", f"“{english}” is usually “{own}”")


def screens_of(item: Item, served: Served) -> frozenset[str]:
    """Return the screens on which an item is seen."""
    match item.kind:
        case ItemKind.SCREEN:
            return frozenset({item.key})
        case ItemKind.FACT:
            return _using(item.key, served)
        case ItemKind.TEXT:
            return _showing(item, served)
        case _:
            return frozenset()


def _using(key: str, served: Served) -> frozenset[str]:
    return frozenset(
        screen.id
        for screen in served.deck.screens.values()
        for text in (*screen.sources(), *(button.label for button in screen.buttons))
        if key in served.registry.used_by(text)
    )


def _showing(item: Item, served: Served) -> frozenset[str]:
    if item.context in served.deck:
        return frozenset({item.context})
    if item.context.startswith("fact:"):
        return _using(item.context.removeprefix("fact:"), served)
    if item.context == "button":
        source = served.source(item)
        screens = served.deck.screens.values()
        return frozenset(s.id for s in screens if any(b.label == source for b in s.buttons))
    return frozenset()


def _runtime(screen: Screen | None) -> frozenset[str]:
    """Return what only the program knows and a screen says already: nothing else may be added."""
    if screen is None:
        return frozenset()
    texts = (*screen.sources(), *(button.label for button in screen.buttons))
    return frozenset(key for text in texts for key in PLACEHOLDER.findall(text))


def _unknown(where: str, text: str, live: Served, known: Iterable[str]) -> Iterator[Finding]:
    rest = PLACEHOLDER.sub("", text)
    if "{" in rest or "}" in rest:
        yield Finding(where, "placeholder", "a brace that belongs to no placeholder")
    for key in PLACEHOLDER.findall(text):
        if key not in live.registry and key not in known:
            yield Finding(where, "placeholder", f"there is no fact {key}")


def _unseen(where: str, value: object) -> Iterator[Finding]:
    """Find characters that nobody sees, and markup, in every text of a value."""
    if isinstance(value, str):
        yield from wording.invisible(where, value)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _unseen(where, part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _unseen(where, part)
