"""The file of anchors: appended to, for its owner only, readable after damage."""

from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.anchor import AnchorFile
from bot.domain.audit import Anchor

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ANCHORS = [Anchor(NOW, n, bytes([n]) * 32) for n in (1, 2)]


async def test_anchors_come_back_in_order(tmp_path: Path) -> None:
    file = AnchorFile(tmp_path / "audit-anchor")
    assert await file.all() == []
    for anchor in ANCHORS:
        await file.add(anchor)
    assert await AnchorFile(tmp_path / "audit-anchor").all() == ANCHORS
    assert (tmp_path / "audit-anchor").stat().st_mode & 0o777 == 0o600


async def test_what_was_written_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "audit-anchor"
    await AnchorFile(path).add(ANCHORS[0])
    before = path.read_bytes()
    await AnchorFile(path).add(ANCHORS[1])
    assert path.read_bytes().startswith(before)


async def test_damaged_lines_do_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "audit-anchor"
    await AnchorFile(path).add(ANCHORS[0])
    with path.open("ab") as file:
        file.write(b"\n\xff nonsense\n2026 x y\n1 2 3 4\n")
    await AnchorFile(path).add(ANCHORS[1])
    assert await AnchorFile(path).all() == ANCHORS
