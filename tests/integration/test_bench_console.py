"""The console's benchmark sees every message, on a real server, with consoles elsewhere."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands.bench import console
from bot.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cores() -> Iterator[None]:
    """Give back the cores a benchmark leaves to itself."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    yield
    if before is not None:
        os.sched_setaffinity(0, before)


@pytest.mark.enable_socket
async def test_every_message_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "P95_MS", 60_000.0)
    settings = Settings(data_dir=tmp_path, root=ROOT)
    await console.run(settings, seconds=1, consoles=2, rate=6, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    values = {figure["name"]: figure["value"] for figure in printed["figures"]}
    assert printed["held"] is True
    assert (values["messages"], values["never_seen"]) == (6, 0)
    assert 0 < values["message_to_sight_p50"] <= values["message_to_sight_p95"]
