"""Visitors, counsellors and the clock do anything in any order, and the promises hold.

The model beside the handovers is tiny and written from the promises, not from the code: who holds a
talk and until when, since when somebody waits, and which messages nobody may read.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from bot.domain import handover as handovers
from bot.domain.conversation import Consent, Notify
from bot.domain.errors import ConsentMissingError, RefusedError
from bot.domain.handover import Close, Handover, LevelReason, Outcome, State
from bot.domain.messages import ConversationId, MessageId
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from tests.support.fakes import OPEN

VISITORS = [ConversationId(name) for name in ("anna", "ben", "cleo")]
COUNSELLORS = [StaffId(name) for name in ("kim", "lee", "mia")]
SUPERVISOR = StaffId("sam")
STAFF = [*COUNSELLORS, SUPERVISOR]
FIRST, LATER, OFFER = timedelta(minutes=3), timedelta(minutes=5), timedelta(minutes=5)
# Stands for whoever holds the talk, so that not every other step is a stranger's.
HOLDER = StaffId("holder")
# Just before, at and after each limit, and a night; short ones often, or every talk would lapse.
PAUSES = [*[1, 20, 60] * 4, 0, 179, 180, 181, 299, 300, 301, 12 * 3600]
LEAST_STEPS = 10_000
OFTEN = 30
ALWAYS = ("time", "sweep", "write", "offer", "raise", "ask", "answer", "leave", "drop")
REFUSABLE = (
    *("ask again", "claim", "speak", "beat", "pass on", "accept", "take over"),
    *("park", "give back", "close", "relevel", "hand"),
)

visitors, levels = st.sampled_from(VISITORS), st.sampled_from(Level)
anybody = st.sampled_from(STAFF)
staff = st.sampled_from([*STAFF, *[HOLDER] * 4])


@dataclass
class Offer:
    """A transfer under way."""

    until: datetime
    to: StaffId | None
    agreed: bool = False


@dataclass
class Talk:
    """What is promised of one handover."""

    held_by: StaffId | None = None
    until: datetime = OPEN
    written: bool = False
    waiting_since: datetime | None = None
    agreed: bool = False
    unreadable: int = 0
    offer: Offer | None = None
    waits: bool = False
    over: bool = False

    def holds(self, who: StaffId, now: datetime) -> bool:
        return self.held_by == who and now < self.until

    def take(self, who: StaffId, now: datetime) -> None:
        self.held_by, self.until, self.written = who, now + FIRST, False
        self.offer, self.waits = None, False

    def give_up(self) -> None:
        self.held_by, self.offer, self.waits = None, None, True

    def end(self) -> None:
        self.held_by, self.offer, self.waits, self.over = None, None, False, True


class Desk(RuleBasedStateMachine):
    """Three visitors, three counsellors, a supervisor and a clock."""

    taken: ClassVar[Counter[str]] = Counter()
    refused: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.now = OPEN
        self.newest = dict.fromkeys(VISITORS, 0)
        self.rows = {key: handovers.offer(key, Level.YELLOW, "ro", OPEN) for key in VISITORS}
        self.talks = {key: Talk() for key in VISITORS}

    @initialize(who=anybody, taken=st.sets(visitors))
    def begins(self, who: StaffId, taken: set[ConversationId]) -> None:
        for whose in sorted(taken):
            self.is_taken_at_once(whose=whose, consent=Consent.ALL, who=who)

    # --- the clock and the program ---

    @rule(seconds=st.sampled_from(PAUSES))
    def time_passes(self, seconds: int) -> None:
        self.taken["time"] += 1
        before = {key: row.state for key, row in self.rows.items()}
        self.now += timedelta(seconds=seconds)
        for key, row in self.rows.items():
            talk = self.talks[key]
            swept = handovers.lapsed(row, self.now)
            lost = talk.held_by is not None and self.now >= talk.until
            assert swept.state is (State.WAITING if lost else before[key])
            assert (swept.asked_at, swept.closed_at) == (row.asked_at, row.closed_at)

    @rule(whose=visitors, morning=st.booleans())
    def the_program_looks(self, whose: ConversationId, *, morning: bool) -> None:
        """Sweep a lapsed lease, end an offer that nobody took, bring a kept place back."""
        self.taken["sweep"] += 1
        talk = self.talks[whose]
        row = handovers.lapsed(self.rows[whose], self.now)
        if talk.held_by is not None and self.now >= talk.until:
            talk.give_up()
        if talk.offer and self.now >= talk.offer.until:
            row, talk.offer = handovers.dropped_transfer(row), None
        self.rows[whose] = handovers.returned(row) if morning else row

    # --- the visitor ---

    @rule(whose=visitors)
    def writes(self, whose: ConversationId) -> None:
        self.taken["write"] += 1
        self.newest[whose] += 1

    @rule(whose=visitors, level=levels)
    def is_offered_a_person(self, whose: ConversationId, level: Level) -> None:
        row = self.rows[whose]
        if self.talks[whose].over:
            self.taken["offer"] += 1
            self.rows[whose] = handovers.offer(whose, level, "ro", self.now)
            self.talks[whose] = Talk()
        else:
            self.taken["raise"] += 1
            self.rows[whose] = handovers.raised(row, level)
            assert self.rows[whose].level == max(row.level, level)

    @rule(whose=visitors, consent=st.sampled_from(Consent), who=anybody)
    def is_taken_at_once(self, whose: ConversationId, consent: Consent, who: StaffId) -> None:
        """Get a talk going, so that more than the queue is seen."""
        self.is_offered_a_person(whose=whose, level=Level.ORANGE)
        self.agrees_and_asks(whose=whose, consent=consent, staffed=True)
        self.claims(whose=whose, who=who)
        self.speaks(whose=whose, who=who)

    @rule(whose=visitors, consent=st.sampled_from(Consent), staffed=st.booleans())
    def agrees_and_asks(self, whose: ConversationId, consent: Consent, *, staffed: bool) -> None:
        row, talk = self.rows[whose], self.talks[whose]
        if talk.over:
            return
        self.taken["ask"] += 1
        ready = handovers.prepared(
            row,
            consent=consent,
            notify=Notify.PULL,
            minor=False,
            code_word="",
            newest=MessageId(self.newest[whose]),
        )
        self.rows[whose] = handovers.asked(ready, self.now, staffed=staffed)
        if consent is Consent.NEW:
            talk.unreadable = self.newest[whose]
        talk.agreed = True
        talk.waiting_since = talk.waiting_since or self.now
        talk.waits = talk.held_by is None

    @rule(whose=visitors, staffed=st.booleans())
    def asks_without_agreeing(self, whose: ConversationId, *, staffed: bool) -> None:
        talk = self.talks[whose]
        self._try(
            "ask again",
            whose,
            allowed=talk.agreed and not talk.over,
            step=lambda row: handovers.asked(row, self.now, staffed=staffed),
            then=lambda: setattr(talk, "waits", talk.held_by is None),
        )

    @rule(whose=visitors, agreed=st.booleans())
    def answers_a_transfer(self, whose: ConversationId, *, agreed: bool) -> None:
        self.taken["answer"] += 1
        self.rows[whose] = handovers.answered_transfer(self.rows[whose], agreed=agreed)
        if offer := self.talks[whose].offer:
            offer.agreed = agreed

    @rule(whose=visitors, outcome=st.sampled_from([None, None, Outcome.LEFT, Outcome.FORGOTTEN]))
    def leaves(self, whose: ConversationId, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        self.taken["leave"] += 1
        row = self.rows[whose]
        self.rows[whose] = handovers.withdrawn(row, self.now, outcome)
        assert self.rows[whose].state is State.CLOSED
        if self.talks[whose].over:
            assert self.rows[whose] == row
        self.talks[whose].end()

    # --- staff ---

    @rule(whose=visitors, who=anybody)
    def claims(self, whose: ConversationId, who: StaffId) -> None:
        talk = self.talks[whose]
        lost = talk.held_by is not None and self.now >= talk.until
        self._try(
            "claim",
            whose,
            allowed=talk.waits or lost,
            step=lambda row: handovers.claimed(row, who, self.now),
            then=lambda: talk.take(who, self.now),
        )

    @rule(whose=visitors, who=staff)
    def speaks(self, whose: ConversationId, who: StaffId) -> None:
        def renew(talk: Talk) -> None:
            talk.until, talk.written = self.now + LATER, True

        self._own("speak", whose, who, lambda row, who: handovers.spoke(row, who, self.now), renew)

    @rule(whose=visitors, who=staff)
    def beats(self, whose: ConversationId, who: StaffId) -> None:
        def renew(talk: Talk) -> None:
            if talk.written:
                talk.until = self.now + LATER

        self._own("beat", whose, who, lambda row, who: handovers.renewed(row, who, self.now), renew)

    @rule(whose=visitors, who=staff, to=st.sampled_from([*STAFF, None, None]))
    def offers(self, whose: ConversationId, who: StaffId, to: StaffId | None) -> None:
        def offer(talk: Talk) -> None:
            talk.offer = Offer(self.now + OFFER, to)

        who = self._resolved(whose, who)
        self._own(
            "pass on",
            whose,
            who,
            lambda row, who: handovers.offered_transfer(row, who, self.now, to=to),
            offer,
            also=who != to,
        )

    @rule(whose=visitors, who=st.sampled_from([*STAFF, *[None] * 4]))
    def accepts(self, whose: ConversationId, who: StaffId | None) -> None:
        """Somebody accepts; None is the colleague who was asked, where one was named."""
        talk = self.talks[whose]
        offer = talk.offer
        who = who or (offer and offer.to) or COUNSELLORS[1]
        stands = (
            offer is not None
            and talk.held_by is not None
            and self.now < min(offer.until, talk.until)
            and who != talk.held_by
            and offer.to in (None, who)
        )

        def take() -> None:
            if offer and not offer.agreed:
                talk.unreadable = self.newest[whose]
            talk.take(who, self.now)

        self._try(
            "accept",
            whose,
            allowed=stands,
            step=lambda row: handovers.accepted_transfer(
                row, who, self.now, newest=MessageId(self.newest[whose])
            ),
            then=take,
        )

    @rule(
        whose=visitors,
        to=st.sampled_from([None, *COUNSELLORS]),
        who=st.sampled_from([None, None, *COUNSELLORS]),
        agreed=st.sampled_from([True, False, None]),
        seconds=st.sampled_from([*PAUSES, 280]),
    )
    def is_passed_on(
        self,
        whose: ConversationId,
        to: StaffId | None,
        who: StaffId | None,
        agreed: bool | None,
        seconds: int,
    ) -> None:
        """Go through a whole transfer, which chance alone seldom does."""
        self.writes(whose=whose)
        self.offers(whose=whose, who=HOLDER, to=to)
        self.time_passes(seconds=20)
        self.speaks(whose=whose, who=HOLDER)
        if agreed is not None:
            self.answers_a_transfer(whose=whose, agreed=agreed)
        self.time_passes(seconds=seconds)
        self.accepts(whose=whose, who=who)
        self.speaks(whose=whose, who=HOLDER)
        self.time_passes(seconds=20)
        self.beats(whose=whose, who=HOLDER)

    @rule(whose=visitors)
    def takes_an_offer_back(self, whose: ConversationId) -> None:
        self.taken["drop"] += 1
        self.rows[whose] = handovers.dropped_transfer(self.rows[whose])
        self.talks[whose].offer = None

    @rule(whose=visitors)
    def supervisor_takes_over(self, whose: ConversationId) -> None:
        talk = self.talks[whose]
        self._try(
            "take over",
            whose,
            allowed=talk.held_by not in (None, SUPERVISOR),
            step=lambda row: handovers.taken_over(row, SUPERVISOR, self.now),
            then=lambda: talk.take(SUPERVISOR, self.now),
        )

    @rule(whose=visitors, who=staff)
    def parks(self, whose: ConversationId, who: StaffId) -> None:
        self._own(
            "park", whose, who, lambda row, who: handovers.parked(row, who, self.now), Talk.give_up
        )

    @rule(whose=visitors, who=staff)
    def gives_back(self, whose: ConversationId, who: StaffId) -> None:
        self._own(
            "give back",
            whose,
            who,
            lambda row, who: handovers.given_back(row, who, self.now),
            Talk.give_up,
        )

    @rule(whose=visitors, who=staff)
    def closes(self, whose: ConversationId, who: StaffId) -> None:
        close = Close(Outcome.INFORMED)
        self._own(
            "close",
            whose,
            who,
            lambda row, who: handovers.closed(row, who, self.now, close),
            Talk.end,
        )

    @rule(
        whose=visitors,
        who=staff,
        level=levels,
        reason=st.sampled_from([None, LevelReason.SAFE_NOW]),
    )
    def relevels(
        self, whose: ConversationId, who: StaffId, level: Level, reason: LevelReason | None
    ) -> None:
        lower = level < self.rows[whose].level
        self._own(
            "relevel",
            whose,
            who,
            lambda row, who: handovers.releveled(row, who, self.now, level, reason),
            lambda _talk: None,
            also=reason is not None or not lower,
        )

    @rule(whose=visitors, who=staff, up=st.booleans())
    def raises_a_hand(self, whose: ConversationId, who: StaffId, *, up: bool) -> None:
        self._own(
            "hand",
            whose,
            who,
            lambda row, who: handovers.with_hand(row, who, self.now, up=up),
            lambda _talk: None,
        )

    # --- the promises ---

    @invariant()
    def exactly_one_holds_what_is_active(self) -> None:
        for key, row in self.rows.items():
            talk = self.talks[key]
            assert (row.state is State.ACTIVE) == (talk.held_by is not None)
            holders = [who for who in STAFF if row.is_held_by(who, self.now)]
            assert holders == [who for who in STAFF if talk.holds(who, self.now)]
            assert len(holders) == row.is_held(self.now)
            assert row.has_lapsed(self.now) == (row.state is State.ACTIVE and not holders)
            if row.state is State.ACTIVE:
                assert row.lease_until == talk.until
            elif row.state is not State.CLOSED:
                assert (row.owner, row.lease_until, row.transfer) == (None, None, None)

    @invariant()
    def only_a_word_of_somebody_ends_it(self) -> None:
        for key, row in self.rows.items():
            assert (row.state is State.CLOSED) == self.talks[key].over
            assert (row.close is None) == (row.closed_at is None) == (not self.talks[key].over)

    @invariant()
    def nobody_waits_who_did_not_agree(self) -> None:
        for key, row in self.rows.items():
            talk = self.talks[key]
            assert (row.consent is not None) == talk.agreed
            in_queue = row.state in (State.WAITING, State.LEFT_MESSAGE)
            assert in_queue == talk.waits
            assert talk.agreed or row.state in (State.OFFERED, State.CLOSED)

    @invariant()
    def a_place_in_the_queue_is_never_lost(self) -> None:
        for key, row in self.rows.items():
            assert row.asked_at == self.talks[key].waiting_since

    @invariant()
    def nobody_reads_more_than_was_agreed(self) -> None:
        for key, row in self.rows.items():
            assert row.readable_after == self.talks[key].unreadable

    # --- how a step is tried ---

    def _own(
        self,
        name: str,
        whose: ConversationId,
        who: StaffId,
        step: Callable[[Handover, StaffId], Handover],
        then: Callable[[Talk], None],
        *,
        also: bool = True,
    ) -> None:
        """Try a step that only the owner may take, under a lease that lasts."""
        talk, who = self.talks[whose], self._resolved(whose, who)
        allowed = talk.holds(who, self.now) and also
        self._try(
            name, whose, allowed=allowed, step=lambda row: step(row, who), then=lambda: then(talk)
        )

    def _resolved(self, whose: ConversationId, who: StaffId) -> StaffId:
        return (self.talks[whose].held_by or COUNSELLORS[0]) if who == HOLDER else who

    def _try(
        self,
        name: str,
        whose: ConversationId,
        *,
        allowed: bool,
        step: Callable[[Handover], Handover],
        then: Callable[[], None],
    ) -> None:
        before = self.rows[whose]
        if not allowed:
            with pytest.raises((RefusedError, ConsentMissingError)):
                step(before)
            self.refused[name] += 1
            return
        self.rows[whose] = step(before)
        assert self.rows[whose].readable_after >= before.readable_after
        self.taken[name] += 1
        then()


def test_the_promises_hold_whatever_happens_in_whatever_order() -> None:
    Desk.taken, Desk.refused = Counter(), Counter()
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=160,
            stateful_step_count=100,
            deadline=None,
            # The same walks in each run: what is red stays red until it is mended.
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Desk.taken.total() + Desk.refused.total() >= LEAST_STEPS
    # It was everywhere: every step was taken many times and, where it can be, refused.
    assert min(Desk.taken[name] for name in (*ALWAYS, *REFUSABLE)) >= OFTEN
    assert min(Desk.refused[name] for name in REFUSABLE) >= OFTEN
    assert (Desk.taken + Desk.refused).keys() == {*ALWAYS, *REFUSABLE}
