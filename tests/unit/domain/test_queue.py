"""Who is next, how much one holds, how loud it gets, and what the visitor is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import handover as handovers
from bot.domain import queue
from bot.domain.conversation import Consent
from bot.domain.handover import FIRST_LEASE, Handover, State
from bot.domain.messages import ConversationId
from bot.domain.queue import Alarm
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from tests.support.fakes import OPEN

KIM, LEE = StaffId("kim"), StaffId("lee")
MOMENT = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
RED, ORANGE, YELLOW, GREY = Level.RED, Level.ORANGE, Level.YELLOW, Level.GREY


def waiting(name: str, level: Level = YELLOW, *, minutes: int = 0, locale: str = "en") -> Handover:
    """Return a handover that has waited for so long at OPEN."""
    offer = handovers.offer(ConversationId(name), level, locale, OPEN - 90 * MINUTE)
    agreed = replace(offer, consent=Consent.ALL)
    return handovers.asked(agreed, OPEN - minutes * MINUTE, staffed=True)


def held(name: str, level: Level = YELLOW, by: StaffId = KIM) -> Handover:
    return handovers.claimed(waiting(name, level), by, OPEN)


# --- order ------------------------------------------------------------------------------------


def test_the_queue_is_ordered_by_level_then_by_age() -> None:
    young_red, old_red = waiting("1", RED), waiting("2", RED, minutes=1)
    orange, old_yellow, grey = (
        waiting("3", ORANGE, minutes=5),
        waiting("4", YELLOW, minutes=60),
        waiting("5", GREY, minutes=90),
    )
    mixed = [grey, young_red, old_yellow, orange, old_red]
    assert queue.in_order(mixed) == [old_red, young_red, orange, old_yellow, grey]


def test_a_mere_offer_takes_its_place_by_when_it_was_made() -> None:
    offer = handovers.offer(ConversationId("1"), RED, "en", OPEN - MINUTE)
    younger, older = waiting("2", RED), waiting("3", RED, minutes=2)
    assert queue.in_order([younger, offer, older]) == [older, offer, younger]


def test_somebody_who_comes_back_stands_where_they_stood() -> None:
    first, second = waiting("1", minutes=9), waiting("2", minutes=5)
    talk = handovers.claimed(first, KIM, OPEN)
    for back in (
        handovers.lapsed(talk, OPEN + FIRST_LEASE),
        handovers.given_back(talk, KIM, OPEN),
        handovers.returned(handovers.parked(talk, KIM, OPEN)),
    ):
        assert queue.in_order([second, back]) == [back, second]


# --- who is next ------------------------------------------------------------------------------


def test_nobody_is_next_in_an_empty_queue() -> None:
    assert queue.next_for([], frozenset({"en"}), OPEN) is None


def test_only_who_waits_is_next() -> None:
    others = [
        handovers.offer(ConversationId("1"), RED, "en", OPEN),
        held("2", RED),
        handovers.parked(held("3", RED), KIM, OPEN),
        handovers.withdrawn(waiting("4", RED), OPEN),
    ]
    assert queue.next_for(others, frozenset({"en"}), OPEN) is None
    last = waiting("5", GREY)
    assert queue.next_for([*others, last], frozenset({"en"}), OPEN) == last


def test_a_talk_that_lost_its_counsellor_is_next_at_that_moment() -> None:
    talk, other = held("1", RED), waiting("2", ORANGE)
    end = OPEN + FIRST_LEASE
    assert queue.next_for([talk, other], frozenset(), end - MOMENT) == other
    assert queue.next_for([talk, other], frozenset(), end) == talk


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (frozenset({"en", "da"}), "older"),
        (frozenset({"ro"}), "romanian"),
        (frozenset({"ro", "en"}), "older"),
        (frozenset({"th"}), "older"),
        (frozenset(), "older"),
    ],
)
def test_a_language_is_a_hint_within_a_level(languages: frozenset[str], expected: str) -> None:
    rows = [
        waiting("romanian", ORANGE, locale="ro"),
        waiting("older", ORANGE, minutes=5),
        waiting("yellow", YELLOW, minutes=60, locale="th"),
    ]
    found = queue.next_for(rows, languages, OPEN)
    assert found is not None
    assert found.conversation == expected


def test_danger_in_another_language_still_comes_first() -> None:
    danger, mine = waiting("1", RED, locale="th"), waiting("2", ORANGE, minutes=60)
    assert queue.next_for([mine, danger], frozenset({"en"}), OPEN) == danger


# --- load -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "load", "full"),
    [
        ([], 0, False),
        ([GREY], 1, False),
        ([YELLOW], 1, False),
        ([ORANGE, YELLOW], 2, True),
        ([RED], 2, True),
        ([RED, YELLOW], 3, True),
        ([RED, RED], 4, True),
    ],
)
def test_two_talks_are_enough_and_one_in_danger_is(
    levels: list[Level], load: int, *, full: bool
) -> None:
    rows = [held(str(number), level) for number, level in enumerate(levels)]
    others = [waiting("9"), held("10", RED, LEE), handovers.parked(held("11"), KIM, OPEN)]
    assert queue.load([*rows, *others], KIM, OPEN) == load
    assert queue.is_full([*rows, *others], KIM, OPEN) is full


def test_a_lost_talk_weighs_nothing() -> None:
    end = OPEN + FIRST_LEASE
    assert queue.load([held("1", RED)], KIM, end - MOMENT) == 2
    assert queue.load([held("1", RED)], KIM, end) == 0


# --- nobody comes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "waited", "alarm"),
    [
        (RED, timedelta(0), Alarm.NEW),
        (RED, 60 * SECOND - MOMENT, Alarm.NEW),
        (RED, 60 * SECOND, Alarm.AGAIN),
        (RED, 2 * MINUTE - MOMENT, Alarm.AGAIN),
        (RED, 2 * MINUTE, Alarm.SUPERVISOR),
        (RED, 12 * 60 * MINUTE, Alarm.SUPERVISOR),
        (ORANGE, 10 * MINUTE - MOMENT, Alarm.NEW),
        (ORANGE, 10 * MINUTE, Alarm.SUPERVISOR),
        (YELLOW, 60 * MINUTE - MOMENT, Alarm.NEW),
        (YELLOW, 60 * MINUTE, Alarm.SUPERVISOR),
        (GREY, 12 * 60 * MINUTE, Alarm.NEW),
    ],
)
def test_an_alarm_grows_while_nobody_comes(level: Level, waited: timedelta, alarm: Alarm) -> None:
    assert queue.alarm(waiting("1", level), OPEN + waited) is alarm


def test_an_alarm_for_a_mere_offer_counts_from_the_offer() -> None:
    offer = handovers.offer(ConversationId("1"), RED, "en", OPEN)
    assert queue.alarm(offer, OPEN + 60 * SECOND) is Alarm.AGAIN


def test_whoever_is_raised_to_danger_has_waited_long() -> None:
    raised = handovers.raised(waiting("1", YELLOW, minutes=2), RED)
    assert queue.alarm(raised, OPEN) is Alarm.SUPERVISOR


def test_a_talk_that_lost_its_counsellor_is_loud_at_once() -> None:
    back = handovers.lapsed(held("1", RED), OPEN + FIRST_LEASE)
    assert back.state is State.WAITING
    assert queue.alarm(back, OPEN + FIRST_LEASE) is Alarm.SUPERVISOR


@pytest.mark.parametrize(("level", "minutes"), [(RED, 5), (ORANGE, 10), (YELLOW, 60), (GREY, 60)])
def test_after_a_while_the_visitor_is_told_the_truth(level: Level, minutes: int) -> None:
    assert queue.honest_after(level) == minutes * MINUTE


@pytest.mark.parametrize(
    ("ahead", "counsellors", "minutes"),
    [
        (0, 1, (10, 20)),
        (1, 1, (20, 40)),
        (3, 1, (40, 80)),
        (1, 2, (10, 20)),
        (2, 2, (20, 40)),
        (5, 3, (20, 40)),
        (3, 0, (40, 80)),
    ],
)
def test_the_estimate_is_a_range(ahead: int, counsellors: int, minutes: tuple[int, int]) -> None:
    assert queue.estimate(ahead, counsellors) == minutes


def test_the_estimate_assumes_one_counsellor() -> None:
    assert queue.estimate(3) == queue.estimate(3, 1)


@pytest.mark.parametrize(
    ("level", "minutes", "expected"),
    [
        (RED, 0, (Alarm.AGAIN, MINUTE)),
        (RED, 1, (Alarm.SUPERVISOR, MINUTE)),
        (RED, 2, None),
        (ORANGE, 4, (Alarm.SUPERVISOR, 6 * MINUTE)),
        (YELLOW, 60, None),
        (GREY, 0, None),
    ],
)
def test_what_comes_next_on_the_ladder_and_when(
    level: Level, minutes: int, expected: tuple[Alarm, timedelta] | None
) -> None:
    assert queue.next_alarm(waiting("1", level, minutes=minutes), OPEN) == expected
