"""What every store promises about staff: their notes and drafts, their shifts, the figures."""

import pytest

from bot.domain.conversation import Conversation
from bot.domain.errors import StoreUnavailableError
from bot.domain.staff import StaffId
from bot.ports import Note, NoteKind, Sealer, Shift, Store
from tests.support.stores import MINUTE, NOW, begun, conversation, message_id

KIM, LEE, MIA = StaffId("kim"), StaffId("lee"), StaffId("mia")
HOSTILE = "lone \ud83d surrogate, NUL \x00, \N{RIGHT-TO-LEFT OVERRIDE}, quote ' \" ; -- \N{SNAKE}"


def note(of: Conversation, text: str = "a note", kind: NoteKind = NoteKind.NOTE) -> Note:
    return Note(message_id(), of.id, KIM, kind, NOW, text)


# --- notes ------------------------------------------------------------------------------------


async def test_notes_come_back_oldest_first(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    kinds = [note(anna, HOSTILE, kind) for kind in NoteKind]
    async with store.begin() as unit:
        for one in reversed(kinds):
            await unit.notes.add(one)
        await unit.notes.add(note(ben))

    async with store.begin() as unit:
        assert await unit.notes.of(anna.id) == kinds
        assert await unit.notes.of(conversation().id) == []


async def test_a_note_without_its_conversation_is_refused(store: Store, sealer: Sealer) -> None:
    lost = conversation("lost")
    await sealer.create_keys([lost.id])

    async def add() -> None:
        async with store.begin() as unit:
            await unit.notes.add(note(lost))

    async def keep() -> None:
        async with store.begin() as unit:
            await unit.notes.keep_draft(lost.id, KIM, "typing")

    for write in (add, keep):
        with pytest.raises(StoreUnavailableError):
            await write()


async def test_notes_and_drafts_go_with_their_conversation(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    kept = note(ben)
    async with store.begin() as unit:
        await unit.notes.add(note(anna))
        await unit.notes.add(kept)
        await unit.notes.keep_draft(anna.id, KIM, "typing")
        await unit.notes.keep_draft(ben.id, KIM, "typing too")

    async with store.begin() as unit:
        await unit.conversations.erase([anna.id])
    async with store.begin() as unit:
        assert await unit.notes.of(anna.id) == []
        assert await unit.notes.draft(anna.id, KIM) == ""
        assert await unit.notes.of(ben.id) == [kept]
        assert await unit.notes.draft(ben.id, KIM) == "typing too"


async def test_a_draft_replaces_the_one_before(store: Store, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        await unit.notes.keep_draft(anna.id, KIM, "first")
        await unit.notes.keep_draft(anna.id, KIM, HOSTILE)
        await unit.notes.keep_draft(anna.id, LEE, "hers")

    async with store.begin() as unit:
        assert await unit.notes.draft(anna.id, KIM) == HOSTILE
        assert await unit.notes.draft(anna.id, LEE) == "hers"
        assert await unit.notes.draft(anna.id, MIA) == ""
        assert await unit.notes.draft(ben.id, KIM) == ""


async def test_an_empty_draft_removes_it(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.notes.keep_draft(anna.id, KIM, "typing")
        await unit.notes.keep_draft(anna.id, LEE, "hers")
        await unit.notes.keep_draft(anna.id, KIM, "")
        await unit.notes.keep_draft(anna.id, MIA, "")

    async with store.begin() as unit:
        assert await unit.notes.draft(anna.id, KIM) == ""
        assert await unit.notes.draft(anna.id, LEE) == "hers"


async def test_a_draft_of_what_is_gone_can_be_emptied(store: Store, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    async with store.begin() as unit:
        await unit.notes.keep_draft(anna.id, KIM, "typing")
        await unit.conversations.erase([anna.id])
        await unit.notes.keep_draft(anna.id, KIM, "")
    async with store.begin() as unit:
        assert await unit.notes.draft(anna.id, KIM) == ""


# --- shifts -----------------------------------------------------------------------------------


async def test_who_is_on_shift_longest_at_work_first(store: Store) -> None:
    kim = Shift(KIM, NOW, NOW, frozenset({"da", "pt_BR", "en"}))
    lee = Shift(LEE, NOW - MINUTE, NOW)
    mia = Shift(MIA, NOW - MINUTE, NOW - MINUTE)
    async with store.begin() as unit:
        for shift in (kim, mia, lee):
            await unit.shifts.begin(shift)

    async with store.begin() as unit:
        assert await unit.shifts.since(NOW - MINUTE) == [lee, mia, kim]
        assert await unit.shifts.since(NOW) == [lee, kim]
        assert await unit.shifts.since(NOW + MINUTE) == []


async def test_a_shift_begins_anew(store: Store) -> None:
    again = Shift(KIM, NOW + MINUTE, NOW + MINUTE, frozenset({"da"}))
    async with store.begin() as unit:
        await unit.shifts.begin(Shift(KIM, NOW, NOW, frozenset({"en", "th"})))
        await unit.shifts.begin(again)
    async with store.begin() as unit:
        assert await unit.shifts.since(NOW) == [again]


async def test_a_beat_is_a_sign_of_life_of_who_is_on_shift(store: Store) -> None:
    async with store.begin() as unit:
        await unit.shifts.begin(Shift(KIM, NOW, NOW, frozenset({"da"})))
        assert await unit.shifts.beat(KIM, NOW + MINUTE)
        assert not await unit.shifts.beat(LEE, NOW + MINUTE)
    async with store.begin() as unit:
        alive = await unit.shifts.since(NOW + MINUTE)
    assert alive == [Shift(KIM, NOW, NOW + MINUTE, frozenset({"da"}))]


async def test_a_shift_ends(store: Store) -> None:
    kept = Shift(LEE, NOW, NOW)
    async with store.begin() as unit:
        await unit.shifts.begin(Shift(KIM, NOW, NOW))
        await unit.shifts.begin(kept)
        await unit.shifts.end(KIM)
        await unit.shifts.end(MIA)
    async with store.begin() as unit:
        assert await unit.shifts.since(NOW) == [kept]
        assert not await unit.shifts.beat(KIM, NOW)


async def test_the_languages_of_the_last_shift_outlive_it(store: Store) -> None:
    async with store.begin() as unit:
        assert await unit.shifts.languages(KIM) is None
        await unit.shifts.begin(Shift(KIM, NOW, NOW, frozenset({"en", "th"})))
        await unit.shifts.begin(Shift(LEE, NOW, NOW))
        await unit.shifts.end(KIM)
        await unit.shifts.end(LEE)
        assert await unit.shifts.languages(KIM) == {"en", "th"}
        assert await unit.shifts.languages(LEE) == frozenset()
        assert await unit.shifts.languages(MIA) is None
    again = Shift(KIM, NOW + MINUTE, NOW + MINUTE, frozenset({"da", "pt_BR"}))
    async with store.begin() as unit:
        await unit.shifts.begin(again)
        assert await unit.shifts.languages(KIM) == {"da", "pt_BR"}
        assert await unit.shifts.since(NOW) == [again]


# --- figures ----------------------------------------------------------------------------------


async def test_figures_are_counted_by_week_kind_and_value(store: Store) -> None:
    async with store.begin() as unit:
        await unit.figures.count("2026-W47", {"level": "red", "locale": "ro"})
        await unit.figures.count("2026-W47", {"level": "red", "locale": "da"})
    async with store.begin() as unit:
        await unit.figures.count("2026-W47", {"level": "yellow"})
        await unit.figures.count("2026-W48", {"level": "red"})

    async with store.begin() as unit:
        assert await unit.figures.between("2026-W47", "2026-W47") == {
            ("2026-W47", "level", "red"): 2,
            ("2026-W47", "level", "yellow"): 1,
            ("2026-W47", "locale", "ro"): 1,
            ("2026-W47", "locale", "da"): 1,
        }


async def test_a_range_of_weeks_holds_both_ends(store: Store) -> None:
    weeks = ["2025-W52", "2026-W01", "2026-W09", "2026-W10", "2026-W11"]
    async with store.begin() as unit:
        for week in weeks:
            await unit.figures.count(week, {"level": "red"})
    async with store.begin() as unit:
        found = await unit.figures.between("2025-W52", "2026-W10")
        assert sorted(week for week, _, _ in found) == weeks[:-1]
        assert await unit.figures.between("2027-W01", "2027-W52") == {}


async def test_counting_nothing_changes_nothing(store: Store) -> None:
    async with store.begin() as unit:
        await unit.figures.count("2026-W47", {})
        assert await unit.figures.between("2026-W47", "2026-W47") == {}
