"""The hotline: shifts, taking, writing, passing on and ending conversations.

Who may call what is decided by the console; here it is decided whether the state of things allows
it. Every step with a conversation is recorded in the audit trail in its own transaction.
"""

import hmac
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from bot.domain import handover as handovers
from bot.domain import queue
from bot.domain.audit import AuditEvent, Happening
from bot.domain.conversation import Conversation
from bot.domain.errors import (
    AlreadyTakenError,
    ChangedError,
    ConversationGoneError,
    FullError,
    LanguageChangedError,
    LineTooLongError,
    NothingToTransferError,
    NotOnShiftError,
    NotYoursError,
    StillOpenError,
)
from bot.domain.figures import counted, week_of
from bot.domain.handover import (
    Close,
    Handover,
    LevelReason,
    Outcome,
    State,
    TakeOverReason,
)
from bot.domain.messages import Channel, ConversationId, Line, Reply
from bot.domain.screens import KEPT, PARKED
from bot.domain.staff import StaffId
from bot.domain.topics import QUEUE
from bot.domain.triage import Level
from bot.ports import Clock, Note, NoteKind, Sealer, Shift, Store, Timer, UnitOfWork
from bot.services.hotline.changes import Case, Changes
from bot.services.hotline.draft import Draft
from bot.services.hotline.speaking import LONGEST_LINE, speak
from bot.services.hotline.translating import Translated
from bot.services.ids import MessageIds
from bot.services.news import Publish
from bot.services.timers import LEASE, TRANSFER, UNANSWERED

_JOINED = "utter_human_joined"


class Erases(Protocol):
    """Erases conversations for good, as the Eraser does."""

    async def expire(self, ids: Collection[ConversationId]) -> None:
        """Erase them without a word; when this returns, nothing of them can be read any more."""


class Hotline:
    """What staff do with conversations."""

    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        ids: MessageIds,
        eraser: Erases,
        publish: Publish,
        posted: Callable[[Channel], None] = lambda _channel: None,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._ids = ids
        self._eraser = eraser
        self._publish = publish
        self._change = Changes(store=store, clock=clock, publish=publish, posted=posted)

    # --- shifts ---

    async def start_shift(self, staff: StaffId, languages: frozenset[str]) -> None:
        """Go on shift; places that were kept while nobody could write enter the queue.

        ChangedError when one of them kept changing; the others are in it, and it is safe to repeat.
        """
        now = self._clock.now()
        async with self._store.begin() as unit:
            await unit.shifts.begin(Shift(staff, now, now, languages))
            everything = await unit.handovers.every_open()
        busy: ChangedError | None = None
        for handover in everything:
            if handover.state is not State.LEFT_MESSAGE or handover.id is None:
                continue
            try:
                await self._change(handover.id, self._return)
            except ConversationGoneError:
                continue
            except ChangedError as error:
                busy = error
        self._publish(QUEUE)
        if busy is not None:
            raise busy

    async def _return(self, case: Case) -> tuple[Handover, Conversation]:
        """Put a kept place back into the queue."""
        due = case.now + queue.honest_after(case.handover.level)
        await case.unit.timers.set(Timer(case.conversation.id, UNANSWERED, due))
        return handovers.returned(case.handover), case.conversation

    async def beat(self, staff: StaffId) -> bool:
        """Note a sign of life of a console, and renew its leases; False when not on shift."""
        now = self._clock.now()
        async with self._store.begin() as unit:
            on_shift = await unit.shifts.beat(staff, now)
            everything = await unit.handovers.every_open()
        for handover in everything:
            if handover.is_held_by(staff, now):
                # Each by itself: who waits here for one row must not hold another meanwhile.
                async with self._store.begin() as unit:
                    await unit.handovers.renew(handovers.renewed(handover, staff, now))
        return on_shift

    async def end_shift(self, staff: StaffId) -> None:
        """Go off shift; StillOpenError while a conversation is open: hand it over or park it."""
        now = self._clock.now()
        async with self._store.begin() as unit:
            if any(h.is_held_by(staff, now) for h in await unit.handovers.every_open()):
                raise StillOpenError("hand over or park what is open first")
            await unit.shifts.end(staff)
        self._publish(QUEUE)

    # --- taking ---

    async def take(self, staff: StaffId, alias: str, handover: int) -> Handover:
        """Take one conversation by choice, also above the cap.

        AlreadyTakenError when somebody was faster, NotOnShiftError off shift.
        """

        async def change(case: Case) -> tuple[Handover, Conversation]:
            await self._require_shift(case.unit, staff)
            return await self._claim(case, staff, alias)

        return await self._change(handover, change)

    async def take_next(self, staff: StaffId, alias: str, once: str) -> Handover | None:
        """Take the next in line, None when nobody waits.

        ``once`` names this press of the button: a second one leads to the talk of the first, or,
        when that is over, ends with AlreadyTakenError. FullError above the cap (two, danger counts
        two); danger comes through all the same.
        """
        press = f"next {staff} {once}"

        async def change(case: Case) -> tuple[Handover, Conversation]:
            await self._require_shift(case.unit, staff)
            # Remembered with the claim, or not at all: a press that took nobody may be repeated.
            if not await case.unit.messages.once(press, case.now):
                raise _RepeatedError
            return await self._claim(case, staff, alias)

        missed: set[int] = set()
        while True:
            now = self._clock.now()
            async with self._store.begin() as unit:
                await self._require_shift(unit, staff)
                everything = await unit.handovers.every_open()
                # Asked after the requests were read: whoever took one of them is known by now.
                if await unit.messages.is_known(press):
                    return _newest_of(everything, staff, now)
                shifts = await unit.shifts.since(now - queue.ALIVE)
            languages = next((s.languages for s in shifts if s.staff == staff), frozenset[str]())
            left = [one for one in everything if one.id not in missed]
            found = queue.next_for(left, languages, now)
            if found is None or found.id is None:
                return None
            if queue.is_full(everything, staff, now) and found.level is not Level.RED:
                raise FullError("two at a time: end, park or hand over one first")
            try:
                return await self._change(found.id, change)
            except _RepeatedError:
                continue
            except (AlreadyTakenError, ConversationGoneError):
                missed.add(found.id)

    # --- writing ---

    async def say(self, staff: StaffId, alias: str, handover: int, text: str, once: str) -> bool:
        """Write a line; ``once`` names this press of the button: False when it was there already.

        LineTooLongError above LONGEST_LINE characters: half a sentence can mean the opposite.
        NotYoursError unless this counsellor holds the conversation.
        """
        if len(text) > LONGEST_LINE:
            raise LineTooLongError("send it in two parts")
        return await self._speak(staff, handover, once, lambda locale: Line(alias, text, locale))

    async def say_translated(
        self, staff: StaffId, alias: str, handover: int, line: Translated, once: str
    ) -> bool:
        """Write a line in a machine's words, which its counsellor has read back and approved.

        As say(); LanguageChangedError when the visitor reads another language by now, and
        UnfaithfulError when the translation must not be sent.
        """
        line.check()

        def body(locale: str) -> Line:
            if locale != line.locale:
                raise LanguageChangedError("translate it anew")
            return Line(alias, line.text, locale, line.original)

        return await self._speak(staff, handover, once, body)

    async def say_canned(
        self, staff: StaffId, alias: str, handover: int, screen: str, once: str
    ) -> bool:
        """Send an approved sentence in the visitor's locale."""
        values = {"staff_alias": alias}
        return await self._speak(
            staff, handover, once, lambda locale: Reply(screen, locale, values)
        )

    async def _speak(
        self, staff: StaffId, handover: int, once: str, body: Callable[[str], Line | Reply]
    ) -> bool:
        fresh = True

        async def change(case: Case) -> tuple[Handover, Conversation]:
            nonlocal fresh
            held = handovers.spoke(case.handover, staff, case.now)
            fresh = await case.unit.messages.once(f"{handover} {once}", case.now)
            if not fresh:
                return held, case.conversation
            locale = case.conversation.memory.locale or "en"
            held = await speak(
                case.unit,
                case.conversation,
                held,
                body(locale),
                ids=self._ids,
                now=case.now,
            )
            await self._redraft(case, staff, reply="")
            await self._lease(case, held)
            return held, case.conversation

        await self._change(handover, change)
        return fresh

    async def note(self, staff: StaffId, handover: int, text: str, *, whisper: bool) -> None:
        """Write a note for colleagues, or as a supervisor a whisper to the counsellor."""
        kind = NoteKind.WHISPER if whisper else NoteKind.NOTE

        async def change(case: Case) -> tuple[Handover, Conversation]:
            if whisper:
                await self._record(case, staff, AuditEvent.WHISPERED)
            else:
                handovers.require_owner(case.handover, staff, case.now)
            await self._note(case, staff, kind, text)
            return case.handover, case.conversation

        await self._change(handover, change)

    async def keep_draft(self, staff: StaffId, handover: int, draft: Draft) -> None:
        """Keep what is being typed, of any length; NotYoursError from anybody but the holder."""
        now = self._clock.now()
        async with self._store.begin() as unit:
            found = await unit.handovers.get(handover)
            if found is None or not found.is_held_by(staff, now):
                raise NotYoursError("this conversation is not yours (any more)")
            await unit.notes.keep_draft(found.conversation, staff, draft.written())

    async def _redraft(self, case: Case, staff: StaffId, **parts: str) -> None:
        """Replace parts of what is being typed."""
        notes, key = case.unit.notes, case.conversation.id
        draft = replace(Draft.read(await notes.draft(key, staff)), **parts)
        await notes.keep_draft(key, staff, draft.written())

    # --- judging ---

    async def set_level(
        self, staff: StaffId, handover: int, level: Level, reason: LevelReason | None
    ) -> None:
        """Set the level; ReasonMissingError when it is lowered without one."""

        async def change(case: Case) -> tuple[Handover, Conversation]:
            changed = handovers.releveled(case.handover, staff, case.now, level, reason)
            await self._record(case, staff, AuditEvent.LEVEL_CHANGED, reason or "")
            return changed, case.conversation

        await self._change(handover, change)

    async def check_word(self, staff: StaffId, handover: int, word: str) -> bool:
        """Compare a word with the visitor's code word; a wrong one raises a quiet flag.

        Where the visitor chose none, nothing fits and nothing is flagged.
        """
        fits = False

        async def change(case: Case) -> tuple[Handover, Conversation]:
            nonlocal fits
            handovers.require_owner(case.handover, staff, case.now)
            if not case.handover.code_word:
                return case.handover, case.conversation
            given = self._sealer.hash_word(case.conversation.id, word)
            fits = hmac.compare_digest(given, case.handover.code_word)
            doubted = replace(case.handover, doubted=not fits)
            # A wrong code word is serious by itself (ux.md 2.1, orange).
            return doubted if fits else handovers.raised(doubted, Level.ORANGE), case.conversation

        await self._change(handover, change)
        return fits

    async def raise_hand(self, staff: StaffId, handover: int, *, up: bool) -> None:
        """Ask a supervisor to read along, or take that back."""

        async def change(case: Case) -> tuple[Handover, Conversation]:
            changed = handovers.with_hand(case.handover, staff, case.now, up=up)
            return changed, case.conversation

        await self._change(handover, change)

    # --- passing on ---

    async def offer_transfer(
        self, staff: StaffId, alias: str, handover: int, to: StaffId | None, note: str, why: str
    ) -> None:
        """Ask a colleague to take over, with a note; the visitor is asked what they may see.

        ``why`` names the word of the deck that tells the visitor the reason.
        """

        async def change(case: Case) -> tuple[Handover, Conversation]:
            changed = handovers.offered_transfer(case.handover, staff, case.now, to=to)
            await self._note(case, staff, NoteKind.TRANSFER, note)
            await self._redraft(case, staff, need="", risk="", next="")
            locale = case.conversation.memory.locale or "en"
            question = Reply(
                "utter_human_transfer", locale, {"staff_alias": alias, "transfer_reason": why}
            )
            changed = await speak(
                case.unit, case.conversation, changed, question, ids=self._ids, now=case.now
            )
            due = case.now + handovers.TRANSFER
            await case.unit.timers.set(Timer(case.conversation.id, TRANSFER, due))
            return changed, await _seeing(case, "utter_human_transfer")

        await self._change(handover, change)

    async def accept_transfer(self, staff: StaffId, alias: str, handover: int) -> Handover:
        """Take over what a colleague passes on; NothingToTransferError when that is over."""

        async def change(case: Case) -> tuple[Handover, Conversation]:
            await self._require_shift(case.unit, staff)
            newest = await case.unit.messages.newest(case.conversation.id)
            changed = handovers.accepted_transfer(case.handover, staff, case.now, newest=newest)
            await self._record(case, staff, AuditEvent.CONVERSATION_TRANSFERRED)
            return await self._join(case, changed, alias)

        return await self._change(handover, change)

    async def drop_transfer(self, staff: StaffId, handover: int) -> None:
        """Refuse an offered conversation, or take an offer back.

        NothingToTransferError for whoever neither offered it nor was asked by name: one who has no
        time leaves an offer to all to the others.
        """

        async def change(case: Case) -> tuple[Handover, Conversation]:
            transfer = case.handover.transfer
            asked = transfer is not None and transfer.to == staff
            if not (asked or case.handover.owner == staff):
                raise NothingToTransferError("the offer is for somebody else")
            return handovers.dropped_transfer(case.handover), case.conversation

        await self._change(handover, change)

    async def take_over(
        self, supervisor: StaffId, alias: str, handover: int, reason: TakeOverReason
    ) -> Handover:
        """Take a conversation from a colleague, for a recorded reason.

        NotOnShiftError off shift: nothing would ring for a supervisor who is not there.
        """

        async def change(case: Case) -> tuple[Handover, Conversation]:
            await self._require_shift(case.unit, supervisor)
            changed = handovers.taken_over(case.handover, supervisor, case.now)
            await self._record(case, supervisor, AuditEvent.CONVERSATION_TAKEN_OVER, reason)
            return await self._join(case, changed, alias)

        return await self._change(handover, change)

    # --- ending ---

    async def park(self, staff: StaffId, handover: int) -> None:
        """Give a conversation back, keep the visitor's place, and tell them."""

        async def change(case: Case) -> tuple[Handover, Conversation]:
            changed = handovers.parked(case.handover, staff, case.now)
            await self._record(case, staff, AuditEvent.CONVERSATION_RELEASED)
            await self._quiet(case)
            told = Reply(PARKED, case.conversation.memory.locale or "en")
            # Told like the end of a talk: to who is here, and to others once they look.
            await speak(
                case.unit,
                case.conversation,
                replace(changed, pinged=True),
                told,
                ids=self._ids,
                now=case.now,
            )
            return changed, await _seeing(case, KEPT)

        await self._change(handover, change)

    async def close(
        self, staff: StaffId, handover: int, close: Close, *, erase: bool = False
    ) -> None:
        """End a talk with an outcome; with ``erase`` the conversation is forgotten at once."""

        async def change(case: Case) -> tuple[Handover, Conversation]:
            changed = handovers.closed(case.handover, staff, case.now, close)
            await self._record(case, staff, AuditEvent.CONVERSATION_CLOSED, close.outcome)
            await self._quiet(case)
            await case.unit.figures.count(week_of(case.now), counted(changed))
            screen = "utter_human_quiet" if close.outcome is Outcome.QUIET else "utter_human_ended"
            locale = case.conversation.memory.locale or "en"
            if not erase:
                await speak(
                    case.unit,
                    case.conversation,
                    replace(changed, pinged=True),
                    Reply(screen, locale),
                    ids=self._ids,
                    now=case.now,
                )
            return changed, await _seeing(case, screen)

        closed = await self._change(handover, change)
        if erase:
            # Without a word: nobody is written to unasked.
            await self._eraser.expire({closed.conversation})

    # --- inside ---

    async def _require_shift(self, unit: UnitOfWork, staff: StaffId) -> None:
        """Refuse who is not on shift: visitors wait for those who are."""
        on_shift = await unit.shifts.since(self._clock.now() - queue.ALIVE)
        if all(shift.staff != staff for shift in on_shift):
            raise NotOnShiftError("start your shift first")

    async def _claim(self, case: Case, staff: StaffId, alias: str) -> tuple[Handover, Conversation]:
        """Take a conversation from the queue."""
        held = handovers.claimed(case.handover, staff, case.now)
        await self._record(case, staff, AuditEvent.CONVERSATION_TAKEN)
        return await self._join(case, held, alias)

    async def _join(self, case: Case, held: Handover, alias: str) -> tuple[Handover, Conversation]:
        """Silence the program and say who is here."""
        await case.unit.messages.drop(case.conversation.id, human=False)
        await case.unit.timers.cancel(case.conversation.id, UNANSWERED)
        await case.unit.timers.cancel(case.conversation.id, TRANSFER)
        await self._lease(case, held)
        locale = case.conversation.memory.locale or "en"
        joined = Reply(_JOINED, locale, {"staff_alias": alias})
        held = await speak(case.unit, case.conversation, held, joined, ids=self._ids, now=case.now)
        return held, await _seeing(case, _JOINED)

    async def _lease(self, case: Case, held: Handover) -> None:
        if held.lease_until:
            await case.unit.timers.set(Timer(case.conversation.id, LEASE, held.lease_until))

    async def _quiet(self, case: Case) -> None:
        for kind in (LEASE, TRANSFER, UNANSWERED):
            await case.unit.timers.cancel(case.conversation.id, kind)

    async def _note(self, case: Case, staff: StaffId, kind: NoteKind, text: str) -> None:
        if text.strip():
            note = Note(
                self._ids.next(case.now),
                case.conversation.id,
                staff,
                kind,
                case.now,
                text.strip()[:LONGEST_LINE],
            )
            await case.unit.notes.add(note)

    async def _record(
        self, case: Case, staff: StaffId, event: AuditEvent, reason: str = ""
    ) -> None:
        subject = await case.unit.audit.alias_of(case.conversation.id)
        await case.unit.audit.record(Happening(staff, event, case.now, subject, reason))


class _RepeatedError(Exception):
    """The same press of a button has taken somebody already."""


def _newest_of(everything: Collection[Handover], staff: StaffId, now: datetime) -> Handover:
    """Return the talk that somebody took last; AlreadyTakenError when they hold none any more."""
    held = [one for one in everything if one.is_held_by(staff, now)]
    if not held:
        raise AlreadyTakenError("what was taken is over")
    return max(held, key=lambda one: one.claimed_at or one.offered_at)


async def _seeing(case: Case, screen: str) -> Conversation:
    """Return the conversation on a screen that was just posted, unless it is held back.

    Who has not seen a question must not answer it.
    """
    held = await case.unit.messages.held([case.conversation.id])
    return case.conversation if held else _on(case.conversation, screen)


def _on(conversation: Conversation, screen: str) -> Conversation:
    """Return the conversation with the screen that its visitor sees now."""
    return replace(conversation, memory=replace(conversation.memory, screen=screen))
