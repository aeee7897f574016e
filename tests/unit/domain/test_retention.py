from datetime import timedelta

import pytest

from bot.domain.retention import ClockWatch
from tests.support.fakes import OPEN


@pytest.mark.parametrize(
    ("wall", "passed", "trusted"),
    [
        (timedelta(hours=2), 7200.0, True),
        (timedelta(hours=2, minutes=4), 7200.0, True),
        (timedelta(days=30), 60.0, False),
        (timedelta(hours=-1), 60.0, False),
    ],
)
def test_deletion_pauses_while_the_clocks_disagree(
    wall: timedelta, passed: float, trusted: bool
) -> None:
    watch = ClockWatch(OPEN, 100.0)
    assert watch.trusts(OPEN + wall, 100.0 + passed) is trusted
