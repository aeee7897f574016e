"""What staff write is sealed in the raw rows of the database, and gone with its key."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import SqlStore
from bot.adapters.storage.tables import metadata
from bot.domain.conversation import Consent
from bot.domain.errors import KeyUnavailableError
from bot.domain.handover import Close, Outcome, State, Transfer
from bot.domain.messages import Line, MessageId
from bot.domain.staff import StaffId
from bot.ports import Delivery, Note, NoteKind, Sealer
from tests.support.stores import MINUTE, NOW, begun, handover, message_id, opened, outgoing

KIM = StaffId("kim")
# Said once each, so that a find names what leaked.
SECRETS = ("secretnote", "secretdraft", "secretline", "secretalias", "secretword", "secretlee")


@pytest.fixture
def sealer() -> Sealer:
    return EphemeralKeys()


@pytest.fixture
async def store(database: str, sealer: Sealer) -> AsyncIterator[SqlStore]:
    async with opened(database, sealer) as store:
        yield store


async def raw(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table as the database has it."""
    async with store._engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table))]
            for table in metadata.sorted_tables
        }


def as_bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


async def test_what_staff_write_is_sealed(store: SqlStore, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    note = Note(message_id(), anna.id, KIM, NoteKind.WHISPER, NOW, "a secretnote")
    line = Line("secretalias", "a secretline", "da")
    said = outgoing(anna, body=line, human=True, state=Delivery.HELD)
    asked = handover(
        anna,
        state=State.ACTIVE,
        consent=Consent.NEW,
        code_word="secretword",
        owner=KIM,
        lease_until=NOW + MINUTE,
        transfer=Transfer(NOW + MINUTE, StaffId("secretlee")),
        close=Close(Outcome.MISUSE),
    )
    async with store.begin() as unit:
        await unit.notes.add(note)
        await unit.notes.keep_draft(anna.id, KIM, "a secretdraft")
        await unit.messages.post([said])
        asked = await unit.handovers.save(asked)

    rows = await raw(store)
    assert [len(rows[name]) for name in ("notes", "drafts", "messages", "handovers")] == [1] * 4
    stored = [as_bytes(value) for table in rows.values() for row in table for value in row]
    # What is not sealed can be found, so what is not found is sealed.
    assert any(b"kim" in value for value in stored)
    leaked = {s for s in (*SECRETS, "misuse") for value in stored if s.encode() in value.lower()}
    assert leaked == set()

    async with store.begin() as unit:
        assert await unit.notes.of(anna.id) == [note]
        assert await unit.notes.draft(anna.id, KIM) == "a secretdraft"
        assert await unit.messages.release(anna.id) == [said]
        assert await unit.handovers.get(asked.id or 0) == asked


async def test_without_its_key_nothing_of_it_is_read(store: SqlStore, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        await unit.notes.add(Note(message_id(), anna.id, KIM, NoteKind.NOTE, NOW, "a note"))
        await unit.notes.keep_draft(anna.id, KIM, "typing")
        await unit.messages.post([outgoing(anna)])
        hers = await unit.handovers.save(handover(anna))
        his = await unit.handovers.save(handover(ben))
    await sealer.destroy_keys([anna.id])

    async with store.begin() as unit:
        assert await unit.handovers.every_open() == [his]
        assert await unit.handovers.get(hers.id or 0) is None
        for reading in (
            unit.notes.of(anna.id),
            unit.notes.draft(anna.id, KIM),
            unit.messages.thread(anna.id, MessageId(0), 10),
        ):
            with pytest.raises(KeyUnavailableError):
                await reading


async def test_nothing_of_it_stays_in_any_row(store: SqlStore, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.notes.add(Note(message_id(), anna.id, KIM, NoteKind.NOTE, NOW, "a note"))
        await unit.notes.keep_draft(anna.id, KIM, "typing")
        saved = await unit.handovers.save(handover(anna))
        await unit.handovers.save(replace(saved, state=State.CLOSED, closed_at=NOW))
        await unit.messages.post([outgoing(anna, state=Delivery.DROPPED)])
        await unit.conversations.erase([anna.id])
    assert {name for name, rows in (await raw(store)).items() if rows} <= {"marks"}
