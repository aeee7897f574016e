"""The NLU unit behind a Unix socket: `python -m havn_nlu.worker --model PATH --socket PATH`.

A frame is a length (4 bytes, big-endian, 1 to 65536) and that many bytes of a JSON object; every
request frame gets one answer frame, and a connection may carry many. Requests:

    {"verb": "health"}
      -> {"ok": true, "model": fingerprint, "loaded_s": 4.1, "rss_mb": 210.5}
    {"verb": "turn", "text": "…", "screen": "utter_main_menu" | null, "slots": {"minor": true},
     "locale": "pl"}
      -> {"intent": …, "confidence": …, "ranking": [[intent, probability], …],
          "danger": 0.02, "self_harm": 0.0,
          "outcomes": ["utter_…"], "lang": "da" | null, "lang_confidence": 0.97}

`screen`, `slots` and `locale` may be left out; unknown slots are ignored.
Errors: {"error": "bad_frame"} and {"error": "bad_request"} close the connection,
{"error": "turn_failed"} does not.
The text is never logged, stored or repeated in an error.
"""

import argparse
import asyncio
import gc
import json
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any, Protocol

MAX_FRAME_BYTES = 64 * 1024
_LENGTH = struct.Struct(">I")
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_FRAME_SECONDS = 10.0  # from a frame's first byte to its last
_CONNECTIONS = 128

Answer = dict[str, Any]


class BadFrameError(ValueError):
    """The bytes are no frame."""


class BadRequestError(ValueError):
    """The frame holds no request this unit knows."""


class Meaning(Protocol):
    """What the worker serves; `havn_nlu.unit.Unit` is the real one."""

    model: str
    loaded_s: float

    async def turn(self, text: str, screen: str | None, *, minor: bool | None, locale: str) -> Any:
        """Return an object with `as_dict()`."""


async def read_frame(reader: asyncio.StreamReader) -> Any:
    """Read one frame's content; None at the end of the connection. Raises BadFrameError.

    A frame that holds JSON null also ends the connection: it asks nothing.
    """
    first = await reader.read(1)  # the next question may take as long as it likes to come
    if not first:
        return None
    try:
        return json.loads(await asyncio.wait_for(_read_rest(reader, first), _FRAME_SECONDS))
    except (asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError, RecursionError):
        raise BadFrameError from None


async def _read_rest(reader: asyncio.StreamReader, first: bytes) -> bytes:
    head = first + await reader.readexactly(_LENGTH.size - 1)
    (length,) = _LENGTH.unpack(head)
    if not 0 < length <= MAX_FRAME_BYTES:
        raise BadFrameError
    return await reader.readexactly(length)


def frame(answer: Answer) -> bytes:
    """Return an answer as bytes on the wire."""
    content = json.dumps(answer, ensure_ascii=False).encode()
    return _LENGTH.pack(len(content)) + content


async def answer(unit: Meaning, request: Any) -> Answer:
    """Answer one request. Raises BadRequestError; whatever else goes wrong is `turn_failed`."""
    if not isinstance(request, dict):
        raise BadRequestError
    if request.get("verb") == "health":
        return {"ok": True, "model": unit.model, "loaded_s": unit.loaded_s, "rss_mb": _rss_mb()}
    if request.get("verb") != "turn":
        raise BadRequestError
    text, screen, minor, locale = _turn_arguments(request)
    try:
        turn = await unit.turn(text, screen, minor=minor, locale=locale)
    except Exception as error:  # noqa: BLE001 - no text may end the worker or reach a log
        _note("turn_failed", error)
        return {"error": "turn_failed"}
    result: Answer = turn.as_dict()
    return result


def _turn_arguments(request: Answer) -> tuple[str, str | None, bool | None, str]:
    text, screen, slots = request.get("text"), request.get("screen"), request.get("slots") or {}
    locale = request.get("locale") or ""
    if not isinstance(text, str) or not isinstance(screen, str | None):
        raise BadRequestError
    if not isinstance(locale, str):
        raise BadRequestError
    if not isinstance(slots, dict) or not isinstance(slots.get("minor"), bool | None):
        raise BadRequestError
    return text, screen, slots.get("minor"), locale


class Worker:
    """Serves one model to processes of its own user."""

    def __init__(self, unit: Meaning) -> None:
        self._unit = unit
        self._connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends or stops making sense."""
        self._connections += 1
        try:
            if self._connections <= _CONNECTIONS and _same_user(writer):
                await self._converse(reader, writer)
        except OSError:
            pass  # the other side went away
        except Exception as error:  # noqa: BLE001 - one connection must not end the others
            _note("connection_failed", error)
        finally:
            self._connections -= 1
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_frame(reader)) is not None:
                writer.write(frame(await answer(self._unit, request)))
                await writer.drain()
        except BadFrameError:
            writer.write(frame({"error": "bad_frame"}))
        except BadRequestError:
            writer.write(frame({"error": "bad_request"}))


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """Ask the kernel who connected. Where it cannot say (macOS), the socket's mode must do."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    connection: socket.socket = writer.get_extra_info("socket")
    packed = connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(packed)
    return bool(uid == os.getuid())


def _rss_mb() -> float:
    """Return the resident memory now, in MiB; 0 where /proc is missing."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), 1)


def _note(event: str, error: BaseException | None = None) -> None:
    """Write one line for the operator: what happened and the kind of error, never its words."""
    line = {"event": event, **({"error": type(error).__name__} if error else {})}
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def bind(path: Path) -> socket.socket:
    """Make the listening socket, readable and writable by this user only from its first moment."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    return listening


async def run(unit: Meaning, path: Path, *, until_stdin_closes: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, or until the starting process is gone."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopping.set)
    if until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), lambda: os.read(0, 4096) or stopping.set())
    gc.freeze()  # each full look at what a model and Rasa are made of would stop the unit for 60 ms
    server = await asyncio.start_unix_server(Worker(unit).serve, sock=bind(path), backlog=128)
    _note("ready")
    try:
        await stopping.wait()
    finally:
        server.close()
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - nobody waits for the loop any more


def main() -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m havn_nlu.worker")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--sha256", help="refuse any other model file")
    parser.add_argument("--until-stdin-closes", action="store_true")
    options = parser.parse_args()

    from havn_nlu.unit import Unit  # noqa: PLC0415 - Rasa's import would slow --help

    try:
        unit = Unit.load(options.model, pinned=options.sha256)
    except Exception as error:  # noqa: BLE001 - the starter reads one line, not a traceback
        _note("model_refused", error)
        return 1
    asyncio.run(run(unit, options.socket, until_stdin_closes=options.until_stdin_closes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
