"""The key folder: who may read it, what a kill leaves behind, and several processes on it."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.sealing import KeyRing
from bot.adapters.sealing import ring as ring_module
from bot.adapters.sealing.cipher import KEY_BYTES
from bot.domain.errors import ConfigurationError, StoreUnavailableError
from bot.domain.messages import Channel, ConversationId

ROOT = Path(__file__).parents[2]
ANNA, BEN, CLEO = (ConversationId(letter * 32) for letter in "abc")
PRELUDE = """
import asyncio, os, signal, sys
from pathlib import Path
from bot.adapters.sealing import KeyRing, ring as module, files
from bot.domain.messages import Channel, ConversationId
folder = Path(sys.argv[1])
ANNA, BEN, CLEO = (ConversationId(letter * 32) for letter in "abc")
ring = KeyRing.open(folder)
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def in_another_process(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + script, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def keks(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("kek.*"))


def unfinished(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


def drop_proof(folder: Path) -> None:
    """Leave the key database as earlier versions made it."""
    with sqlite3.connect(folder / "keys.db") as database:
        database.execute("DROP TABLE proof")
    database.close()


# --- the folder ---


async def test_only_the_owner_may_read_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "below" / "keys"
    folder.mkdir(mode=0o777, parents=True)
    ring = KeyRing.open(folder)
    await ring.create_keys([ANNA])
    await ring.rotate()
    ring.change_pepper()

    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    names = {"pepper", "pepper.previous", "kek.1", "keys.db", "keys.db-journal"}
    assert modes == dict.fromkeys(names, 0o600)
    ring.close()


async def test_keys_outlive_the_process(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    await ring.create_keys([ANNA])
    sealed = ring.seal(ANNA, "7", "body", b"hello")
    lookups = ring.lookups(Channel.WEB, "somebody")
    ring.close()

    again = KeyRing.open(tmp_path)
    assert not again.has_key(ANNA)
    await again.load_keys([ANNA])
    assert again.open_sealed(ANNA, "7", "body", sealed) == b"hello"
    assert again.lookups(Channel.WEB, "somebody") == lookups
    again.close()


@pytest.mark.parametrize("lost", ["pepper", "kek.0"])
def test_a_folder_without_its_secrets_is_refused(tmp_path: Path, lost: str) -> None:
    """Making new ones would silently lose every visitor."""
    KeyRing.open(tmp_path).close()
    (tmp_path / lost).unlink()

    with pytest.raises(ConfigurationError, match=str(tmp_path)):
        KeyRing.open(tmp_path)


@pytest.mark.parametrize("early", [False, True], ids=["proof", "made before there was a proof"])
async def test_a_key_of_another_folder_is_refused_and_nothing_is_lost(
    tmp_path: Path, early: bool
) -> None:
    ring = KeyRing.open(tmp_path)
    await ring.create_keys([ANNA])
    sealed = ring.seal(ANNA, "7", "body", b"hello")
    ring.close()
    if early:
        drop_proof(tmp_path)
    right = (tmp_path / "kek.0").read_bytes()
    (tmp_path / "kek.0").write_bytes(b"x" * KEY_BYTES)

    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"kek\.0 is not the key .* restore both"):
            KeyRing.open(tmp_path)

    (tmp_path / "kek.0").write_bytes(right)
    again = KeyRing.open(tmp_path)
    await again.load_keys([ANNA])
    assert again.open_sealed(ANNA, "7", "body", sealed) == b"hello"
    again.close()


@pytest.mark.parametrize("early", [False, True], ids=["proof", "rotated by an earlier version"])
async def test_a_process_at_work_takes_no_wrong_key(tmp_path: Path, early: bool) -> None:
    """Another process moved on, and then somebody put a wrong file in its place."""
    ring, other = KeyRing.open(tmp_path), KeyRing.open(tmp_path)
    await ring.create_keys([ANNA])
    sealed = ring.seal(ANNA, "7", "body", b"hello")
    await other.rotate()
    if early:
        other._database.execute("DELETE FROM proof")
    other.close()
    right = (tmp_path / "kek.1").read_bytes()
    (tmp_path / "kek.1").write_bytes(b"x" * KEY_BYTES)
    with pytest.raises(StoreUnavailableError):
        await ring.rotate()
    with pytest.raises(StoreUnavailableError):
        await ring.create_keys([BEN])

    (tmp_path / "kek.1").write_bytes(right)
    await ring.rotate()
    assert ring.open_sealed(ANNA, "7", "body", sealed) == b"hello"
    ring.close()


async def test_a_folder_made_before_there_was_a_proof_gets_one(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    await ring.create_keys([ANNA])
    ring.close()
    drop_proof(tmp_path)
    KeyRing.open(tmp_path).close()

    with sqlite3.connect(tmp_path / "keys.db") as database:
        database.execute("DELETE FROM data_keys")  # so that the proof alone can tell
    database.close()
    (tmp_path / "kek.0").write_bytes(b"x" * KEY_BYTES)
    with pytest.raises(ConfigurationError, match=r"kek\.0"):
        KeyRing.open(tmp_path)


async def test_a_rotation_leaves_one_proof_for_its_own_epoch(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    assert await ring.rotate() == 1
    assert await ring.rotate() == 2
    proofs = ring._database.execute("SELECT epoch FROM proof").fetchall()
    assert proofs == [(2,)]
    ring.close()
    (tmp_path / "kek.2").write_bytes(b"x" * KEY_BYTES)
    with pytest.raises(ConfigurationError, match=r"kek\.2"):
        KeyRing.open(tmp_path)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(ConfigurationError, match="keys"):
        KeyRing.open(tmp_path / "keys")


async def test_a_key_that_was_tampered_with_spoils_no_other(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    await ring.create_keys([ANNA, BEN])
    sealed = ring.seal(BEN, "7", "body", b"hello")
    ring.close()
    with sqlite3.connect(tmp_path / "keys.db") as database:
        database.execute(
            "UPDATE data_keys SET wrapped = zeroblob(60) WHERE conversation = ?", [ANNA]
        )
    database.close()

    again = KeyRing.open(tmp_path)
    await again.load_keys([ANNA, BEN])
    assert (again.has_key(ANNA), again.has_key(BEN)) == (False, True)
    await again.rotate()
    again.close()
    last = KeyRing.open(tmp_path)
    await last.load_keys([BEN])
    assert last.open_sealed(BEN, "7", "body", sealed) == b"hello"
    last.close()


async def test_a_locked_key_database_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring_module, "_BUSY_SECONDS", 0.1)
    ring = KeyRing.open(tmp_path)
    other = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for work in (ring.create_keys([ANNA]), ring.load_keys([ANNA]), ring.rotate()):
        with pytest.raises(StoreUnavailableError):
            await work
    other.execute("COMMIT")
    other.close()

    await ring.create_keys([ANNA])
    assert await ring.rotate() == 1
    ring.close()


async def test_a_reader_does_not_leave_a_transaction_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of another process makes the commit fail, not the beginning."""
    monkeypatch.setattr(ring_module, "_BUSY_SECONDS", 0.1)
    ring = KeyRing.open(tmp_path)
    other = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM data_keys").fetchall()
    with pytest.raises(StoreUnavailableError):
        await ring.create_keys([ANNA])
    other.execute("COMMIT")
    other.close()

    assert not ring.has_key(ANNA)
    await ring.create_keys([ANNA])
    ring.close()


async def test_keys_in_use_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "CACHED_KEYS", 4)
    ring = KeyRing.open(tmp_path)
    many = [ConversationId(f"{n:032x}") for n in range(20)]
    for one in many:
        await ring.create_keys([one])
    for start in range(0, 20, 2):
        await ring.load_keys([many[0], many[1]])
        await ring.load_keys(many[start : start + 2])
        assert ring.has_key(many[0])
        assert ring.has_key(many[start])
    assert sum(ring.has_key(one) for one in many) == 4
    ring.close()


# --- rotation ---


async def test_rotation_destroys_the_old_key(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    await ring.create_keys([ANNA])
    old = (tmp_path / "kek.0").read_bytes()

    await ring.rotate()

    assert keks(tmp_path) == ["kek.1"]
    assert not any(old in content for content in contents(tmp_path))
    ring.close()


def test_shred_overwrites_what_it_removes(tmp_path: Path) -> None:
    path, link = tmp_path / "secret", tmp_path / "link"
    path.write_bytes(b"s" * KEY_BYTES)
    link.hardlink_to(path)

    ring_module.shred(path)

    assert not path.exists()
    assert len(link.read_bytes()) == KEY_BYTES
    assert b"s" * 4 not in link.read_bytes()


KILLS = {
    "before the new key is written": "module.write_secret = die",
    "while the new key is written": "os.fsync = die",
    "after the new key was written": (
        "write = module.write_secret\nmodule.write_secret = lambda *a: (write(*a), die())"
    ),
    "between rows": "module.encrypt = die",
    "before the commit": (
        "ring._database.set_trace_callback(lambda sql: sql == 'COMMIT' and die())"
    ),
    "after the commit": "module.shred = die",
    "while the old key is destroyed": "Path.unlink = die",
}


@pytest.mark.parametrize("kill", KILLS)
async def test_rotation_survives_a_kill(tmp_path: Path, kill: str) -> None:
    ring = KeyRing.open(tmp_path)
    await ring.create_keys([ANNA, BEN])
    sealed = {id_: ring.seal(id_, "7", "body", id_.encode()) for id_ in (ANNA, BEN)}
    ring.close()

    killed = in_another_process(tmp_path, f"{KILLS[kill]}\nasyncio.run(ring.rotate())")
    assert killed.returncode == -9, killed.stderr

    again = KeyRing.open(tmp_path)
    for round_ in range(2):
        await again.load_keys([ANNA, BEN])
        for id_, value in sealed.items():
            assert again.open_sealed(id_, "7", "body", value) == id_.encode(), round_
        assert len(keks(tmp_path)) == 1
        assert unfinished(tmp_path) == []
        await again.rotate()
    again.close()


@pytest.mark.parametrize("step", ["write_secret", "shred", "encrypt"])
async def test_rotation_can_be_repeated_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ring = KeyRing.open(tmp_path)
    await ring.create_keys([ANNA])
    sealed = ring.seal(ANNA, "7", "body", b"hello")

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(ring_module, step, fail)
        with pytest.raises(StoreUnavailableError):
            await ring.rotate()

    await ring.rotate()
    assert len(keks(tmp_path)) == 1
    ring.close()
    again = KeyRing.open(tmp_path)
    await again.load_keys([ANNA])
    assert again.open_sealed(ANNA, "7", "body", sealed) == b"hello"
    again.close()


# --- several processes ---


async def test_another_process_may_rotate_create_and_destroy(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    await ring.create_keys([ANNA, BEN])
    sealed = ring.seal(BEN, "7", "body", b"mine")

    other = in_another_process(
        tmp_path,
        """
async def work():
    await ring.create_keys([CLEO])
    await ring.destroy_keys([ANNA])
    await ring.rotate()
    print(ring.seal(CLEO, "8", "body", b"theirs").hex())
asyncio.run(work())
""",
    )
    assert other.returncode == 0, other.stderr

    await ring.load_keys([BEN, CLEO])
    assert ring.open_sealed(CLEO, "8", "body", bytes.fromhex(other.stdout)) == b"theirs"
    assert ring.open_sealed(BEN, "7", "body", sealed) == b"mine"
    assert not ring.has_key(ANNA)
    assert await ring.rotate() == 2
    ring.close()


@pytest.mark.parametrize("reading", ["_rotate", "_catch_up"])
async def test_a_key_made_while_the_others_are_read_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reading: str
) -> None:
    """Its conversation is just being stored; without it the first message would fail."""
    ring = KeyRing.open(tmp_path)
    read, go = threading.Event(), threading.Event()
    real = getattr(ring, reading)

    def slowly() -> object:
        found = real()
        read.set()
        go.wait(timeout=5)
        return found

    monkeypatch.setattr(ring, reading, slowly)
    under_way = asyncio.create_task(ring.rotate() if reading == "_rotate" else ring.holders())  # type: ignore[arg-type]
    await asyncio.to_thread(read.wait, 5)
    await ring.create_keys([ANNA])
    go.set()
    await under_way
    assert ring.has_key(ANNA)
    ring.close()


async def test_own_rotation_forgets_what_another_process_destroyed(tmp_path: Path) -> None:
    ring, other = KeyRing.open(tmp_path), KeyRing.open(tmp_path)
    await ring.create_keys([ANNA])
    await other.destroy_keys([ANNA])

    await ring.rotate()

    assert not ring.has_key(ANNA)
    ring.close()
    other.close()


async def test_two_processes_at_work_lose_no_key(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    rotating = asyncio.create_task(
        asyncio.to_thread(
            in_another_process,
            tmp_path,
            """
async def work():
    for _ in range(25):
        await ring.rotate()
print("ready", flush=True)
asyncio.run(work())
""",
        )
    )
    made: list[ConversationId] = []
    while not rotating.done():
        fresh = [ConversationId(f"{len(made) + n:032x}") for n in range(5)]
        await ring.create_keys(fresh)
        made += fresh
        await asyncio.sleep(0.01)
    done = await rotating
    assert done.returncode == 0, done.stderr
    ring.close()

    again = KeyRing.open(tmp_path)
    await again.load_keys(made)
    assert all(again.has_key(one) for one in made)
    assert keks(tmp_path) == ["kek.25"]
    again.close()


def test_several_processes_may_begin_a_folder_at_once(tmp_path: Path) -> None:
    say = "print(ring.lookups(Channel.WEB, 'x')[0].hex())"
    command = [sys.executable, "-c", PRELUDE + say, str(tmp_path)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert len(set(said)) == 1


# --- the pepper ---


def test_a_new_pepper_still_recognises(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    (before,) = ring.lookups(Channel.WEB, "x")

    ring.change_pepper()
    now, previous = ring.lookups(Channel.WEB, "x")
    ring.close()
    again = KeyRing.open(tmp_path)

    assert previous == before
    assert now != before
    assert again.lookups(Channel.WEB, "x") == [now, previous]
    again.change_pepper()
    latest, second = again.lookups(Channel.WEB, "x")
    assert second == now
    assert latest not in (now, before)
    again.close()


def test_another_process_takes_the_new_pepper(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    (before,) = ring.lookups(Channel.WEB, "x")

    changed = in_another_process(
        tmp_path, "ring.change_pepper(); print(ring.lookups(Channel.WEB, 'x')[0].hex())"
    )

    assert [h.hex() for h in ring.lookups(Channel.WEB, "x")] == [
        changed.stdout.strip(),
        before.hex(),
    ]
    ring.close()


@pytest.mark.parametrize("writes", [1, 2])
def test_a_kill_while_the_pepper_changes_loses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    ring = KeyRing.open(tmp_path)
    (before,) = ring.lookups(Channel.WEB, "x")
    write: Callable[[Path, bytes], Any] = ring_module.write_secret
    left = writes - 1

    def fail_later(path: Path, content: bytes) -> None:
        nonlocal left
        if not left:
            raise OSError("killed")
        left -= 1
        write(path, content)

    monkeypatch.setattr(ring_module, "write_secret", fail_later)
    with pytest.raises(StoreUnavailableError):
        ring.change_pepper()
    ring.close()

    again = KeyRing.open(tmp_path)
    assert before in again.lookups(Channel.WEB, "x")
    again.close()
