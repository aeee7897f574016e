"""What the press is told: every number is a fact with a source; screens say year and source."""

import re
from collections.abc import Iterator

import pytest

from bot.domain.facts import PLACEHOLDER, Kind
from bot.domain.screens import Screen
from tests.support import deck

LOCALES = deck.renderer().texts.locales
REGISTRY = deck.renderer().registry
_NUMBER = re.compile(r"stats_\w+")
_YEAR = re.compile(r"year_\d{4}|stats(_\w+)?_year")
_SOURCE = re.compile(r"stats(_\w+)?_source")
# Says itself that its two numbers are unconfirmed and from the news.
_NEWER = "stats_newer_note"


def numbers_in(text: str) -> set[str]:
    return {key for key in REGISTRY.used_by(text) if REGISTRY[key].kind is Kind.NUMBER}


def led_to() -> Iterator[Screen]:
    """Yield the screen of the intent, and those with statistics that its buttons lead to."""
    first = deck.deck().for_intent("press_numbers")
    assert first is not None
    open_, seen = [first], {first.id}
    while open_:
        screen = open_.pop()
        yield screen
        for button in screen.buttons:
            target = deck.deck().screens.get(button.tap.to)
            if target and target.id not in seen and statistics_of(target):
                seen.add(target.id)
                open_.append(target)


def statistics_of(screen: Screen) -> set[str]:
    return {key for key in numbers_in(" ".join(screen.sources())) if _NUMBER.fullmatch(key)}


SCREENS = sorted(led_to(), key=lambda screen: screen.id)


def test_every_screen_with_statistics_is_led_to() -> None:
    found = {screen.id for screen in deck.deck().screens.values() if statistics_of(screen)}
    assert {screen.id for screen in SCREENS} == found
    assert len(found) == 4


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.id)
def test_no_number_is_typed(screen: Screen, locale: str) -> None:
    texts = deck.renderer().texts
    for source in screen.sources():
        said = [texts.get(screen.id, source, locale)]
        for key in REGISTRY.used_by(source):
            fact = REGISTRY[key]
            if fact.kind is Kind.SENTENCE:
                said.append(texts.get(f"fact:{key}", str(fact.value), locale))
        for text in said:
            assert not re.search(r"\d", PLACEHOLDER.sub("", text)), text
            assert all(
                key in REGISTRY or key == "fact_reviewed_on" for key in PLACEHOLDER.findall(text)
            )


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.id)
def test_every_number_has_a_source_which_the_screen_names(screen: Screen) -> None:
    for text in screen.sources():
        named = [key for key in PLACEHOLDER.findall(text) if _SOURCE.fullmatch(key)]
        assert named
        pages = {source.url for key in named for source in REGISTRY[key].sources}
        for key in numbers_in(text.replace(f"{{{_NEWER}}}", "")):
            own = {source.url for source in REGISTRY[key].sources}
            assert own & pages, key
        for key in numbers_in(text):
            assert all(source.url and source.says for source in REGISTRY[key].sources)
            assert REGISTRY[key].sources


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.id)
def test_year_and_source_are_said_in_every_locale(screen: Screen, locale: str) -> None:
    texts = deck.renderer().texts
    for source in screen.sources():
        template = texts.get(screen.id, source, locale)
        used = PLACEHOLDER.findall(template)
        assert any(_SOURCE.fullmatch(key) for key in used)
        for key in used:
            fact = REGISTRY.facts.get(key)
            if fact and fact.kind is Kind.SENTENCE and numbers_in(str(fact.value)):
                said = texts.get(f"fact:{key}", str(fact.value), locale)
                assert any(_YEAR.fullmatch(one) for one in PLACEHOLDER.findall(said)), key
        direct = {key for key in used if key in REGISTRY and REGISTRY[key].kind is Kind.NUMBER}
        assert not direct or any(_YEAR.fullmatch(key) for key in used)
