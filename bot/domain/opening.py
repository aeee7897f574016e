"""How a chat opens, and in which locale it goes on."""

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.conversation import Choice, Conversation, Memory
from bot.domain.messages import Start
from bot.domain.screens import LANGUAGES, SAFE, Button, Tap
from bot.domain.step import Situation, Step, Turn, show
from bot.domain.triage import Understanding

# Deep links that open a branch: the word after the locale in ?start=da-pro (ux.md journey j).
BRANCHES: Mapping[str, str] = {
    "pro": "utter_public_professional",
    "press": "utter_press_numbers",
    "work": "utter_employer_guidance",
}


# A detector is only believed above this; below, the visitor's own locale stays.
LOCALE_CONFIDENCE = 0.9


def begin(conversation: Conversation, situation: Situation) -> Memory:
    """Return the memory to start from: after a pause only the language survives.

    Someone else may hold the phone by then, and must find nothing of before.
    """
    memory = conversation.memory
    if conversation.paused(situation.now):
        memory = lasting(memory)
    return memory


def lasting(memory: Memory) -> Memory:
    """Return what outlives a pause and hiding: language, daily cleaning, safe word and decoy."""
    return Memory(
        locale=memory.locale,
        chosen=memory.chosen,
        autoclean=memory.autoclean,
        safe_word=memory.safe_word,
        decoy=memory.decoy,
    )


def start(step: Step, event: Start) -> Turn:
    """Open the chat: a link's locale is a choice, a channel's hint is not."""
    memory = lasting(step.memory)
    if event.locale in step.situation.locales:
        memory = replace(memory, locale=event.locale, chosen=Choice.CHOSEN)
    elif not memory.locale and step.situation.hint in step.situation.locales:
        memory = replace(memory, locale=step.situation.hint, chosen=Choice.HINT)
    step = replace(step, memory=memory)
    if event.branch in BRANCHES:
        return show(step, BRANCHES[event.branch])
    return show(step, SAFE if memory.locale else LANGUAGES)


def settle_locale(step: Step, understanding: Understanding) -> tuple[Step, str]:
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


def offer_switch(turn: Turn, locale: str) -> Turn:
    """Add a button that switches the chat to the language the visitor typed."""
    if not locale or not turn.replies:
        return turn
    button = Button(f"{{language_{locale}}}", Tap("action_set_language", {"locale": locale}))
    last = turn.replies[-1]
    last = replace(last, extra=(*last.extra, button))
    return replace(turn, replies=(*turn.replies[:-1], last))
