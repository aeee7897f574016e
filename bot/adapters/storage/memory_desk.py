"""What staff write and count, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.adapters.storage.memory_data import Data
from bot.domain.messages import ConversationId
from bot.domain.staff import StaffId
from bot.ports import Note, Shift


class MemoryNotes:
    """Notes and drafts in memory."""

    def __init__(self, data: Data) -> None:
        self._data = data

    async def add(self, note: Note) -> None:
        """Store a note."""
        self._data.require([note.conversation])
        self._data.notes[note.id] = note

    async def of(self, conversation: ConversationId) -> Sequence[Note]:
        """Return the notes of a conversation, oldest first."""
        stored = sorted(self._data.notes.items())
        return [note for _, note in stored if note.conversation == conversation]

    async def keep_draft(self, conversation: ConversationId, staff: StaffId, text: str) -> None:
        """Store what a counsellor is typing."""
        self._data.drafts.pop((conversation, staff), None)
        if text:
            self._data.require([conversation])
            self._data.drafts[conversation, staff] = text

    async def draft(self, conversation: ConversationId, staff: StaffId) -> str:
        """Return what a counsellor was typing."""
        return self._data.drafts.get((conversation, staff), "")


class MemoryShifts:
    """Shifts in memory."""

    def __init__(self, data: Data) -> None:
        self._data = data

    async def begin(self, shift: Shift) -> None:
        """Start a shift."""
        self._data.shifts[shift.staff] = shift
        self._data.languages[shift.staff] = shift.languages

    async def beat(self, staff: StaffId, at: datetime) -> bool:
        """Note a sign of life."""
        shift = self._data.shifts.get(staff)
        if shift is None:
            return False
        self._data.shifts[staff] = replace(shift, beat_at=at)
        return True

    async def end(self, staff: StaffId) -> None:
        """End a shift."""
        self._data.shifts.pop(staff, None)

    async def languages(self, staff: StaffId) -> frozenset[str] | None:
        """Return the locales of somebody's last shift."""
        return self._data.languages.get(staff)

    async def since(self, moment: datetime) -> Sequence[Shift]:
        """Return the shifts with a sign of life since a moment."""
        alive = [shift for shift in self._data.shifts.values() if shift.beat_at >= moment]
        return sorted(alive, key=lambda shift: (shift.since, shift.staff))


class MemoryFigures:
    """Counters in memory."""

    def __init__(self, data: Data) -> None:
        self._data = data

    async def count(self, week: str, values: Mapping[str, str]) -> None:
        """Add one to each counter."""
        for kind, value in values.items():
            key = (week, kind, value)
            self._data.figures[key] = self._data.figures.get(key, 0) + 1

    async def between(self, first: str, last: str) -> Mapping[tuple[str, str, str], int]:
        """Return the counters of a range of weeks."""
        counters = self._data.figures.items()
        return {key: count for key, count in counters if first <= key[0] <= last}
