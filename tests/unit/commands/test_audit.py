"""``havn audit``: the key is shown once, and whatever is done to the trail shows."""

import asyncio
import json
import re
import sqlite3
from pathlib import Path

import pytest
from rich.console import Console

from bot.commands import audit, staff
from bot.domain.errors import ConfigurationError
from bot.settings import Settings

QUIET = Console(quiet=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "var")


@pytest.fixture
def key(settings: Settings, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the key of a trail of four entries."""
    for alias in ("Ana", "Bo", "Cy", "Di"):
        asyncio.run(staff.invite(settings, alias, ["editor"]))
    capsys.readouterr()
    asyncio.run(audit.start(settings))
    return capsys.readouterr().out.strip()


def verify(settings: Settings, key: str = "", *, as_json: bool = False) -> int:
    """Return the exit status."""
    try:
        asyncio.run(audit.verify(settings, key, as_json=as_json, console=QUIET))
    except SystemExit as stopped:
        return int(str(stopped.code))
    return 0


def change(settings: Settings, statement: str) -> None:
    with sqlite3.connect(settings.data_dir / "havn.db") as database:
        database.execute(statement)


def test_a_whole_trail(settings: Settings, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.fullmatch(r"([A-Z2-7]{4} ){12}[A-Z2-7]{4}", key)
    assert verify(settings, key.lower().replace(" ", "\n")) == 0
    assert capsys.readouterr().out == ("The audit trail is whole: 4 entries, 0 anchors compared.\n")
    assert verify(settings) == 0
    assert "--key-file" in capsys.readouterr().out


def test_until_it_is_handed_over_the_key_is_found(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(staff.invite(settings, "Ana", ["editor"]))
    capsys.readouterr()
    assert verify(settings) == 0
    assert "--key-file" not in capsys.readouterr().out


def test_the_key_is_shown_once(settings: Settings, key: str) -> None:
    with pytest.raises(ConfigurationError, match="handed over before"):
        asyncio.run(audit.start(settings))


@pytest.mark.parametrize(
    ("statement", "says", "flaw"),
    [
        ("UPDATE audit SET subject = 'other' WHERE number = 1", "Entry 1 was changed", "changed"),
        ("UPDATE audit SET event = 'nonsense' WHERE number = 1", "Entry 1 was changed", "changed"),
        ("UPDATE audit SET at = -99999999999999999 WHERE number = 1", "1 was changed", "changed"),
        ("DELETE FROM audit WHERE number = 2", "missing from number 2", "removed"),
        ("DELETE FROM audit WHERE number = 3", "from number 3 on are gone", "cut"),
        ("DELETE FROM audit", "from number 0 on are gone", "cut"),
    ],
)
def test_what_was_done_to_it_shows(
    settings: Settings,
    key: str,
    capsys: pytest.CaptureFixture[str],
    statement: str,
    says: str,
    flaw: str,
) -> None:
    change(settings, statement)
    assert verify(settings, key) == 1
    printed = capsys.readouterr().out
    assert says in printed
    assert "NOT whole" in printed
    assert verify(settings, key, as_json=True) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["sound"] is False
    assert flaw in {finding["flaw"] for finding in report["findings"]}


def test_a_wrong_key_is_told(
    settings: Settings, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(settings, f"{'AAAA ' * 12}AAAA") == 1
    assert "key does not fit" in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match="52 letters"):
        verify(settings, "not a key")
