"""The benchmarks of load reach a real server through the real ways in, and count what they say."""

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.commands.bench import attack, processes, soak, spike
from bot.commands.bench.serving import Place
from bot.domain.errors import ConfigurationError
from bot.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cores() -> Iterator[None]:
    """Give back the cores a benchmark leaves to itself."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    yield
    if before is not None:
        os.sched_setaffinity(0, before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return an installation with two languages: reading all of them takes most of a start."""
    locales = tmp_path / "root" / "locales"
    locales.mkdir(parents=True)
    for path in (ROOT / "locales").iterdir():
        if path.is_file() or path.name in ("en", "da") or not (path / "triage.yml").exists():
            (locales / path.name).symlink_to(path)
    return Settings(data_dir=tmp_path / "var", root=tmp_path / "root")


def values(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    printed = json.loads(capsys.readouterr().out)
    assert printed["held"] is True
    return {figure["name"]: figure["value"] for figure in printed["figures"]}


# --- attack ---


@pytest.mark.enable_socket
async def test_an_attack_is_stored_and_genuine_visitors_are_answered(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # How fast is for the full size: this machine may be busy.
    monkeypatch.setattr(attack, "P95_MS", 60_000.0)
    monkeypatch.setattr(attack, "_CALM_ANSWERS", 1)
    monkeypatch.setattr(attack, "_CALM_SECONDS", 60.0)
    monkeypatch.setattr(attack, "_READING", (0.1, 0.2))
    await attack.run(settings, seconds=1, rate=40, accounts=4, as_json=True)
    found = values(capsys)
    assert found["genuine_asked"] >= 5
    # Each came once, by the webhook: the flood, and what genuine visitors did.
    assert found["updates"] == 40 + found["genuine_asked"]
    assert (found["refused"], found["lost"], found["genuine_unanswered"]) == (0, 0, 0)
    assert found["messages_shown"] >= found["genuine_asked"]


# --- processes ---


@pytest.mark.postgres
async def test_one_and_two_processes_share_a_postgres_and_leave_it_empty(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    postgres: str,
) -> None:
    monkeypatch.setattr(processes, "RATIO", 0.01)
    own = replace(settings, database_url=postgres)
    await processes.run(own, seconds=0.3, conversations=200, rounds=1, as_json=True)
    found = values(capsys)
    assert found["lost"] == 0
    assert found["taps"] > 16
    assert found["two_over_one"] > 0
    # Nothing stays, or a second run would be refused.
    assert await processes._stored(postgres) == (0, 0)


async def test_without_postgres_it_says_what_to_set(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="HAVN_DATABASE_URL"):
        await processes.run(settings, seconds=1, conversations=1, rounds=1, as_json=True)


def test_the_ratio_is_that_of_rounds_beside_one_another() -> None:
    quiet = {"taps": 100, "seconds": 1.0, "processor": 0.1, "unheard": 0, "waits": [0.1]}
    busy = {**quiet, "taps": 50}
    # Twice as fast with two in each pair, although the machine was slower in the second one.
    figures = processes._figures([quiet, busy], [[quiet, quiet], [busy, busy]])
    ratio = next(figure for figure in figures if figure.name == "two_over_one")
    assert ratio.value == 2.0
    assert ratio.held


# --- spike and soak ---


def test_visitors_of_a_spike_come_in_the_shape_of_the_hour() -> None:
    due = spike.arrivals(1200, 120.0)
    assert len(due) == 1200
    assert due == sorted(due)
    assert 0 < due[0] < due[-1] < 120
    twelfths = [sum(10 * n <= at < 10 * (n + 1) for at in due) for n in range(12)]
    assert twelfths == [round(1200 * part / 100) for part in spike._SHAPE]


@pytest.mark.parametrize(
    ("memory", "files", "missed"),
    [(104.0, 40, set()), (106.0, 40, {"memory_growth"}), (100.0, 41, {"files_at_the_end"})],
)
def test_growth_beyond_the_bar_is_missed(memory: float, files: int, missed: set[str]) -> None:
    figures = soak.figures(soak._Look(100.0, 30), soak._Look(memory, files))
    assert {figure.name for figure in figures if not figure.held} == missed


def test_what_a_server_leaves_undone_is_counted(tmp_path: Path) -> None:
    place = Place(tmp_path, ROOT, "http://127.0.0.1:1")
    with sqlite3.connect(place.database) as connection:
        connection.execute("CREATE TABLE messages (incoming, state)")
        rows = [(1, "done"), (1, "pending"), (0, "pending"), (0, "sending"), (0, "sent")]
        connection.executemany("INSERT INTO messages VALUES (?, ?)", rows)
    connection.close()
    assert place.unfinished() == (2, 1, 2)
    place.log.write_text(
        '{"level": "error", "event": "a"}\n{"level": "info"}\nTraceback (most recent\n', "utf-8"
    )
    assert place.errors() == 2
