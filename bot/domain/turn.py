"""One turn: what the visitor did, and what Havn shows and does about it. Pure.

Order of evidence (ux.md 2.1): a button pressed, then explicit words, then the classifier.
"""

from collections.abc import Mapping

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
    Offer,
    Redact,
    Release,
    Withdraw,
)
from bot.domain.messages import Event, Media, Start, Tapped, Text
from bot.domain.notices import finish
from bot.domain.opening import BRANCHES, begin, start
from bot.domain.reading import read
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
    SAFE,
    SAFE_WORD,
    SAFE_WORD_AGAIN,
)
from bot.domain.step import Situation, Step, Turn, Understanding, show
from bot.domain.talking import hear
from bot.domain.triage import Assessment, Level

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
    "Offer",
    "Redact",
    "Release",
    "Situation",
    "Turn",
    "Understanding",
    "Withdraw",
    "confirmed_danger",
    "first_screen",
    "offered_level",
    "respond",
]

# What the classifier may offer: it can raise a level to orange, never to red, and never lower one
# (ux.md 2.1, order of evidence; the levels are those of table 2.2).
_INTENT_LEVELS: Mapping[str, Level] = {
    "danger_now": Level.ORANGE,
    "suicide": Level.ORANGE,
    "minor": Level.ORANGE,
    "threats_family": Level.ORANGE,
    "leaving_soon": Level.ORANGE,
    "documents_taken": Level.YELLOW,
    "unpaid_work": Level.YELLOW,
    "debt": Level.YELLOW,
    "forced_sex": Level.YELLOW,
    "talk_to_human": Level.YELLOW,
}
# Words near danger and a meaning at least this likely are RED together. Measured: docs/triage.md.
_DANGER_LIKELY = 0.12
_SELF_HARM_LIKELY = 0.2


def offered_level(
    assessment: Assessment, intent: str, ranking: tuple[tuple[str, float], ...] = ()
) -> Level:
    """Return the level a text calls for; nothing lowers what explicit words say.

    The classifier alone raises to orange; together with words near danger, to red. Where nobody
    read the meaning (``intent`` is empty), such words are orange.
    """
    if confirmed_danger(assessment, ranking):
        return Level.RED
    unread = not intent and (assessment.danger_words or assessment.self_harm_words)
    words = Level.ORANGE if unread else Level.GREY
    return max(assessment.level, words, _INTENT_LEVELS.get(intent, Level.GREY))


def confirmed_danger(assessment: Assessment, ranking: tuple[tuple[str, float], ...]) -> str | None:
    """Return the screen for danger that two evidences show: words, and what the text means."""
    chance = dict(ranking)
    danger, self_harm = chance.get("danger_now", 0.0), chance.get("suicide", 0.0)
    if (assessment.danger_words and danger >= _DANGER_LIKELY) or (
        assessment.self_harm_words and danger + self_harm >= _SELF_HARM_LIKELY
    ):
        return CARE if self_harm > danger else DANGER
    return None


def first_screen(understanding: Understanding) -> str | None:
    """Return the screen that danger calls for before anything else; None where there is none.

    Explicit words come first, then words and meaning together, then, where nobody read the
    meaning, the words alone. The question about age stands behind all of these.
    """
    found = understanding.assessment
    if found.level is Level.RED:
        return found.screen
    if confirmed := confirmed_danger(found, understanding.ranking):
        return confirmed
    if found.screen not in (None, "utter_minor_check") or understanding.intent:
        return found.screen
    if found.danger_words:
        return DANGER
    return CARE if found.self_harm_words else found.screen


def respond(
    conversation: Conversation,
    event: Event,
    understanding: Understanding | None,
    situation: Situation,
) -> Turn:
    """Answer one event. ``understanding`` is given for texts, and only for texts."""
    memory = begin(conversation, situation)
    step = Step(memory, situation, new=conversation.is_new())
    if decoy.is_said(step, event):
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
    if step.situation.talks():
        return hear(step, understanding)
    found, ranking = understanding.assessment, understanding.ranking
    level = offered_level(found, understanding.intent, ranking)
    screen = first_screen(understanding)
    return finish(step, read(step, text, understanding, level=level, screen=screen))
