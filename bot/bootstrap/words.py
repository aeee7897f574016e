"""Words and facts: read, checked at the start, kept at what was published last."""

import gc
from collections.abc import Collection, Mapping
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

from bot.adapters import catalog
from bot.adapters.clock import SystemClock
from bot.adapters.signing import LastGoodFile, Verifier
from bot.domain import turn
from bot.domain.errors import ConfigurationError, DeckError, FactError
from bot.domain.hours import WeekHours
from bot.domain.messages import Channel, Reply
from bot.domain.screens import REPORT_DONE, REPORT_NOTHING
from bot.domain.triage import CARE, DANGER, Lexicon
from bot.i18n import Texts, Values
from bot.i18n.values import COPENHAGEN
from bot.logs import logger
from bot.ports import Clock
from bot.services.content import Judge, Library, Shipped
from bot.services.reply import Renderer
from bot.settings import Settings

log = logger(__name__)


# Screens the program shows by itself: a deck without one of them would fail when it matters.
_NEEDED = frozenset(
    {
        *(turn.MENU, turn.SAFE, turn.LANGUAGES, DANGER, CARE, turn.CONSENT),
        *(turn.CODE_WORD, turn.OFF_HOURS, turn.FALLBACK, turn.GIVE_UP, *turn.BRANCHES.values()),
        *("utter_error", "utter_hide_done", "utter_forget_done", "utter_phone_numbers"),
        *("utter_nlu_off", "utter_return_neutral", "utter_media_received", "utter_minor_limits"),
        *("utter_queue_wait", "utter_queue_kept", "utter_queue_still_waiting"),
        *("utter_queue_kept_in_hours", "utter_danger_offer_young"),
        "utter_human_parked",
        *("utter_human_cancelled", "utter_human_notify", "utter_language_missing"),
        *("utter_suicide_again", "utter_translation_unreviewed", "utter_police_card"),
        *("utter_autoclean_on", "utter_autoclean_off", "utter_minor_check"),
        *("utter_check_some_signs", "utter_check_no_signs"),
        *(turn.RETURN_CODE, turn.RETURN_CODE_ASK, turn.RETURN_CODE_WRONG),
        *(REPORT_DONE, REPORT_NOTHING),
        *("utter_web_interruption", "utter_web_session_closed", "utter_web_not_sent"),
    }
)
# Something for every placeholder that is only known at run time.
SAMPLES = {
    "wait_estimate": "10-20",
    "next_open_time": "2026-01-05T08:00:00+00:00",
    "staff_alias": "A",
    "transfer_reason": "transfer_shift",
    "return_code": "one two three four five six seven",
    "option_1": turn.MENU,
    "option_2": turn.MENU,
}


def locales_folder(settings: Settings) -> Path:
    """Return the folder of words; ConfigurationError when Havn runs outside its own folder."""
    folder = settings.root / "locales"
    if not (folder / "deck.yml").is_file():
        raise ConfigurationError(
            f"{folder} holds no deck.yml: run havn from its own folder, or set HAVN_ROOT to it"
        )
    return folder


def make_renderer(
    settings: Settings, clock: Clock | None = None
) -> tuple[Renderer, tuple[Lexicon, ...]]:
    """Read the shipped words and facts; the clock tells which facts are past their review date.

    A language is offered only when its words of danger are known: whoever cries for help in it must
    be heard without the NLU unit too.
    """
    lexicons = catalog.read_lexicons(locales_folder(settings))
    heard = {lexicon.locale for lexicon in lexicons}
    return renderer_of(settings, heard, clock or SystemClock()), lexicons


def renderer_of(settings: Settings, heard: Collection[str], clock: Clock) -> Renderer:
    """Read the shipped words and facts in the languages that are heard."""
    folder = locales_folder(settings)
    deck, registry = (
        catalog.read_deck(folder / "deck.yml"),
        catalog.read_facts(folder / "facts.yml"),
    )
    texts = Texts.load(folder, allow_drafts=settings.allow_drafts, among=heard)
    values = Values(deck, registry, texts, settings.said())
    renderer = Renderer(deck, texts, values, partial(_today, clock))
    _refuse_what_cannot_be_shown(renderer)
    return renderer


def _today(clock: Clock) -> date:
    return clock.now().astimezone(COPENHAGEN).date()


def _refuse_what_cannot_be_shown(renderer: Renderer) -> None:
    """Find damage at the start and not when somebody needs the screen; ConfigurationError."""
    if lost := _NEEDED - renderer.deck.screens.keys():
        raise DeckError(f"locales/deck.yml lacks {', '.join(sorted(lost))}")
    if not isinstance(renderer.registry["chat_hours"].value, WeekHours):
        raise FactError("locales/facts.yml: chat_hours must be opening hours")
    for screen in renderer.deck.screens.values():
        for channel in (Channel.TELEGRAM, *map(Channel, screen.variants)):
            try:
                renderer.render(Reply(screen.id, "en", SAMPLES), channel)
            except FactError as error:
                raise FactError(f"{screen.id} cannot be shown: {error}") from None


def make_lasting_renderer(settings: Settings, clock: Clock) -> tuple[Renderer, tuple[Lexicon, ...]]:
    """Load the words for the life of the process.

    The garbage collector need not look at them again: each full look would stop Havn for 90 ms.
    """
    words = make_renderer(settings, clock)
    gc.freeze()
    return words


def open_library(
    settings: Settings, renderer: Renderer, *, kept: str = "last-good.json"
) -> Library:
    """Return what serves published words, with the last good ones in force."""
    shipped = Shipped(renderer.deck, renderer.registry, renderer.texts, settings.said())
    folder = settings.content_folder
    library = Library(
        shipped, renderer, Verifier(folder / "signer.pub"), LastGoodFile(folder / kept)
    )
    library.open()
    return library


def make_judge(settings: Settings, library: Library) -> Judge:
    """Return what holds proposed texts and facts to the rules."""

    @cache
    def glossary() -> Mapping[str, Any]:
        return catalog.read_glossary(locales_folder(settings))

    return Judge(library.shipped, lambda locale: glossary().get(locale, {}), settings.linked_hosts)
