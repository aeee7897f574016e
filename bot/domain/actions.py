"""What a pressed button does: show a screen, or act."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.domain import self_check
from bot.domain.asking import (
    answer_transfer,
    ask_consent,
    cancel,
    keep_place,
    leave,
    look,
    queue_open,
    queue_urgent,
    young_agreed,
)
from bot.domain.conversation import Choice, Consent, Memory, Notify
from bot.domain.effects import Autoclean, Forget, Hide, IssueCode, Offer
from bot.domain.opening import lasting
from bot.domain.reporting import REPORT, report
from bot.domain.return_code import AWAITED
from bot.domain.screens import (
    CONSENT,
    DANGER,
    MENU,
    NOT_SPOKEN,
    RETURN_CODE,
    RETURN_CODE_ASK,
    SAFE,
    Tap,
)
from bot.domain.step import Step, Turn, show, show_again
from bot.domain.triage import Level

_CONSENTS = frozenset(Consent)
_WAYS_TO_NOTIFY = frozenset(Notify)


def go(step: Step, tap: Tap) -> Turn:
    """Follow a button. An unknown target leads to the menu: old buttons must never dead-end."""
    step = replace(step, memory=_carry(step.memory, tap))
    if tap.to in _ACTIONS:
        return _ACTIONS[tap.to](step, tap)
    if tap.to not in step.situation.deck or not _may_show(step, tap.to):
        return show(step, MENU)
    if tap.to == MENU and step.memory.screen == DANGER:
        step = replace(step, memory=replace(step.memory, level=0))
    if tap.to in _ENTERING:
        return _ENTERING[tap.to](step)
    return show(step, tap.to)


def _may_show(step: Step, screen: str) -> bool:
    """Tell whether a tap may open a screen: what the program itself says cannot be forged."""
    deck = step.situation.deck
    if screen == RETURN_CODE_ASK:
        return step.situation.return_codes
    return screen in deck.tappable or screen == SAFE or bool(deck[screen].intent)


def _carry(memory: Memory, tap: Tap) -> Memory:
    """Remember what a tap carries; values Havn does not know are ignored."""
    values = tap.values
    if values.get("consent") in _CONSENTS:
        memory = replace(memory, consent=Consent(values["consent"]))
    if values.get("notify") in _WAYS_TO_NOTIFY:
        memory = replace(memory, notify=Notify(values["notify"]))
    if values.get("minor") in ("yes", "no"):
        memory = replace(memory, minor=values["minor"] == "yes")
    if values.get("level") in ("red", "orange"):
        level = int(Level[values["level"].upper()])
        memory = replace(memory, level=max(memory.level, level))
    return memory


def _set_language(step: Step, tap: Tap) -> Turn:
    """Switch for good, and show the present screen again in the new language."""
    locale = tap.values.get("locale", "")
    if locale not in step.situation.locales:
        return show(step, NOT_SPOKEN)
    memory = replace(step.memory, locale=locale, chosen=Choice.CHOSEN)
    step = replace(step, memory=memory, locale=locale)
    return show_again(step)


def _answer_check(step: Step, tap: Tap) -> Turn:
    """Take one answer of the self-check; only "a sign was seen" is kept, and only until the end."""
    question, answer = tap.values.get("q", ""), tap.values.get("answer", "")
    sign = step.memory.sign or self_check.is_sign(question, answer)
    screen = self_check.following(question, sign=sign)
    return show(replace(step, memory=replace(step.memory, sign=sign)), screen)


def _hide(step: Step, _tap: Tap) -> Turn:
    """Delete at once, without a question; the one word left behind is the effect's to send."""
    memory = replace(lasting(step.memory), screen="utter_hide_done")
    return Turn(memory, (), (Hide(),))


def _forget(step: Step, _tap: Tap) -> Turn:
    """Erase everything; the last word is said from memory once it is done."""
    return Turn(step.memory, (), (Forget(),))


def _issue_code(step: Step, _tap: Tap) -> Turn:
    """Give out a code to come back with, to somebody who has something to come back to."""
    situation = step.situation
    if not situation.return_codes or situation.state() not in AWAITED:
        return show(step, MENU)
    return Turn(replace(step.memory, screen=RETURN_CODE), (), (IssueCode(),))


def _show_in_danish(step: Step, _tap: Tap) -> Turn:
    """Show the sentence for the police in Danish, to hold up on the screen."""
    return show(replace(step, locale="da"), "utter_police_card")


def _autoclean(step: Step, *, on: bool) -> Turn:
    """Switch the daily cleaning."""
    screen = "utter_autoclean_on" if on else "utter_autoclean_off"
    return show(replace(step, memory=replace(step.memory, autoclean=on)), screen, Autoclean(on))


def _danger(step: Step) -> Turn:
    """Show the numbers first; staff get a signal without content."""
    memory = replace(step.memory, level=int(Level.RED))
    return show(replace(step, memory=memory), DANGER, Offer(Level.RED))


_ACTIONS: Mapping[str, Callable[[Step, Tap], Turn]] = {
    "action_set_language": _set_language,
    "action_check_next": _answer_check,
    "action_queue_urgent": queue_urgent,
    "action_queue_open": queue_open,
    "action_pull": look,
    "action_hide": _hide,
    "action_forget": _forget,
    "action_return_code": _issue_code,
    REPORT: report,
    "action_show_in_danish": _show_in_danish,
    "action_copy_number": lambda step, _tap: show(step, "utter_phone_numbers"),
    "action_autoclean_off": lambda step, _tap: _autoclean(step, on=False),
    "action_leave_human": leave,
    "action_transfer_yes": lambda step, _tap: answer_transfer(step, agreed=True),
    "action_transfer_no": lambda step, _tap: answer_transfer(step, agreed=False),
    "action_decoy_next": lambda step, _tap: show(step, MENU),
    "action_option": lambda step, _tap: show(step, MENU),
    "action_resend": lambda step, _tap: show_again(step),
}
ACTIONS = frozenset(_ACTIONS)

_ENTERING: Mapping[str, Callable[[Step], Turn]] = {
    DANGER: _danger,
    CONSENT: ask_consent,
    "utter_human_notify": young_agreed,
    "utter_human_cancelled": cancel,
    "utter_queue_kept": keep_place,
    "utter_autoclean_on": lambda step: _autoclean(step, on=True),
}
