"""The safe word: one word that turns the chat into a harmless page about Danish words.

Said in any state, it deletes the chat on both sides and stops what would be sent. From then on
whatever is written or pressed shows the next card, until the word is said again. The page holds
emergency numbers as any page for newcomers does, so they stay one tap away; words of danger show
them at once. What is typed meanwhile is wiped: somebody else may be typing.
"""

from collections.abc import Callable
from dataclasses import replace

from bot.domain.conversation import Memory
from bot.domain.effects import Forget, Hide, Redact
from bot.domain.messages import Event, Tapped, Text
from bot.domain.opening import lasting
from bot.domain.screens import SAFE_WORD_AGAIN, Tap
from bot.domain.step import Situation, Step, Turn, remember, show
from bot.domain.triage import Level, Understanding

CARDS = tuple(f"utter_decoy_{number}" for number in range(1, 6))
NUMBERS = "utter_decoy_numbers"
# A shorter word would be typed by accident.
SHORTEST = 4
_NEXT = "action_decoy_next"


def choose(step: Step, text: str, understanding: Understanding) -> Turn:
    """Take the word a visitor typed where they were asked for one, or ask again.

    A word that means danger, or is too short, would turn the chat away when it is needed.
    """
    found = understanding.assessment
    if len(text.strip()) < SHORTEST or found.level is not Level.GREY or found.danger_words:
        return show(step, SAFE_WORD_AGAIN, Redact(step.memory.screen))
    kept = remember(step, safe_word=step.situation.hash_word(text))
    return show(kept, "utter_safe_word_set", Redact(step.memory.screen))


def is_said(memory: Memory, event: Event, situation: Situation) -> bool:
    """Tell whether the safe word stands in a line of its own: texts in a row come as one text."""
    return isinstance(event, Text) and is_in(memory, event.text, situation.hash_word)


def is_in(memory: Memory, text: str, hash_word: Callable[[str], str]) -> bool:
    """Tell whether a text has the safe word in a line of its own."""
    chosen = memory.safe_word
    return bool(chosen) and any(hash_word(line) == chosen for line in text.splitlines())


def turn_over(step: Step) -> Turn:
    """Change between the chat and its decoy."""
    if step.memory.decoy:
        return show(remember(step, decoy=0), "utter_return_neutral")
    memory = replace(lasting(step.memory), decoy=1, screen=CARDS[0])
    return Turn(memory, (), (Hide(CARDS[0]),))


def play(step: Step, event: Event, understanding: Understanding | None) -> Turn:
    """Answer as the harmless page would; only forgetting still works."""
    tap = event.tap if isinstance(event, Tapped) else Tap(_NEXT)
    if tap.to == "action_forget":
        return Turn(step.memory, (), (Forget(),))
    words = understanding.assessment if understanding else None
    danger = words is not None and (words.screen is not None or words.danger_words)
    if tap.to == NUMBERS or danger:
        return show(step, NUMBERS)
    count = step.memory.decoy % len(CARDS)
    return show(remember(step, decoy=step.memory.decoy + 1), CARDS[count])
