"""One turn: what the visitor did, and what Havn shows and does about it. Pure.

Order of evidence (ux.md 2.1): a button pressed, then explicit words, then the classifier.
"""

from bot.domain import decoy
from bot.domain.actions import ACTIONS, go
from bot.domain.conversation import Conversation
from bot.domain.effects import (
    AnswerTransfer,
    Ask,
    Autoclean,
    Effect,
    Forget,
    Heard,
    Hide,
    IssueCode,
    Offer,
    Redact,
    Release,
    Report,
    Withdraw,
)
from bot.domain.messages import Event, Media, Start, Tapped, Text
from bot.domain.notices import finish
from bot.domain.opening import BRANCHES, begin, start
from bot.domain.reading import is_code_word, read
from bot.domain.screens import (
    CARE,
    CODE_WORD,
    CONSENT,
    DANGER,
    FALLBACK,
    GIVE_UP,
    LANGUAGES,
    MENU,
    OFF_HOURS,
    RETURN_CODE,
    RETURN_CODE_ASK,
    RETURN_CODE_WRONG,
    SAFE,
    SAFE_WORD,
    SAFE_WORD_AGAIN,
)
from bot.domain.step import Situation, Step, Turn, show
from bot.domain.talking import hear
from bot.domain.triage import Level, Understanding

# The turn as its callers know it; what they need of its parts can be imported from here.
__all__ = [
    "ACTIONS",
    "BRANCHES",
    "CARE",
    "CODE_WORD",
    "CONSENT",
    "DANGER",
    "FALLBACK",
    "GIVE_UP",
    "LANGUAGES",
    "MENU",
    "OFF_HOURS",
    "RETURN_CODE",
    "RETURN_CODE_ASK",
    "RETURN_CODE_WRONG",
    "SAFE",
    "SAFE_WORD",
    "SAFE_WORD_AGAIN",
    "AnswerTransfer",
    "Ask",
    "Autoclean",
    "Effect",
    "Forget",
    "Heard",
    "Hide",
    "IssueCode",
    "Offer",
    "Redact",
    "Release",
    "Report",
    "Situation",
    "Turn",
    "Withdraw",
    "respond",
]


def respond(
    conversation: Conversation,
    event: Event,
    understanding: Understanding | None,
    situation: Situation,
) -> Turn:
    """Answer one event. ``understanding`` is given for texts, and only for texts."""
    memory = begin(conversation, situation)
    step = Step(memory, situation, new=conversation.is_new())
    if decoy.is_said(memory, event, situation):
        return decoy.turn_over(step)
    if memory.decoy:
        return decoy.play(step, event, understanding)
    match event:
        case Start():
            return finish(step, start(step, event))
        case Tapped(tap=tap):
            return finish(step, go(step, tap))
        case Media():
            return finish(step, show(step, "utter_media_received"))
        case Text(text=text):
            assert understanding is not None  # noqa: S101 -- the caller's contract, not input
            return _answer(step, text, understanding)


def _answer(step: Step, text: str, understanding: Understanding) -> Turn:
    """Answer typed words, or pass them on while a counsellor is there."""
    danger = understanding.assessment.level is Level.RED
    if step.memory.screen in (SAFE_WORD, SAFE_WORD_AGAIN) and not danger:
        return finish(step, decoy.choose(step, text, understanding))
    # A code word is asked for in secret: nobody must read it, the counsellor least of all.
    if step.situation.talks() and not is_code_word(step, understanding):
        return hear(step, understanding)
    return finish(step, read(step, text, understanding))
