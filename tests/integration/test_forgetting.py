"""Nothing readable at rest; and after forgetting, nothing that keys could make readable again."""

import contextlib
import itertools
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.adapters.sealing import EphemeralKeys, KeyRing
from bot.adapters.sealing.cipher import KEY_BYTES, NONCE_BYTES, decrypt
from bot.adapters.storage import SqlStore
from bot.domain.conversation import Conversation, Memory
from bot.domain.errors import KeyUnavailableError
from bot.domain.messages import Channel, ConversationId, Reply, Tapped, Text
from bot.domain.screens import Tap
from bot.ports import Deletion, Sealer, Store
from tests.support.app import Visitor, running
from tests.support.fakes import RecordingChannel
from tests.support.postgres import Cluster
from tests.support.stores import NOW, arrival, conversation, handover, lookup, opened, outgoing

VISITORS = 12
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16
_FIELDS = ("text", "tick", "addr", "refs", "hint", "onto", "word", "valu", "dele", "memo")


def canaries(number: int, run: str) -> Mapping[str, str]:
    """Return a string per field that occurs nowhere else."""
    return {field: f"canary-{field}-{run}-{number:04d}" for field in _FIELDS}


class Unsealed(EphemeralKeys):
    """A Sealer that does not seal: the control, or the search would prove nothing."""

    def seal(self, conversation: ConversationId, row: str, field: str, plain: bytes) -> bytes:
        del conversation, row, field
        return plain

    def open_sealed(
        self, conversation: ConversationId, row: str, field: str, sealed: bytes
    ) -> bytes:
        del conversation, row, field
        return sealed


async def write_everything(store: Store, sealer: Sealer, run: str = "") -> list[Conversation]:
    """Use every field that holds something of a visitor, and change rows as in real life."""
    everyone = []
    for number in range(VISITORS):
        told = canaries(number, run)
        memory = Memory(screen=told["memo"])
        one = conversation(address=told["addr"], memory=memory)
        await sealer.create_keys([one.id])
        everyone.append(one)
        incoming = {"reference": told["refs"], "hint": told["hint"], "on": told["onto"]}
        asked = arrival(one, Text(told["text"]), external_id=told["tick"], **incoming)
        values = {"option_1": told["valu"]}
        async with store.begin() as unit:
            await unit.conversations.add({lookup(f"{run}{number}"): one})
            await unit.messages.accept([asked])
            await unit.handovers.save(
                handover(one, code_word=sealer.hash_word(one.id, told["word"]))
            )
        async with store.begin() as unit:
            shown = outgoing(one, body=Reply("utter_fallback", "da", values))
            await unit.messages.post([shown, outgoing(one, body=Deletion((told["dele"],)))])
            await unit.messages.mark([replace(shown, reference=told["refs"])])
            await unit.conversations.save([replace(one, last_seen_at=NOW)])
            if number % 2:
                await unit.messages.settle([asked], wipe={asked.id})
    return everyone


def found_in(files: Iterable[Path], run: str = "") -> set[str]:
    """Return the canaries that stand in files, in UTF-8 or UTF-16."""
    canary = re.compile(rf"canary-[a-z]{{4}}-{run}-\d{{4}}".encode())
    hits: set[bytes] = set()
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            content = path.read_bytes()
            hits.update(canary.findall(content))
            hits.update(canary.findall(content.replace(b"\0", b"")))
    return {hit.decode() for hit in hits}


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
async def store(sqlite: str, ring: KeyRing) -> AsyncIterator[SqlStore]:
    async with opened(sqlite, ring) as store:
        yield store


async def forget(store: Store, ring: KeyRing, everyone: list[Conversation]) -> None:
    """Forget as the use case does."""
    ids = [one.id for one in everyone]
    async with store.begin() as unit:
        await unit.conversations.begin_forgetting(ids, NOW)
    await ring.destroy_keys(ids)
    async with store.begin() as unit:
        await unit.conversations.erase(ids)
    await store.scrub()
    await ring.rotate()


async def test_without_sealing_the_search_finds_canaries(sqlite: str, tmp_path: Path) -> None:
    sealer = Unsealed()
    async with opened(sqlite, sealer) as store:
        await write_everything(store, sealer)
        found = found_in(all_files(tmp_path))
    fields = {canary.split("-")[1] for canary in found}
    # External ids are stored as digests and code words as keyed hashes, sealed or not.
    assert fields == {*_FIELDS} - {"tick", "word"}


async def test_nothing_is_readable_at_rest(store: SqlStore, ring: KeyRing, tmp_path: Path) -> None:
    await write_everything(store, ring)

    names = {path.name for path in all_files(tmp_path)}
    assert {"havn.db", "havn.db-wal", "keys.db", "keys.db-journal"} <= names
    assert found_in(all_files(tmp_path)) == set()
    async with store.begin() as unit:
        due = await unit.messages.due(Channel.TELEGRAM, NOW, 100)
    addresses = {canaries(number, "")["addr"] for number in range(VISITORS)}
    assert {message.address for message in due} == addresses


@pytest.mark.postgres
async def test_nothing_is_readable_at_rest_on_postgres(
    postgres: str, cluster: Cluster, ring: KeyRing
) -> None:
    async with opened(postgres, control := Unsealed()) as store:
        await write_everything(store, control, "open")
    async with opened(postgres, ring) as store:
        await write_everything(store, ring, "sealed")
    cluster.run("CHECKPOINT")

    assert len(found_in(all_files(cluster.folder), "open")) >= 7 * VISITORS
    assert found_in(all_files(cluster.folder), "sealed") == set()


async def test_forgotten_keys_are_gone(store: SqlStore, ring: KeyRing, tmp_path: Path) -> None:
    everyone = await write_everything(store, ring)
    doomed, kept = everyone[:-2], everyone[-2:]
    wrapped, old = wrapped_keys(tmp_path), kek(tmp_path)
    readable = {one.id for one in everyone}
    assert unwrapped_by(old, tmp_path, everyone) == readable, "the search must find what is there"

    await forget(store, ring, doomed)

    assert found_in(all_files(tmp_path)) == set()
    new = kek(tmp_path)
    contents = [path.read_bytes() for path in all_files(tmp_path)]
    assert new != old
    assert not any(old in content for content in contents)
    assert not any(wrapped[one.id] in content for one in doomed for content in contents)
    assert unwrapped_by(new, tmp_path, everyone) == {one.id for one in kept}
    # Even a remnant that somebody copied before does not open with what is left.
    for one in doomed:
        with pytest.raises(KeyUnavailableError):
            decrypt(AESGCM(new), wrapped[one.id], one.id.encode())
    async with store.begin() as unit:
        assert list(await unit.conversations.load([c.id for c in everyone])) == [c.id for c in kept]


async def test_erased_rows_leave_the_files(store: SqlStore, ring: KeyRing, tmp_path: Path) -> None:
    """Ids and hashes are stored in clear; they go from journal and database all the same."""
    everyone = await write_everything(store, ring)
    marks = [one.id.encode() for one in everyone] + [lookup(str(n)) for n in range(VISITORS)]
    before = [path.read_bytes() for path in all_files(tmp_path)]
    assert all(any(mark in content for content in before) for mark in marks)

    await forget(store, ring, everyone)

    after = [path.read_bytes() for path in all_files(tmp_path)]
    assert not any(mark in content for mark in marks for content in after)


def kek(folder: Path) -> bytes:
    (path,) = folder.rglob("kek.*")
    return path.read_bytes()


def wrapped_keys(folder: Path) -> Mapping[str, bytes]:
    with contextlib.closing(sqlite3.connect(folder / "keys" / "keys.db")) as database:
        return dict(database.execute("SELECT conversation, wrapped FROM data_keys").fetchall())


def unwrapped_by(key: bytes, folder: Path, everyone: list[Conversation]) -> set[ConversationId]:
    """Try every place of every key file, whatever stands there: what opens with this key?"""
    cipher, opened_ids = AESGCM(key), set()
    for path in folder.glob("keys/*"):
        content = path.read_bytes()
        windows = {
            content[place : place + WRAPPED_BYTES]
            for place in range(len(content) - WRAPPED_BYTES + 1)
        }
        windows = {w for w in windows if w.count(0) < WRAPPED_BYTES // 2}
        for window, one in itertools.product(windows, everyone):
            with contextlib.suppress(KeyUnavailableError):
                decrypt(cipher, window, one.id.encode())
                opened_ids.add(one.id)
    return opened_ids


async def test_a_wish_to_be_forgotten_that_comes_again_begins_no_conversation(
    tmp_path: Path,
) -> None:
    """Telegram brings it again when it was killed before it was told, a browser when it retries."""
    async with running(tmp_path, channel=RecordingChannel()) as app:
        visitor = Visitor(app, Channel.TELEGRAM)
        await visitor.starts()
        wish = visitor.incoming(Tapped(Tap("action_forget")))
        for _ in range(2):
            await app.reception.accept([wish])
            await app.reception.close()
        async with app.store.begin() as unit:
            assert await unit.conversations.count() == 0
