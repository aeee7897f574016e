"""Visitors who are invented, for counsellors to practise with: what they say, and when. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.conversation import Consent, Notify
from bot.domain.messages import Channel
from bot.domain.triage import Level

# How long an invented visitor takes to read and type.
TYPING = timedelta(seconds=3)
# The approved question that is asked first, and how a line asks for the code word (any language
# here: whoever practises writes English or Danish).
_HELLO = "utter_canned_hello"
_ASKS_FOR_WORD = ("code word", "codeword", "secret word", "your word", "kodeord", "dit ord")


@dataclass(frozen=True, slots=True)
class Words:
    """What one invented visitor writes, in one language.

    ``before`` is written to the program before they ask for a person. ``chosen`` is the code word
    of their choice, empty where they chose none, and ``word`` what they give when asked for it.
    ``hello`` answers whether it is safe to write. ``lines`` answer the counsellor's lines, one
    each, until there are no more.
    """

    before: tuple[str, ...]
    hello: str
    chosen: str
    word: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One invented visitor. ``arrives`` is after the beginning of the practice.

    One who ``leaves`` says one thing and puts the phone away: lines to them wait.
    """

    id: str
    arrives: timedelta
    channel: Channel
    level: Level
    consent: Consent
    notify: Notify
    minor: bool
    leaves: bool
    words: Words


@dataclass(frozen=True, slots=True)
class Heard:
    """Something a counsellor sent: an approved text by its screen, or words of their own."""

    screen: str = ""
    text: str = ""


def answers(scenario: Scenario, heard: Sequence[Heard]) -> tuple[str, ...]:
    """Return everything a visitor says to what they have heard so far, in order."""
    said: list[str] = []
    lines = iter(scenario.words.lines)
    for one in heard:
        if scenario.leaves and said:
            break
        answer = _answer(scenario.words, one) or next(lines, "")
        if answer:
            said.append(answer)
    return tuple(said)


def _answer(words: Words, heard: Heard) -> str:
    """Return the answer to a question that has one of its own, empty for any other line."""
    if heard.screen == _HELLO:
        return words.hello
    asks = any(phrase in heard.text.casefold() for phrase in _ASKS_FOR_WORD)
    return words.word if asks else ""
