"""The return code: from Telegram to the web with what waits, and nothing for anybody else."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from bot.adapters.code_words import read_code_words
from bot.adapters.storage.driver import Connection
from bot.adapters.storage.return_codes import SqlReturnCodes
from bot.adapters.webchat.view import Said
from bot.bootstrap import App
from bot.domain.messages import Channel, ConversationId, MessageId, Tapped, Text
from bot.domain.return_code import WORDS, read_code
from bot.domain.screens import Tap
from bot.ports import Arrival, Outgoing
from bot.services.ids import MessageIds
from tests.support.app import COLLEAGUE, Visitor, running, screens
from tests.support.deck import ROOT
from tests.support.fakes import OPEN, FakeClock, RecordingChannel

WRONG = "puzzle galaxy umbrella velvet cactus magnet novel"
_ASKS = ("utter_human_notify consent=new", "utter_human_code_word notify=push", "action_queue_open")


async def waiting(app: App, channel: Channel = Channel.TELEGRAM, *, sender: str = "") -> Visitor:
    visitor = Visitor(app, channel, sender=sender) if sender else Visitor(app, channel)
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


async def test_typed_on_telegram_the_words_are_deleted_there(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        new = Visitor(app, Channel.TELEGRAM)
        await app.reception.accept([new.incoming(Text(code), reference="77")])
        await app.reception.close()
        for _ in range(3):
            await app.deliverers[Channel.TELEGRAM].step()
            clock.turn(seconds=1)
        assert channel.screens == ["utter_push_ping"]
        assert channel.deleted == [(f"address-of-{new.sender}", ("77",))]


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
            before = time.process_time()
            hashes = await app.sealer.stretch_code(words)
            async with app.store.begin() as unit:
                await unit.return_codes.find(hashes)
            return time.process_time() - before

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


# --- words that are no code, or nobody's business ---------------------------------------------

CRY = "police help puzzle galaxy umbrella velvet cactus"


async def test_words_of_danger_are_answered_as_such_also_where_a_code_is_asked_for(
    tmp_path: Path,
) -> None:
    assert read_code(CRY, frozenset(read_code_words())) == CRY
    async with running(tmp_path, return_codes=True) as app:
        visitor = Visitor(app)
        await visitor.starts()
        assert "utter_danger_now" in screens(await visitor.says(CRY))
        await visitor.taps("utter_return_code_ask")
        assert "utter_danger_now" in screens(await visitor.says(CRY))


async def test_no_code_is_given_out_that_reads_as_words_of_danger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([*CRY.split(), *WRONG.split()])
    async with running(tmp_path, return_codes=True) as app:
        visitor = await waiting(app, Channel.WEB)
        monkeypatch.setattr("bot.services.return_code.secrets.choice", lambda _words: next(drawn))
        assert await given(app, visitor) == WRONG


async def test_no_transaction_waits_while_a_code_is_stretched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, return_codes=True) as app:
        visitor, other = await waiting(app, Channel.WEB), Visitor(app, Channel.WEB)
        stretch = app.sealer.stretch_code
        answered = []

        async def meanwhile(code: str) -> Sequence[bytes]:
            answered.append(screens(await asyncio.wait_for(other.starts(), 5)))
            return await stretch(code)

        monkeypatch.setattr(app.sealer, "stretch_code", meanwhile)
        await given(app, visitor)
        assert answered == [["utter_safe_to_talk"]]


async def test_no_counsellor_reads_the_words_of_any_code(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock, return_codes=True) as app:
        visitor = Visitor(app, Channel.WEB)
        await visitor.starts()
        await visitor.says("what is a shelter")
        for tap in ("utter_human_notify consent=all", *_ASKS[1:]):
            await visitor.taps(tap)
        code = await given(app, visitor)
        await visitor.taps("utter_return_code_ask")
        await visitor.says(WRONG)
        found = await visitor.handover()
        assert found is not None
        await app.hotline.take(COLLEAGUE, "Ana", found.id or 0)
        for tap in ("action_return_code", "utter_return_code_ask"):
            await visitor.taps(tap)
        second = await visitor.says(WRONG)
        assert screens(second) == ["utter_return_code_wrong"]
        seen = [said.text for said in (await app.reader.open(COLLEAGUE, found.id or 0)).said]
        assert "what is a shelter" in seen
        everything = " ".join(seen)
        assert "open this chat one time" not in everything
        for words in (code, WRONG):
            assert not [pair for pair in pairwise(words.split()) if " ".join(pair) in everything]


async def test_in_the_decoy_words_are_not_taken_for_a_code(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        other = Visitor(app)
        await other.starts()
        await other.taps("utter_safe_word")
        await other.says("Lantern")
        await other.says("Lantern")
        assert screens(await other.says(code)) == ["utter_decoy_2"]
        await other.says("Lantern")
        assert screens(await other.says(code)) == ["utter_push_ping"]


async def test_a_code_outlives_a_change_of_the_pepper_once(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        app.sealer.change_pepper()
        assert screens(await Visitor(app).says(code)) == ["utter_push_ping"]
        last = await given(app, await waiting(app, Channel.WEB))
        app.sealer.change_pepper()
        app.sealer.change_pepper()
        assert screens(await Visitor(app).says(last)) == ["utter_return_code_wrong"]


# --- what comes while a code is looked up -----------------------------------------------------


def slowed(app: App, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold every look at a code up; return what tells of one, and what lets it go."""
    looking, go, stretch = asyncio.Event(), asyncio.Event(), app.sealer.stretch_code

    async def slowly(code: str) -> Sequence[bytes]:
        hashes = await stretch(code)
        looking.set()
        await go.wait()
        return hashes

    monkeypatch.setattr(app.sealer, "stretch_code", slowly)
    return looking, go


async def test_a_cry_stored_while_a_code_is_looked_up_is_answered(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is being stored at the very moment at which the conversation is moved."""
    async with running(tmp_path, database_url=database, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        new = Visitor(app)
        await new.starts()
        begun = await home(app, new)
        looking, go = slowed(app, monkeypatch)
        typed = asyncio.create_task(new.says(code))
        await looking.wait()
        async with app.store.begin() as unit:
            await unit.conversations.find(app.sealer.lookups(new.channel, new.sender))
            go.set()
            # PostgreSQL: long enough for the move to stand before this transaction.
            await asyncio.sleep(0.3)
            cry, now = new.incoming(Text("he wants to kill me")), app.clock.now()
            await unit.messages.accept([Arrival(MessageIds().next(now), begun, cry, now)])
        async with asyncio.timeout(10):
            assert "utter_danger_now" in screens(await typed)
        # The words are not spent.
        assert screens(await new.says(code)) == ["utter_push_ping"]


async def test_a_request_another_process_made_while_a_code_is_looked_up_is_not_erased(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = {"clock": FakeClock(), "database_url": database, "return_codes": True}
    async with running(tmp_path, **kind) as here, running(tmp_path, **kind) as there:
        code = await given(here, await waiting(here, Channel.WEB))
        new = Visitor(here)
        await new.starts()
        looking, go = slowed(here, monkeypatch)
        typed = asyncio.create_task(new.says(code))
        await looking.wait()
        for tap in _ASKS:
            await Visitor(there, sender=new.sender).taps(tap)
        asked = await new.handover()
        go.set()
        assert "utter_push_ping" not in screens(await typed)
        assert asked is not None
        assert await new.handover() == asked


async def test_numbers_that_were_not_sent_yet_are_sent_all_the_same(tmp_path: Path) -> None:
    clock, channel = FakeClock(), RecordingChannel()
    async with running(tmp_path, clock=clock, channel=channel, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        new = Visitor(app, Channel.TELEGRAM)
        await new.taps("utter_danger_now")
        assert "utter_push_ping" in screens(await new.says(code))
        for _ in range(3):
            await app.deliverers[Channel.TELEGRAM].step()
            clock.turn(seconds=3)
        assert channel.screens == ["utter_danger_now", "utter_push_ping"]


async def test_a_tap_that_comes_together_with_a_code_is_answered(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        new = Visitor(app)
        await new.starts()
        events = Tapped(Tap("utter_danger_now")), Text(code)
        await app.reception.accept([new.incoming(event) for event in events])
        await app.reception.close()
        said = await app.reception.shown(new.channel, new.sender, MessageId(0))
        assert "utter_danger_now" in screens(said)
        assert screens(await new.says(code)) == ["utter_push_ping"]


@pytest.mark.postgres
async def test_the_right_code_is_right_while_somebody_else_holds_the_conversation(
    tmp_path: Path, postgres: str
) -> None:
    async with running(tmp_path, database_url=postgres, return_codes=True) as app:
        old = await waiting(app, Channel.WEB)
        code, awaited = await given(app, old), await home(app, old)
        new = Visitor(app)
        async with app.store.begin() as unit:
            await unit.conversations.load([awaited], lock=True)
            typed = asyncio.create_task(new.says(code))
            # Longer than five tries take, which is as many as are looked at in a second.
            await asyncio.sleep(1)
            assert not typed.done()
        assert screens(await typed) == ["utter_push_ping"]


# --- two at once, and kills -------------------------------------------------------------------


async def test_of_two_who_type_one_code_at_once_exactly_one_moves_it(tmp_path: Path) -> None:
    async with running(tmp_path, return_codes=True) as app:
        code = await given(app, await waiting(app, Channel.WEB))
        one, two = Visitor(app), Visitor(app)
        said = await asyncio.gather(one.says(code), two.says(code))
        assert sorted(screens(s)[0] for s in said) == ["utter_push_ping", "utter_return_code_wrong"]
        known = [await visitor.handover() for visitor in (one, two)]
        assert sum(found is not None for found in known) == 1


async def test_of_two_processes_that_find_one_code_exactly_one_moves_it(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one found the code before the first one spent it, and goes on after that."""
    find, moved, finders = SqlReturnCodes.find, asyncio.Event(), list[SqlReturnCodes]()

    async def slowly(self: SqlReturnCodes, hashes: Collection[bytes]) -> ConversationId | None:
        found = await find(self, hashes)
        if not any(self is finder for finder in finders):
            finders.append(self)
            if found is not None and len(finders) > 1:
                await moved.wait()
        return found

    async def type_it(visitor: Visitor, code: str) -> Sequence[str]:
        said = screens(await visitor.says(code))
        moved.set()
        return said

    kind = {"database_url": database, "return_codes": True}
    async with running(tmp_path, **kind) as here, running(tmp_path, **kind) as there:
        code = await given(here, await waiting(here, Channel.WEB))
        one, two = Visitor(here), Visitor(there)
        monkeypatch.setattr(SqlReturnCodes, "find", slowly)
        async with asyncio.timeout(10):
            said = await asyncio.gather(type_it(one, code), type_it(two, code))
        assert sorted(map(list, said)) == [["utter_push_ping"], ["utter_return_code_wrong"]]
        known = [await visitor.handover() for visitor in (one, two)]
        assert sum(found is not None for found in known) == 1


LINE = "the shelter has a bed"
_LATER = OPEN + timedelta(minutes=30)


async def be_killed(folder: Path, at_commit: int) -> None:
    """Print a code, type it in a new place, and die before a commit of that; for a child."""
    clock = FakeClock()
    async with running(folder, clock=clock, return_codes=True) as app:
        old = await waiting(app, sender="old")
        code = await given(app, old)
        clock.turn(minutes=20)
        found = await old.handover()
        assert found is not None
        await app.hotline.take(COLLEAGUE, "Ana", found.id or 0)
        await app.hotline.say(COLLEAGUE, "Ana", found.id or 0, LINE, "1")
        sys.stdout.write(code)
        sys.stdout.flush()
        commit, left = Connection.commit, at_commit

        def dies(self: Connection) -> None:
            nonlocal left
            left -= self._wrote
            if not left:
                os._exit(9)
            commit(self)

        Connection.commit = dies  # type: ignore[method-assign]
        await Visitor(app, Channel.WEB, sender="new").says(code)


@pytest.mark.parametrize("at_commit", range(1, 5))
async def test_a_kill_leaves_the_conversation_in_one_place_and_whole(
    tmp_path: Path, at_commit: int
) -> None:
    program = "import asyncio, sys, pathlib; from tests.integration import test_return_code as t; "
    program += "asyncio.run(t.be_killed(pathlib.Path(sys.argv[1]), int(sys.argv[2])))"
    child = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, str(tmp_path), str(at_commit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    code = child.stdout
    assert (child.returncode, len(code.split())) == (9, WORDS), child.stderr[-2000:]
    async with running(tmp_path, clock=FakeClock(_LATER), return_codes=True) as app:
        await app.reception.resume()
        await app.reception.close()
        await app.keeper.round()
        places = Visitor(app, Channel.TELEGRAM, sender="old"), Visitor(app, sender="new")
        (place,) = [visitor for visitor in places if await visitor.handover() is not None]
        # Words that were taken in are answered, however often the power fails.
        assert (place.sender == "new") is (at_commit > 1)
        late = Visitor(app)
        if place.sender == "new":
            assert screens(await late.says(code)) == ["utter_return_code_wrong"]
        else:
            assert screens(await late.says(code)) == ["utter_push_ping"]
            place = late
        # Its id must be none that the child has used.
        looks = place.incoming(Tapped(Tap("action_pull")), external_id="after the kill")
        said = await app.reception.converse(looks)
        lines = [s.bubble.text for s in said if s.bubble.screen == "line"]
        assert [line.removeprefix("\N{BUST IN SILHOUETTE} Ana: ") for line in lines] == [LINE]
        async with app.store.begin() as unit:
            assert not await unit.conversations.forgetting()
