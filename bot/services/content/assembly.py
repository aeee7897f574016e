"""From the shipped files and what was published to what is served."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.content import Bundle, Item, ItemKind, Value, translation
from bot.domain.errors import ContentError, HavnError
from bot.domain.facts import PLACEHOLDER, Fact, Kind, Registry
from bot.domain.screens import Deck, Screen
from bot.domain.wording import RUNTIME
from bot.i18n import Texts, Values
from bot.i18n.texts import SOURCE

_SLOTS = ("text", "web", "terminal", "topic")


@dataclass(frozen=True, slots=True)
class Served:
    """What the channels speak from."""

    deck: Deck
    registry: Registry
    texts: Texts
    values: Values

    def value(self, item: Item) -> Value | None:
        """Return the value of an item in the form it is edited in, None where there is none."""
        match item.kind:
            case ItemKind.FACT if item.key in self.registry:
                return self.registry[item.key].written()
            case ItemKind.SCREEN if item.key in self.deck:
                return self.deck[item.key].written()
            case ItemKind.WORD if item.key in self.deck.words:
                return {"text": self.deck.words[item.key]}
            case ItemKind.TEXT:
                return self._translated(item)
            case _:
                return None

    def source(self, item: Item) -> str | None:
        """Return the English text that a translation is of, None once it has changed or gone."""
        found = (s for c, s in sources(self) if c == item.context)
        return next((s for s in found if translation(item.locale, item.context, s) == item), None)

    def _translated(self, item: Item) -> Value | None:
        source = self.source(item)
        approved = source and self.texts.approved(item.context, source, item.locale)
        if not approved:
            return None
        return {"context": item.context, "source": source, "text": approved}


@dataclass(frozen=True, slots=True)
class Shipped:
    """What came with the program, and the settings its texts name."""

    deck: Deck
    registry: Registry
    texts: Texts
    said: Mapping[str, str]

    def under(self, bundle: Bundle) -> Served:
        """Return what is served once a bundle is on top; ContentError when it does not fit."""
        try:
            deck, registry = self._deck(bundle), self._registry(bundle)
            texts = self.texts.over(_translations(bundle), bundle.before)
            return Served(deck, registry, texts, Values(deck, registry, texts, self.said))
        except (HavnError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise ContentError("it holds something that cannot be shown") from error

    def fitting(self, bundle: Bundle) -> Bundle:
        """Return a bundle without what does not fit these files: they may be newer than it is.

        A fact of another kind than it has by now, and what cannot be read or shown any more, is
        left out, and the shipped value stands: all else that was published goes on.
        """
        values = {name: v for name, v in bundle.values.items() if self._reads(name, v)}
        while True:
            fitting = replace(bundle, values=values)
            lost = _unshowable(self.under(fitting), values)
            if not lost:
                return fitting
            values = {name: v for name, v in values.items() if name not in lost}

    def _reads(self, name: str, value: Value) -> bool:
        item = Item.parse(name)
        try:
            normal(item, value)
        except (HavnError, KeyError, TypeError, AttributeError, ValueError):
            return False
        shipped = self.registry.facts.get(item.key) if item.kind is ItemKind.FACT else None
        return shipped is None or shipped.kind == value["kind"]

    def _deck(self, bundle: Bundle) -> Deck:
        screens, words = dict(self.deck.screens), dict(self.deck.words)
        for item, value in _items(bundle):
            if item.kind is ItemKind.SCREEN:
                screens[item.key] = Screen.read(item.key, value)
            elif item.kind is ItemKind.WORD:
                words[item.key] = str(value["text"])
        return replace(self.deck, screens=screens, words=words)

    def _registry(self, bundle: Bundle) -> Registry:
        published = {
            item.key: Fact.read(item.key, value)
            for item, value in _items(bundle)
            if item.kind is ItemKind.FACT
        }
        return Registry({**self.registry.facts, **published})


def normal(item: Item, value: Value) -> Value:
    """Return a value in the form ``Served.value`` has: every part of its type, and no other parts.

    HavnError, KeyError, TypeError, AttributeError or ValueError where it cannot be read.
    """
    match item.kind:
        case ItemKind.FACT:
            return Fact.read(item.key, value).written()
        case ItemKind.SCREEN:
            return Screen.read(item.key, value).written()
        case ItemKind.WORD:
            return {"text": str(value["text"])}
        case _:
            return {part: str(value[part]) for part in ("context", "source", "text")}


def sources(served: Served) -> Iterator[tuple[str, str]]:
    """Yield every context and English text that is looked up; the same may come twice."""
    for screen in served.deck.screens.values():
        yield from ((screen.id, text) for text in screen.sources())
        yield from (("button", button.label) for button in screen.buttons)
        if screen.topic:
            yield "topic", screen.topic
    yield from (("button", button.label) for button in served.deck.fixed_row)
    yield from (("word", text) for text in served.deck.words.values())
    for fact in served.registry:
        if fact.kind is Kind.SENTENCE:
            yield f"fact:{fact.key}", str(fact.value)


def has_words(text: tuple[str, str]) -> bool:
    """Tell whether an English text of a context has words of its own to translate."""
    _, source = text
    own = re.search(r"[^\W\d_]", PLACEHOLDER.sub("", source))
    return bool(own) and not source.startswith("(lang")


def replaced(item: Item, old: Value | None, new: Value) -> Mapping[tuple[str, str], str]:
    """Return which English texts a change replaces: (context, new text) to the old text."""
    if old is None:
        return {}
    pairs: list[tuple[str, str, str]] = []
    if item.kind is ItemKind.FACT and new.get("kind") == Kind.SENTENCE:
        pairs.append((f"fact:{item.key}", str(new["value"]), str(old["value"])))
    if item.kind is ItemKind.WORD:
        pairs.append(("word", str(new["text"]), str(old["text"])))
    if item.kind is ItemKind.SCREEN:
        pairs += [
            ("topic" if slot == "topic" else item.key, str(new[slot]), str(old[slot]))
            for slot in _SLOTS
            if slot in new and slot in old
        ]
        pairs += _labels(old, new)
    return {(context, text): before for context, text, before in pairs if text != before}


def renamed(item: Item, value: Value, live: Served) -> Mapping[tuple[str, str], str]:
    """Return which texts a value replaces whose old translations are to stay for a while.

    A text that stands elsewhere already has translations of its own.
    """
    there = frozenset(sources(live))
    pairs = replaced(item, live.value(item), normal(item, value))
    return {new: old for new, old in pairs.items() if new not in there}


def _labels(old: Value, new: Value) -> Iterator[tuple[str, str, str]]:
    """Yield the labels of buttons that lead where they led and are called otherwise."""
    before = {(b["to"], b.get("set", "")): b["label"] for b in old.get("buttons", ())}
    for button in new.get("buttons", ()):
        called = before.get((button["to"], button.get("set", "")))
        if called is not None:
            yield "button", button["label"], called


def _unshowable(served: Served, values: Mapping[str, Value]) -> frozenset[str]:
    """Return the published facts and screens that name what is not there any more."""
    return frozenset(
        item.name
        for item in map(Item.parse, values)
        for text in _english(item, served)
        if not _is_filled(text, served)
    )


def _english(item: Item, served: Served) -> Sequence[str]:
    if item.kind is ItemKind.FACT:
        return (f"{{{item.key}}}",)
    if item.kind is ItemKind.SCREEN:
        shown = served.deck[item.key]
        return (*shown.sources(), *(button.label for button in shown.buttons))
    return ()


def _is_filled(text: str, served: Served) -> bool:
    """Tell whether something stands behind every placeholder; a conversation gives some."""
    try:
        served.values.fill(text, SOURCE, RUNTIME)
    except HavnError:
        return False
    return True


def _items(bundle: Bundle) -> Iterator[tuple[Item, Value]]:
    return ((Item.parse(name), value) for name, value in bundle.values.items())


def _translations(bundle: Bundle) -> Mapping[str, Mapping[tuple[str, str], str]]:
    found: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for item, value in _items(bundle):
        if item.kind is ItemKind.TEXT:
            found[item.locale][str(value["context"]), str(value["source"])] = str(value["text"])
    return found
