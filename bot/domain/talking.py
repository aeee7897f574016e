"""While a counsellor holds the conversation: the program is silent, and the visitor's commands win.

Two things are said all the same. Explicit words of danger get the emergency numbers, once in a
talk: help may be faster than a person can type. And who writes while lines wait behind "Look for
answer" is told, neutrally, that there is something to look for.
"""

from bot.domain.effects import Heard
from bot.domain.screens import DANGER, PING, Tap
from bot.domain.step import Step, Turn, remember, show
from bot.domain.triage import Level, Understanding

# What a typed label may still do in a talk; every other word is meant for the counsellor.
COMMANDS = frozenset(
    {
        "action_hide",
        "action_forget",
        "action_leave_human",
        "action_pull",
        "action_set_language",
        "utter_choose_language",
        "utter_forget_confirm",
        "utter_hide_menu",
        "utter_human_cancelled",
        "utter_phone_numbers",
    }
)


def is_command(tap: Tap) -> bool:
    """Tell whether a typed label is obeyed in a talk."""
    return tap.to in COMMANDS


def hear(step: Step, understanding: Understanding) -> Turn:
    """Pass words on to the counsellor."""
    found = understanding.assessment
    plain = found.unread is Level.RED
    level = Level.RED if plain else found.level
    heard = Heard(level)
    if level is Level.RED and not step.memory.numbers_told:
        told = remember(step, numbers_told=True)
        screen = (found.unread_screen if plain else found.screen) or DANGER
        return show(told, screen, heard)
    handover = step.situation.handover
    if step.situation.held or (handover is not None and handover.hidden):
        return show(step, PING, heard)
    return Turn(step.memory, (), (heard,))
