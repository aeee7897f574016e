from pathlib import Path
from typing import NamedTuple

import pytest

from bot.adapters import ballast
from bot.adapters.ballast import Ballast


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_it_takes_up_room_and_gives_it_back_once(tmp_path: Path) -> None:
    reserve = Ballast(tmp_path / "ballast", size=1 << 20)
    reserve.fill()
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= 1 << 20
    assert reserve.release()
    assert not reserve.release()


def test_it_is_not_laid_in_where_it_would_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballast.shutil, "disk_usage", lambda _path: Usage(10, 9, 1 << 20))
    reserve = Ballast(tmp_path / "ballast", size=1 << 20)
    reserve.fill()
    assert not reserve.release()
