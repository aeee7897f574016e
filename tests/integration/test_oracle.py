"""What exists is not told by an answer or its time; ``python -m tests.attack oracle`` asks more."""

from pathlib import Path

from tests.attack.oracle import asked

# As many as show 5 ms: the medians of so few differ by less than 2 on a busy machine.
TRIES = 9


async def test_what_is_there_and_what_is_not_answer_alike(tmp_path: Path) -> None:
    pairs = [pair async for pair in asked(tmp_path, TRIES)]
    assert [missed for pair in pairs for missed in pair.missed()] == []
    assert len(pairs) == 4
