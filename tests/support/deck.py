"""The shipped deck, facts and words, read once for all tests."""

from functools import cache
from pathlib import Path

from bot.adapters import catalog
from bot.bootstrap import make_renderer
from bot.domain.screens import Deck
from bot.domain.triage import Lexicon
from bot.services.reply import Renderer
from bot.settings import Settings
from tests.support.fakes import OPEN

ROOT = Path(__file__).parents[2]


@cache
def deck() -> Deck:
    return catalog.read_deck(ROOT / "locales" / "deck.yml")


@cache
def _words(*, drafts: bool) -> tuple[Renderer, tuple[Lexicon, ...]]:
    return make_renderer(Settings(root=ROOT, allow_drafts=drafts))


def words(*, drafts: bool = True) -> tuple[Renderer, tuple[Lexicon, ...]]:
    """Return the shipped words under a renderer of their own: publishing changes what it serves.

    Its day is one on which no shipped fact is past its review date.
    """
    shared, lexicons = _words(drafts=drafts)
    return Renderer(shared.deck, shared.texts, shared.values, OPEN.date), lexicons


def renderer(*, drafts: bool = True) -> Renderer:
    return words(drafts=drafts)[0]
