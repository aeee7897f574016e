"""What there is to translate and to edit, one unit for each, as the lists of the desk show it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.content import Change, Item, ItemKind, Value, screen, translation, word
from bot.i18n.texts import SOURCE, Status
from bot.services.content.assembly import Served, has_words, replaced, sources


@dataclass(frozen=True, slots=True)
class Unit:
    """An English text in a context, and the item that is edited for a locale.

    ``words`` are what there is in the locale so far, "" for nothing; in English it is the text.
    """

    item: Item
    context: str
    source: str
    words: str
    status: Status


def units(served: Served, locale: str) -> Sequence[Unit]:
    """Return every unit of a locale in the order of the deck, each once."""
    if locale == SOURCE:
        return list(_english(served))
    texts = filter(has_words, dict.fromkeys(sources(served)))
    return [
        Unit(
            translation(locale, context, source),
            context,
            source,
            so_far(served, context, source, locale),
            served.texts.status(context, source, locale),
        )
        for context, source in texts
    ]


def so_far(served: Served, context: str, source: str, locale: str) -> str:
    """Return what a translator begins with: what is approved, else a draft, else an older text."""
    texts = served.texts
    found = texts.approved(context, source, locale) or texts.draft(context, source, locale)
    return found or texts.older(context, source, locale)[1]


def _english(served: Served) -> Iterator[Unit]:
    for one in served.deck.screens.values():
        yield Unit(screen(one.id), one.id, one.text, one.text, Status.LIVE)
    for key, text in served.deck.words.items():
        yield Unit(word(key), "word", text, text, Status.LIVE)


def leading_to(served: Served, id_: str) -> Sequence[str]:
    """Return the screens whose own buttons lead to a screen."""
    return [
        one.id
        for one in served.deck.screens.values()
        if any(button.tap.to == id_ for button in one.buttons)
    ]


def made_stale(served: Served, item: Item, value: Value) -> Sequence[str]:
    """Return the locales in which a new English value leaves a translation behind."""
    pairs = replaced(item, served.value(item), value)
    return [
        locale
        for locale in served.texts.locales
        if locale != SOURCE and any(_has_words_for(served, pair, locale) for pair in pairs.items())
    ]


def _has_words_for(served: Served, pair: tuple[tuple[str, str], str], locale: str) -> bool:
    (context, new), old = pair
    kept = {Status.LIVE, Status.DRAFT}
    return (
        served.texts.status(context, new, locale) not in kept
        and served.texts.status(context, old, locale) in kept
    )


def newer(served: Served, item: Item, source: str) -> Item | None:
    """Return the translation that took the place of one whose English text has changed."""
    after: Mapping[tuple[str, str], str] = {
        (context, old): new for (context, new), old in served.texts.before.items()
    }
    seen: set[str] = set()
    while (next_ := after.get((item.context, source))) is not None and next_ not in seen:
        seen.add(next_)
        source = next_
    found = translation(item.locale, item.context, source)
    return found if seen and served.source(found) is not None else None


def source_of(served: Served, item: Item, *changes: Change) -> str | None:
    """Return the English text of a translation, also one that was replaced while it was worked on.

    None where there never was one that anybody here knows of.
    """
    known = [served.source(item), *(str(one.value.get("source", "")) for one in changes)]
    return next((s for s in known if s and is_of(item, s)), None)


def is_of(item: Item, source: str) -> bool:
    """Tell whether an item is the translation of an English text."""
    return item.kind is ItemKind.TEXT and translation(item.locale, item.context, source) == item
