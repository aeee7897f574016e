"""Danger said as plainly as it can be, in every language, read by the trained unit."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import yaml

from bot.adapters import catalog
from bot.adapters.nlu import SocketDialogue
from bot.domain.triage import Level, Understanding, assess, offered_level
from tests.conftest import ROOT

LISTS = yaml.safe_load((ROOT / "tests/nlu/dev/plain.yml").read_text(encoding="utf-8"))
_FOUND = 0.98
_WRITTEN_TOGETHER = ("th",)


def sentences(locale: str) -> Iterator[str]:
    """Yield what is done, with every time and two of the people who do it."""
    who, *rest = (LISTS[locale][name] for name in ("who", "does", "when"))
    between = "" if locale in _WRITTEN_TOGETHER else " "
    for turn, (does, when) in enumerate(product(*rest)):
        for one in (who[turn % len(who)], who[(turn + 3) % len(who)]):
            yield between.join(part for part in (one, does, when) if part)


@pytest.mark.nlu
@pytest.mark.parametrize("locale", sorted(LISTS))
async def test_what_is_done_to_somebody_is_danger_whoever_does_it_and_however_often(
    locale: str, nlu_socket: Path
) -> None:
    lexicons = catalog.read_lexicons(ROOT / "locales")
    unit = SocketDialogue(nlu_socket, deadline=5.0)
    missed = []
    for text in (asked := sorted(set(sentences(locale)))):
        meaning = await unit.interpret(text, "")
        read = Understanding(
            assess(text, lexicons),
            meaning.intent,
            danger=meaning.danger,
            self_harm=meaning.self_harm,
            danger_words=meaning.danger_words,
        )
        if offered_level(read) is not Level.RED:
            missed.append(text)
    await unit.close()
    assert len(missed) <= (1 - _FOUND) * len(asked), missed


def test_every_language_has_its_lists() -> None:
    assert set(LISTS) == {path.stem for path in (ROOT / "tests/nlu").glob("*.jsonl")}
