"""The public page of facts: what visitors are told, where it was read, and when it was checked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import is_not
from urllib.parse import urlsplit

from bot.domain.facts import Fact, Kind, Source
from bot.domain.screens import Deck
from bot.i18n import Texts, Values

# The headings of the page, words of the deck, in the order in which people need what is under them.
_HEADINGS: Mapping[str, Sequence[Kind]] = {
    "facts_phones": (Kind.PHONE,),
    "facts_hours": (Kind.HOURS,),
    "facts_addresses": (Kind.URL, Kind.EMAIL),
    "facts_numbers": (Kind.NUMBER, Kind.DATE),
    "facts_names": (Kind.NAME,),
    "facts_sentences": (Kind.SENTENCE,),
}


@dataclass(frozen=True, slots=True)
class Cited:
    """A source as it is shown; ``href`` is "" where it is no page that may be opened."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact as visitors read it, in ``locale``: English where no translation is served."""

    reads: str
    locale: str
    meaning: str
    checked: str
    sources: Sequence[Cited]
    confirmed: bool


Facts = Callable[[str], Mapping[str, Sequence[Stated]]]
Served = tuple[Deck, Texts, Values]


class FactBook:
    """The facts that are served now, written out once in each locale until others are."""

    def __init__(self, served: Callable[[], Served]) -> None:
        self._served = served
        self._written_of: Served | None = None
        self._written: dict[str, Mapping[str, Sequence[Stated]]] = {}

    def __call__(self, locale: str) -> Mapping[str, Sequence[Stated]]:
        """Return the facts by heading, as they stand now."""
        now = self._served()
        if self._written_of is None or any(map(is_not, now, self._written_of)):
            self._written_of, self._written = now, {}
        if locale not in self._written:
            self._written[locale] = stated_facts(*now, locale)
        return self._written[locale]


def stated_facts(
    deck: Deck, texts: Texts, values: Values, locale: str
) -> Mapping[str, Sequence[Stated]]:
    """Return every fact that some screen or word shows, by the key of its heading.

    In the order of the registry, which keeps together what belongs together.
    """
    shown = values.registry.used_by(" ".join(_said(deck)))
    facts = [fact for fact in values.registry if fact.key in shown]
    return {
        heading: found
        for heading, kinds in _HEADINGS.items()
        if (found := [_stated(fact, texts, values, locale) for fact in facts if fact.kind in kinds])
    }


def _said(deck: Deck) -> Iterable[str]:
    """Yield every English text a visitor can read."""
    for screen in deck.screens.values():
        yield from screen.sources()
        yield screen.topic
        yield from (button.label for button in screen.buttons)
    yield from (button.label for button in deck.fixed_row)
    yield from deck.words.values()


def _stated(fact: Fact, texts: Texts, values: Values, locale: str) -> Stated:
    day = fact.checked_on.isoformat()
    return Stated(
        reads=values.fill(f"{{{fact.key}}}", locale, {"fact_reviewed_on": day}),
        locale=_written_in(fact, texts, locale),
        meaning=fact.meaning,
        checked=values.word("checked_on", locale, fact_reviewed_on=day),
        sources=[_cited(source) for source in fact.sources],
        confirmed=not fact.verify_before_launch,
    )


def _written_in(fact: Fact, texts: Texts, locale: str) -> str:
    if fact.kind is not Kind.SENTENCE:
        return locale
    english = str(fact.value)
    return "en" if texts.get(f"fact:{fact.key}", english, locale) == english else locale


def _cited(source: Source) -> Cited:
    """Return a link for a page under https; anything else, a document say, in words."""
    if urlsplit(source.url).scheme != "https":
        return Cited(f"{source.url}: {source.says}")
    return Cited(source.url.removeprefix("https://").rstrip("/"), source.url)
