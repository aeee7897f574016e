"""The storms in a size for every change; ``python -m tests.storms`` lets them loose in full."""

from pathlib import Path

import pytest

from tests.storms.outcome import Storm
from tests.storms.storms import STORMS


@pytest.mark.parametrize("storm", STORMS, ids=[storm.name for storm in STORMS])
def test_the_promise_holds_in_a_small_storm(storm: Storm, tmp_path: Path) -> None:
    outcome = storm.run(storm.small, tmp_path, 1)
    assert outcome.missed == []
    assert max(outcome.figures.values()) > 0
