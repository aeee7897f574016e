"""The return code: from Telegram to the web with what waits, and nothing for anybody else."""

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

from bot.adapters.code_words import read_code_words
from bot.adapters.webchat.view import Said
from bot.bootstrap import App
from bot.domain.messages import Channel, ConversationId, MessageId
from bot.domain.return_code import WORDS, read_code
from bot.ports import Outgoing
from tests.support.app import COLLEAGUE, Visitor, running, screens
from tests.support.fakes import FakeClock, RecordingChannel

WRONG = "abandon ability able about above absent absorb"
_ASKS = ("utter_human_notify consent=new", "utter_human_code_word notify=push", "action_queue_open")


async def waiting(app: App, channel: Channel = Channel.TELEGRAM) -> Visitor:
    visitor = Visitor(app, channel)
    await visitor.starts()
    for tap in _ASKS:
        await visitor.taps(tap)
    return visitor


async def given(app: App, visitor: Visitor) -> str:
    """Return the words a visitor is shown."""
    await visitor.taps("action_return_code")
    rows = await shown(app, visitor)
    (code,) = [r.body.values["return_code"] for r in rows if "return_code" in _values(r.body)]
    return str(code)


def _values(body: object) -> dict[str, str]:
    return dict(getattr(body, "values", {}))


async def shown(app: App, visitor: Visitor) -> Sequence[Outgoing]:
    id_ = await home(app, visitor)
    async with app.store.begin() as unit:
        return await unit.messages.replies_after(id_, MessageId(0))


async def home(app: App, visitor: Visitor) -> ConversationId:
    async with app.store.begin() as unit:
        known = await unit.conversations.find(app.sealer.lookups(visitor.channel, visitor.sender))
    (id_,) = known.values()
    return id_


async def test_from_telegram_to_the_web_with_a_line_that_waits(tmp_path: Path) -> None:
    clock = FakeClock()
    channel = RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel, return_codes=True) as app:
        old = await waiting(app)
        code = await given(app, old)
        clock.turn(minutes=20)
        found = await old.handover()
        assert found is not None
        await app.hotline.take(COLLEAGUE, "Ana", found.id or 0)
        await app.hotline.say(COLLEAGUE, "Ana", found.id or 0, "the shelter has a bed", "1")

        new = Visitor(app, Channel.WEB)
        await new.starts()
        begun = await home(app, new)
        assert screens(await new.says(code.upper())) == ["utter_push_ping"]
        assert "line" in screens(await new.taps("action_pull"))

        # The counsellor keeps the talk, and what is said next goes to the new place alone.
        kept = await new.handover()
        assert kept is not None
        assert (kept.id, kept.owner) == (found.id, COLLEAGUE)
        await app.hotline.say(COLLEAGUE, "Ana", found.id or 0, "are you there", "2")
        async with app.store.begin() as unit:
            assert await unit.messages.due(Channel.TELEGRAM, clock.now(), 10) == []
            assert await unit.conversations.unknown([begun]) == {begun}
            loaded = await unit.conversations.load([found.conversation])
        assert loaded[found.conversation].channel is Channel.WEB
        assert not app.sealer.has_key(begun)
        # On the old channel nobody is known any more, and the code is spent.
        assert await old.handover() is None
        late = Visitor(app, Channel.WEB)
        await late.starts()
        assert screens(await late.says(code)) == ["utter_return_code_wrong"]
        assert await new.handover() is not None


async def test_from_the_web_to_telegram_the_hello_is_sent_there(tmp_path: Path) -> None:
    channel = RecordingChannel()
    async with running(tmp_path, channel=channel, return_codes=True) as app:
        old = await waiting(app, Channel.WEB)
        code = await given(app, old)
        new = Visitor(app, Channel.TELEGRAM)
        await new.says(code)
        async with app.store.begin() as unit:
            (due,) = await unit.messages.due(Channel.TELEGRAM, app.clock.now(), 10)
        assert due.address == f"address-of-{new.sender}"
        assert await new.handover() is not None


async def test_the_words_go_with_the_next_answer_and_no_counsellor_reads_them(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, return_codes=True) as app:
        visitor = await waiting(app, Channel.WEB)
        await given(app, visitor)
        (page,) = await visitor.taps("action_return_code")
        assert Said.of(page).once
        await visitor.taps("utter_hide_menu")
        rows = await shown(app, visitor)
        assert rows
        assert not [row for row in rows if "return_code" in _values(row.body)]


async def test_a_new_code_replaces_the_old_one(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        visitor = await waiting(app, Channel.WEB)
        first = await given(app, visitor)
        second = await given(app, visitor)
        assert screens(await Visitor(app).says(first)) == ["utter_return_code_wrong"]
        assert screens(await Visitor(app).says(second)) == ["utter_push_ping"]


async def test_wrong_tries_are_slowed_in_a_chat_and_then_looked_at_again(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        other = Visitor(app)
        assert screens(await other.says(WRONG)) == ["utter_return_code_wrong"]
        assert screens(await other.says(code)) == ["utter_return_code_wrong"]
        clock.turn(minutes=1)
        assert screens(await other.says(code)) == ["utter_push_ping"]


async def test_at_most_five_tries_a_second_are_looked_at(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        for _ in range(5):
            await Visitor(app).says(WRONG)
        last = Visitor(app)
        assert screens(await last.says(code)) == ["utter_return_code_wrong"]
        clock.turn(seconds=1)
        assert screens(await last.says(code)) == ["utter_push_ping"]


async def test_off_by_default_words_are_ordinary_and_no_button_leads_here(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = await waiting(app, Channel.WEB)
        (menu,) = await visitor.taps("utter_hide_menu")
        labels = {choice.data for row in menu.bubble.rows for choice in row}
        assert "action_return_code" not in labels
        assert screens(await visitor.taps("action_return_code")) == ["utter_main_menu"]
        assert screens(await visitor.taps("utter_return_code_ask")) == ["utter_main_menu"]
        other = Visitor(app)
        await other.starts()
        assert "utter_return_code_wrong" not in screens(await other.says(WRONG))


async def test_the_buttons_stand_where_they_are_needed(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:

        async def offered(visitor: Visitor, screen: str) -> set[str]:
            (sent,) = await visitor.taps(screen)
            return {choice.data for row in sent.bubble.rows for choice in row}

        calm, waits = Visitor(app), await waiting(app, Channel.WEB)
        await calm.starts()
        assert "action_return_code" not in await offered(calm, "utter_hide_menu")
        assert "action_return_code" in await offered(waits, "utter_hide_menu")
        assert "utter_return_code_ask" in await offered(calm, "utter_menu_more")
        assert screens(await calm.taps("action_return_code")) == ["utter_main_menu"]


async def test_who_waits_is_asked_for_a_code_only_by_their_own_wish(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        other = await waiting(app, Channel.WEB)
        assert "utter_push_ping" not in screens(await other.says(code))
        await other.taps("utter_return_code_ask")
        assert screens(await other.says(code)) == ["utter_push_ping"]


async def test_an_unknown_code_takes_as_long_as_one_that_is_there(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        visitor = await waiting(app, Channel.WEB)
        code = await given(app, visitor)

        async def took(words: str) -> float:
            before = time.perf_counter()
            hashes = await app.sealer.stretch_code(words)
            async with app.store.begin() as unit:
                await unit.return_codes.find(hashes)
            return time.perf_counter() - before

        there, absent = [], []
        for _ in range(20):
            there.append(await took(code))
            absent.append(await took(WRONG))
        one, two = median(there), median(absent)
        assert abs(one - two) < max(0.02, 0.2 * one)


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_nothing_readable_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        visitor = await waiting(app, Channel.WEB)
        code = await given(app, visitor)
        await visitor.taps("utter_hide_menu")
        other = Visitor(app)
        await other.says(WRONG)
    files = contents(tmp_path)
    assert any(b"return_codes" in content for content in files)
    for words in (code, WRONG):
        assert not [c for c in files if words.encode() in c]
        # Each pair alone: an unsealed row might hold them in another form.
        parts = words.split()
        pairs = [f"{a} {b}".encode() for a, b in pairwise(parts)]
        assert not [c for c in files for pair in pairs if pair in c]


async def test_a_code_is_gone_with_its_conversation(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        visitor = await waiting(app, Channel.WEB)
        code = await given(app, visitor)
        await app.reception.leave(visitor.channel, visitor.sender)
        hashes = await app.sealer.stretch_code(code)
        async with app.store.begin() as unit:
            assert await unit.return_codes.find(hashes) is None


async def test_the_list_makes_77_bits() -> None:
    words = read_code_words()
    assert len(set(words)) == len(words) == 2048
    assert all(word.isascii() and word.islower() for word in words)
    assert WORDS == 7
    assert read_code(WRONG, frozenset(words)) == WRONG
    assert read_code(WRONG + " zoo", frozenset(words)) == ""
    assert read_code("i am alone and cannot go out", frozenset(words)) == ""


async def test_what_was_not_sent_is_never_sent_to_the_old_place(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        old = await waiting(app)
        code = await given(app, old)
        async with app.store.begin() as unit:
            assert await unit.messages.due(Channel.TELEGRAM, app.clock.now(), 10)
        await Visitor(app).says(code)
        async with app.store.begin() as unit:
            assert not await unit.messages.due(Channel.TELEGRAM, app.clock.now(), 10)
