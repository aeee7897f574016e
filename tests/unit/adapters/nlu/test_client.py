import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.nlu.client import Breaker, NoDialogue, SocketDialogue
from bot.domain.errors import DialogueUnavailableError

ANSWER = {
    "intent": "debt",
    "confidence": 0.9,
    "ranking": [["debt", 0.9], ["shelter", 0.05]],
    "outcomes": ["utter_debt"],
    "lang": "da",
    "lang_confidence": 0.98,
    "danger": 0.25,
    "self_harm": 0.5,
    "danger_words": True,
}
SECRET = "my boss took my passport"


def framed(answer: object) -> bytes:
    content = json.dumps(answer).encode()
    return struct.pack(">I", len(content)) + content


@asynccontextmanager
async def unit(tmp_path: Path, answer: Callable[[dict], bytes | None]) -> AsyncIterator[Path]:
    """Serve a socket whose answers are scripted; None never answers."""
    path = tmp_path / "s"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack(">I", await reader.readexactly(4))
                reply = answer(json.loads(await reader.readexactly(length)))
                if reply is None:
                    await asyncio.sleep(60)
                elif reply == b"":
                    return
                else:
                    writer.write(reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, str(path))
    try:
        yield path
    finally:
        server.close()


async def ask(path: Path, **options: object) -> object:
    dialogue = SocketDialogue(path, **options)  # type: ignore[arg-type]
    try:
        return await dialogue.interpret(SECRET, "utter_main_menu", "pl")
    finally:
        await dialogue.close()


async def test_a_request_holds_nothing_of_the_visitor_but_text_and_language(
    tmp_path: Path,
) -> None:
    asked = []

    def answer(request: dict) -> bytes:
        asked.append(request)
        return framed(ANSWER)

    async with unit(tmp_path, answer) as path:
        meaning = await ask(path)
    request = {"verb": "turn", "text": SECRET, "screen": "utter_main_menu", "locale": "pl"}
    assert asked == [request]
    assert (meaning.intent, meaning.outcomes, meaning.locale) == ("debt", ("utter_debt",), "da")
    assert (meaning.danger, meaning.self_harm, meaning.danger_words) == (0.25, 0.5, True)


async def test_many_turns_share_connections_and_never_swap_answers(tmp_path: Path) -> None:
    def answer(request: dict) -> bytes:
        return framed({**ANSWER, "intent": request["text"]})

    async with unit(tmp_path, answer) as path:
        dialogue = SocketDialogue(path)
        words = [f"w{n}" for n in range(50)]
        meanings = await asyncio.gather(*(dialogue.interpret(word, "") for word in words))
        assert [meaning.intent for meaning in meanings] == words
        await dialogue.close()


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"",
        b"\x00\x00\x00\x00",
        struct.pack(">I", 1 << 30),
        framed([]),
        struct.pack(">I", 3) + b"{{{",
        framed({"error": "turn_failed"}),
        framed({**ANSWER, "confidence": 7}),
        framed({**ANSWER, "outcomes": [3]}),
        framed({**ANSWER, "intent": "x" * 500}),
        framed({**ANSWER, "intent": "\ud800"}),
        framed({**ANSWER, "lang": "e\0"}),
        framed({**ANSWER, "outcomes": ["my boss took my passport"]}),
        framed({**ANSWER, "ranking": "debt"}),
        framed({**ANSWER, "danger": None}),
        framed({**ANSWER, "self_harm": 1.5}),
        framed({**ANSWER, "danger_words": "yes"}),
        framed({name: part for name, part in ANSWER.items() if name != "danger"}),
        framed({}),
    ],
)
async def test_a_late_or_broken_unit_is_unavailable_and_the_text_stays_out_of_the_error(
    tmp_path: Path, reply: bytes | None
) -> None:
    async with unit(tmp_path, lambda _request: reply) as path:
        with pytest.raises(DialogueUnavailableError) as caught:
            await ask(path, deadline=0.1)
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None


async def test_no_socket_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(DialogueUnavailableError):
        await ask(tmp_path / "nowhere")


async def test_after_five_failures_it_rests_then_tries_once_more(tmp_path: Path) -> None:
    now = 0.0
    breaker = Breaker(monotonic=lambda: now)
    dialogue = SocketDialogue(tmp_path / "s", breaker=breaker)
    for _ in range(5):
        assert breaker.closed
        with pytest.raises(DialogueUnavailableError):
            await dialogue.interpret("x", "")
    assert not breaker.closed
    assert not dialogue.ready
    now = 31.0
    async with unit(tmp_path, lambda _request: framed(ANSWER)):
        assert (await dialogue.interpret("x", "")).intent == "debt"
        await dialogue.close()


def test_failures_far_apart_do_not_open_the_breaker() -> None:
    now = 0.0
    breaker = Breaker(monotonic=lambda: now)
    for _ in range(10):
        breaker.failed()
        now += 8
    assert breaker.closed


async def test_switched_off_means_unavailable() -> None:
    assert not NoDialogue().ready
    with pytest.raises(DialogueUnavailableError):
        await NoDialogue().interpret("x", "")
