"""The stream of topics: who is told what, for how long, and how many may listen."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.storage.engine import LOCK_WAIT_MS
from bot.domain.errors import StoreAwayError
from bot.domain.staff import Role
from bot.domain.topics import QUEUE, handover_topic, staff_topic
from bot.web import live
from bot.web.live import STREAMS
from tests.support.app import Visitor
from tests.support.desk import Counsellor, House, asks, house


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as home:
        yield home


class Stream:
    """An open stream: its status, and what it told."""

    def __init__(self) -> None:
        self.status = 0
        self.began = asyncio.Event()
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.over = asyncio.Event()
        self.ended = asyncio.Event()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.began.set()
        elif not message.get("more_body", False):
            self.ended.set()
        for line in message.get("body", b"").decode().splitlines():
            if line.startswith("data: "):
                self.told.put_nowait(line.removeprefix("data: "))

    async def next(self) -> str:
        return await asyncio.wait_for(self.told.get(), 5)


class Hasty(Stream):
    """A stream at whose very first words something is published."""

    def __init__(self, home: House) -> None:
        super().__init__()
        self._home = home

    async def send(self, message: Any) -> None:
        first = message.get("body") and self.told.empty()
        await super().send(message)
        if first:
            self._home.app.bus.publish(QUEUE)


@asynccontextmanager
async def opening(person: Counsellor, stream: Stream) -> AsyncIterator[Stream]:
    """Hold a stream open; over real ASGI, because a client would wait for its end."""
    cookies = "; ".join(f"{name}={value}" for name, value in person.browser.cookies.items())
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/events",
        "raw_path": b"/events",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"cookie", cookies.encode()), (b"accept", b"text/event-stream")],
    }
    first = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if first:
            return first.pop()
        await stream.over.wait()
        return {"type": "http.disconnect"}

    task = asyncio.create_task(person.house.console(scope, receive, stream.send))
    await asyncio.wait_for(stream.began.wait(), 5)
    try:
        yield stream
    finally:
        stream.over.set()
        await asyncio.wait_for(task, 10)


@asynccontextmanager
async def listening(person: Counsellor) -> AsyncIterator[Stream]:
    """Hold a stream open that has told that it is."""
    async with opening(person, Stream()) as stream:
        assert await stream.next() == "open"
        yield stream


async def test_what_is_published_at_the_first_words_of_a_stream_is_told(home: House) -> None:
    """Whoever is told that it is open looks again; nothing may get lost after that."""
    ana = await home.counsellor("Ana")
    async with opening(ana, Hasty(home)) as stream:
        assert [await stream.next(), await stream.next()] == ["open", QUEUE]


async def test_a_change_of_the_queue_is_told_and_nothing_else(home: House) -> None:
    ana = await home.counsellor("Ana")
    async with listening(ana) as stream:
        await asks(Visitor(home.app))
        assert await stream.next() == QUEUE


async def test_only_the_holder_is_told_of_a_talk(home: House) -> None:
    ana, bo = await home.counsellor("Ana"), await home.counsellor("Bo")
    number = await asks(Visitor(home.app))
    await ana.takes(number)
    async with listening(ana) as hers, listening(bo) as his:
        home.app.bus.publish(handover_topic(number))
        assert await hers.next() == handover_topic(number)
        home.app.bus.publish(staff_topic(ana.staff.id))
        home.app.bus.publish(QUEUE)
        assert await his.next() == QUEUE
        assert his.told.empty()


async def test_a_supervisor_is_told_of_a_talk_with_a_raised_hand(home: House) -> None:
    ana = await home.counsellor("Ana")
    vera = await home.counsellor("Vera", Role.SUPERVISOR)
    number = await asks(Visitor(home.app))
    await ana.takes(number)
    async with listening(vera) as stream:
        home.app.bus.publish(handover_topic(number))
        home.app.bus.publish(QUEUE)
        assert await stream.next() == QUEUE
        await ana.sends(f"/talk/{number}/hand", up="1")
        assert handover_topic(number) in {await stream.next(), await stream.next()}


async def test_a_stream_ends_with_its_session(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert live._HEARTBEAT.total_seconds() < 5
    monkeypatch.setattr(live, "_HEARTBEAT", live._HEARTBEAT / 40)
    ana = await home.counsellor("Ana")
    async with listening(ana) as stream:
        await home.desk.sessions.end_all(ana.staff.id)
        home.app.bus.publish(QUEUE)
        await asyncio.wait_for(stream.ended.wait(), 5)
        assert stream.told.empty()
        again = await asyncio.wait_for(ana.browser.get("/events"), 5)
        assert again.headers["x-havn-refusal"] == "sign_in"


async def test_two_tabs_listen_and_a_third_refreshes_by_itself(home: House) -> None:
    ana = await home.counsellor("Ana")
    async with listening(ana), listening(ana):
        assert STREAMS == 2
        third = await asyncio.wait_for(ana.browser.get("/events"), 5)
        assert third.status_code == 429
    async with listening(ana) as stream:
        assert stream.status == 200


async def test_who_takes_no_conversations_listens_to_nothing(home: House) -> None:
    editor = await home.counsellor("Ed", Role.EDITOR, on_shift=False)
    assert (await editor.browser.get("/events")).status_code == 403


async def test_what_is_only_written_in_a_talk_is_no_news_to_every_queue(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ana = await home.counsellor("Ana")
        visitor = Visitor(home.app)
        number = await asks(visitor)
        await ana.takes(number)
        await home.app.hotline.say(ana.staff.id, "Ana", number, "Hello", "1")
        async with home.app.bus.subscribe() as topics:
            await visitor.says("here I am")
            home.app.bus.publish("staff end")
            heard = [await anext(topics), await anext(topics)]
    assert heard == [f"handover {number}", "staff end"]


# --- looks at the store -----------------------------------------------------------------------


@contextmanager
def busy(folder: Path) -> Iterator[None]:
    """Hold the lock of the database as another process would: looks wait for it."""
    (file,) = folder.rglob("havn.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_a_reader_who_leaves_in_the_middle_of_a_look_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        ana = await home.counsellor("Ana")
        number = await asks(Visitor(home.app))
        await ana.takes(number)
        before = asyncio.all_tasks()
        async with AsyncExitStack() as reader:
            await reader.enter_async_context(listening(ana))
            with busy(tmp_path):
                home.app.bus.publish(handover_topic(number))
                await asyncio.sleep(0.1)
                await asyncio.wait_for(reader.aclose(), 1)
                assert asyncio.all_tasks() <= before


async def test_when_the_one_who_looks_leaves_another_looks(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ana, bo = await home.counsellor("Ana"), await home.counsellor("Bo")
        number = await asks(Visitor(home.app))
        await ana.takes(number)
        may_read = home.desk.reader.may_read
        with busy(tmp_path):
            first = asyncio.create_task(may_read(bo.staff.id, number))
            others = [asyncio.create_task(may_read(one.staff.id, number)) for one in (ana, bo, ana)]
            await asyncio.sleep(0.05)
            first.cancel()
            await asyncio.sleep(0.05)
        assert await asyncio.wait_for(asyncio.gather(*others), 5) == [True, False, True]


async def test_those_who_ask_at_once_look_once_and_fail_together(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ana = await home.counsellor("Ana")
        number = await asks(Visitor(home.app))
        asking = [home.desk.reader.may_read(ana.staff.id, number) for _ in range(20)]
        began = asyncio.get_running_loop().time()
        with busy(tmp_path):
            answers = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreAwayError}
        # One wait for the lock, not one for each of them.
        assert asyncio.get_running_loop().time() - began < 2 * LOCK_WAIT_MS / 1000
