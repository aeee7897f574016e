"""A turn under way: what it depends on, what it comes to, and how it shows a screen."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.domain import self_check
from bot.domain.conversation import Memory
from bot.domain.effects import Effect
from bot.domain.handover import Handover, State
from bot.domain.messages import Reply
from bot.domain.return_code import code_buttons
from bot.domain.screens import (
    JOINED,
    KEPT,
    KEPT_IN_HOURS,
    LANGUAGES,
    MENU,
    OFFER_PERSON,
    OFFER_YOUNG,
    RETURN_CODE,
    SAFE,
    Deck,
)

# Screens that say an alias or a code, which is known only when they are first shown.
_NAMING = frozenset({JOINED, RETURN_CODE, "utter_human_transfer"})
# Screens that the first menu replaces.
_ARRIVING = frozenset({SAFE, LANGUAGES})


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a turn depends on besides the conversation and the event.

    ``next_open`` is when the hours begin next, empty inside of them: then somebody may come at any
    time. ``held`` counts what a counsellor wrote and the visitor has not seen. ``meant`` is the
    text a visitor finds wrong, where they say so. ``hash_word`` is a keyed hash, so that a secret
    word can be compared and never kept.
    """

    deck: Deck
    now: datetime
    locales: tuple[str, ...]
    drafts: frozenset[str] = frozenset()
    handover: Handover | None = None
    staffed: bool = False
    wait: str = ""
    next_open: str = ""
    hint: str = ""
    on: str = ""
    held: int = 0
    meant: Reply | None = None
    return_codes: bool = False
    hash_word: Callable[[str], str] = field(default=str, repr=False)

    def talks(self) -> bool:
        """Tell whether a counsellor holds the conversation now: then the program is silent."""
        return self.handover is not None and self.handover.is_held(self.now)

    def state(self) -> State | None:
        """Return where the request stands; one whose counsellor was lost waits again."""
        if self.handover is None:
            return None
        return State.WAITING if self.handover.has_lapsed(self.now) else self.handover.state


@dataclass(frozen=True, slots=True)
class Turn:
    """The outcome: the memory to keep, the screens to show in order, and what else to do."""

    memory: Memory
    replies: tuple[Reply, ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A turn under way."""

    memory: Memory
    situation: Situation
    new: bool = False
    locale: str = ""

    def speaking(self) -> str:
        """Return the locale to answer in."""
        return self.locale or self.memory.locale or self.situation.hint or "en"


def remember(step: Step, **changes: Any) -> Step:
    """Return the step with fields of its memory changed."""
    return replace(step, memory=replace(step.memory, **changes))


def show(step: Step, screen: str, *effects: Effect, **values: str) -> Turn:
    """Show one screen and remember it."""
    situation = step.situation
    known = {"wait_estimate": situation.wait, "next_open_time": situation.next_open}
    filled = {name: text for name, text in {**known, **values}.items() if text}
    memory = step.memory
    extra = code_buttons(screen, situation.state()) if situation.return_codes else ()
    on = situation.on if _leaves(step) else ""
    reply = Reply(_true_here(step, screen), step.speaking(), values=filled, extra=extra, on=on)
    if screen != LANGUAGES:
        memory = replace(memory, screen=screen)
    if not self_check.is_question(screen):
        memory = replace(memory, sign=False)
    return Turn(memory, (reply,), effects)


def _true_here(step: Step, screen: str) -> str:
    """Return the screen that says the same as another in words that are true for this visitor.

    Its buttons are the same, so that the conversation remembers the other.
    """
    if screen == KEPT and not step.situation.next_open:
        return KEPT_IN_HOURS
    if screen == OFFER_PERSON and step.memory.minor:
        return OFFER_YOUNG
    return screen


def show_again(step: Step) -> Turn:
    """Show the present screen once more; what was said only once is not said again."""
    screen = step.memory.screen
    if screen in _NAMING:
        screen = "utter_human_nothing_new" if step.situation.talks() else MENU
    return show(step, screen or SAFE)


def _leaves(step: Step) -> bool:
    """Tell whether the present screen may be replaced: menus may, answers stay (T1)."""
    screen, deck = step.memory.screen, step.situation.deck
    return screen in _ARRIVING or (screen in deck and deck[screen].in_place)
