"""Havn's own keys on a disk: they outlive the process and every rotation, and leave no remnant."""

import sqlite3
from pathlib import Path

import pytest

from bot.adapters.sealing import KeyRing
from bot.domain.errors import KeyUnavailableError


async def test_own_keys_outlive_process_and_rotation(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    sealed = ring.seal_own("place", b"secret")
    first = await ring.chain_key()
    await ring.advance_chain(5)
    await ring.rotate()
    ring.close()

    again = KeyRing.open(tmp_path)
    assert again.open_own("place", sealed) == b"secret"
    assert await again.chain_key() == first.at(5)
    assert await again.first_chain_key() == first.key
    again.close()


async def test_two_processes_share_them(tmp_path: Path) -> None:
    ring, other = KeyRing.open(tmp_path), KeyRing.open(tmp_path)
    first = await ring.chain_key()
    assert await other.chain_key() == first
    await other.advance_chain(2)
    await other.rotate()
    assert await ring.chain_key() == first.at(2)
    assert ring.open_own("place", other.seal_own("place", b"x")) == b"x"
    ring.close()
    other.close()


async def test_an_erased_key_cannot_be_found_in_the_folder(tmp_path: Path) -> None:
    """Not even by somebody who has every file of the present and knows every format."""
    ring = KeyRing.open(tmp_path)
    await ring.chain_key()
    (before,) = wrapped(tmp_path, "audit_chain")
    await ring.advance_chain(1)
    assert before not in everything(tmp_path)
    (first,) = wrapped(tmp_path, "audit_first")
    await ring.hand_over_first_chain_key()
    assert first not in everything(tmp_path)
    ring.close()


async def test_a_console_key_that_was_tampered_with_leaves_visitors_alone(tmp_path: Path) -> None:
    KeyRing.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "keys.db") as database:
        database.execute("UPDATE own_keys SET wrapped = zeroblob(60)")
    ring = KeyRing.open(tmp_path)
    with pytest.raises(KeyUnavailableError):
        ring.seal_own("place", b"secret")
    assert await ring.rotate() == 1
    ring.close()


def wrapped(folder: Path, name: str) -> list[bytes]:
    with sqlite3.connect(folder / "keys.db") as database:
        rows = database.execute("SELECT wrapped FROM own_keys WHERE name = ?", [name])
        return [row[0] for row in rows]


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
