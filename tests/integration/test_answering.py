"""A tap is answered in the transaction that stores it; nobody's words are pondered in one."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.storage.messages import SqlMessages
from bot.bootstrap import App
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Channel, MessageId, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.ports import Meaning, Outgoing
from tests.support.app import Visitor, running, screens
from tests.support.fakes import FakeDialogue, RecordingChannel

NONE = MessageId(0)


class Pondering(FakeDialogue):
    """A dialogue that looks whether a transaction is open while it thinks."""

    def __init__(self) -> None:
        super().__init__()
        self.connection: sqlite3.Connection | None = None
        self.held: list[bool] = []
        self.go = asyncio.Event()
        self.go.set()

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:
        assert self.connection is not None
        self.held.append(self.connection.in_transaction)
        await self.go.wait()
        return await super().interpret(text, screen, locale)


@pytest.fixture
def dialogue() -> Pondering:
    return Pondering()


@pytest.fixture
async def app(tmp_path: Path, dialogue: Pondering) -> AsyncIterator[App]:
    async with running(tmp_path, dialogue=dialogue) as app:
        dialogue.connection = await connection_of(app)
        yield app


async def connection_of(app: App) -> sqlite3.Connection:
    store: Any = app.store
    async with store._engine.connect() as connection:
        found: sqlite3.Connection = (await connection.get_raw_connection()).driver_connection
        return found


async def test_a_tap_takes_one_transaction(app: App) -> None:
    anna = Visitor(app)
    await anna.starts()
    began: list[str] = []
    connection = await connection_of(app)
    connection.set_trace_callback(lambda s: began.append(s) if s.startswith("BEGIN") else None)

    assert screens(await anna.taps("utter_help"))

    assert len(began) == 1


async def test_a_tap_whose_answer_cannot_be_written_is_kept(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = Visitor(app)
    await anna.starts()
    posting = SqlMessages.post

    async def refused(_messages: SqlMessages, _outgoing: Sequence[Outgoing]) -> None:
        raise StoreUnavailableError("disk full")

    monkeypatch.setattr(SqlMessages, "post", refused)
    with pytest.raises(StoreUnavailableError):
        await anna.taps("utter_danger_now")
    monkeypatch.setattr(SqlMessages, "post", posting)

    assert await app.reception.resume() == 1
    await app.reception.close()
    assert "utter_danger_now" in screens(await app.reception.shown(anna.channel, anna.sender, NONE))


async def test_a_reply_thought_of_while_the_visitor_hides_is_hidden_too(
    app: App, dialogue: Pondering
) -> None:
    anna = Visitor(app)
    await anna.starts()
    dialogue.go.clear()
    asking = asyncio.create_task(anna.says("some words the buttons do not know"))
    while not dialogue.held:  # noqa: ASYNC110 -- a test looks from outside
        await asyncio.sleep(0.01)
    hiding = asyncio.create_task(anna.taps("action_hide"))
    await asyncio.sleep(0.1)
    dialogue.go.set()
    await asyncio.gather(asking, hiding)

    shown = await app.reception.shown(anna.channel, anna.sender, NONE)
    assert screens(shown) == ["utter_hide_done"]


async def test_nobody_waits_for_somebody_who_is_being_forgotten(tmp_path: Path) -> None:
    class Slow(RecordingChannel):
        async def delete(self, address: str, references: Sequence[str]) -> None:
            await asyncio.sleep(3)

    async with running(tmp_path, channel=Slow()) as app:
        leaving, anna = Visitor(app, Channel.TELEGRAM), Visitor(app)
        await anna.starts()
        await app.reception.accept([leaving.incoming(Start("en"), reference="5")])
        await app.deliverers[Channel.TELEGRAM].step()
        forget = Tapped(Tap("action_forget"))
        await app.reception.accept([leaving.incoming(forget, reference="6")])
        await asyncio.sleep(0.2)
        async with asyncio.timeout(1):
            assert screens(await anna.says("he wants to kill me")) == ["utter_danger_now"]


async def test_no_transaction_is_held_while_a_text_is_read(app: App, dialogue: Pondering) -> None:
    anna = Visitor(app)
    await anna.starts()
    assert screens(await anna.says("some words the buttons do not know"))
    assert dialogue.held == [False]


async def test_a_text_is_read_in_the_language_of_its_conversation(
    app: App, dialogue: Pondering
) -> None:
    anna = Visitor(app)
    await anna.starts("da")
    await anna.says("some words the buttons do not know")
    assert dialogue.locales == ["da"]


async def test_no_return_code_is_made_in_the_transaction_that_stores_what_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, return_codes=True) as app:
        anna = Visitor(app)
        await anna.starts()
        for tap in ("utter_human_notify", "utter_human_code_word notify=push", "action_queue_open"):
            await anna.taps(tap)
        began: list[str] = []
        making: list[int] = []
        stretch = app.sealer.stretch_code

        async def counted(code: str) -> Sequence[bytes]:
            making.append(len(began))
            return await stretch(code)

        monkeypatch.setattr(app.sealer, "stretch_code", counted)
        connection = await connection_of(app)
        connection.set_trace_callback(lambda s: began.append(s) if s.startswith("BEGIN") else None)

        assert screens(await anna.taps("action_return_code"))[-1] == "utter_return_code"
        # The first transaction stored the tap, and was over.
        assert making == [2]


async def test_taps_and_texts_that_come_together_are_all_answered(app: App) -> None:
    anna, ben = Visitor(app), Visitor(app)
    await app.reception.accept(
        [anna.incoming(Tapped(Tap("utter_help"))), ben.incoming(Text("hello"))]
    )
    await app.reception.close()
    for one in (anna, ben):
        assert await app.reception.shown(one.channel, one.sender, MessageId(0))
