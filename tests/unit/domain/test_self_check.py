import itertools

import pytest

from bot.domain import self_check

ANSWERS = {"2": ["self", "other", "none", "skip"]}


def answers(question: str) -> list[str]:
    return ANSWERS.get(question, ["yes", "no", "skip"])


def ending(chosen: tuple[str, ...]) -> str:
    sign, screen = False, ""
    for question, answer in zip("123456", chosen, strict=True):
        sign = sign or self_check.is_sign(question, answer)
        screen = self_check.following(question, sign=sign)
    return screen


def test_every_way_through_ends_in_one_of_two_screens_and_one_sign_is_enough() -> None:
    for chosen in itertools.product(*(answers(q) for q in "123456")):
        signs = any(self_check.is_sign(q, a) for q, a in zip("123456", chosen, strict=True))
        assert ending(chosen) == ("utter_check_some_signs" if signs else "utter_check_no_signs")


@pytest.mark.parametrize("question", ["", "7", "x"])
def test_an_unknown_question_begins_again(question: str) -> None:
    assert self_check.following(question, sign=False) == "utter_check_q1"


def test_having_no_passport_is_no_sign() -> None:
    assert not self_check.is_sign("2", "none")
