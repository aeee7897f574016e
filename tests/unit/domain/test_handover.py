"""Each step a handover can take, and each refusal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import handover as handovers
from bot.domain.conversation import Consent, Notify
from bot.domain.errors import (
    AlreadyTakenError,
    ConsentMissingError,
    NothingToTransferError,
    NotYoursError,
    ReasonMissingError,
)
from bot.domain.handover import (
    FIRST_LEASE,
    LEASE,
    PRESENT,
    PRESENT_IN_DANGER,
    SIGNAL,
    TRANSFER,
    Close,
    Handover,
    LevelReason,
    Outcome,
    Referral,
    State,
    Topic,
    Transfer,
)
from bot.domain.messages import ConversationId, MessageId
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from tests.support.fakes import OPEN

ANNA = ConversationId("anna")
KIM, LEE, MIA = StaffId("kim"), StaffId("lee"), StaffId("mia")
MOMENT = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)
INFORMED = Close(Outcome.INFORMED)

OwnerStep = Callable[[Handover], Handover]


def offered(level: Level = Level.YELLOW) -> Handover:
    return handovers.offer(ANNA, level, "ro", OPEN)


def agreed(
    handover: Handover, consent: Consent = Consent.ALL, newest: int = 7, *, code_word: str = ""
) -> Handover:
    return handovers.prepared(
        handover,
        consent=consent,
        notify=Notify.PULL,
        minor=False,
        code_word=code_word,
        newest=MessageId(newest),
    )


def waiting(level: Level = Level.YELLOW) -> Handover:
    return handovers.asked(agreed(offered(level)), OPEN, staffed=True)


def held(by: StaffId = KIM) -> Handover:
    """Return a talk claimed at OPEN, without a line."""
    return handovers.claimed(waiting(), by, OPEN)


def ended() -> Handover:
    return handovers.closed(held(), KIM, OPEN, INFORMED)


def kept() -> Handover:
    return handovers.parked(held(), KIM, OPEN)


EVERY_STATE = {
    State.OFFERED: offered,
    State.WAITING: waiting,
    State.ACTIVE: held,
    State.LEFT_MESSAGE: kept,
    State.CLOSED: ended,
}


def test_there_is_an_example_of_every_state() -> None:
    assert {state: make().state for state, make in EVERY_STATE.items()} == {s: s for s in State}


# --- what can be seen of one ------------------------------------------------------------------


def test_an_offer_shows_nothing_and_belongs_to_nobody() -> None:
    assert offered(Level.RED) == Handover(ANNA, State.OFFERED, Level.RED, "ro", offered_at=OPEN)


@pytest.mark.parametrize(
    ("handover", "after", "signal"),
    [
        (offered(Level.RED), timedelta(0), True),
        (offered(Level.RED), SIGNAL, True),
        (offered(Level.RED), SIGNAL + MOMENT, False),
        (offered(Level.ORANGE), timedelta(0), False),
        (waiting(Level.RED), timedelta(0), False),
    ],
)
def test_words_of_danger_without_consent_are_a_signal_for_a_while(
    handover: Handover, after: timedelta, *, signal: bool
) -> None:
    assert handover.is_signal(OPEN + after) is signal


def test_a_lease_ends_at_its_very_moment() -> None:
    end = OPEN + FIRST_LEASE
    before, at = held().is_held_by(KIM, end - MOMENT), held().is_held_by(KIM, end)
    assert (before, at) == (True, False)
    assert not held().is_held_by(LEE, OPEN)
    assert (held().has_lapsed(end - MOMENT), held().has_lapsed(end)) == (False, True)


@pytest.mark.parametrize("state", [s for s in State if s is not State.ACTIVE])
def test_only_what_is_active_is_held_or_lost(state: State) -> None:
    handover = replace(EVERY_STATE[state](), owner=KIM, lease_until=OPEN + MINUTE)
    for at in (OPEN, OPEN + LEASE):
        assert not handover.is_held(at)
        assert not handover.has_lapsed(at)


def test_an_active_row_without_a_lease_is_lost_and_not_held() -> None:
    handover = replace(held(), lease_until=None)
    assert handover.has_lapsed(OPEN)
    assert not handover.is_held(OPEN)


@pytest.mark.parametrize(
    ("level", "window"), [(Level.YELLOW, PRESENT), (Level.RED, PRESENT_IN_DANGER)]
)
def test_a_visitor_is_present_for_a_while(level: Level, window: timedelta) -> None:
    handover = waiting(level)
    assert handover.present(OPEN, OPEN + window - MOMENT)
    assert not handover.present(OPEN, OPEN + window)


def test_who_hid_the_chat_is_never_present() -> None:
    assert not replace(held(), hidden=True).present(OPEN, OPEN)


# --- the visitor's side -----------------------------------------------------------------------


@pytest.mark.parametrize("given", Level)
@pytest.mark.parametrize("own", Level)
def test_words_raise_a_level_and_never_lower_it(own: Level, given: Level) -> None:
    assert handovers.raised(offered(own), given) == offered(max(own, given))


def test_everything_agreed_to_is_kept() -> None:
    ready = handovers.prepared(
        replace(offered(), hidden=True),
        consent=Consent.NEW,
        notify=Notify.PUSH,
        minor=True,
        code_word="a keyed hash",
        newest=MessageId(7),
    )
    assert ready == replace(
        offered(),
        consent=Consent.NEW,
        notify=Notify.PUSH,
        minor=True,
        code_word="a keyed hash",
        readable_after=MessageId(7),
    )


@pytest.mark.parametrize(
    ("first", "then", "readable_after"),
    [
        (Consent.ALL, Consent.ALL, 0),
        (Consent.ALL, Consent.NEW, 9),
        (Consent.NEW, Consent.ALL, 7),
        (Consent.NEW, Consent.NEW, 9),
    ],
)
def test_whoever_agrees_twice_is_never_read_more(
    first: Consent, then: Consent, readable_after: int
) -> None:
    again = agreed(agreed(offered(), first, 7), then, 9)
    assert again.readable_after == readable_after


@pytest.mark.parametrize(("staffed", "state"), [(True, State.WAITING), (False, State.LEFT_MESSAGE)])
def test_who_agreed_waits_or_keeps_a_place(*, staffed: bool, state: State) -> None:
    ready = agreed(offered())
    asked = handovers.asked(ready, OPEN + MINUTE, staffed=staffed)
    assert asked == replace(ready, state=state, asked_at=OPEN + MINUTE)


def test_nobody_is_handed_over_without_having_agreed() -> None:
    with pytest.raises(ConsentMissingError):
        handovers.asked(offered(Level.RED), OPEN, staffed=True)


@pytest.mark.parametrize("staffed", [True, False])
@pytest.mark.parametrize("make", [waiting, held])
def test_asking_again_changes_nothing(make: Callable[[], Handover], *, staffed: bool) -> None:
    assert handovers.asked(make(), OPEN + MINUTE, staffed=staffed) == make()


def test_asking_again_from_a_kept_place_keeps_the_time() -> None:
    again = handovers.asked(kept(), OPEN + MINUTE, staffed=True)
    assert again == replace(kept(), state=State.WAITING, asked_at=OPEN)


def test_what_is_over_is_not_reopened() -> None:
    with pytest.raises(AlreadyTakenError):
        handovers.asked(ended(), OPEN, staffed=True)


@pytest.mark.parametrize("state", State)
def test_only_a_kept_place_returns_to_the_queue(state: State) -> None:
    before = EVERY_STATE[state]()
    after = handovers.returned(before)
    if state is State.LEFT_MESSAGE:
        assert after == replace(before, state=State.WAITING, asked_at=OPEN)
    else:
        assert after == before


@pytest.mark.parametrize("outcome", [Outcome.LEFT, Outcome.FORGOTTEN])
@pytest.mark.parametrize("state", handovers.OPEN_STATES)
def test_the_visitor_ends_it_in_every_state(state: State, outcome: Outcome) -> None:
    gone = handovers.withdrawn(EVERY_STATE[state](), OPEN + MINUTE, outcome)
    assert (gone.state, gone.closed_at, gone.close) == (
        State.CLOSED,
        OPEN + MINUTE,
        Close(outcome),
    )
    assert (gone.lease_until, gone.transfer) == (None, None)
    assert not gone.is_held_by(KIM, OPEN)


def test_the_visitor_ends_it_while_a_colleague_is_asked() -> None:
    asked = handovers.with_hand(
        handovers.offered_transfer(held(), KIM, OPEN, to=LEE), KIM, OPEN, up=True
    )
    gone = handovers.withdrawn(asked, OPEN)
    assert (gone.state, gone.transfer, gone.hand) == (State.CLOSED, None, False)


def test_leaving_what_is_over_keeps_its_outcome() -> None:
    assert handovers.withdrawn(ended(), OPEN + MINUTE) == ended()


@pytest.mark.parametrize("answer", [True, False])
def test_the_visitor_answers_whether_a_colleague_may_read(*, answer: bool) -> None:
    asked = handovers.offered_transfer(held(), KIM, OPEN, to=LEE)
    told = handovers.answered_transfer(asked, agreed=answer)
    assert told.transfer == Transfer(OPEN + TRANSFER, LEE, answer)
    assert replace(told, transfer=asked.transfer) == asked


def test_an_answer_nobody_asked_for_is_ignored() -> None:
    assert handovers.answered_transfer(held(), agreed=True) == held()


# --- taking one -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [waiting, kept])
def test_a_claim_gives_it_to_one(make: Callable[[], Handover]) -> None:
    before = make()
    assert handovers.claimed(before, LEE, OPEN + MINUTE) == replace(
        before,
        state=State.ACTIVE,
        owner=LEE,
        claimed_at=OPEN + MINUTE,
        lease_until=OPEN + MINUTE + FIRST_LEASE,
    )


@pytest.mark.parametrize("who", [KIM, LEE])
@pytest.mark.parametrize("make", [offered, held, ended])
def test_what_does_not_wait_is_not_claimed(make: Callable[[], Handover], who: StaffId) -> None:
    with pytest.raises(AlreadyTakenError):
        handovers.claimed(make(), who, OPEN)


@pytest.mark.parametrize("who", [KIM, LEE, MIA])
def test_anybody_claims_what_was_lost(who: StaffId) -> None:
    asked = handovers.with_hand(
        handovers.offered_transfer(held(), KIM, OPEN, to=LEE), KIM, OPEN, up=True
    )
    taken = handovers.claimed(asked, who, OPEN + FIRST_LEASE)
    assert taken == handovers.claimed(waiting(), who, OPEN + FIRST_LEASE)


# --- holding one ------------------------------------------------------------------------------


def test_a_line_renews_the_lease_and_the_first_one_is_remembered() -> None:
    at = OPEN + MINUTE
    first = handovers.spoke(held(), KIM, at)
    assert first == replace(held(), lease_until=at + LEASE, answered_at=at)
    second = handovers.spoke(first, KIM, at + MINUTE)
    assert second == replace(first, lease_until=at + MINUTE + LEASE)


def test_a_heartbeat_renews_nothing_before_the_first_line() -> None:
    assert handovers.renewed(held(), KIM, OPEN + MINUTE) == held()


def test_a_heartbeat_renews_the_lease_after_a_line() -> None:
    spoken = handovers.spoke(held(), KIM, OPEN)
    at = OPEN + LEASE - MOMENT
    assert handovers.renewed(spoken, KIM, at) == replace(spoken, lease_until=at + LEASE)


def second_owner(how: str) -> Handover:
    """Return a talk Kim wrote in and Lee took at OPEN + MINUTE."""
    spoken, at = handovers.spoke(held(), KIM, OPEN), OPEN + MINUTE
    if how == "claim":
        return handovers.claimed(handovers.given_back(spoken, KIM, at), LEE, at)
    if how == "take over":
        return handovers.taken_over(spoken, LEE, at)
    asked = handovers.offered_transfer(spoken, KIM, OPEN, to=LEE)
    return handovers.accepted_transfer(asked, LEE, at, newest=MessageId(9))


@pytest.mark.parametrize("how", ["claim", "take over", "transfer"])
def test_every_owner_writes_before_a_heartbeat_counts(how: str) -> None:
    """Or a talk would hang on a colleague who never came; and one who writes would lose it."""
    taken, at = second_owner(how), OPEN + MINUTE
    assert handovers.renewed(taken, LEE, at) == taken
    spoken = handovers.spoke(taken, LEE, at)
    later = at + LEASE - MOMENT
    assert handovers.renewed(spoken, LEE, later) == replace(spoken, lease_until=later + LEASE)
    assert spoken.answered_at == OPEN


@pytest.mark.parametrize("make", [waiting, held, kept, offered, ended])
def test_only_what_lapsed_returns_to_the_queue(make: Callable[[], Handover]) -> None:
    assert handovers.lapsed(make(), OPEN) == make()


def test_a_lost_counsellor_returns_it_with_its_time() -> None:
    asked = handovers.with_hand(
        handovers.offered_transfer(held(), KIM, OPEN, to=LEE), KIM, OPEN, up=True
    )
    assert handovers.lapsed(asked, OPEN + FIRST_LEASE) == replace(waiting(), claimed_at=OPEN)


OWNER_STEPS: dict[str, OwnerStep] = {
    "speak": lambda h: handovers.spoke(h, KIM, OPEN),
    "beat": lambda h: handovers.renewed(h, KIM, OPEN),
    "offer": lambda h: handovers.offered_transfer(h, KIM, OPEN, to=LEE),
    "park": lambda h: handovers.parked(h, KIM, OPEN),
    "give back": lambda h: handovers.given_back(h, KIM, OPEN),
    "close": lambda h: handovers.closed(h, KIM, OPEN, INFORMED),
    "relevel": lambda h: handovers.releveled(h, KIM, OPEN, Level.RED, None),
    "hand": lambda h: handovers.with_hand(h, KIM, OPEN, up=True),
}


@pytest.mark.parametrize("step", OWNER_STEPS)
@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(held(LEE), id="somebody else's"),
        pytest.param(replace(held(), lease_until=OPEN), id="lapsed"),
        pytest.param(waiting(), id="waiting"),
        pytest.param(kept(), id="kept"),
        pytest.param(offered(), id="offered"),
        pytest.param(ended(), id="closed"),
    ],
)
def test_nobody_but_who_holds_it_can(step: str, foreign: Handover) -> None:
    OWNER_STEPS[step](held())  # would be allowed
    with pytest.raises(NotYoursError):
        OWNER_STEPS[step](foreign)


# --- passing one on ---------------------------------------------------------------------------


@pytest.mark.parametrize("to", [LEE, None])
def test_the_owner_keeps_the_floor_while_a_colleague_is_asked(to: StaffId | None) -> None:
    asked = handovers.offered_transfer(held(), KIM, OPEN, to=to)
    assert asked == replace(held(), transfer=Transfer(OPEN + TRANSFER, to))
    assert asked.is_held_by(KIM, OPEN)
    assert handovers.spoke(asked, KIM, OPEN).transfer == asked.transfer


def test_nobody_passes_on_to_themselves() -> None:
    with pytest.raises(NotYoursError):
        handovers.offered_transfer(held(), KIM, OPEN, to=KIM)


def test_a_new_offer_asks_the_visitor_anew() -> None:
    asked = handovers.offered_transfer(held(), KIM, OPEN, to=LEE)
    told = handovers.answered_transfer(asked, agreed=True)
    again = handovers.offered_transfer(told, KIM, OPEN + MINUTE, to=MIA)
    assert again.transfer == Transfer(OPEN + MINUTE + TRANSFER, MIA, None)


@pytest.mark.parametrize(("answer", "readable_after"), [(True, 7), (False, 20), (None, 20)])
def test_a_colleague_reads_what_was_agreed(*, answer: bool | None, readable_after: int) -> None:
    talk = replace(held(), readable_after=MessageId(7))
    asked = handovers.offered_transfer(talk, KIM, OPEN, to=LEE)
    asked = replace(asked, transfer=Transfer(OPEN + TRANSFER, LEE, answer))
    at = OPEN + MINUTE
    assert handovers.accepted_transfer(asked, LEE, at, newest=MessageId(20)) == replace(
        talk,
        owner=LEE,
        claimed_at=at,
        lease_until=at + FIRST_LEASE,
        readable_after=MessageId(readable_after),
    )


def test_taking_over_never_lets_a_colleague_read_more() -> None:
    talk = replace(held(), readable_after=MessageId(30))
    asked = handovers.offered_transfer(talk, KIM, OPEN, to=LEE)
    taken = handovers.accepted_transfer(asked, LEE, OPEN, newest=MessageId(20))
    assert taken.readable_after == 30


@pytest.mark.parametrize("who", [LEE, MIA])
def test_an_offer_to_all_is_anybodys(who: StaffId) -> None:
    asked = handovers.offered_transfer(held(), KIM, OPEN, to=None)
    assert handovers.accepted_transfer(asked, who, OPEN, newest=MessageId(0)).owner == who


def to_lee() -> Handover:
    """Return a talk of Kim's whose lease outlives the offer to Lee."""
    talk = handovers.spoke(held(), KIM, OPEN + MINUTE)
    return handovers.offered_transfer(talk, KIM, OPEN, to=LEE)


@pytest.mark.parametrize(
    ("handover", "who", "after"),
    [
        pytest.param(held(), LEE, timedelta(0), id="never offered"),
        pytest.param(to_lee(), MIA, timedelta(0), id="to somebody else"),
        pytest.param(to_lee(), KIM, timedelta(0), id="by oneself"),
        pytest.param(
            handovers.offered_transfer(held(), KIM, OPEN, to=None),
            KIM,
            timedelta(0),
            id="to all, by oneself",
        ),
        pytest.param(to_lee(), LEE, TRANSFER, id="too late"),
        pytest.param(
            handovers.offered_transfer(held(), KIM, OPEN, to=LEE),
            LEE,
            FIRST_LEASE,
            id="the owner was lost",
        ),
        pytest.param(handovers.dropped_transfer(to_lee()), LEE, timedelta(0), id="taken back"),
        pytest.param(handovers.withdrawn(to_lee(), OPEN), LEE, timedelta(0), id="visitor left"),
    ],
)
def test_an_offer_that_does_not_stand_is_not_taken(
    handover: Handover, who: StaffId, after: timedelta
) -> None:
    with pytest.raises(NothingToTransferError):
        handovers.accepted_transfer(handover, who, OPEN + after, newest=MessageId(0))


def test_an_offer_stands_to_its_last_moment() -> None:
    at = OPEN + TRANSFER - MOMENT
    assert handovers.accepted_transfer(to_lee(), LEE, at, newest=MessageId(0)).owner == LEE


def test_a_dropped_offer_changes_nothing_else() -> None:
    assert handovers.dropped_transfer(to_lee()) == replace(to_lee(), transfer=None)
    assert handovers.dropped_transfer(to_lee()).is_held_by(KIM, OPEN)
    assert handovers.dropped_transfer(held()) == held()


@pytest.mark.parametrize("after", [timedelta(0), FIRST_LEASE])
def test_a_supervisor_takes_over(after: timedelta) -> None:
    asked = handovers.with_hand(
        handovers.offered_transfer(held(), KIM, OPEN, to=LEE), KIM, OPEN, up=True
    )
    at = OPEN + after
    assert handovers.taken_over(asked, MIA, at) == replace(
        held(), owner=MIA, claimed_at=at, lease_until=at + FIRST_LEASE
    )


@pytest.mark.parametrize("make", [held, waiting, kept, offered, ended])
def test_there_is_nothing_to_take_over(make: Callable[[], Handover]) -> None:
    with pytest.raises(AlreadyTakenError):
        handovers.taken_over(make(), KIM, OPEN)


# --- giving one up ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("give_up", "state"),
    [(handovers.parked, State.LEFT_MESSAGE), (handovers.given_back, State.WAITING)],
)
def test_what_is_given_up_keeps_its_place(give_up: Callable[..., Handover], state: State) -> None:
    asked = handovers.with_hand(to_lee(), KIM, OPEN, up=True)
    given = give_up(asked, KIM, OPEN)
    assert given == replace(
        asked, state=state, owner=None, lease_until=None, transfer=None, hand=False
    )
    assert given.asked_at == OPEN


def test_a_talk_ends_with_what_the_counsellor_says_of_it() -> None:
    close = Close(Outcome.REFERRED, Referral.UNION, Topic.WORK)
    asked = handovers.with_hand(to_lee(), KIM, OPEN, up=True)
    assert handovers.closed(asked, KIM, OPEN + MINUTE, close) == replace(
        asked,
        state=State.CLOSED,
        closed_at=OPEN + MINUTE,
        close=close,
        lease_until=None,
        transfer=None,
        hand=False,
    )


# --- level and hand ---------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [None, LevelReason.WORSE])
@pytest.mark.parametrize("level", [Level.YELLOW, Level.ORANGE, Level.RED])
def test_a_level_is_raised_or_kept_without_a_reason(
    level: Level, reason: LevelReason | None
) -> None:
    assert handovers.releveled(held(), KIM, OPEN, level, reason) == replace(held(), level=level)


def test_a_level_is_lowered_with_a_reason() -> None:
    with pytest.raises(ReasonMissingError):
        handovers.releveled(held(), KIM, OPEN, Level.GREY, None)
    lower = handovers.releveled(held(), KIM, OPEN, Level.GREY, LevelReason.MISREAD)
    assert lower == replace(held(), level=Level.GREY)


def test_a_hand_goes_up_and_down() -> None:
    up = handovers.with_hand(held(), KIM, OPEN, up=True)
    assert up == replace(held(), hand=True)
    assert handovers.with_hand(up, KIM, OPEN, up=False) == held()
