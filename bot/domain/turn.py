"""One turn: what the visitor did, and what Havn shows and does about it. Pure.

Order of evidence (ux.md 2.1): a button pressed, then explicit words, then the classifier.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain import self_check
from bot.domain.conversation import Choice, Consent, Conversation, Memory, Notify
from bot.domain.handover import Handover, State
from bot.domain.messages import Event, Media, Reply, Start, Tapped, Text
from bot.domain.screens import Button, Deck, Tap
from bot.domain.triage import (
    CARE,
    DANGER,
    Flag,
    Level,
    Understanding,
    first_screen,
    offered_level,
)

MENU = "utter_main_menu"
SAFE = "utter_safe_to_talk"
LANGUAGES = "utter_choose_language"
CONSENT = "utter_human_consent"
CODE_WORD = "utter_human_code_word"
OFF_HOURS = "utter_queue_offhours"
FALLBACK = "utter_fallback_1"
GIVE_UP = "utter_fallback_2"
# Screens on which the notice about an unreviewed translation would stand in the way.
_NO_NOTICE = frozenset(
    {
        *(SAFE, LANGUAGES, DANGER, CARE, "utter_hide_done", "utter_forget_done"),
        "utter_police_card",  # held up to somebody else
    }
)
# Screens that the first menu replaces.
_ARRIVING = frozenset({SAFE, LANGUAGES})
_CARE_SCREENS = frozenset({CARE, "utter_suicide_stay", "utter_danger_offer_person", DANGER})
# Deep links that open a branch: the word after the locale in ?start=da-pro (ux.md journey j).
BRANCHES: Mapping[str, str] = {
    "pro": "utter_public_professional",
    "press": "utter_press_numbers",
    "work": "utter_employer_guidance",
}
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
# A detector is only believed above this; below, the visitor's own locale stays.
LOCALE_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a turn depends on besides the conversation and the event."""

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


@dataclass(frozen=True, slots=True)
class Offer:
    """A person in danger was offered a counsellor: staff get a signal without content."""

    level: Level


@dataclass(frozen=True, slots=True)
class Ask:
    """The visitor agreed to a counsellor. ``keep`` is true once they leave a message for later."""

    level: Level
    consent: Consent
    notify: Notify
    minor: bool
    code_word: str = ""
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The visitor wants no counsellor (any more)."""


@dataclass(frozen=True, slots=True)
class Hide:
    """Delete the messages on both sides and leave one neutral word."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Erase everything kept about the visitor."""


@dataclass(frozen=True, slots=True)
class Autoclean:
    """Switch the daily cleaning of the chat on or off."""

    on: bool


@dataclass(frozen=True, slots=True)
class RedactCodeWord:
    """Delete the question for a code word and its answer, so that nobody else learns of it."""


Effect = Offer | Ask | Withdraw | Hide | Forget | Autoclean | RedactCodeWord


@dataclass(frozen=True, slots=True)
class Turn:
    """The outcome: the memory to keep, the screens to show in order, and what else to do."""

    memory: Memory
    replies: tuple[Reply, ...] = ()
    effects: tuple[Effect, ...] = ()


def respond(
    conversation: Conversation,
    event: Event,
    understanding: Understanding | None,
    situation: Situation,
) -> Turn:
    """Answer one event. ``understanding`` is given for texts, and only for texts."""
    memory = _begin(conversation, situation)
    step = _Step(memory, situation, new=conversation.is_new())
    match event:
        case Start():
            return _finish(step, _start(step, event))
        case Tapped(tap=tap):
            return _finish(step, _go(step, tap))
        case Media():
            return _finish(step, _show(step, "utter_media_received"))
        case Text(text=text):
            assert understanding is not None  # noqa: S101 -- the caller's contract, not input
            return _finish(step, _read(step, text, understanding))


@dataclass(frozen=True, slots=True)
class _Step:
    """A turn under way."""

    memory: Memory
    situation: Situation
    new: bool = False
    locale: str = ""

    def speaking(self) -> str:
        """Return the locale to answer in."""
        return self.locale or self.memory.locale or self.situation.hint or "en"


def _begin(conversation: Conversation, situation: Situation) -> Memory:
    """Return the memory to start from: after a pause only the language survives.

    Someone else may hold the phone by then, and must find nothing of before.
    """
    memory = conversation.memory
    if conversation.paused(situation.now):
        memory = Memory(locale=memory.locale, chosen=memory.chosen, autoclean=memory.autoclean)
    return memory


def _finish(step: _Step, turn: Turn) -> Turn:
    """Add what every turn needs: the repeated line and the notice on drafts."""
    return _repeat_care(step, _tell_draft(step, turn))


def _tell_draft(step: _Step, turn: Turn) -> Turn:
    """Say once per session that nobody has checked this translation yet."""
    if turn.memory.draft_told or not turn.replies:
        return turn
    first = turn.replies[0]
    if first.locale not in step.situation.drafts or first.screen in _NO_NOTICE:
        return turn
    notice = Reply("utter_translation_unreviewed", first.locale)
    memory = replace(turn.memory, draft_told=True)
    if turn.effects and isinstance(turn.effects[0], Offer):
        return turn
    # The answer comes after the notice, so it is a new message and not an older one changed.
    answers = [replace(reply, on="") for reply in turn.replies]
    return replace(turn, memory=memory, replies=(notice, *answers))


def _repeat_care(step: _Step, turn: Turn) -> Turn:
    """End the next answer after ``utter_suicide_care`` with the line (ux.md journey g, step 3)."""
    if not turn.replies:
        return turn
    screen = turn.replies[-1].screen
    if screen == CARE:
        return replace(turn, memory=replace(turn.memory, care=True))
    if not step.memory.care or screen in _CARE_SCREENS or screen in _NO_NOTICE:
        return turn
    again = Reply("utter_suicide_again", turn.replies[-1].locale)
    return replace(turn, memory=replace(turn.memory, care=False), replies=(*turn.replies, again))


# --- showing ----------------------------------------------------------------------------------


def _show(step: _Step, screen: str, *effects: Effect, **values: str) -> Turn:
    """Show one screen and remember it."""
    situation = step.situation
    known = {"wait_estimate": situation.wait, "next_open_time": situation.next_open}
    filled = {name: text for name, text in {**known, **values}.items() if text}
    memory = step.memory
    reply = Reply(screen, step.speaking(), values=filled, on=situation.on if _leaves(step) else "")
    if screen != LANGUAGES:
        memory = replace(memory, screen=screen)
    if not self_check.is_question(screen):
        memory = replace(memory, sign=False)
    return Turn(memory, (reply,), effects)


def _leaves(step: _Step) -> bool:
    """Tell whether the present screen may be replaced: menus may, answers stay (T1)."""
    screen, deck = step.memory.screen, step.situation.deck
    return screen in _ARRIVING or (screen in deck and deck[screen].in_place)


# --- opening ----------------------------------------------------------------------------------


def _start(step: _Step, event: Start) -> Turn:
    """Open the chat: a link's locale is a choice, a channel's hint is not."""
    memory = Memory(
        locale=step.memory.locale, chosen=step.memory.chosen, autoclean=step.memory.autoclean
    )
    if event.locale in step.situation.locales:
        memory = replace(memory, locale=event.locale, chosen=Choice.CHOSEN)
    elif not memory.locale and step.situation.hint in step.situation.locales:
        memory = replace(memory, locale=step.situation.hint, chosen=Choice.HINT)
    step = replace(step, memory=memory)
    if event.branch in BRANCHES:
        return _show(step, BRANCHES[event.branch])
    return _show(step, SAFE if memory.locale else LANGUAGES)


# --- taps -------------------------------------------------------------------------------------


def _go(step: _Step, tap: Tap) -> Turn:
    """Follow a button. An unknown target leads to the menu: old buttons must never dead-end."""
    step = replace(step, memory=_carry(step.memory, tap))
    if tap.to in _ACTIONS:
        return _ACTIONS[tap.to](step, tap)
    if tap.to not in step.situation.deck or not _may_show(step, tap.to):
        return _show(step, MENU)
    if tap.to == MENU and step.memory.screen == DANGER:
        step = replace(step, memory=replace(step.memory, level=0))
    if tap.to in _ENTERING:
        return _ENTERING[tap.to](step)
    return _show(step, tap.to)


def _may_show(step: _Step, screen: str) -> bool:
    """Tell whether a tap may open a screen: what the program itself says cannot be forged."""
    deck = step.situation.deck
    return screen in deck.tappable or screen == SAFE or bool(deck[screen].intent)


def _carry(memory: Memory, tap: Tap) -> Memory:
    """Remember what a tap carries; values Havn does not know are ignored."""
    values = tap.values
    if values.get("consent") in set(Consent):
        memory = replace(memory, consent=Consent(values["consent"]))
    if values.get("notify") in set(Notify):
        memory = replace(memory, notify=Notify(values["notify"]))
    if values.get("minor") in ("yes", "no"):
        memory = replace(memory, minor=values["minor"] == "yes")
    if values.get("level") in ("red", "orange"):
        level = int(Level[values["level"].upper()])
        memory = replace(memory, level=max(memory.level, level))
    return memory


def _set_language(step: _Step, tap: Tap) -> Turn:
    """Switch for good, and show the present screen again in the new language."""
    locale = tap.values.get("locale", "")
    if locale not in step.situation.locales:
        return _show(step, "utter_language_missing")
    memory = replace(step.memory, locale=locale, chosen=Choice.CHOSEN)
    step = replace(step, memory=memory, locale=locale)
    return _show(step, memory.screen or SAFE)


def _answer_check(step: _Step, tap: Tap) -> Turn:
    """Take one answer of the self-check; only "a sign was seen" is kept, and only until the end."""
    question, answer = tap.values.get("q", ""), tap.values.get("answer", "")
    sign = step.memory.sign or self_check.is_sign(question, answer)
    screen = self_check.following(question, sign=sign)
    return _show(replace(step, memory=replace(step.memory, sign=sign)), screen)


def _queue_urgent(step: _Step, _tap: Tap) -> Turn:
    """Ask for a counsellor from a danger branch: the branch gives the level."""
    level = Level(step.memory.level) if step.memory.level else Level.RED
    memory = replace(step.memory, consent=Consent.ALL)
    return _queue(replace(step, memory=memory), level)


def _queue_open(step: _Step, _tap: Tap) -> Turn:
    """Ask for a counsellor after consent, without a code word."""
    return _queue(step, _asked_level(step.memory), RedactCodeWord())


def _asked_level(memory: Memory) -> Level:
    """Return the level of a wish to talk: yellow, orange for the young, or what a branch gave."""
    return max(Level(memory.level), Level.ORANGE if memory.minor else Level.YELLOW)


def _queue(step: _Step, level: Level, *effects: Effect, code_word: str = "") -> Turn:
    """Enter the queue, or offer to keep a place while nobody can write."""
    memory = step.memory
    if memory.consent is None:
        return _show(step, _consent_screen(memory))
    ask = Ask(level, memory.consent, memory.notify, memory.minor, code_word)
    screen = "utter_queue_wait" if step.situation.staffed else OFF_HOURS
    return _show(step, screen, ask, *effects)


def _keep_place(step: _Step) -> Turn:
    """Leave a message for the time when counsellors are back."""
    memory = step.memory
    if memory.consent is None:
        return _show(step, _consent_screen(memory))
    ask = Ask(_asked_level(memory), memory.consent, memory.notify, memory.minor, keep=True)
    return _show(step, "utter_queue_kept", ask)


def _consent_screen(memory: Memory) -> str:
    """Return the screen that asks for consent; the young hear first whom staff must tell."""
    return "utter_minor_limits" if memory.minor else CONSENT


def _ask_consent(step: _Step) -> Turn:
    """Ask for consent, unless the visitor waits already."""
    handover = step.situation.handover
    if handover and handover.state in (State.WAITING, State.LEFT_MESSAGE):
        return _look(step, Tap("action_pull"))
    return _show(step, _consent_screen(step.memory))


def _young_agreed(step: _Step) -> Turn:
    """Show the next question; someone under 18 who read the limits has agreed to new messages."""
    memory = step.memory
    if memory.consent is None:
        step = replace(step, memory=replace(memory, consent=Consent.NEW))
    return _show(step, "utter_human_notify")


def _look(step: _Step, _tap: Tap) -> Turn:
    """Look for an answer: say where the visitor stands."""
    handover = step.situation.handover
    if handover is None or handover.state is State.OFFERED:
        return _show(step, MENU)
    kept = handover.state is State.LEFT_MESSAGE
    return _show(step, "utter_queue_kept" if kept else "utter_queue_still_waiting")


def _cancel(step: _Step) -> Turn:
    """Leave the queue at once."""
    memory = replace(step.memory, consent=None, level=0)
    return _show(replace(step, memory=memory), "utter_human_cancelled", Withdraw())


def _hide(step: _Step, _tap: Tap) -> Turn:
    """Delete at once, without a question; the one word left behind is the effect's to send."""
    memory = replace(
        Memory(
            locale=step.memory.locale,
            chosen=step.memory.chosen,
            autoclean=step.memory.autoclean,
        ),
        screen="utter_hide_done",
    )
    return Turn(memory, (), (Hide(),))


def _forget(step: _Step, _tap: Tap) -> Turn:
    """Erase everything; the last word is said from memory once it is done."""
    return Turn(step.memory, (), (Forget(),))


def _show_in_danish(step: _Step, _tap: Tap) -> Turn:
    """Show the sentence for the police in Danish, to hold up on the screen."""
    return _show(replace(step, locale="da"), "utter_police_card")


_ACTIONS: Mapping[str, Callable[[_Step, Tap], Turn]] = {
    "action_set_language": _set_language,
    "action_check_next": _answer_check,
    "action_queue_urgent": _queue_urgent,
    "action_queue_open": _queue_open,
    "action_pull": _look,
    "action_hide": _hide,
    "action_forget": _forget,
    "action_show_in_danish": _show_in_danish,
    "action_copy_number": lambda step, _tap: _show(step, "utter_phone_numbers"),
    "action_autoclean_off": lambda step, _tap: _autoclean(step, on=False),
    "action_leave_human": lambda step, _tap: _cancel(step),
    "action_transfer_yes": lambda step, _tap: _show(step, MENU),
    "action_transfer_no": lambda step, _tap: _show(step, MENU),
    "action_option": lambda step, _tap: _show(step, MENU),
    "action_resend": lambda step, _tap: _show(step, step.memory.screen or MENU),
}
ACTIONS = frozenset(_ACTIONS)


def _autoclean(step: _Step, *, on: bool) -> Turn:
    """Switch the daily cleaning."""
    screen = "utter_autoclean_on" if on else "utter_autoclean_off"
    return _show(replace(step, memory=replace(step.memory, autoclean=on)), screen, Autoclean(on))


def _danger(step: _Step) -> Turn:
    """Show the numbers first; staff get a signal without content."""
    memory = replace(step.memory, level=int(Level.RED))
    return _show(replace(step, memory=memory), DANGER, Offer(Level.RED))


_ENTERING: Mapping[str, Callable[[_Step], Turn]] = {
    DANGER: _danger,
    CONSENT: _ask_consent,
    "utter_human_notify": _young_agreed,
    "utter_human_cancelled": _cancel,
    "utter_queue_kept": _keep_place,
    "utter_autoclean_on": lambda step: _autoclean(step, on=True),
}


# --- typed text -------------------------------------------------------------------------------


def _read(step: _Step, text: str, understanding: Understanding) -> Turn:
    """Answer typed words: danger first, then a code word if one was asked for, then NLU."""
    step, switch = _settle_locale(step, understanding)
    found = understanding.assessment
    level = offered_level(understanding)
    # A code word may well be "hammer": there, only explicit words are more than an answer.
    if step.memory.screen == CODE_WORD and found.screen is None:
        return _queue(step, _asked_level(step.memory), RedactCodeWord(), code_word=text)
    screen = first_screen(understanding)
    if screen is not None:
        return _offer_switch(_alarm(step, screen, level, found.flags), switch)
    step = _raise(step, level, only_age=understanding.intent == "minor")
    turn = _offer_switch(_mean(step, understanding), switch)
    if step.new and turn.replies and turn.replies[0].screen not in (SAFE, LANGUAGES):
        hello = Reply(SAFE, step.speaking())
        turn = replace(turn, replies=(hello, *turn.replies))
    return turn


def _alarm(step: _Step, screen: str, level: Level, flags: frozenset[Flag]) -> Turn:
    """Answer words of danger; the level is kept for the moment the visitor agrees to a person."""
    step = _raise(step, level, only_age=flags == {Flag.MINOR} and screen not in (DANGER, CARE))
    offer = (Offer(level),) if level is Level.RED else ()
    return _show(step, screen, *offer)


def _raise(step: _Step, level: Level, *, only_age: bool) -> _Step:
    """Keep a level for later. An age alone is kept as such: the visitor is still asked about it."""
    if only_age:
        return step
    memory = replace(step.memory, level=max(step.memory.level, int(level)))
    return replace(step, memory=memory)


def _settle_locale(step: _Step, understanding: Understanding) -> tuple[_Step, str]:
    """Answer in the typed language if it is supported; return also a locale to offer, once."""
    typed, memory = understanding.locale, step.memory
    sure = understanding.locale_confidence >= LOCALE_CONFIDENCE
    if not sure or typed not in step.situation.locales or typed == memory.locale:
        return step, ""
    if memory.chosen is not Choice.CHOSEN:
        memory = replace(memory, locale=typed, chosen=Choice.TYPED)
        return replace(step, memory=memory, locale=typed), ""
    offer = "" if memory.switch_offered else typed
    memory = replace(memory, switch_offered=True)
    return replace(step, memory=memory, locale=typed), offer


def _offer_switch(turn: Turn, locale: str) -> Turn:
    """Add a button that switches the chat to the language the visitor typed."""
    if not locale or not turn.replies:
        return turn
    button = Button(f"{{language_{locale}}}", Tap("action_set_language", {"locale": locale}))
    last = turn.replies[-1]
    last = replace(last, extra=(*last.extra, button))
    return replace(turn, replies=(*turn.replies[:-1], last))


def _mean(step: _Step, understanding: Understanding) -> Turn:
    """Follow what the NLU unit understood; without it, point to the buttons."""
    if not understanding.outcomes:
        if Flag.HUMAN in understanding.assessment.flags:
            return _ask_consent(step)
        return _show(step, "utter_return_neutral" if _returns(step) else "utter_nlu_off")
    outcome = understanding.outcomes[0]
    if outcome in (FALLBACK, GIVE_UP):
        return _fall_back(step, understanding.ranking)
    if _returns(step) and outcome == "utter_greet":
        return _show(step, "utter_return_neutral")
    if not _may_mean(step, outcome, understanding.intent):
        return _fall_back(step, understanding.ranking)
    return _follow(step, outcome, understanding.intent)


def _follow(step: _Step, outcome: str, intent: str) -> Turn:
    """Go where typed words lead."""
    if outcome == DANGER:
        # The numbers at once, but no signal to staff: that takes words of danger or a button.
        return _show(step, DANGER)
    tap = _meant_tap(step, outcome, intent)
    return _go(step, tap) if tap else _show(step, step.memory.screen)


def _may_mean(step: _Step, outcome: str, intent: str) -> bool:
    """Tell whether typed words may lead here: the NLU unit is trusted with topics, not with deeds.

    What has an effect must be offered by the screen the visitor answers. Hiding may be asked for
    anywhere, and whoever stops at the second question of the way to a person leaves it.
    """
    if outcome not in _DEEDS or _offers(step, outcome):
        return True
    if outcome == "action_hide":
        return intent == "hide_chat"
    return (step.memory.screen, outcome) == ("utter_human_notify", "utter_human_cancelled")


def _offers(step: _Step, target: str) -> bool:
    """Tell whether a button of the present screen leads to a target."""
    deck, screen = step.situation.deck, step.memory.screen
    return screen in deck and any(button.tap.to == target for button in deck[screen].buttons)


def _returns(step: _Step) -> bool:
    """Tell whether a new session begins in an old chat: somebody else may hold the phone."""
    return step.memory.screen == "" and not step.new


def _meant_tap(step: _Step, outcome: str, intent: str) -> Tap | None:
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


def _fall_back(step: _Step, ranking: tuple[tuple[str, float], ...]) -> Turn:
    """Offer the two best guesses as buttons, then a way out, never a third round (rule 15)."""
    if step.memory.screen == GIVE_UP:
        return _show(step, MENU)
    guesses: list[str] = []
    for intent, _confidence in ranking:
        screen = step.situation.deck.for_intent(intent)
        if screen and screen.id not in guesses:
            guesses.append(screen.id)
    if step.memory.screen == FALLBACK or len(guesses) < 2:  # noqa: PLR2004 -- the screen has two
        return _show(step, GIVE_UP)
    return _show(step, FALLBACK, option_1=guesses[0], option_2=guesses[1])
