from datetime import timedelta

from bot.domain.pace import BURST, JOINED, QUIET, QUIET_AFTER, QUIET_WINDOW, Pace
from tests.support.fakes import OPEN

NOW = OPEN


def flooded(count: int) -> Pace:
    pace = Pace()
    for _ in range(count):
        pace.hear(NOW)
    pace.answer(NOW, urgent=False)
    return pace


def test_a_burst_is_answered_at_once() -> None:
    assert flooded(BURST - 1).wait(NOW, urgent=False) == timedelta(0)


def test_beyond_the_burst_answers_are_joined_but_never_refused() -> None:
    pace = flooded(BURST + 5)
    assert pace.wait(NOW, urgent=False) == JOINED
    assert pace.wait(NOW + JOINED, urgent=False) == timedelta(0)


def test_words_of_danger_pass_a_flood_once_in_ten_minutes() -> None:
    pace = flooded(BURST + 5)
    assert pace.wait(NOW, urgent=True) == timedelta(0)
    pace.answer(NOW, urgent=True)
    assert pace.wait(NOW, urgent=True) == JOINED
    assert pace.wait(NOW + QUIET_WINDOW + JOINED, urgent=True) == timedelta(0)


def test_a_great_flood_is_answered_once_a_minute() -> None:
    pace = flooded(QUIET_AFTER + 1)
    assert pace.quiet
    assert pace.wait(NOW, urgent=False) == QUIET


def test_calm_brings_the_burst_back() -> None:
    pace = flooded(BURST + 5)
    later = NOW + timedelta(minutes=1)
    pace.hear(later)
    assert pace.wait(later, urgent=False) == timedelta(0)
    assert not pace.resting(later)
    assert pace.resting(later + QUIET_WINDOW + JOINED)
