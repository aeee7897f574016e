"""What people complain about in other systems that hand over to humans, each held against Havn.

The twenty are numbered as they were collected; what cannot occur here says why in its place.
"""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.bootstrap import App
from bot.domain.errors import AlreadyTakenError
from bot.domain.handover import Close, Handover, LevelReason, Outcome, State
from bot.domain.hours import WeekHours
from bot.domain.messages import Channel, MessageId, Reply, Text
from bot.domain.staff import StaffId
from bot.domain.triage import Level
from bot.ports import Meaning
from tests.support.app import COLLEAGUE, Visitor, on_shift, running, screens
from tests.support.claims import browser, havn, keep_house, phone, rows
from tests.support.fakes import CLOSED, FakeClock, FakeDialogue, meaning

ANA, BO = StaffId("a1"), StaffId("b2")
DONE = Close(Outcome.INFORMED)


async def asks(visitor: Visitor, consent: str = "new") -> Handover:
    """Have a visitor ask for a counsellor; return the request."""
    await visitor.taps(f"utter_human_notify consent={consent}")
    await visitor.taps("utter_human_code_word notify=pull")
    await visitor.taps("action_queue_open")
    found = await visitor.handover()
    assert found is not None
    return found


async def talks(app: App, visitor: Visitor) -> int:
    """Have Ana take a visitor; return the number of the request."""
    await on_shift(app, ANA)
    number = (await asks(visitor)).id or 0
    await app.hotline.take(ANA, "Ana", number)
    return number


async def shown(visitor: Visitor) -> list[str]:
    """Return the screens a visitor was shown so far."""
    door = visitor.app.reception
    return screens(await door.shown(visitor.channel, visitor.sender, MessageId(0)))


class ClaimsMeanwhile(FakeDialogue):
    """A dialogue during whose thinking a counsellor takes the visitor."""

    def __init__(self) -> None:
        super().__init__(debt=meaning("debt", "utter_debt"))
        self.app: App
        self.number = 0

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:
        if self.number:
            number, self.number = self.number, 0
            await self.app.hotline.take(COLLEAGUE, "Ana", number)
        return await super().interpret(text, screen, locale)


async def test_01_the_program_is_silent_once_a_person_is_there(tmp_path: Path) -> None:
    """The program kept answering after a person had taken over."""
    dialogue = ClaimsMeanwhile()
    async with running(tmp_path, dialogue=dialogue) as app:
        dialogue.app, visitor = app, Visitor(app)
        dialogue.number = (await asks(visitor)).id or 0
        assert await visitor.says("debt") == []  # decided before, written after: dropped
        assert "utter_debt" not in await shown(visitor)
        assert await visitor.says("debt") == []


async def test_02_two_counsellors_never_hold_one_visitor(tmp_path: Path) -> None:
    """Two people took the same visitor and both wrote."""
    async with running(tmp_path) as app:
        number = await talks(app, Visitor(app))
        await on_shift(app, BO)
        with pytest.raises(AlreadyTakenError):
            await app.hotline.take(BO, "Bo", number)


async def test_03_a_race_for_one_visitor_has_one_winner(tmp_path: Path) -> None:
    """Several who took at the same moment left the request half taken."""
    async with running(tmp_path) as app:
        staff = [StaffId(f"{n:02}") for n in range(8)]
        for one in staff:
            await on_shift(app, one)
        number = (await asks(Visitor(app))).id or 0
        tried = await asyncio.gather(
            *(app.hotline.take(one, "A", number) for one in staff), return_exceptions=True
        )
        won = [t for t in tried if isinstance(t, Handover)]
        assert len(won) == 1
        board = await app.reader.board(won[0].owner or ANA)
        assert [card.handover.owner for card in board.mine] == [won[0].owner]


async def test_04_a_counsellor_who_is_gone_gives_the_visitor_back(tmp_path: Path) -> None:
    """Visitors stayed with somebody who had gone offline."""
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        visitor = Visitor(app)
        await talks(app, visitor)
        await keep_house(app, clock, minutes=3)
        found = await visitor.handover()
        assert found is not None
        assert (found.state, found.owner) == (State.WAITING, None)


async def test_05_who_waits_too_long_is_told_and_keeps_the_place(tmp_path: Path) -> None:
    """Nobody answered, and the visitor waited for ever without a word."""
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        visitor = Visitor(app)
        await visitor.taps("utter_danger_now")
        await visitor.taps("action_queue_urgent")
        await keep_house(app, clock, minutes=5)
        assert (await shown(visitor))[-1] == "utter_queue_red_unanswered"
        assert await visitor.handover() is not None


async def test_06_outside_the_hours_one_voice_says_so_with_numbers(tmp_path: Path) -> None:
    """Outside the hours there was silence, or two notices at once."""
    async with running(tmp_path, clock=FakeClock(CLOSED)) as app:
        visitor = Visitor(app)
        await visitor.taps("utter_human_notify consent=new")
        (said,) = await visitor.taps("action_queue_open")
        assert said.bubble.screen == "utter_queue_offhours"
        assert "112" in said.bubble.text


async def test_07_who_is_on_shift_answers_whatever_the_hours_say(tmp_path: Path) -> None:
    """Hours with a break could not be told, or closed the door while staff were there."""
    hours = WeekHours.parse({"week": {"tue": ["08:00-12:00", "13:00-16:00"]}})
    noon = FakeClock().now().replace(hour=11, minute=30)  # 12:30 in Copenhagen
    assert not hours.is_open(noon, lambda _day: False)
    opens = hours.next_open(noon, lambda _day: False)
    assert opens is not None
    assert opens - noon == timedelta(minutes=30)
    async with running(tmp_path, clock=FakeClock(CLOSED), staffed=True) as app:
        assert (await asks(Visitor(app))).state is State.WAITING
    async with running(tmp_path / "nobody", staffed=False) as app:
        assert (await asks(Visitor(app))).state is State.OFFERED


async def test_08_the_second_request_works_like_the_first(tmp_path: Path) -> None:
    """The second hand-over of the same visitor failed."""
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        for _ in range(3):
            number = await talks(app, visitor)
            assert await app.hotline.say(ANA, "Ana", number, "hello", f"{number}")
            await app.hotline.close(ANA, number, DONE)


@pytest.mark.parametrize("by", ["visitor", "counsellor"])
async def test_09_after_a_talk_the_program_answers_again(tmp_path: Path, by: str) -> None:
    """Once paused, the program could not be resumed."""
    dialogue = FakeDialogue(debt=meaning("debt", "utter_debt"))
    async with running(tmp_path, dialogue=dialogue) as app:
        visitor = Visitor(app)
        number = await talks(app, visitor)
        assert await visitor.says("debt") == []
        if by == "visitor":
            await visitor.taps("action_leave_human")
        else:
            await app.hotline.close(ANA, number, DONE)
        assert screens(await visitor.says("debt")) == ["utter_debt"]


async def test_10_a_request_reaches_a_person(tmp_path: Path) -> None:
    """What was called a hand-over led to another program."""
    async with running(tmp_path) as app:
        request = await asks(Visitor(app))
        board = await app.reader.board(COLLEAGUE)
        assert [card.handover.id for card in board.waiting] == [request.id]


async def test_11_what_is_old_is_deleted_by_itself(tmp_path: Path) -> None:
    """Nothing was deleted unless somebody did it by hand."""
    clock = FakeClock()
    async with havn(tmp_path, clock) as app:
        visitor = Visitor(app, Channel.TELEGRAM)
        await app.hotline.close(ANA, await talks(app, visitor), DONE)
        await keep_house(app, clock, days=3, hours=1)
        for table in ("conversations", "messages", "handovers", "notes", "drafts", "timers"):
            assert rows(tmp_path, table) == [], table


async def test_12_who_writes_again_is_kept_and_a_count_remains(tmp_path: Path) -> None:
    """Deletion came by surprise, and left no trace that there had been anything."""
    clock = FakeClock()
    async with havn(tmp_path, clock) as app:
        visitor = Visitor(app, Channel.TELEGRAM)
        await app.hotline.close(ANA, await talks(app, visitor), DONE)
        for _ in range(3):
            await keep_house(app, clock, hours=4)
            await visitor.says("still here")
        assert len(rows(tmp_path, "conversations")) == 1
        await keep_house(app, clock, days=3)
        assert rows(tmp_path, "conversations") == []
        assert sum(row["number"] for row in rows(tmp_path, "figures")) >= 1


async def test_13_messages_can_go_while_the_request_stays(tmp_path: Path) -> None:
    """To delete some content one had to give up the contact."""
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        before = await asks(visitor)
        await visitor.taps("action_hide")
        assert await shown(visitor) == ["utter_hide_done"]
        after = await visitor.handover()
        assert after is not None
        assert (after.state, after.asked_at) == (State.WAITING, before.asked_at)


# 14 A return code was lost by pressing on too fast: there is no return code.


async def test_15_staff_see_neither_number_nor_name_nor_address(tmp_path: Path) -> None:
    """Staff saw phone numbers and names."""
    async with phone(tmp_path, FakeClock(), first_name="Zebra", username="zebra_canary") as chat:
        await chat.sends("/start")
        visitor = Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))
        number = await talks(chat.app, visitor)
        board = await chat.app.reader.board(ANA)
        talk = await chat.app.reader.open(ANA, number)
        for seen in (repr(board), repr(talk)):
            assert "ebra" not in seen
            assert str(chat.person.id) not in seen


async def test_16_words_are_those_of_the_moment_they_are_sent(tmp_path: Path) -> None:
    """Edited texts did not appear, or only in some places (their editing: the content desk)."""
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await visitor.starts()
        async with app.store.begin() as unit:
            lookups = app.sealer.lookups(visitor.channel, visitor.sender)
            (id_,) = (await unit.conversations.find(lookups)).values()
            (row,) = await unit.messages.replies_after(id_, MessageId(0))
        assert isinstance(row.body, Reply)
        assert row.body.screen == "utter_safe_to_talk"
        assert "computer program" not in repr(row.body)  # a key, and no words


async def test_17_greeting_and_ready_lines_come_in_the_visitor_s_language(tmp_path: Path) -> None:
    """Greetings, closed texts and ready lines came in one language for all."""
    async with running(tmp_path) as app:
        visitor = Visitor(app, hint="da")
        await visitor.starts("da")
        number = await talks(app, visitor)
        await app.hotline.say_canned(ANA, "Ana", number, "utter_canned_hello", "1")
        said = await app.reception.shown(Channel.WEB, visitor.sender, MessageId(0))
        assert said[-1].bubble.text.startswith("Hej. Jeg er Ana.")
        assert {sent.bubble.locale for sent in said} == {"da"}


async def test_18_an_edit_on_telegram_neither_repeats_nor_rewrites(tmp_path: Path) -> None:
    """Edited messages crashed the bot, came twice, or changed what staff had read."""
    async with phone(tmp_path, FakeClock()) as chat:
        await chat.sends("/start")
        visitor = Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))
        number = await talks(chat.app, visitor)
        await chat.settle()
        message = await chat.person.sends("first words")
        await chat.settle()
        await chat.person.edits(message, "other words")
        await chat.settle()
        talk = await chat.app.reader.open(ANA, number)
        said = [one.text for one in talk.said if one.author == "visitor"]
        assert said.count("first words") == 1
        await chat.sends("and on it goes")
        talk = await chat.app.reader.open(ANA, number)
        assert [s.text for s in talk.said if s.author == "visitor"][-1] == "and on it goes"


@pytest.mark.parametrize("talking", [False, True])
async def test_19_fifty_messages_in_ten_seconds_are_all_there_in_order(
    tmp_path: Path, *, talking: bool
) -> None:
    """Messages were lost, came twice or in another order."""
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        visitor = Visitor(app)
        await on_shift(app, ANA)
        number = (await asks(visitor)).id or 0
        if talking:
            await app.hotline.take(ANA, "Ana", number)
        before = len(await shown(visitor))
        sent = [f"message {n}" for n in range(50)]
        await app.reception.accept([visitor.incoming(Text(text)) for text in sent])
        await app.reception.close()
        automatic = (await shown(visitor))[before:]
        assert len(automatic) == (0 if talking else 1)
        if not talking:
            await app.hotline.take(ANA, "Ana", number)
        talk = await app.reader.open(ANA, number)
        assert [one.text for one in talk.said if one.author == "visitor"] == sent


async def test_20_an_exit_on_every_page_and_no_word_of_moves_among_staff(tmp_path: Path) -> None:
    """The exit was hidden or promised too much; visitors were told of internal moves."""
    async with havn(tmp_path, FakeClock()) as app, browser(app) as page:
        await page.get()
        for tap in ("utter_safe_to_talk", "utter_main_menu", "utter_hide_limits"):
            await page.send(tap=tap)
            assert 'id="exit"' in page.page
        assert "They do not clean your browser history." in page.page
        visitor = Visitor(app)
        number = await talks(app, visitor)
        before = await shown(visitor)
        await app.hotline.note(ANA, number, "a note", whisper=False)
        await app.hotline.raise_hand(ANA, number, up=True)
        await app.hotline.set_level(ANA, number, Level.RED, LevelReason.NEW_DANGER)
        assert await shown(visitor) == before
