"""What is on its way to Telegram when the visitor hides, forgets or comes back elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.domain.messages import Channel, MessageId
from bot.domain.staff import StaffId
from bot.ports import Outgoing
from tests.support.app import Visitor, on_shift, screens
from tests.support.claims import Phone, phone
from tests.support.fakes import FakeClock

ANA = StaffId("a1")
SIGN = "\N{BUST IN SILHOUETTE}"
LINE = "the shelter has a bed"


def visitor(chat: Phone) -> Visitor:
    return Visitor(chat.app, Channel.TELEGRAM, sender=str(chat.person.id))


@asynccontextmanager
async def talking(folder: Path) -> AsyncIterator[tuple[Phone, int]]:
    """Lend a chat in which a counsellor writes, and the number of the request."""
    async with phone(folder, FakeClock(), settings={"return_codes": True}) as chat:
        await on_shift(chat.app, ANA)
        await chat.sends("/start")
        await chat.sends("/person")
        for label in ("Only new messages", "No, I will look", "Skip"):
            await chat.taps(label)
        found = await visitor(chat).handover()
        assert found is not None
        await chat.app.hotline.take(ANA, "Ana", found.id or 0)
        await chat.settle()
        yield chat, found.id or 0


@asynccontextmanager
async def sending(chat: Phone) -> AsyncIterator[None]:
    """Keep what is due on its way during the block; at the end it arrives."""
    before = len(chat.api.calls_of("sendMessage"))
    gate = chat.api.hold(method="sendMessage")
    step = asyncio.create_task(chat.app.deliverers[Channel.TELEGRAM].step())
    await chat.api.wait_for(lambda: len(chat.api.calls_of("sendMessage")) > before or None, 2)
    try:
        yield
    finally:
        gate.set()
        await step
        await chat.settle()


async def test_a_reply_that_arrives_after_the_hiding_is_taken_back(tmp_path: Path) -> None:
    async with phone(tmp_path, FakeClock()) as chat:
        await chat.sends("/start")
        await visitor(chat).taps("utter_debt")
        async with sending(chat):
            await chat.sends("/hide")
            assert chat.texts == ["Hello."]
        assert chat.texts == ["Hello."]


async def test_a_reply_that_arrives_after_the_safe_word_is_taken_back(tmp_path: Path) -> None:
    async with phone(tmp_path, FakeClock()) as chat:
        await chat.sends("/start")
        await visitor(chat).taps("utter_safe_word")
        await chat.settle()
        await chat.sends("lantern")
        await visitor(chat).taps("utter_debt")
        async with sending(chat):
            await chat.sends("lantern")
        (card,) = chat.texts
        assert card.startswith("Danish word of the day")


async def test_a_reply_that_arrives_after_the_forgetting_is_taken_back(tmp_path: Path) -> None:
    async with phone(tmp_path, FakeClock()) as chat:
        await chat.sends("/start")
        await visitor(chat).taps("utter_debt")
        async with sending(chat):
            await visitor(chat).taps("action_forget")
        assert not [text for text in chat.texts if "debt" in text.lower()]


async def test_others_in_the_same_round_are_marked_when_one_is_forgotten(tmp_path: Path) -> None:
    async with phone(tmp_path, FakeClock()) as chat:
        other = chat.api.visitor()
        await other.sends("/start")
        await chat.sends("/start")
        await visitor(chat).taps("utter_debt")
        await Visitor(chat.app, Channel.TELEGRAM, sender=str(other.id)).taps("utter_shelter")
        before = len(other.chat)
        async with sending(chat):
            await visitor(chat).taps("action_forget")
        chat.clock.turn(minutes=2)
        await chat.settle()
        assert len(other.chat) == before + 1


async def test_where_the_channel_is_busy_it_is_taken_back_later(tmp_path: Path) -> None:
    async with phone(tmp_path, FakeClock()) as chat:
        await chat.sends("/start")
        await visitor(chat).taps("utter_debt")
        async with sending(chat):
            await chat.sends("/hide")
            chat.api.fail(500, method="deleteMessages", times=1)
        chat.clock.turn(minutes=2)
        await chat.settle()
        assert chat.texts == ["Hello."]


async def test_what_a_hiding_could_not_delete_yet_the_next_one_deletes(tmp_path: Path) -> None:
    async with phone(tmp_path, FakeClock()) as chat:
        await chat.sends("/start")
        await visitor(chat).taps("utter_debt")
        await chat.settle()
        await visitor(chat).taps("action_hide")
        await visitor(chat).taps("action_hide")
        await chat.settle()
        assert chat.texts == ["Hello."]


async def test_what_a_hiding_could_not_delete_yet_the_forgetting_deletes(tmp_path: Path) -> None:
    async with phone(tmp_path, FakeClock()) as chat:
        await chat.sends("/start")
        await visitor(chat).taps("utter_debt")
        await chat.settle()
        await visitor(chat).taps("action_hide")
        await visitor(chat).taps("action_forget")
        await chat.settle()
        assert not [text for text in chat.texts if "debt" in text.lower()]


async def test_a_line_that_arrives_after_the_hiding_is_taken_back_and_kept(tmp_path: Path) -> None:
    async with talking(tmp_path) as (chat, number):
        await chat.app.hotline.say(ANA, "Ana", number, LINE, "1")
        async with sending(chat):
            await chat.sends("/hide")
        assert chat.texts == ["Hello."]
        await chat.sends("/start")
        assert LINE not in " ".join(chat.texts)
        await chat.taps("Look for answer")
        assert f"{SIGN} Ana: {LINE}" in chat.texts


async def test_a_line_on_its_way_at_the_move_is_shown_in_the_new_place_alone(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path) as (chat, number):
        old, new = visitor(chat), Visitor(chat.app, Channel.WEB)
        await old.taps("action_return_code")
        (code,) = [words for row in await rows(old) if (words := _values(row).get("return_code"))]
        await chat.settle()
        await chat.app.hotline.say(ANA, "Ana", number, LINE, "1")
        async with sending(chat):
            assert screens(await new.says(code)) == ["utter_push_ping"]
        assert LINE not in " ".join(chat.texts)
        (line,) = [s for s in await new.taps("action_pull") if s.bubble.screen == "line"]
        assert line.bubble.text == LINE


def _values(row: Outgoing) -> dict[str, str]:
    return dict(getattr(row.body, "values", {}))


async def rows(of: Visitor) -> Sequence[Outgoing]:
    lookups = of.app.sealer.lookups(of.channel, of.sender)
    async with of.app.store.begin() as unit:
        (id_,) = (await unit.conversations.find(lookups)).values()
        return await unit.messages.replies_after(id_, MessageId(0))
