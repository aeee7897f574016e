"""The six questions: which answer is a sign, and what comes next. Never a verdict or a score."""

from collections.abc import Mapping

# Indicators behind the questions: ILO's forced-labour indicators, in ux.md journey (c).
SIGNS: Mapping[str, str] = {
    "1": "no",
    "2": "other",
    "3": "no",
    "4": "yes",
    "5": "yes",
    "6": "no",
}
QUESTION = "utter_check_q{}"
LAST = "6"


def is_question(screen: str) -> bool:
    """Tell whether a screen is one of the six questions."""
    return screen.startswith("utter_check_q")


def is_sign(question: str, answer: str) -> bool:
    """Tell whether an answer is worth talking about."""
    return SIGNS.get(question) == answer


def following(question: str, *, sign: bool) -> str:
    """Return the screen after a question: the next one, or one of the two endings.

    Every sign leads to the same ending, one or six (ux.md journey c, step 4).
    """
    if question not in SIGNS:
        return QUESTION.format("1")
    if question != LAST:
        return QUESTION.format(int(question) + 1)
    return "utter_check_some_signs" if sign else "utter_check_no_signs"
