import re
from collections import defaultdict

import pytest

from bot.domain import wording


def rules(findings: object) -> list[str]:
    return [finding.rule for finding in findings]  # type: ignore[attr-defined]


def test_a_long_sentence_is_found_and_a_short_one_is_not() -> None:
    assert rules(wording.long_sentences("x", "one two three. four five", 2)) == ["sentence"]
    assert not rules(wording.long_sentences("x", "one two. three {four_five}", 2))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Call 112", True),
        ("Call {emergency_phone}", False),
        ("1. Ask\n2. Wait", False),
        ("1 of 6. Can you?", False),
        ("Under 18?", False),
        ("About 180 days", True),
        ("ring ١١٢", True),
    ],
)
def test_typed_digits_are_found(text: str, found: bool) -> None:
    allowed = [re.compile(r"[1-6] of 6"), re.compile(r"\b18\b")]
    assert bool(rules(wording.typed_digits("x", text, allowed))) is found


def test_forbidden_words_are_found_in_any_case_but_not_inside_facts() -> None:
    assert rules(wording.forbidden("x", "You are a Victim.", ["victim"])) == ["forbidden word"]
    assert not rules(wording.forbidden("x", "Ask {victim_help}.", ["victim"]))
    assert not rules(wording.forbidden("x", "A plan of convictions.", ["victim"]))
    assert rules(wording.forbidden("x", "คุณเป็นเหยื่อ", ["เหยื่อ"])) == ["forbidden word"]


def test_lost_added_and_broken_placeholders_are_found() -> None:
    differ = wording.placeholders_differ
    assert rules(differ("x", "{a} {b}", "{a}")) == ["placeholder"]
    assert rules(differ("x", "{a}", "{a} {a}")) == ["placeholder"]
    assert rules(differ("x", "{a}", "{a} {")) == ["placeholder"]
    assert not rules(differ("x", "{a} {b}", "{b}, {a}"))


@pytest.mark.parametrize("text", ["<b>x</b>", "see https://x.dk", "**x**", "[x](y)", "a\u200bb"])
def test_markup_and_invisible_characters_are_found(text: str) -> None:
    assert rules(wording.markup("x", text))


def test_grade_grows_with_words_and_syllables() -> None:
    easy = wording.grade("You can call us. We help.", defaultdict(lambda: 1))
    hard = wording.grade(
        "Administrative authorities evaluate applications.", defaultdict(lambda: 5)
    )
    assert easy < 3 < hard


def test_an_arabic_question_ends_a_sentence() -> None:
    assert len(wording.sentences("هل أنت بخير؟ اتصل الآن.")) == 2
