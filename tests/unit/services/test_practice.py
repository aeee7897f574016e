"""Practice: invented visitors act by themselves, in a world apart from the real one."""

import asyncio

import pytest

from bot.bootstrap import make_world
from bot.domain.handover import Close, Handover, Outcome, State
from bot.domain.staff import Role, Staff, StaffId
from bot.domain.topics import QUEUE
from bot.domain.triage import Level
from bot.ports import Delivery, NoteKind
from bot.services.practice import Rooms, World
from bot.services.practice.rooms import IDLE, MOST
from bot.services.practice.world import COLLEAGUE, SUPERVISOR
from bot.settings import Settings
from tests.support import deck
from tests.support.fakes import FakeClock

ANA = StaffId("ana")
DONE = Close(Outcome.INFORMED)
SETTINGS = Settings(root=deck.ROOT)


def make(clock: FakeClock, locale: str = "en") -> World:
    return make_world(SETTINGS, clock, deck.renderer(), locale)


def ana(clock: FakeClock) -> Staff:
    return Staff(ANA, "Ana", frozenset({Role.RESPONDER}), clock.now())


async def begun(clock: FakeClock, locale: str = "en", *, minutes: float = 0) -> World:
    """Return a world in which Ana is on shift and the visitors of these minutes have come."""
    world = make(clock, locale)
    await world.begin(ana(clock))
    clock.turn(minutes=minutes)
    await world.hotline.start_shift(ANA, frozenset({"en"}))
    await world.play()
    return world


async def plays(world: World, clock: FakeClock, seconds: int = 10) -> None:
    for _ in range(seconds):
        clock.turn(seconds=1)
        await world.hotline.beat(ANA)
        await world.play()


async def state(world: World, number: int) -> Handover:
    async with world.store.begin() as unit:
        found = await unit.handovers.get(number)
    assert found is not None
    return found


async def heard(world: World, number: int) -> list[str]:
    talk = await world.reader.reread(ANA, number)
    return [one.text for one in talk.said if one.author == "visitor"]


async def takes(world: World, number: int) -> None:
    await world.hotline.take(ANA, "Ana", number)
    await world.hotline.say_canned(ANA, "Ana", number, "utter_canned_hello", "hello")


@pytest.mark.parametrize("locale", ["en", "da"])
async def test_all_levels_and_wishes_come_within_six_minutes(locale: str) -> None:
    world = await begun(FakeClock(), locale, minutes=6)
    board = await world.reader.board(ANA)
    assert [card.handover.level for card in board.waiting] == [
        *(Level.RED, Level.ORANGE),
        *[Level.YELLOW] * 3,
    ]
    assert {card.handover.locale for card in board.waiting} == {locale}
    assert [card.handover.minor for card in board.waiting].count(True) == 1
    assert world.left == 0


async def test_they_come_one_after_the_other() -> None:
    clock = FakeClock()
    world = await begun(clock)
    assert len((await world.reader.board(ANA)).waiting) == 1
    await plays(world, clock, 61)
    assert len((await world.reader.board(ANA)).waiting) == 2
    assert world.left == 3


async def test_a_visitor_answers_after_a_moment_and_once() -> None:
    clock = FakeClock()
    world = await begun(clock)
    await takes(world, 1)
    await world.play()
    assert await heard(world, 1) == ["my boss does not pay me"]
    await plays(world, clock)
    assert await heard(world, 1) == ["my boss does not pay me", "Y"]
    await plays(world, clock)
    await world.hotline.say(ANA, "Ana", 1, "Tell me about your work", "1")
    await plays(world, clock)
    assert len(await heard(world, 1)) == 3


@pytest.mark.parametrize(("number", "word", "fits"), [(1, "apple", True), (3, "orange", False)])
async def test_the_code_word_is_that_of_the_visitor_or_not(
    number: int, word: str, fits: bool
) -> None:
    clock = FakeClock()
    world = await begun(clock, minutes=3)
    await world.hotline.take(ANA, "Ana", number)
    await world.hotline.say(ANA, "Ana", number, "What is your code word?", "1")
    await plays(world, clock)
    assert (await heard(world, number))[-1] == word
    assert await world.hotline.check_word(ANA, number, word) is fits
    assert (await state(world, number)).doubted is not fits


async def test_only_new_messages_are_seen_of_one_who_wished_so() -> None:
    world = await begun(FakeClock(), minutes=2)
    await world.hotline.take(ANA, "Ana", 2)
    assert await heard(world, 2) == []


async def test_lines_to_one_who_cannot_write_wait() -> None:
    clock = FakeClock()
    world = await begun(clock, minutes=6)
    await takes(world, 5)
    await plays(world, clock)
    assert (await heard(world, 5))[-1] == "N"
    await plays(world, clock, 200)
    await world.hotline.say(ANA, "Ana", 5, "I am here when you can", "1")
    talk = await world.reader.reread(ANA, 5)
    assert talk.said[-1].state is Delivery.HELD


async def test_the_colleague_takes_what_is_handed_over_and_ends_it() -> None:
    clock = FakeClock()
    world = await begun(clock)
    await takes(world, 1)
    note = "needs advice on pay, no danger"
    await world.hotline.offer_transfer(ANA, "Ana", 1, None, note, "transfer_shift")
    await plays(world, clock, 5)
    assert (await state(world, 1)).owner == ANA
    await plays(world, clock, 5)
    assert (await state(world, 1)).owner == COLLEAGUE
    await plays(world, clock, 40)
    assert (await state(world, 1)).state is State.CLOSED


async def test_the_supervisor_whispers_once_to_a_raised_hand() -> None:
    clock = FakeClock()
    world = await begun(clock)
    await takes(world, 1)
    await world.hotline.raise_hand(ANA, 1, up=True)
    await plays(world, clock, 4)
    notes = (await world.reader.reread(ANA, 1)).notes
    assert [(note.author, note.kind) for note in notes] == [(SUPERVISOR, NoteKind.WHISPER)]


async def test_a_counsellor_who_writes_nothing_loses_the_talk() -> None:
    clock = FakeClock()
    world = await begun(clock)
    await world.hotline.take(ANA, "Ana", 1)
    await plays(world, clock, 200)
    assert (await state(world, 1)).state is State.WAITING


async def test_what_was_closed_with_deletion_is_gone_and_the_rest_plays_on() -> None:
    clock = FakeClock()
    world = await begun(clock)
    await takes(world, 1)
    await world.hotline.close(ANA, 1, DONE, erase=True)
    await plays(world, clock, 61)
    assert [card.handover.id for card in (await world.reader.board(ANA)).waiting] == [2]


# --- rooms ------------------------------------------------------------------------------------


def rooms(clock: FakeClock) -> Rooms:
    return Rooms(lambda locale: make(clock, locale), clock, every=0.001)


async def test_a_room_plays_by_itself() -> None:
    clock = FakeClock()
    here = rooms(clock)
    world = await here.begin("s", ana(clock), "en")
    async with asyncio.timeout(5), world.bus.subscribe() as topics:
        assert await anext(topics) == QUEUE
    assert (await world.reader.board(ANA)).waiting
    await here.close()
    assert here.find("s") is None


async def test_each_session_has_its_own() -> None:
    clock = FakeClock()
    here = rooms(clock)
    first, second = await here.begin("1", ana(clock), "en"), await here.begin("2", ana(clock), "da")
    assert here.find("1") is first is not second is here.find("2")
    assert await here.begin("1", ana(clock), "en") is here.find("1") is not first
    await here.close()


async def test_a_room_nobody_looks_at_ends() -> None:
    clock = FakeClock()
    here = rooms(clock)
    await here.begin("s", ana(clock), "en")
    clock.at += IDLE * 2
    await asyncio.sleep(0.1)
    assert here.find("s") is None


async def test_there_are_never_more_rooms_than_the_machine_should_hold() -> None:
    clock = FakeClock()
    here = rooms(clock)
    for number in range(MOST + 1):
        await here.begin(str(number), ana(clock), "en")
        clock.turn(seconds=1)
    assert here.find("0") is None
    assert sum(here.find(str(number)) is not None for number in range(MOST + 1)) == MOST
    await here.close()
