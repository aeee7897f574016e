"""The worker's protocol, with a model that is not there: frames, refusals, silence."""

import asyncio
import contextlib
import gc
import json
import os
import socket
import stat
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

worker = pytest.importorskip("havn_nlu.worker")

SECRET = "my boss took my passport"


@dataclass(frozen=True)
class _Turn:
    intent: str

    def as_dict(self) -> dict[str, object]:
        return {"intent": self.intent}


class _Unit:
    """Answers with the screen it was asked about; fails when the text says so."""

    model = "0123"
    loaded_s = 1.5

    async def turn(
        self, text: str, screen: str | None, *, minor: bool | None, locale: str
    ) -> _Turn:
        if "fail" in text:
            raise ValueError(text)
        return _Turn(" ".join([f"{screen} {minor}", *filter(None, [locale])]))


Conversation = Callable[[Path], Awaitable[None]]


def _serve(path: Path, conversation: Conversation) -> None:
    async def both() -> None:
        server = await asyncio.start_unix_server(
            worker.Worker(_Unit()).serve, sock=worker.bind(path)
        )
        async with server:
            await asyncio.wait_for(conversation(path), 10)

    asyncio.run(both())


async def _exchange(path: Path, *frames: bytes) -> list[Any]:
    """Send raw bytes, close our side, and return every answer until the worker closes its own."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b"".join(frames))
    writer.write_eof()
    answers = []
    while head := await reader.read(4):
        answers.append(json.loads(await reader.readexactly(struct.unpack(">I", head)[0])))
    writer.close()
    return answers


def _frame(request: object) -> bytes:
    content = json.dumps(request).encode()
    return struct.pack(">I", len(content)) + content


def _turn(text: str, **more: object) -> bytes:
    return _frame({"verb": "turn", "text": text, **more})


def _answers(tmp_path: Path, *frames: bytes) -> list[Any]:
    answers: list[Any] = []

    async def conversation(path: Path) -> None:
        answers.extend(await _exchange(path, *frames))

    _serve(tmp_path / "nlu.sock", conversation)
    return answers


def test_health_says_which_model_is_loaded(tmp_path: Path) -> None:
    (health,) = _answers(tmp_path, _frame({"verb": "health"}))
    assert health["ok"] is True
    assert (health["model"], health["loaded_s"]) == ("0123", 1.5)
    assert health["rss_mb"] >= 0


def test_one_connection_carries_many_questions(tmp_path: Path) -> None:
    asked = [
        _turn("hi"),
        _turn("hi", screen="utter_goodbye", slots={"minor": True, "unknown": 1}),
        _turn("hi", screen=None, slots=None, locale="pl"),
    ]
    intents = [answer["intent"] for answer in _answers(tmp_path, *asked)]
    assert intents == ["None None", "utter_goodbye True", "None None pl"]


@pytest.mark.parametrize(
    "broken",
    [
        struct.pack(">I", 0),
        struct.pack(">I", worker.MAX_FRAME_BYTES + 1) + b"x",
        struct.pack(">I", 10) + b"short",
        b"\x00\x00",
        struct.pack(">I", 3) + b"{]}",
        struct.pack(">I", 2) + b"\xff\xfe",
        struct.pack(">I", 60000) + b"[" * 60000,
    ],
    ids=["empty", "too long", "cut off", "half a length", "no json", "no utf-8", "too deep"],
)
def test_a_broken_frame_is_refused_and_ends_the_connection(tmp_path: Path, broken: bytes) -> None:
    assert _answers(tmp_path, broken) == [{"error": "bad_frame"}]


@pytest.mark.parametrize(
    "request_",
    [
        [],
        "turn",
        {"verb": "learn"},
        {"verb": ["turn"]},
        {"verb": "turn"},
        {"verb": "turn", "text": 5},
        {"verb": "turn", "text": "hi", "screen": 5},
        {"verb": "turn", "text": "hi", "locale": ["pl"]},
        {"verb": "turn", "text": "hi", "slots": ["minor"]},
        {"verb": "turn", "text": "hi", "slots": {"minor": "yes"}},
    ],
)
def test_an_unknown_request_is_refused_and_ends_the_connection(
    tmp_path: Path, request_: object
) -> None:
    answers = _answers(tmp_path, _frame(request_), _frame({"verb": "health"}))
    assert answers == [{"error": "bad_request"}]


def test_a_failing_turn_is_answered_without_its_text_and_does_not_end_anything(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = _answers(tmp_path, _turn(f"fail {SECRET}"), _turn("hi"))
    assert [set(answer) for answer in answers] == [{"error"}, {"intent"}]
    written = capfd.readouterr()
    assert "turn_failed" in written.err
    assert SECRET not in written.err + written.out


def test_a_broken_neighbour_does_not_disturb(tmp_path: Path) -> None:
    async def conversation(path: Path) -> None:
        reader, writer = await asyncio.open_unix_connection(str(path))
        await _exchange(path, b"\xff" * 100)
        writer.write(_turn("hi"))
        assert await reader.readexactly(4)
        writer.close()

    _serve(tmp_path / "nlu.sock", conversation)


def test_many_connections_are_answered(tmp_path: Path) -> None:
    async def conversation(path: Path) -> None:
        asked = [_exchange(path, _turn("hi", screen=str(number))) for number in range(50)]
        answers = await asyncio.gather(*asked)
        assert [one["intent"] for (one,) in answers] == [f"{n} None" for n in range(50)]

    _serve(tmp_path / "nlu.sock", conversation)


def test_only_this_user_can_open_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "nlu.sock"
    with worker.bind(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_binding_replaces_the_socket_a_killed_worker_left(tmp_path: Path) -> None:
    worker.bind(tmp_path / "nlu.sock").close()
    worker.bind(tmp_path / "nlu.sock").close()


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="the kernel cannot say who connects")
def test_another_user_gets_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.getuid() + 1
    monkeypatch.setattr(worker.os, "getuid", lambda: stranger)

    async def conversation(path: Path) -> None:
        reader, writer = await asyncio.open_unix_connection(str(path))
        with contextlib.suppress(ConnectionError):  # the kernel may report the unread question
            writer.write(_frame({"verb": "health"}))
            assert await reader.read() == b""
        writer.close()

    _serve(tmp_path / "nlu.sock", conversation)


def test_the_worker_leaves_what_it_was_given_uncollected_and_ends_with_its_starter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "nlu.sock"
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        async def life() -> None:
            running = asyncio.create_task(worker.run(_Unit(), path, until_stdin_closes=True))
            while not path.exists():  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.01)
            frozen.append(gc.get_freeze_count())
            os.close(writing)
            await asyncio.wait_for(running, 5)

        frozen: list[int] = []
        gc.unfreeze()
        asyncio.run(life())
        gc.unfreeze()
    assert not path.exists()
    assert frozen[0] > 0
