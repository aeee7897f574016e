from collections.abc import Iterator, Mapping

import pytest
import yaml

from bot.i18n.texts import read_catalog
from tests.support.deck import ROOT

LOCALES = ROOT / "locales"
GLOSSARY: Mapping[str, Mapping[str, list[dict[str, str]]]] = yaml.safe_load(
    (LOCALES / "glossary.yml").read_text("utf-8")
)


def terms() -> Iterator[tuple[str, str, str]]:
    for locale, rules in GLOSSARY.items():
        for term in rules.get("terms", []):
            yield locale, term["en"], term[locale]


@pytest.mark.parametrize(("locale", "english", "word"), [*terms()])
def test_a_term_is_the_word_that_the_texts_use(locale: str, english: str, word: str) -> None:
    catalog = read_catalog(LOCALES / locale / "LC_MESSAGES" / "deck.po", locale)

    used = [m for m in catalog if m.id and english.casefold() in str(m.id).casefold()]
    assert any(word.casefold() in str(m.string).casefold() for m in used)


def test_a_term_stands_in_the_glossary_once() -> None:
    found = [(locale, english) for locale, english, _ in terms()]

    assert len(found) == len(set(found))
