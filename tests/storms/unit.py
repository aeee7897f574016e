"""F14 and the worker's protocol: an NLU unit that is down, deaf or mad, and asked by madmen."""

import asyncio
import io
import json
import math
import random
import struct
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from bot.adapters.nlu import SocketDialogue
from bot.adapters.nlu.client import Breaker
from bot.domain.errors import DialogueUnavailableError
from tests.storms.malformed import examples, strange, strange_words
from tests.storms.outcome import Outcome
from tests.support.app import Visitor, running, screens
from tests.support.deck import ROOT
from tests.support.hostile import CANARY, HurryingClock, framed


def _worker() -> ModuleType:
    """Load the worker, which belongs to the unit's own environment but needs nothing of it."""
    spec = spec_from_file_location("havn_nlu_worker", ROOT / "nlu" / "havn_nlu" / "worker.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


worker = _worker()
# The promise of design.md 4 and B10.
ANSWERED_IN = 2.0
DEADLINE = 0.8
MILLION = 1_000_000
GOOD = {
    "intent": "debt",
    "confidence": 0.97,
    "ranking": [["debt", 0.97], ["shelter", 0.01]],
    "outcomes": ["utter_debt"],
    "lang": "en",
    "lang_confidence": 0.99,
    "danger": 0.0,
    "self_harm": 0.0,
    "danger_words": False,
}

# --- the unit as the bot meets it -------------------------------------------------------------


class Unit:
    """A unit whose ways can be changed: ``well``, ``hangs``, ``garbage``, ``dies`` or ``slow``."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self._path, self._chance = path, chance
        self.way = "well"
        self.answers: Sequence[bytes] = ()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path))

    async def stop(self) -> None:
        """Be killed: the socket goes, and every connection is cut."""
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()
        self._path.unlink(missing_ok=True)
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while head := await reader.readexactly(4):
                await reader.readexactly(struct.unpack(">I", head)[0])
                match self.way:
                    case "hangs":
                        await asyncio.sleep(30)
                    case "dies":
                        writer.write(framed(GOOD)[: self._chance.randrange(20)])
                        return
                    case "garbage":
                        writer.write(self._chance.choice(self.answers))
                        return
                    case _:
                        writer.write(framed(GOOD))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._open.discard(writer)
            writer.close()


odd_words = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
shares = st.floats(0, 1) | st.sampled_from([True, "0.5", -0.0, 2, "nan"])
# What is of the right shape, and odd all the same.
_LIKELY: Mapping[type, st.SearchStrategy[Any]] = {
    str: odd_words,
    float: shares,
    bool: st.booleans() | st.sampled_from([0, 1, "true"]),
    list: st.lists(odd_words, max_size=3) | st.lists(st.tuples(odd_words, shares), max_size=3),
}


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Return what a mad unit may say: nearly right, of a wrong shape, or no frame at all."""
    said: Any = dict(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(list(GOOD)))
        said[name] = draw(_LIKELY[type(GOOD[name])] if draw(st.integers(0, 3)) else strange)
    whole = json.dumps(said).encode()
    frame = struct.pack(">I", len(whole)) + whole
    return draw(
        st.sampled_from([frame, frame, frame, frame[: len(frame) // 2], b"\0\0\0\0", b"\xff" * 9])
        | st.binary(max_size=40)
        | strange.map(json.dumps).map(str.encode).map(framed)
        | st.just(struct.pack(">I", 70_000) + b"x" * 70_000)
        | st.just(framed(b"[" * 60_000))
    )


WAYS = ("down", "hangs", "garbage", "dies")


def troubles(times: int, folder: Path, number: int) -> Outcome:
    """Have visitors write while the unit is down, hangs, talks garbage and dies; then it is well.

    Each is answered in time by the program alone; when the unit is back, so is meaning.
    """
    outcome, chance = Outcome(), random.Random(number)
    passed = 0.0
    told = Breaker(lambda: time.monotonic() + passed)
    unit = Unit(folder / "nlu.sock", chance)
    unit.answers = examples(answers(), max(20, times // 4), number)
    waits: list[float] = []

    async def storm() -> None:
        nonlocal passed
        dialogue = SocketDialogue(folder / "nlu.sock", deadline=DEADLINE, breaker=told)
        async with running(folder, clock=HurryingClock(), dialogue=dialogue) as app:
            for way in WAYS:
                unit.way = way
                if way != "down":
                    await unit.start()
                for turn in range(max(1, times // len(WAYS))):
                    # Now and then the rest is over, so that not the breaker alone answers.
                    passed += 31 if turn % (20 if way == "hangs" else 3) == 0 else 0
                    visitor = Visitor(app)
                    await visitor.starts()
                    began = time.monotonic()
                    said = await visitor.says("I owe them a lot of money")
                    waits.append(time.monotonic() - began)
                    outcome.expect(bool(said), f"nobody answered while it {way}")
                    outcome.count("answered", bool(said))
                danger = Visitor(app)
                seen = screens(await danger.says("he has a knife"))
                outcome.expect("utter_danger_now" in seen, f"no numbers while it {way}: {seen}")
                await unit.stop()
            unit.way = "well"
            await unit.start()
            passed += 31
            # The first may still meet a connection that was cut.
            found = [screens(await Visitor(app).says("I owe a lot of money")) for _ in range(6)]
            well = any("utter_debt" in seen for seen in found)
            outcome.expect(well, f"it does not recover: {found}")
            await unit.stop()
            await dialogue.close()

    asyncio.run(storm())
    waits.sort()
    outcome.figures["p95 s"] = round(waits[math.ceil(len(waits) * 0.95) - 1], 3)
    outcome.figures["slowest s"] = round(waits[-1], 3)
    outcome.expect(outcome.figures["p95 s"] < ANSWERED_IN, f"p95 {outcome.figures['p95 s']} s")
    return outcome


def mad_units(times: int, folder: Path, number: int) -> Outcome:
    """Let a unit give any answer; the bot takes it or leaves it, and never anything else."""
    outcome, chance = Outcome(), random.Random(number)
    unit = Unit(folder / "nlu.sock", chance)
    unit.way = "garbage"

    async def storm() -> None:
        await unit.start()
        for answer in examples(answers(), times, number):
            unit.answers = [answer]
            dialogue = SocketDialogue(folder / "nlu.sock", deadline=0.5)
            try:
                meaning = await dialogue.interpret("a text", "utter_main_menu", "en")
            except DialogueUnavailableError:
                outcome.count("left")
            except Exception as error:  # noqa: BLE001 -- whatever it lets out is what is looked for
                outcome.expect(False, f"{type(error).__name__} for {len(answer)} bytes")
            else:
                outcome.count("taken")
                said = [meaning.intent, meaning.locale, *meaning.outcomes]
                fine = all(_is_well_formed(word) for word in said)
                outcome.expect(fine, "a word that cannot be stored")
            await dialogue.close()
        await unit.stop()

    asyncio.run(storm())
    return outcome


def _is_well_formed(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in word


# --- the worker as anybody may meet it --------------------------------------------------------


@dataclass(frozen=True)
class Turn:
    """What the model would say."""

    intent: str

    def as_dict(self) -> dict[str, object]:
        return {"intent": self.intent}


class Model:
    """Stands in for Rasa: fails where the text is odd, as a model might."""

    model, loaded_s = "0123", 1.0

    async def turn(self, text: str, screen: str | None, *, minor: bool | None, locale: str) -> Turn:
        text.encode()
        if len(text) % 7 == 0:
            raise ValueError(text)
        return Turn("debt")


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Return what may come over the socket: a frame, half of one, or several."""
    asked: Any = {"verb": draw(st.sampled_from(["turn", "turn", "turn", "health"]))}
    asked["text"] = draw(strange_words)
    for name in draw(st.sets(st.sampled_from(["verb", "text", "screen", "slots", "locale", "x"]))):
        asked[name] = draw(strange)
    content = json.dumps(draw(st.sampled_from([asked, asked, asked, [asked]]) | strange)).encode()
    content = draw(st.sampled_from([content] * 4 + [content[:-1], b"[" * 60_000, b"\xff{}"]))
    length = draw(st.sampled_from([len(content)] * 4 + [0, len(content) * 2, 2**32 - 1, 65_537]))
    whole = struct.pack(">I", length) + content
    broken = st.sampled_from(
        [whole, whole, whole, whole[: len(whole) // 2], whole + b"\0", whole * 3]
    )
    return draw(broken | st.binary(max_size=50))


def worker_protocol(times: int, folder: Path, number: int) -> Outcome:
    """Send anything to the worker; it answers in frames, says nothing of it, and goes on."""
    outcome, noise = Outcome(), io.StringIO()
    great = {"verb": "turn", "text": CANARY + "x" * MILLION}

    async def storm() -> None:
        async with _working(folder / "nlu.sock") as path:
            for turn, sent in enumerate([*examples(requests(), times, number), framed(great)]):
                for answer in await _exchange(path, sent):
                    outcome.count("answers")
                    outcome.expect(isinstance(answer, dict), "an answer that is no object")
                    outcome.expect(CANARY not in str(answer), "a text came back")
                outcome.count("connections")
                if turn % 20 == 0:
                    health = await _exchange(path, framed({"verb": "health"}))
                    outcome.expect(health[0].get("ok") is True, f"it is not well: {health}")

    with redirect_stderr(noise):
        asyncio.run(storm())
    outcome.expect(CANARY not in noise.getvalue(), "a text is in the log")
    outcome.expect("connection_failed" not in noise.getvalue(), "a connection ended in an error")
    outcome.expect("Traceback" not in noise.getvalue(), "a traceback is in the log")
    return outcome


@asynccontextmanager
async def _working(path: Path) -> AsyncIterator[Path]:
    server = await asyncio.start_unix_server(worker.Worker(Model()).serve, sock=worker.bind(path))
    async with server:
        yield path


async def _exchange(path: Path, sent: bytes) -> list[Any]:
    """Send bytes, close our side, and read frames until the worker closes its own."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    found = []
    try:
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(20):
            while head := await reader.read(4):
                head += await reader.readexactly(4 - len(head))
                found.append(json.loads(await reader.readexactly(struct.unpack(">I", head)[0])))
    except (ConnectionError, asyncio.IncompleteReadError):
        # It closed before it had read everything: allowed, as long as what it said was whole.
        pass
    finally:
        writer.close()
    return found
