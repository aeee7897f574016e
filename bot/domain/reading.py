"""What typed words lead to: danger first, then a code word if one was asked for, then meaning."""

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.actions import go
from bot.domain.asking import ask_consent, asked_level, queue
from bot.domain.effects import Offer, Redact
from bot.domain.foreign import is_foreign
from bot.domain.messages import Reply
from bot.domain.opening import offer_switch, settle_locale
from bot.domain.screens import (
    CARE,
    CODE_WORD,
    DANGER,
    FALLBACK,
    GIVE_UP,
    LANGUAGES,
    MENU,
    NOT_SPOKEN,
    OFFER_PERSON,
    SAFE,
    Tap,
)
from bot.domain.step import Step, Turn, show, show_again
from bot.domain.triage import Flag, Level, Understanding, first_screen, offered_level

# What a typed yes, no or skip means where a screen offers several buttons to one target.
# A bare yes to "what may they see" takes the narrower consent.
_POLARITY: Mapping[str, Mapping[str, str]] = {
    "affirm": {"answer": "yes", "notify": "push", "consent": "new"},
    "deny": {"answer": "no", "notify": "pull"},
    "skip": {"answer": "skip", "notify": "pull"},
}
# What does more than show words. A unit that is broken or lies must not reach it by itself.
_DEEDS = frozenset(
    {
        "action_hide",
        "action_forget",
        "action_queue_urgent",
        "action_queue_open",
        "action_leave_human",
        "action_autoclean_off",
        "utter_autoclean_on",
        "utter_human_notify",
        "utter_human_code_word",
        "utter_human_cancelled",
        "utter_queue_kept",
    }
)

# What the unit answers in danger, also to words it does not understand.
_URGENT = frozenset({DANGER, CARE, OFFER_PERSON})


def read(step: Step, text: str, understanding: Understanding) -> Turn:
    """Answer typed words: danger first, then a code word if one was asked for, then NLU.

    Of a language that nobody here speaks the unit's guess is worth nothing: it is told so.
    """
    level, screen = offered_level(understanding), first_screen(understanding)
    step, switch = settle_locale(step, understanding)
    if is_code_word(step, understanding):
        return queue(step, asked_level(step.memory), Redact(CODE_WORD), code_word=text)
    if screen is not None:
        return offer_switch(_alarm(step, screen, level, understanding.assessment.flags), switch)
    step = _raise(step, level, only_age=understanding.intent == "minor")
    if _is_lost(step, text, understanding):
        turn = show(step, NOT_SPOKEN)
    else:
        turn = offer_switch(_mean(step, understanding), switch)
    if step.new and turn.replies and turn.replies[0].screen not in (SAFE, LANGUAGES):
        hello = Reply(SAFE, step.speaking())
        turn = replace(turn, replies=(hello, *turn.replies))
    return turn


def is_code_word(step: Step, understanding: Understanding) -> bool:
    """Tell whether this answers the question for a code word.

    It may well be "hammer": there, only plain words of danger are more than an answer.
    """
    found = understanding.assessment
    in_danger = found.screen is not None or found.unread is Level.RED
    return step.memory.screen == CODE_WORD and not in_danger


def _alarm(step: Step, screen: str, level: Level, flags: frozenset[Flag]) -> Turn:
    """Answer words of danger; the level is kept for the moment the visitor agrees to a person."""
    step = _raise(step, level, only_age=flags == {Flag.MINOR} and screen not in (DANGER, CARE))
    offer = (Offer(level),) if level is Level.RED else ()
    return show(step, screen, *offer)


def _raise(step: Step, level: Level, *, only_age: bool) -> Step:
    """Keep a level for later. An age alone is kept as such: the visitor is still asked about it."""
    if only_age:
        return step
    memory = replace(step.memory, level=max(step.memory.level, int(level)))
    return replace(step, memory=memory)


def _is_lost(step: Step, text: str, understanding: Understanding) -> bool:
    """Tell whether a text is in no language of ours, and asks for nothing that outranks that."""
    urgent = not _URGENT.isdisjoint(understanding.outcomes[:1])
    asks = Flag.HUMAN in understanding.assessment.flags
    return not (urgent or asks or _returns(step)) and is_foreign(text, understanding)


def _mean(step: Step, understanding: Understanding) -> Turn:
    """Follow what the NLU unit understood; without it, point to the buttons."""
    if not understanding.outcomes:
        if Flag.HUMAN in understanding.assessment.flags:
            return ask_consent(step)
        return show(step, "utter_return_neutral" if _returns(step) else "utter_nlu_off")
    outcome = understanding.outcomes[0]
    if outcome in (FALLBACK, GIVE_UP):
        return _fall_back(step, understanding.ranking)
    if _returns(step) and outcome == "utter_greet":
        return show(step, "utter_return_neutral")
    if not _may_mean(step, outcome, understanding.intent):
        return _fall_back(step, understanding.ranking)
    return _follow(step, outcome, understanding.intent)


def _follow(step: Step, outcome: str, intent: str) -> Turn:
    """Go where typed words lead."""
    if outcome == DANGER:
        # The numbers at once, but no signal to staff: that takes words of danger or a button.
        return show(step, DANGER)
    tap = _meant_tap(step, outcome, intent)
    return go(step, tap) if tap else show_again(step)


def _may_mean(step: Step, outcome: str, intent: str) -> bool:
    """Tell whether typed words may lead here: the NLU unit is trusted with topics, not with deeds.

    What has an effect must be offered by the screen the visitor answers. Hiding may be asked for
    anywhere, and whoever stops at the second question of the way to a person leaves it.
    """
    if outcome not in _DEEDS or _offers(step, outcome):
        return True
    if outcome == "action_hide":
        return intent == "hide_chat"
    return (step.memory.screen, outcome) == ("utter_human_notify", "utter_human_cancelled")


def _offers(step: Step, target: str) -> bool:
    """Tell whether a button of the present screen leads to a target."""
    deck, screen = step.situation.deck, step.memory.screen
    return screen in deck and any(button.tap.to == target for button in deck[screen].buttons)


def _returns(step: Step) -> bool:
    """Tell whether a new session begins in an old chat: somebody else may hold the phone."""
    return step.memory.screen == "" and not step.new


def _meant_tap(step: Step, outcome: str, intent: str) -> Tap | None:
    """Return the tap an outcome stands for on the present screen, with the values it carries.

    None where the screen asks something that this answer does not answer.
    """
    deck, screen = step.situation.deck, step.memory.screen
    if screen not in deck:
        return Tap(outcome)
    taps = [b.tap for b in deck[screen].buttons if b.tap.to == outcome]
    if len(taps) == 1:
        return taps[0]
    wanted = _POLARITY.get(intent, {})
    for tap in taps:
        if any(tap.values.get(name) == value for name, value in wanted.items()):
            return tap
    return None if outcome == "action_check_next" else Tap(outcome)


def _fall_back(step: Step, ranking: tuple[tuple[str, float], ...]) -> Turn:
    """Offer the two best guesses as buttons, then a way out, never a third round (rule 15)."""
    if step.memory.screen == GIVE_UP:
        return show(step, MENU)
    guesses: list[str] = []
    for intent, _confidence in ranking:
        screen = step.situation.deck.for_intent(intent)
        if screen and screen.id not in guesses:
            guesses.append(screen.id)
    if step.memory.screen == FALLBACK or len(guesses) < 2:  # noqa: PLR2004 -- the screen has two
        return show(step, GIVE_UP)
    return show(step, FALLBACK, option_1=guesses[0], option_2=guesses[1])
