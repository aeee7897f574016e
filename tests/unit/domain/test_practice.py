"""Invented visitors: what they answer to what they hear."""

from datetime import timedelta

from bot.domain.conversation import Consent, Notify
from bot.domain.messages import Channel
from bot.domain.practice import Heard, Scenario, Words, answers
from bot.domain.triage import Level

WORDS = Words(before=("I need help",), hello="Y", chosen="apple", word="pear", lines=("one", "two"))
HELLO, LINE = Heard(screen="utter_canned_hello"), Heard(text="How are you?")


def scenario(words: Words = WORDS, *, leaves: bool = False) -> Scenario:
    return Scenario(
        "s",
        timedelta(0),
        Channel.WEB,
        Level.YELLOW,
        Consent.ALL,
        Notify.PULL,
        minor=False,
        leaves=leaves,
        words=words,
    )


def test_each_line_is_answered_once_and_in_order() -> None:
    assert answers(scenario(), [LINE]) == ("one",)
    assert answers(scenario(), [LINE, LINE, LINE]) == ("one", "two")


def test_the_hello_is_answered_whenever_it_is_asked() -> None:
    assert answers(scenario(), [HELLO, LINE, HELLO]) == ("Y", "one", "Y")


def test_whoever_is_asked_for_the_code_word_gives_theirs() -> None:
    for text in ("What is your CODE WORD?", "Hvad er dit kodeord?"):
        assert answers(scenario(), [Heard(text=text), LINE]) == ("pear", "one")


def test_without_a_code_word_the_question_is_a_line_like_any_other() -> None:
    none = Words(before=(), hello="Y", chosen="", word="", lines=("I have none",))
    assert answers(scenario(none), [Heard(text="your code word?")]) == ("I have none",)


def test_one_who_cannot_write_says_so_and_is_gone() -> None:
    assert answers(scenario(leaves=True), [HELLO, LINE, HELLO]) == ("Y",)
    assert answers(scenario(leaves=True), [LINE, LINE]) == ("one",)
