"""What texts, facts and translations are held to, before an editor saves and in ``havn check``."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from functools import cache
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from pyphen import Pyphen

from bot.domain import decoy, turn, wording
from bot.domain.errors import HavnError
from bot.domain.facts import PLACEHOLDER, Fact, Kind, Registry
from bot.domain.hours import WeekHours
from bot.domain.messages import Channel, Reply
from bot.domain.screens import Deck, Screen
from bot.domain.triage import DANGER
from bot.domain.wording import RUNTIME, Finding, Limits
from bot.i18n import Texts
from bot.i18n.values import COPENHAGEN, Values
from bot.services.reply import Renderer

PHONE = "utter_phone_numbers"
_PHONES = frozenset({"cmm_phone", "emergency_phone", "suicide_line_phone", "child_line_phone"})
# What a conversation gives a screen; the day of review comes from its facts, or not at all.
_GIVEN = {name: value for name, value in RUNTIME.items() if name != "fact_reviewed_on"}
STRICT_AUDIENCES = frozenset({"all", "person", "web", "staff_to_person"})
_E164 = re.compile(r"\+\d{8,15}|1\d{2,5}")
# Six digits or more as they are dialled; a span of years looks like one.
_TYPED_NUMBER = re.compile(r"\d(?:[\s.()-]*\d){5}")
_YEARS = re.compile(r"\b(?:19|20)\d\d-(?:19|20)\d\d\b")
_EMAIL = re.compile(r"[a-z0-9._+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+")


# --- English ----------------------------------------------------------------------------------


def screen_words(screen: Screen, deck: Deck, limits: Limits) -> Iterator[Finding]:
    """Find what is wrong with the English words of one screen and its labels."""
    allowed = [re.compile(pattern) for pattern in listed(deck.meta, "digits_allowed")]
    banned = listed(deck.meta, "forbidden_words") if screen.audience in STRICT_AUDIENCES else []
    for text in screen.sources():
        yield from wording.too_long(screen.id, text, limits.template, "template length")
        yield from wording.long_sentences(screen.id, text, limits.sentence_words)
        yield from wording.typed_digits(screen.id, text, allowed)
        yield from wording.markup(screen.id, text)
        yield from wording.forbidden(screen.id, text, banned)
        reading = grade(text, limits)
        if reading is not None and reading > limits.grade_each:
            says = f"reading grade {reading:.1f}; at most {limits.grade_each}"
            yield Finding(screen.id, "reading grade", says)
    for label in [*(button.label for button in screen.buttons), screen.topic]:
        yield from wording.too_long(screen.id, label, limits.label, "label length")
        yield from wording.typed_digits(screen.id, label, allowed)
        yield from wording.markup(screen.id, label)
        yield from wording.forbidden(screen.id, label, banned)


def interface_word(key: str, text: str, deck: Deck) -> Iterator[Finding]:
    """Find what is wrong with an English interface word."""
    allowed = [re.compile(pattern) for pattern in listed(deck.meta, "digits_allowed")]
    yield from wording.markup(f"words.{key}", text)
    yield from wording.typed_digits(f"words.{key}", text, allowed)


def grade(text: str, limits: Limits) -> float | None:
    """Return the reading grade of an English text, None where it is too short to have one."""
    own = wording.words(PLACEHOLDER.sub(" ", text))
    if len(own) < limits.grade_min_words:
        return None
    return wording.grade(text, {word.casefold(): _syllables(word.casefold()) for word in own})


@cache
def _syllables(word: str) -> int:
    return len(_hyphens().positions(word)) + 1


@cache
def _hyphens() -> Pyphen:
    return Pyphen(lang="en_US")


def mean_grade(deck: Deck, limits: Limits) -> Iterator[Finding]:
    """Find a deck that is too hard to read as a whole."""
    found = (grade(text, limits) for screen in deck.screens.values() for text in screen.sources())
    grades = [one for one in found if one is not None]
    mean = sum(grades) / max(1, len(grades))
    if mean > limits.grade_mean:
        says = f"mean reading grade {mean:.1f}; at most {limits.grade_mean}"
        yield Finding("deck.yml", "reading grade", says)


# --- where buttons lead -----------------------------------------------------------------------


def carried(screen: Screen, old: Screen | None) -> Iterator[Finding]:
    """Find buttons that do what the program never meant, or that are missing where they must be.

    What a button carries, such as a consent, means something on the screens it was made for.
    """
    taps = [button.tap.encode() for button in screen.buttons]
    before = [button.tap.encode() for button in old.buttons] if old else []
    for tap in taps:
        if " " in tap and tap not in before:
            yield Finding(screen.id, "button", "only the program decides what a button carries")
    for tap in before:
        acts = " " in tap or tap.startswith("action_")
        if acts and tap not in taps:
            says = "a button that does something is gone: it can only be named otherwise or moved"
            yield Finding(screen.id, "button", says)


def dead_ends(screen: Screen, deck: Deck) -> Iterator[Finding]:
    """Find buttons that lead nowhere."""
    for button in (*screen.buttons, *deck.row_under(screen.id)):
        if button.tap.to not in deck and button.tap.to not in turn.ACTIONS:
            yield Finding(screen.id, "button", f"{button.tap.to} is no screen and no action")


def number_near(screen: Screen, deck: Deck, registry: Registry) -> Iterator[Finding]:
    """Find a screen from which no number is shown or one tap away (invariant 1)."""
    targets = {b.tap.to for b in (*screen.buttons, *deck.row_under(screen.id))}
    near = {DANGER, PHONE, turn.MENU, decoy.NUMBERS} & targets
    shown = all(registry.used_by(text) & _PHONES for text in screen.sources())
    excused = screen.audience == "staff_to_person" or screen.id in listed(
        deck.meta, "no_number_screens"
    )
    if not near and not shown and not excused:
        yield Finding(screen.id, "numbers", "no phone number within one tap")


def unreachable(deck: Deck) -> Iterator[Finding]:
    """Find screens no visitor can get to."""
    limits: Any = deck.meta["limits"]
    reached = _reach(deck, int(limits["taps_from_menu"])) | {decoy.NUMBERS}
    shown_by_program = set(listed(deck.meta, "event_only"))
    for screen in deck.screens.values():
        staff = screen.audience == "staff_to_person"
        if screen.id not in reached and screen.id not in shown_by_program and not staff:
            yield Finding(screen.id, "reach", "no button leads here within the allowed taps")


def _reach(deck: Deck, taps: int) -> set[str]:
    reached = frontier = {turn.MENU}
    for _ in range(taps):
        frontier = {
            button.tap.to
            for screen in frontier
            for button in (*deck[screen].buttons, *deck.row_under(screen))
            if button.tap.to in deck
        } - reached
        reached = reached | frontier
    return reached


# --- facts ------------------------------------------------------------------------------------


def fact_errors(fact: Fact, registry: Registry) -> Iterator[Finding]:
    """Find what is wrong with a fact."""
    where = f"facts.{fact.key}"
    if not fact.sources and fact.value != "":
        yield Finding(where, "source", "a fact needs a source")
    if fact.review_by < fact.checked_on:
        yield Finding(where, "review", "the review date lies before the day it was checked")
    yield from _value_errors(fact, registry)


def _value_errors(fact: Fact, registry: Registry) -> Iterator[Finding]:
    where, value = f"facts.{fact.key}", str(fact.value)
    match fact.kind:
        case Kind.PHONE if not _E164.fullmatch(value):
            yield Finding(where, "phone", "write +45… without spaces, or a short number")
        case Kind.EMAIL if not _EMAIL.fullmatch(value):
            yield Finding(where, "email", "write an address such as name@example.dk")
        case Kind.URL if urlsplit(value).scheme != "https":
            yield Finding(where, "url", "an address begins with https://")
        case Kind.HOURS if isinstance(fact.value, WeekHours):
            yield from _hours(where, fact.value)
        case Kind.NUMBER if not math.isfinite(float(value)):
            yield Finding(where, "number", "write a number")
        case Kind.NAME:
            yield from wording.markup(where, value)
            if _TYPED_NUMBER.search(_YEARS.sub("", value)):
                yield Finding(where, "digits", "a phone number is a fact of its own, not a name")
        case Kind.SENTENCE:
            yield from wording.typed_digits(where, value, [])
            yield from wording.markup(where, value)
            yield from unknown_placeholders(where, value, registry)


def _hours(where: str, hours: WeekHours) -> Iterator[Finding]:
    if hours.zone != COPENHAGEN:
        yield Finding(where, "hours", "hours are written in Danish time")
    if not hours.always and not any(hours.days.values()):
        yield Finding(where, "hours", "it is never open: write at least one time")
    for day, spans in hours.days.items():
        for earlier, later in pairwise(spans):
            if earlier.closes == time(0) or earlier.closes > later.opens:
                yield Finding(where, "hours", f"{day}: write the times in order, without overlap")


def unknown_placeholders(
    where: str, text: str, registry: Registry, more: Iterable[str] = ()
) -> Iterator[Finding]:
    """Find placeholders that nothing stands behind; ``more`` are those of settings."""
    known = {*RUNTIME, *more}
    for key in PLACEHOLDER.findall(text):
        if key not in registry and key not in known:
            yield Finding(where, "placeholder", f"there is no fact {key}")


# --- translations -----------------------------------------------------------------------------


def translated(
    where: str,
    context: str,
    source: str,
    text: str,
    deck: Deck,
    limits: Limits,
    glossary: Mapping[str, Any],
) -> Iterator[Finding]:
    """Find what is wrong with a translation; ``glossary`` is the part of its locale."""
    allowed = [re.compile(pattern) for pattern in listed(glossary, "digits_allowed")]
    yield from wording.placeholders_differ(where, source, text)
    yield from wording.typed_digits(where, text, allowed)
    yield from wording.markup(where, text)
    if context in ("button", "topic"):
        yield from wording.too_long(where, text, limits.label, "label length")
    if context in deck:
        yield from wording.too_long(where, text, limits.template, "template length")
        yield from wording.long_sentences(where, text, limits.sentence_words)
        if deck[context].audience in STRICT_AUDIENCES:
            yield from wording.forbidden(where, text, listed(glossary, "forbidden_words"))


# --- what is shown ----------------------------------------------------------------------------


def undated(deck: Deck, texts: Texts, values: Values) -> Renderer:
    """Return a renderer to measure with: no text is too long because a review is late."""
    return Renderer(deck, texts, values, lambda: date.min)


def rendered(
    renderer: Renderer, screens: Sequence[str], locales: Iterable[str], limits: Limits
) -> Iterator[Finding]:
    """Render screens in locales on every channel, as a visitor would see them."""
    for locale in locales:
        for screen in screens:
            for channel in Channel:
                where = f"{screen} ({locale}, {channel})"
                try:
                    bubble = renderer.render(Reply(screen, locale, values=_GIVEN), channel)
                except HavnError as error:
                    yield Finding(where, "placeholder", str(error))
                    continue
                yield from wording.too_long(where, bubble.text, limits.rendered, "rendered length")
                if PLACEHOLDER.search(bubble.text):
                    yield Finding(where, "placeholder", "a placeholder was left unfilled")


def written_out(key: str, values: Values, locales: Iterable[str]) -> Iterator[Finding]:
    """Write a fact out by itself, as a page of all facts does, and as any screen may tomorrow."""
    for locale in locales:
        try:
            values.fill(f"{{{key}}}", locale, {})
        except HavnError as error:
            yield Finding(f"facts.{key} ({locale})", "placeholder", str(error))


def listed(data: Any, key: str) -> list[str]:
    """Return a list of words from a part of a shipped file; empty where there is none."""
    return [str(one) for one in (data or {}).get(key, [])]
