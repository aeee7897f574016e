"""An emulated Telegram Bot API that a real Bot API client talks to over HTTP.

    async with await TelegramApi.start() as api:
        bot = telegram.Bot(api.token, base_url=api.base_url)
        visitor = api.visitor(language_code="da")
        await visitor.sends("/start")
        reply = await visitor.expect("computer program")
        await visitor.taps("Phone", reply)

It runs on the caller's event loop, on a free loopback port, so it serves a bot in this process as
well as one that a test starts and kills. Rules and error texts follow Telegram's published server
(tdlib/telegram-bot-api and tdlib/td on GitHub). Errors written in capitals come from Telegram's
closed part and are named from use; texts marked "ours" stand in where we know only the code.
Some rules surprise: `deleteMessages` refuses the whole batch when one message is over 48 hours old;
a tap expires after 150 seconds; taps and messages of one person reach a webhook independently.
Not emulated: pacing limits (inject 429 instead), group privacy mode, file contents, parse modes.
"""

import asyncio
import copy
import itertools
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx

from . import telegram_payloads as payloads
from .telegram_chats import Group, Room, Visitor
from .telegram_faults import CONFLICT, FAULT_WORDS, TWO_POLLERS, Call, DroppedError, Fault, Faults
from .telegram_methods import ApiError, BotMethods
from .telegram_payloads import ChatMessage, Json, Person

TOKEN = "7000000000:emulated-token-of-the-test-bot-000001"
UPDATE_LIFE = 24 * 3600
TAP_LIFE = 150
NOT_ALLOWED_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
TEXT_PARAMETERS = {
    *("text", "callback_query_id", "url", "secret_token", "name", "description", "parse_mode"),
    *("short_description", "language_code", "action", "file_id"),
}
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Delivery:
    """One attempt to hand an update to the webhook; status 0 means that nobody answered."""

    update_id: int
    status: int


@dataclass(frozen=True)
class Pending:
    """An update that the bot has not confirmed. Those of one `queue` go to a webhook in turn."""

    update_id: int
    queue: object
    expires: float
    update: Any


class TelegramApi(Faults):
    """The server, the people on its other side, and what tests ask it. Begin with `start`."""

    def __init__(
        self,
        token: str,
        now: Callable[[], float],
        webhook_transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        super().__init__()
        self.token = token
        self.bot = payloads.bot_user(int(token.partition(":")[0]))
        self.bot_user = {k: self.bot[k] for k in ("id", "is_bot", "first_name", "username")}
        self.calls: list[Call] = []
        self.violations: list[str] = []  # things that Havn must never do
        self.deliveries: list[Delivery] = []
        self.rooms: dict[int, Room] = {}
        self.taps: dict[str, tuple[Room, float]] = {}
        self.answered: set[str] = set()
        self.commands: dict[tuple[str, str], list[Json]] = {}  # by scope as JSON and language
        self.profile: dict[tuple[str, str], str] = {}  # by part and language
        self.menu_buttons: dict[int | None, Json] = {}
        self.pending: list[Pending] = []
        self.next_update_id = 500_000_001
        self.callback_limit = 60.0  # seconds; Telegram does not publish its own figure
        self.time_scale = 0.001  # webhook pauses in real seconds per second of Telegram's
        self._now = now
        self._skew = 0.0
        self._methods = BotMethods(self)
        self._message_ids = itertools.count(1001)
        self._people = itertools.count(7_000_000_101)
        self._allowed: set[str] | None = None
        self._poll: object = None
        self._webhook: Json = {}
        self._webhook_error: Json = {}
        self._workers: dict[object, asyncio.Task[None]] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._http = httpx.AsyncClient(transport=webhook_transport, verify=False, trust_env=False)
        self._server: asyncio.Server

    @classmethod
    async def start(
        cls,
        token: str = TOKEN,
        *,
        port: int = 0,
        now: Callable[[], float] = time.time,
        webhook_transport: httpx.AsyncBaseTransport | None = None,
    ) -> Self:
        """Listen on loopback; `webhook_transport` leads webhooks into an ASGI app in process."""
        api = cls(token, now, webhook_transport)
        api._server = await asyncio.start_server(api._serve, "127.0.0.1", port)
        return api

    async def stop(self) -> None:
        """Cut every connection and stop listening."""
        self._server.close()
        tasks = [*self._connections, *self._workers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        """What a client puts in place of https://api.telegram.org/bot."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/bot"

    # Time and people

    def now(self) -> float:
        """Telegram's clock, in seconds since the epoch."""
        return self._now() + self._skew

    @property
    def date(self) -> int:
        """Telegram's clock as it appears in messages."""
        return int(self.now())

    def advance(self, *, seconds: float = 0, hours: float = 0) -> None:
        """Move Telegram's clock."""
        self._skew += seconds + hours * 3600

    def visitor(self, **details: Any) -> Visitor:
        """Return a new visitor; `details` are fields of `Person`, the rest is invented."""
        number = details.pop("id", None) or next(self._people)
        room = Visitor(self, Person.invented(number, **details))
        self.rooms[room.id] = room
        return room

    async def group(
        self,
        by: Visitor,
        title: str = "Group",
        *,
        kind: Literal["group", "supergroup", "channel"] = "supergroup",
    ) -> Group:
        """Let a visitor make a group of some kind and add the bot to it."""
        number = next(self._people)
        chat_id = -number if kind == "group" else -1_000_000_000_000 - number % 10**9
        room = Group(self, {"id": chat_id, "type": kind, "title": title})
        self.rooms[room.id] = room
        self.membership(room, by.person, "left", "administrator" if kind == "channel" else "member")
        if kind != "channel":
            self.incoming(room, by.person, new_chat_members=[self.bot_user])
        return room

    def canaries(self) -> set[str]:
        """Return every string about any visitor that a bot may receive and must not keep."""
        people = [room.person for room in self.rooms.values() if isinstance(room, Visitor)]
        return set[str]().union(*(person.canaries() for person in people))

    def sent_to(self, chat: int) -> list[ChatMessage]:
        """Return what the bot sent or edited in a chat, each as it was then, deleted or not."""
        return self.rooms[chat].heard

    def calls_of(self, method: str) -> list[Call]:
        """Return the calls of one method, oldest first."""
        return [call for call in self.calls if call.method.lower() == method.lower()]

    # Updates

    def incoming(
        self,
        room: Room,
        author: Person,
        text: str | None = None,
        *,
        kind: str | None = None,
        caption: str | None = None,
        forwarded_from: Person | None = None,
        **fields: Any,
    ) -> ChatMessage:
        """Put a message into a room and tell the bot.

        `kind` is one of `telegram_payloads.MEDIA`; `fields` go into Telegram's Message as they are.
        """
        payload: Json = {"message_id": self.next_message_id(), "chat": room.payload}
        payload |= {"date": self.date}
        channel = room.payload["type"] == "channel"
        payload |= {"sender_chat": room.payload} if channel else {"from": author.user()}
        payload |= payloads.text(text) if text is not None else {}
        payload |= payloads.media(kind, author) if kind else {}
        payload |= {"caption": caption} if caption else {}
        payload |= payloads.forwarded_from(forwarded_from, self.date) if forwarded_from else {}
        message = ChatMessage(payload | fields)
        room.messages[message.id] = message
        self.queue("channel_post" if channel else "message", message.payload, room.id)
        return message

    def tap(self, room: Room, person: Person, message: ChatMessage, data: str) -> str:
        """Queue a callback query with any data, also forged, and return its id."""
        callback_id = str(4 * 10**17 + len(self.taps))
        visible = message.id in room.messages
        gone = {"message_id": message.id, "chat": room.payload, "date": 0}
        query = {
            "id": callback_id,
            "from": person.user(),
            "message": room.messages[message.id].payload if visible else gone,
            "chat_instance": str(-room.id),
            "data": data,
        }
        self.taps[callback_id] = (room, self.now())
        self.queue("callback_query", query, ("tap", person.id), TAP_LIFE)
        return callback_id

    def membership(self, room: Room, actor: Person, before: str, after: str) -> None:
        """Queue the news that the bot's own membership of a room changed."""
        change = payloads.membership(room.payload, actor, self.bot_user, self.date, (before, after))
        self.queue("my_chat_member", change, ("member", room.id))

    def queue(self, kind: str, content: Json, queue: object, life: float = UPDATE_LIFE) -> None:
        """Queue an update unless the bot said that it does not want this kind."""
        allowed = kind in self._allowed if self._allowed else kind not in NOT_ALLOWED_BY_DEFAULT
        if allowed:
            self.inject({kind: copy.deepcopy(content)}, queue, life)

    def inject(self, update: Any, queue: object = None, life: float = UPDATE_LIFE) -> int:
        """Queue anything, however malformed or unknown, and return its update id.

        The id is added to an object that has none.
        """
        number = self.next_update_id
        self.next_update_id += 1
        if isinstance(update, dict):
            update = {"update_id": number} | update
        lane = ("own", number) if queue is None else queue
        self.pending.append(Pending(number, lane, self.now() + life, update))
        self._work(lane)
        self.notify()
        return number

    def jump(self, update_id: int | None = None) -> int:
        """Restart update ids anywhere, as Telegram does after a week without updates."""
        if self.pending:
            raise RuntimeError("Telegram only does this when no update is pending")
        self.next_update_id = update_id or random.randrange(2_000_001, 2**30)
        return self.next_update_id

    async def drained(self, *, within: float = 2) -> None:
        """Wait until the bot has confirmed every update."""
        await self.wait_for(lambda: not self._waiting() or None, within)

    async def poll(
        self, offset: int, limit: int, wait: float, kinds: list[str] | None
    ) -> list[Any]:
        """Answer getUpdates: confirm what lies before `offset`, then return what is there."""
        if self._webhook:
            words = "can't use getUpdates method while webhook is active; use deleteWebhook to "
            raise ApiError(409, f"Conflict: {words}delete the webhook first")
        self._allow(kinds)
        self._confirm(offset)
        if wait and not self._waiting():
            self._poll = mine = object()  # ends an earlier poll that still waits
            await self._wait_for_updates(mine, wait)
        return [item.update for item in self._waiting()[:limit]]

    async def _wait_for_updates(self, mine: object, wait: float) -> None:
        self.notify()
        try:
            await self.wait_for(lambda: self._poll is not mine or self._waiting() or None, wait)
        except TimeoutError:
            return
        if self._poll is not mine:
            cause = "setWebhook request" if self._webhook else TWO_POLLERS
            raise ApiError(409, CONFLICT.format(cause))

    def _allow(self, kinds: list[str] | None) -> None:
        if kinds is not None:
            self._allowed = set(kinds) or None

    def _waiting(self) -> list[Pending]:
        self.pending = [item for item in self.pending if item.expires >= self.now()]
        return self.pending

    def _confirm(self, offset: int) -> None:
        """Forget confirmed updates; an offset from before a jump back confirms nothing."""
        if offset < 0:
            self.pending = self._waiting()[offset:]
        elif offset <= self.next_update_id + 10:
            self.pending = [item for item in self._waiting() if item.update_id >= offset]
        self.notify()

    # Webhook

    def set_webhook(self, params: Json) -> None:
        """Switch to this webhook, or to polling if its url is empty."""
        if params.get("drop_pending_updates"):
            self.violations.append("drop_pending_updates: updates are never thrown away")
            self.pending.clear()
        self._allow(params.get("allowed_updates"))
        self._webhook = params if params.get("url") else {}
        self._webhook_error, self._poll = {}, None
        self.notify()
        for item in self._waiting():
            self._work(item.queue)

    def webhook_info(self) -> Json:
        """Return Telegram's WebhookInfo."""
        info: Json = {"url": self._webhook.get("url", ""), "has_custom_certificate": False}
        info |= {"pending_update_count": len(self._waiting()), **self._webhook_error}
        if self._webhook:
            info["max_connections"] = self._webhook.get("max_connections", 40)
        return info | ({"allowed_updates": sorted(self._allowed)} if self._allowed else {})

    async def post(self, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        """Post to the webhook, bytes as they are; by default with the right secret.

        With a body or headers of its own, a test forges or repeats a delivery.
        """
        if headers is None:
            secret = self._webhook.get("secret_token")
            headers = {SECRET_HEADER: secret} if secret else {}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | headers
        return await self._http.post(self._webhook["url"], content=content, headers=headers)

    def _work(self, lane: object) -> None:
        if self._webhook and lane not in self._workers:
            self._workers[lane] = asyncio.create_task(self._deliver(lane))

    async def _deliver(self, lane: object) -> None:
        """Hand over the updates of one lane, one at a time, each until it is accepted.

        A first failure is tried again at once, later ones after 2, 4, 8 … up to 60 seconds or what
        Retry-After asks, all scaled by `time_scale`.
        """
        pause = 1.0
        while self._webhook and (turn := [p for p in self._waiting() if p.queue == lane]):
            status, asked = await self._attempt(turn[0])
            if 200 <= status <= 299:
                self.pending = [item for item in self.pending if item is not turn[0]]
                pause = 1.0
                self.notify()
                continue
            await asyncio.sleep((asked or (pause if pause > 1 else 0)) * self.time_scale)
            pause = min(pause * 2, 60)
        del self._workers[lane]

    async def _attempt(self, item: Pending) -> tuple[int, int]:
        """Return the webhook's status, 0 if nobody answered, and its Retry-After in seconds."""
        try:
            answer = await self.post(item.update)
        except httpx.TransportError:
            status, asked = 0, 0
        else:
            status, wanted = answer.status_code, answer.headers.get("Retry-After", "0")
            asked = min(int(wanted), 3600) if wanted.isdecimal() else 0
        self.deliveries.append(Delivery(item.update_id, status))
        if not 200 <= status <= 299:
            words = f"Wrong response from the webhook: {status}" if status else "Connection failed"
            self._webhook_error = {"last_error_date": self.date, "last_error_message": words}
        return status, asked

    # State that others watch

    def next_message_id(self) -> int:
        """Return a new message id; ids grow over all chats."""
        return next(self._message_ids)

    def show(self, room: Room, message: ChatMessage) -> None:
        """Let the people in a room see what the bot sent or edited."""
        room.messages[message.id] = message
        room.heard.append(copy.deepcopy(message))
        self.notify()

    def notify(self) -> None:
        """Wake everybody who waits for a change."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait_for(self, find: Callable[[], Found | None], within: float) -> Found:
        """Return what `find` finds, looking after each change; TimeoutError after real seconds."""
        async with asyncio.timeout(within):
            while (found := find()) is None:
                await self._changed.wait()
        return found

    # HTTP

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while request := await _read_request(reader):
                await self._respond(*request, writer)
        except (DroppedError, ConnectionError, asyncio.IncompleteReadError):
            pass  # the client meets a cut connection, or is gone itself
        except asyncio.CancelledError:
            pass  # the server stops; streams of Python 3.11 fail on a cancelled task
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _respond(self, target: str, params: Json, writer: asyncio.StreamWriter) -> None:
        path = urlsplit(target).path
        token, _, method = path.removeprefix("/bot").partition("/")
        if path.startswith("/file/"):
            self.violations.append("download: files are never fetched")
        call = Call(method, params, self.now())
        self.calls.append(call)
        self.notify()
        fault = self.fault_for(call)
        status, body = await self._answer(call, fault, token=token)
        answer = _response(status, body)
        drop = fault.drop if fault else None
        if drop == "after":
            raise DroppedError
        writer.write(answer[: len(answer) // 2] if drop == "half" else answer)
        await writer.drain()
        if drop == "half":
            raise DroppedError
        call.status = status

    async def _answer(self, call: Call, fault: Fault | None, *, token: str) -> tuple[int, bytes]:
        if fault:
            await fault.strike()
        try:
            result = await self._run(call, fault.error if fault else None, token)
        except ApiError as error:
            if error.code > 500:
                return error.code, b"<html><body>Bad Gateway</body></html>"
            return error.code, json.dumps(error.body).encode()
        body = json.dumps({"ok": True, "result": result}).encode()
        return 200, body[:-2] if fault and fault.garbled else body

    async def _run(self, call: Call, error: ApiError | None, token: str) -> Any:
        if token != self.token:
            raise ApiError(401, FAULT_WORDS[401])
        if error:
            raise error
        method = getattr(self._methods, f"on_{call.method.lower()}", None)
        if method is None:
            self.violations.append(f"{call.method}: not a method that Havn uses")
            raise ApiError(404, "Not Found: method not found")
        result = method(call.params)
        return await result if asyncio.iscoroutine(result) else result


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, Json] | None:
    """Return the target and the parameters of the next request, None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = {
        key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    target = first.split(" ")[1]
    if headers.get("content-type", "").startswith("application/json"):
        parsed = _from_json(body.decode(errors="replace"))
        return target, parsed if isinstance(parsed, dict) else {}
    return target, _parameters(urlsplit(target).query) | _parameters(body.decode(errors="replace"))


def _parameters(encoded: str) -> Json:
    """Decode form parameters: words as they are, everything else from JSON where it is JSON."""
    pairs = parse_qsl(encoded, keep_blank_values=True)
    return {key: value if key in TEXT_PARAMETERS else _from_json(value) for key, value in pairs}


def _from_json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _response(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
