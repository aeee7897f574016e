"""F11: visitors, counsellors and the clock do anything in any order, also at once, on SQLite.

What is promised of a talk is read from the rows and from what everybody saw, and is written here
from the design (sections 1 and 5), not from the code.
"""

import asyncio
import itertools
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bot import bootstrap
from bot.bootstrap import App
from bot.domain.errors import (
    AlreadyTakenError,
    ConversationGoneError,
    RefusedError,
)
from bot.domain.handover import Close, LevelReason, TakeOverReason
from bot.domain.handover import Outcome as Ending
from bot.domain.messages import Bubble, Channel, ConversationId
from bot.domain.queue import ALIVE
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from tests.storms.outcome import Outcome
from tests.support.app import Visitor, running, screens
from tests.support.fakes import OPEN, FakeClock, RecordingChannel

VISITORS = ("anna", "ben", "cleo")
STAFF = tuple(map(StaffId, ("kim", "lee", "mia")))
ON_TELEGRAM = ("anna", "ben")
STEPS = 100
# Short ones often, or every talk would lapse; then just before and after each limit, and a night.
PAUSES = (*[1, 5, 20, 60] * 4, 119, 179, 181, 299, 301, 3600, 12 * 3600)
DONE = Close(Ending.INFORMED)
# A line may be made three minutes after a sign of life, ten in danger, and be three on its way.
WINDOW = timedelta(minutes=13)
# What the program may say to somebody who writes with a counsellor.
SILENT = {"utter_push_ping"}
# In the model's time a person does not write faster than people can.
WRITING = timedelta(seconds=2)
BELONGING = ("messages", "handovers", "timers", "notes", "drafts", "audit_aliases")
VISITS = ("ask", "say", "look", "leave", "hide", "forget", "menu", "cancel", "agree", "refuse")
WORK = (
    *("take", "take next", "write", "write", "beat", "offer", "accept", "drop", "take over"),
    *("park", "close", "erase", "relevel", "hand", "check word", "begin", "end"),
)
EVENTS = {
    "take": "conversation_taken",
    "take next": "conversation_taken",
    "take over": "conversation_taken_over",
    "accept": "conversation_transferred",
    "park": "conversation_released",
    "close": "conversation_closed",
    "erase": "conversation_closed",
    "relevel": "level_changed",
}


class Deed(NamedTuple):
    """What somebody does: a visitor to themselves, or staff to a visitor's talk."""

    name: str
    whose: str
    who: StaffId = STAFF[0]
    to: StaffId | None = None
    yes: bool = False


class Row(NamedTuple):
    """A request as it lies in the file."""

    id: int
    conversation: str
    state: str
    owner: str | None
    lease_until: int | None
    asked_at: int | None


@dataclass
class Phones(RecordingChannel):
    """Telegram, which notes what staff wrote and when it was shown."""

    clock: FakeClock
    lines: list[tuple[str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def show(self, address: str, bubble: Bubble) -> str:
        if bubble.screen == "line":
            self.lines.append((address, self.clock.now()))
        return await super().show(address, bubble)


class Desk(RuleBasedStateMachine):
    """Three visitors, three people at work, and a clock."""

    done: Counter[str]
    refused: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="havn-storm-"))
        self.clock = FakeClock()
        self.phones = Phones(self.clock)
        self.stack = AsyncExitStack()
        self.app: App = self._await(
            self.stack.enter_async_context(
                running(self.folder, clock=self.clock, channel=self.phones, staffed=False)
            )
        )
        self.visitors = {
            name: Visitor(
                self.app, Channel.TELEGRAM if name in ON_TELEGRAM else Channel.WEB, sender=name
            )
            for name in VISITORS
        }
        self.names = {
            bytes(lookup): name
            for name, one in self.visitors.items()
            for lookup in self.app.sealer.lookups(one.channel, one.sender)
        }
        self.file = sqlite3.connect(self.folder / "var" / "havn.db", isolation_level=None)
        self.presses = itertools.count()
        self.agreed: set[str] = set()
        self.hidden: set[str] = set()
        self.acted = dict.fromkeys(VISITORS, OPEN)
        self.known: dict[int, Row] = {}
        self.over: set[int] = set()
        self.forgotten: set[str] = set()
        self.recorded: Counter[str] = Counter()
        self.seen_lines = 0
        self.said: list[str] = []
        for who in STAFF:
            self._await(self.app.hotline.start_shift(who, frozenset({"en"})))

    def teardown(self) -> None:
        trail = self._await(bootstrap.trail(self.app).verify())
        self.file.close()
        self._await(self.stack.aclose())
        self.loop.close()
        shutil.rmtree(self.folder)
        assert trail.sound

    # --- what happens ---

    @rule(seconds=st.sampled_from(PAUSES))
    def time_passes(self, seconds: int) -> None:
        self.done["time"] += 1
        self.clock.turn(seconds=seconds)
        self._await(self.app.keeper._run_timers())
        now = self._now()
        for row in self._open().values():
            assert row.state != "active" or now < (row.lease_until or 0), "a lost talk returns"

    @rule()
    def what_is_due_is_sent(self) -> None:
        self.done["send"] += 1
        self._await(self.app.deliverers[Channel.TELEGRAM].step())

    @rule(name=st.sampled_from(VISITS), whose=st.sampled_from(VISITORS), yes=st.booleans())
    def a_visitor_acts(self, name: str, whose: str, *, yes: bool) -> None:
        self._alone(Deed(name, whose, yes=yes))

    @rule(
        name=st.sampled_from(WORK),
        whose=st.sampled_from(VISITORS),
        who=st.sampled_from(["holder", "holder", *STAFF]),
        to=st.sampled_from([None, *STAFF]),
        yes=st.booleans(),
    )
    def staff_act(self, name: str, whose: str, who: str, to: StaffId | None, *, yes: bool) -> None:
        self._alone(Deed(name, whose, self._resolved(whose, who), to, yes))

    @rule(whose=st.sampled_from(VISITORS), who=st.sampled_from(STAFF), yes=st.booleans())
    def a_talk_begins(self, whose: str, who: StaffId, *, yes: bool) -> None:
        """Get a talk going, so that more than the queue is seen."""
        for name in ("begin", "ask", "take", "write"):
            self._alone(Deed(name, whose, who, yes=yes))

    @rule(
        whose=st.sampled_from(VISITORS),
        deeds=st.lists(
            st.tuples(
                st.sampled_from([*VISITS, *WORK]),
                st.sampled_from(["holder", *STAFF]),
                st.sampled_from([None, *STAFF]),
                st.booleans(),
            ),
            min_size=2,
            max_size=4,
        ),
    )
    def all_at_once(
        self, whose: str, deeds: Sequence[tuple[str, str, StaffId | None, bool]]
    ) -> None:
        """Let several people act on one talk in the same moment."""
        chosen = [
            Deed(name, whose, self._resolved(whose, who), to, yes) for name, who, to, yes in deeds
        ]
        before = self._open().get(whose)
        if any(deed.name == "ask" for deed in chosen):
            self.agreed.add(whose)
        errors = self._await(self._together(chosen))
        for deed, error in zip(chosen, errors, strict=True):
            self._note(deed, error)
        takers = [
            deed.who
            for deed, error in zip(chosen, errors, strict=True)
            if deed.name == "take" and error is None
        ]
        waits = before is not None and before.state in ("waiting", "left_message")
        others = {deed.name for deed in chosen} - {"take", "beat", "say", "look", "menu"}
        if waits and not others and len(chosen) == sum(d.name == "take" for d in chosen):
            assert len(takers) <= 1, "one of them takes it"
            able = any(self._on_shift(deed.who) for deed in chosen)
            assert len(takers) == able, "who can take it, takes it"

    @rule(whose=st.sampled_from(VISITORS))
    def three_reach_for_one(self, whose: str) -> None:
        for who in STAFF:
            self._alone(Deed("begin", whose, who))
        self._alone(Deed("ask", whose))
        self.all_at_once(whose, [("take", who, None, False) for who in STAFF])

    # --- what is promised ---

    @invariant()
    def rows_belong_together(self) -> None:
        for table in BELONGING:
            lost = self._read(
                f"SELECT 1 FROM {table} WHERE conversation_id NOT IN (SELECT id FROM conversations)"
            )
            assert not lost, table
        assert not self._read(
            "SELECT 1 FROM handovers WHERE state <> 'closed' GROUP BY conversation_id "
            "HAVING count(*) > 1"
        )
        left = {id_ for (id_,) in self._read("SELECT id FROM conversations")}
        assert not left & self.forgotten
        assert not any(self.app.sealer.has_key(ConversationId(id_)) for id_ in self.forgotten)

    @invariant()
    def one_holds_what_is_active_and_nobody_anything_else(self) -> None:
        for row in self._rows():
            held = (row.owner in STAFF, row.lease_until is not None)
            if row.state == "active":
                assert held == (True, True)
            elif row.state != "closed":
                assert held == (False, False)

    @invariant()
    def nobody_is_handed_over_who_did_not_agree(self) -> None:
        for whose, row in self._open().items():
            if row.state != "offered":
                assert whose in self.agreed
                assert row.asked_at is not None

    @invariant()
    def a_place_is_kept_and_an_end_is_an_end(self) -> None:
        rows = {row.id: row for row in self._rows()}
        for number, before in self.known.items():
            row = rows.get(number)
            if row is None or row.state == "closed":
                self.over.add(number)
            else:
                assert number not in self.over, "an end is an end"
                assert row.asked_at == before.asked_at or before.asked_at is None
        self.known |= rows
        self.over |= {number for number, row in rows.items() if row.state == "closed"}

    @invariant()
    def each_end_is_counted_once(self) -> None:
        """Whoever came and went within one moment may be counted, and was seen by nobody."""
        ended = [self.known[number] for number in self.over]
        sure = sum(
            row.asked_at is not None or row.state not in ("offered", "closed") for row in ended
        )
        ((number, last),) = self._read(
            "SELECT (SELECT coalesce(sum(number), 0) FROM figures WHERE kind = 'outcome'), "
            "(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'handovers')"
        )
        unsure = len(ended) - sure + last - len(self.known)
        assert sure <= number <= sure + unsure

    @invariant()
    def each_step_of_staff_is_recorded_once(self) -> None:
        found = dict(self._read("SELECT event, count(*) FROM audit GROUP BY event"))
        for event in set(EVENTS.values()):
            assert found.get(event, 0) == self.recorded[event], event

    @invariant()
    def nobody_is_written_to_outside_their_window(self) -> None:
        for address, at in self.phones.lines[self.seen_lines :]:
            whose = address.removeprefix("address-of-")
            assert at - self.acted[whose] < WINDOW
            assert whose not in self.hidden
        self.seen_lines = len(self.phones.lines)

    # --- how a deed is done ---

    def _alone(self, deed: Deed) -> None:
        """Do one thing, which works or is refused as the rows say."""
        before, now = self._open().get(deed.whose), self._when(deed)
        shift = self._on_shift(deed.who)
        if deed.name == "ask":
            self.agreed.add(deed.whose)
        (error,) = self._await(self._together([deed]))
        self._note(deed, error)
        held = before is not None and before.state == "active" and now < (before.lease_until or 0)
        own = held and before is not None and before.owner == deed.who
        after = self._open().get(deed.whose)
        match deed.name:
            case "take":
                free = before is not None and not held and before.state != "offered"
                assert (error is None) == (shift and free), (error, before)
                assert error or (after and after.owner == deed.who)
            case "write" | "park" | "close" | "erase" | "relevel" | "hand" | "check word":
                assert (error is None) == own, (error, before)
            case "say" if held:
                assert set(self.said) <= SILENT, self.said
            case "leave" | "cancel" if error is None and held:
                assert after is None, "the visitor's own word wins"
            case "forget":
                assert error is None
                assert after is None
        if deed.name in ("close", "erase") and error is None:
            assert after is None
        if deed.name in ("cancel", "erase") and error is None:
            # Who took it back, or is gone, has agreed to nothing.
            self.agreed.discard(deed.whose)
        if deed.name == "park" and error is None:
            assert after is not None
            assert after.state == "left_message"

    def _when(self, deed: Deed) -> int:
        """Return when a deed is done: a lease may end while a visitor writes."""
        writing = WRITING if deed.name in VISITS else timedelta()
        return self._now() + writing // timedelta(milliseconds=1)

    async def _together(self, deeds: Sequence[Deed]) -> list[Exception | None]:
        """Do things at once; return what each was refused with."""
        for deed in deeds:
            if deed.name in VISITS:
                self.clock.turn(seconds=WRITING.seconds)
                self.acted[deed.whose] = self.clock.now()
        outcomes = await asyncio.gather(*(self._do(deed) for deed in deeds), return_exceptions=True)
        await self.app.reception.close()
        return [await self._settled(outcome) for outcome in outcomes]

    async def _settled(self, outcome: BaseException | None) -> Exception | None:
        if outcome is None or isinstance(outcome, (RefusedError, ConversationGoneError)):
            return outcome
        raise outcome

    def _note(self, deed: Deed, error: Exception | None) -> None:
        if error is not None:
            self.refused[deed.name] += 1
            return
        self.done[deed.name] += 1
        if deed.name in EVENTS:
            self.recorded[EVENTS[deed.name]] += 1

    async def _do(self, deed: Deed) -> None:
        if deed.name in VISITS:
            await self._visit(deed)
        else:
            await self._work(deed, (self._open().get(deed.whose) or _NOBODY).id)

    async def _visit(self, deed: Deed) -> None:
        visitor = self.visitors[deed.whose]
        if deed.name not in ("hide", "forget"):
            self.hidden.discard(deed.whose)
        match deed.name:
            case "ask":
                await visitor.taps(f"utter_human_notify consent={'all' if deed.yes else 'new'}")
                await visitor.taps(f"utter_human_code_word notify={'push' if deed.yes else 'pull'}")
                await visitor.taps("action_queue_open")
            case "say":
                self.said = screens(await visitor.says("I do not know what to do about the work"))
            case "hide":
                self.hidden.add(deed.whose)
                await visitor.taps("action_hide")
            case "forget":
                await self._forget(visitor)
            case _:
                await visitor.taps(_TAPS[deed.name])

    async def _forget(self, visitor: Visitor) -> None:
        lookups = self.app.sealer.lookups(visitor.channel, visitor.sender)
        async with self.app.store.begin() as unit:
            gone = set((await unit.conversations.find(lookups)).values())
        await visitor.taps("action_forget")
        await self.app.reception.close()
        self.forgotten |= gone
        if visitor.sender not in self._open():
            self.agreed.discard(visitor.sender)

    async def _work(self, deed: Deed, number: int) -> None:  # noqa: C901, PLR0912 -- one case each
        desk, who = self.app.hotline, deed.who
        press = f"{next(self.presses)}"
        match deed.name:
            case "take":
                await desk.take(who, who, number)
            case "take next":
                if await desk.take_next(who, who, press) is None:
                    raise AlreadyTakenError("nobody waits")
            case "write":
                await desk.say(who, who, number, "a line of a counsellor", press)
            case "beat":
                await desk.beat(who)
            case "offer":
                await desk.offer_transfer(who, who, number, deed.to, "a note", "transfer_shift")
            case "accept":
                await desk.accept_transfer(who, who, number)
            case "drop":
                await desk.drop_transfer(who, number)
            case "take over":
                await desk.take_over(who, who, number, TakeOverReason.SAFETY)
            case "park":
                await desk.park(who, number)
            case "close" | "erase":
                await desk.close(who, number, DONE, erase=deed.name == "erase")
            case "relevel":
                level = Level.RED if deed.yes else Level.YELLOW
                await desk.set_level(who, number, level, LevelReason.SAFE_NOW)
            case "hand":
                await desk.raise_hand(who, number, up=deed.yes)
            case "check word":
                await desk.check_word(who, number, "a word")
            case "begin":
                await desk.start_shift(who, frozenset({"en"}))
            case "end":
                await desk.end_shift(who)

    # --- what is read ---

    def _read(self, statement: str) -> list[Any]:
        """Read from the file, as another process would."""
        return self.file.execute(statement).fetchall()

    def _rows(self) -> list[Row]:
        return [
            Row(*row)
            for row in self._read(
                "SELECT id, conversation_id, state, owner, lease_until, asked_at FROM handovers"
            )
        ]

    def _open(self) -> dict[str, Row]:
        """Return the open request of each visitor who has one."""
        mine = {
            id_: self.names[lookup]
            for id_, lookup in self._read("SELECT id, lookup FROM conversations")
            if lookup in self.names
        }
        return {
            mine[row.conversation]: row
            for row in self._rows()
            if row.state != "closed" and row.conversation in mine
        }

    def _on_shift(self, who: StaffId) -> bool:
        beats = dict(self._read("SELECT staff, beat_at FROM shifts"))
        return self._now() - beats.get(who, 0) <= ALIVE / timedelta(milliseconds=1)

    def _resolved(self, whose: str, who: str) -> StaffId:
        row = self._open().get(whose)
        owner = row.owner if row and row.owner else STAFF[0]
        return StaffId(owner if who == "holder" else who)

    def _now(self) -> int:
        return int(self.clock.now().timestamp() * 1000)

    def _await(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)


_NOBODY = Row(0, "", "closed", None, None, None)
_TAPS = {
    "look": "action_pull",
    "leave": "action_leave_human",
    "menu": "utter_main_menu",
    "cancel": "utter_human_cancelled",
    "agree": "action_transfer_yes",
    "refuse": "action_transfer_no",
}


def _told(error: BaseException) -> str:
    """Return what went wrong, and the shortest way there that was found."""
    promises = tuple(
        name for name, of in vars(Desk).items() if hasattr(of, "hypothesis_stateful_invariant")
    )
    lines = "\n".join(getattr(error, "__notes__", ())).splitlines()
    return "\n".join(
        [
            repr(error),
            *(
                line
                for line in lines
                if not line.strip().startswith(tuple(f"state.{p}" for p in promises))
            ),
        ]
    )


def run(steps: int, _folder: Path, number: int) -> Outcome:
    """Take so many steps, in walks of a hundred."""
    Desk.done, Desk.refused = Counter(), Counter()
    outcome = Outcome()
    try:
        run_state_machine_as_test(
            seed(number)(Desk),
            settings=settings(
                max_examples=max(1, steps // STEPS),
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except (AssertionError, ExceptionGroup) as error:
        outcome.missed.append(_told(error))
    outcome.figures = {
        "steps": Desk.done.total() + Desk.refused.total(),
        "refused": Desk.refused.total(),
    }
    return outcome
