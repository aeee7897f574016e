"""A visitor on Telegram while counsellors write: the whole program against an emulated Bot API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.handover import Close, Handover, Outcome, State
from bot.domain.messages import Channel
from bot.domain.staff import StaffId
from tests.support.app import Visitor, on_shift
from tests.support.claims import Phone, keep_house, phone
from tests.support.fakes import FakeClock
from tests.support.telegram_payloads import ChatMessage

ANA, BO = StaffId("a1"), StaffId("b2")
SIGN = "\N{BUST IN SILHOUETTE}"
WAYS_OUT = ["Back to menu", "Phone", "Hide now"]


class Talk:
    """A chat with the bot, and the desk behind it."""

    def __init__(self, chat: Phone) -> None:
        self.chat = chat
        self.clock = chat.clock
        self.hotline = chat.app.hotline
        self.number = 0
        self._press = 0

    async def request(self) -> Handover | None:
        sender = str(self.chat.person.id)
        return await Visitor(self.chat.app, Channel.TELEGRAM, sender=sender).handover()

    async def takes(self, staff: StaffId = ANA, alias: str = "Ana") -> None:
        await self.hotline.take(staff, alias, self.number)
        await self.chat.settle()

    async def says(self, text: str, staff: StaffId = ANA, alias: str = "Ana") -> None:
        self._press += 1
        await self.hotline.say(staff, alias, self.number, text, str(self._press))
        await self.chat.settle()

    @property
    def last(self) -> ChatMessage:
        return self.chat.person.chat[-1]


@asynccontextmanager
async def waiting(folder: Path, *, notify: str = "No, I will look") -> AsyncIterator[Talk]:
    """Lend a chat in which somebody waits."""
    async with phone(folder, FakeClock()) as chat:
        for staff in (ANA, BO):
            await on_shift(chat.app, staff)
        await chat.sends("/start")
        await chat.sends("/person")
        for label in ("Only new messages", notify, "Skip"):
            await chat.taps(label)
        talk = Talk(chat)
        found = await talk.request()
        assert found is not None
        talk.number = found.id or 0
        yield talk


async def test_lines_come_silently_with_alias_sign_and_ways_out(tmp_path: Path) -> None:
    async with waiting(tmp_path) as talk:
        await talk.takes()
        await talk.says("I can help with *this*")
        assert talk.last.text == f"{SIGN} Ana: I can help with *this*"
        assert talk.last.labels == WAYS_OUT
        assert all(m.silent for m in talk.chat.person.chat if m.from_bot)
        before = len(talk.chat.texts)
        await talk.chat.sends("what is a shelter")
        assert talk.chat.texts[before:] == ["what is a shelter"]
        await talk.chat.taps("Back to menu")
        assert talk.last.text.startswith("The talk with the person is finished.")


async def test_a_long_line_comes_whole_in_pieces(tmp_path: Path) -> None:
    async with waiting(tmp_path) as talk:
        await talk.takes()
        before = len(talk.chat.texts)
        words = " ".join(f"word{n}" for n in range(480)) + " \N{SEEDLING}" * 130
        assert len(words) < 4000
        await talk.says(words)
        pieces = talk.chat.texts[before:]
        assert len(pieces) == 2
        assert " ".join(" ".join(pieces).split()) == f"{SIGN} Ana: {words}"
        assert talk.last.labels == WAYS_OUT


async def test_lines_wait_for_who_is_away_and_come_in_order(tmp_path: Path) -> None:
    async with waiting(tmp_path) as talk:
        talk.clock.turn(minutes=4)
        before = len(talk.chat.texts)
        await talk.takes()
        for text in ("one", "two", "three"):
            await talk.says(text)
        assert len(talk.chat.texts) == before
        await talk.chat.sends("hello?")
        assert talk.chat.texts[-1] == "Hello. Look here when you are alone."
        await talk.chat.taps("Look for answer")
        said = [text for text in talk.chat.texts if text.startswith(SIGN)]
        assert said == [f"{SIGN} Ana: {text}" for text in ("one", "two", "three")]


async def test_one_hello_where_it_was_agreed_to(tmp_path: Path) -> None:
    async with waiting(tmp_path, notify="Yes, say hello") as talk:
        talk.clock.turn(minutes=4)
        before = len(talk.chat.texts)
        await talk.takes()
        for text in ("the lawyer said yes", "tomorrow at ten"):
            await talk.says(text)
        assert talk.chat.texts[before:] == ["Hello. Look here when you are alone."]
        assert talk.last.silent
        await talk.chat.taps("Look for answer")
        assert talk.chat.texts[-1] == f"{SIGN} Ana: tomorrow at ten"


async def test_hiding_deletes_the_lines_of_both_sides_and_nothing_more_comes(
    tmp_path: Path,
) -> None:
    async with waiting(tmp_path) as talk:
        await talk.takes()
        await talk.says("line " * 790)
        await talk.chat.sends("he is coming")
        await talk.chat.taps("Hide now")
        assert talk.chat.texts == ["Hello."]
        await talk.says("are you there")
        assert talk.chat.texts == ["Hello."]
        await talk.chat.sends("/start")
        assert "are you there" not in " ".join(talk.chat.texts)
        await talk.chat.taps("Look for answer")
        assert f"{SIGN} Ana: are you there" in talk.chat.texts


async def test_a_line_that_is_on_its_way_when_the_visitor_hides_is_held(tmp_path: Path) -> None:
    async with waiting(tmp_path) as talk:
        await talk.takes()
        # Written, and not yet taken by the deliverer.
        await talk.hotline.say(ANA, "Ana", talk.number, "the shelter has a bed", "x")
        sender = str(talk.chat.person.id)
        await Visitor(talk.chat.app, Channel.TELEGRAM, sender=sender).taps("action_hide")
        await talk.chat.settle()
        assert talk.chat.texts == ["Hello."]
        await talk.chat.sends("/start")
        await talk.chat.taps("Look for answer")
        assert f"{SIGN} Ana: the shelter has a bed" in talk.chat.texts


@pytest.mark.parametrize("answer", ["Yes", "No"])
async def test_the_question_before_a_colleague_takes_over(tmp_path: Path, answer: str) -> None:
    async with waiting(tmp_path) as talk:
        await talk.takes()
        await talk.chat.sends("old words")
        await talk.hotline.offer_transfer(ANA, "Ana", talk.number, BO, "", "transfer_shift")
        await talk.chat.settle()
        assert talk.last.labels[:2] == ["Yes", "No"]
        await talk.chat.taps(answer)
        await talk.hotline.accept_transfer(BO, "Bo", talk.number)
        await talk.chat.settle()
        assert "You can call them Bo." in talk.last.text
        read = await talk.chat.app.reader.open(BO, talk.number)
        said = [s.text for s in read.said if s.author == "visitor"]
        assert said == (["old words"] if answer == "Yes" else [])


async def test_a_lost_counsellor_and_the_end_are_told(tmp_path: Path) -> None:
    async with waiting(tmp_path) as talk:
        await talk.takes()
        talk.clock.turn(minutes=2)
        await talk.chat.sends("are you there")
        await keep_house(talk.chat.app, talk.clock, minutes=1, seconds=1)
        await talk.chat.settle()
        assert talk.last.text.startswith("The person lost the connection.")
        found = await talk.request()
        assert found is not None
        assert found.state is State.WAITING
        await talk.takes(BO, "Bo")
        await talk.hotline.close(BO, talk.number, Close(Outcome.INFORMED))
        await talk.chat.settle()
        assert talk.last.labels[:2] == ["Delete", "Keep"]


async def test_the_safe_word_leaves_one_harmless_card(tmp_path: Path) -> None:
    async with waiting(tmp_path) as talk:
        await Visitor(talk.chat.app, Channel.TELEGRAM, sender=str(talk.chat.person.id)).taps(
            "utter_safe_word"
        )
        await talk.chat.settle()
        await talk.chat.sends("lantern")
        await talk.takes()
        await talk.says("the shelter has a bed")
        await talk.chat.sends("Lantern!")
        (card,) = talk.chat.texts
        assert card.startswith("Danish word of the day")
        await talk.says("are you there")
        for minutes in (1, 5, 10):
            await keep_house(talk.chat.app, talk.clock, minutes=minutes)
        await talk.chat.settle()
        assert talk.chat.texts == [card]
        await talk.chat.sends("/person")
        await talk.chat.taps("Next word")
        assert all("Danish word" in t for t in talk.chat.texts if not t.startswith("/"))
