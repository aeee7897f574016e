"""What a bot may call, with the rules and the error texts of Telegram."""

import json
import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import telegram_payloads as payloads
from .telegram_chats import Room, Visitor
from .telegram_payloads import ChatMessage, Json

if TYPE_CHECKING:
    from .telegram_api import TelegramApi

DELETE_LIMIT = 48 * 3600
MAX_TEXT = 4096
PROFILE_LIMITS = {"name": 64, "description": 512, "short_description": 120}
CHAT_NOT_FOUND = "Bad Request: chat not found"
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are "
    "exactly the same as a current content and reply markup of the message"
)
# Control characters become spaces; line separators and direction overrides vanish, isolates stay.
_SPACED = dict.fromkeys([*range(10), 11, 12, *range(14, 32)], " ")
_REMOVED = dict.fromkeys([13, *range(0x2028, 0x202F), 0x333, 0x33F, 0x30A])


class ApiError(Exception):
    """An answer that is not ok."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.body: Json = {"ok": False, "error_code": code, "description": description}
        if retry_after is not None:
            self.body["parameters"] = {"retry_after": retry_after}


class BotMethods:
    """What a bot may call: `on_<method in lower case>(parameters)` returns the result."""

    def __init__(self, api: "TelegramApi") -> None:
        self._api = api

    def on_getme(self, _: Json) -> Json:
        return self._api.bot

    async def on_getupdates(self, params: Json) -> list[Any]:
        limit = min(max(int(params.get("limit", 100)), 1), 100)
        offset, wait = int(params.get("offset", 0)), float(params.get("timeout", 0))
        return await self._api.poll(offset, limit, wait, params.get("allowed_updates"))

    def on_setwebhook(self, params: Json) -> bool:
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", params.get("secret_token", "")):
            raise ApiError(400, "Bad Request: secret token contains unallowed characters")
        self._api.set_webhook(params)
        return True

    def on_deletewebhook(self, params: Json) -> bool:
        self._api.set_webhook(params | {"url": ""})
        return True

    def on_getwebhookinfo(self, _: Json) -> Json:
        return self._api.webhook_info()

    def on_sendmessage(self, params: Json) -> Json:
        room = self._room(params)
        payload = self._content(params) | {
            "message_id": self._api.next_message_id(),
            "from": self._api.bot_user,
            "chat": room.payload,
            "date": self._api.date,
        }
        if params.get("protect_content"):
            payload["has_protected_content"] = True
        silent = bool(params.get("disable_notification"))
        markup = params.get("reply_markup", {})
        self._api.show(room, ChatMessage(payload, from_bot=True, silent=silent, markup=markup))
        return payload

    def on_editmessagetext(self, params: Json) -> Json:
        return self._edit(params, self._content(params))

    def on_editmessagereplymarkup(self, params: Json) -> Json:
        message = self._own(params)
        kept = {
            k: message.payload[k] for k in ("text", "link_preview_options") if k in message.payload
        }
        return self._edit(params, kept | _keyboard(params))

    def on_deletemessage(self, params: Json) -> bool:
        room = self._room(params, writing=False)
        if params.get("message_id") not in room.messages:
            raise ApiError(400, "Bad Request: message to delete not found")
        return self._delete(room, [params["message_id"]])

    def on_deletemessages(self, params: Json) -> bool:
        wanted = params.get("message_ids", [])
        if not wanted:
            raise ApiError(400, "Bad Request: message identifiers are not specified")
        if len(wanted) > 100:
            raise ApiError(400, "Bad Request: too many message identifiers specified")
        return self._delete(self._room(params, writing=False), wanted)

    def on_answercallbackquery(self, params: Json) -> bool:
        room, asked = self._api.taps.get(params.get("callback_query_id", ""), (None, -math.inf))
        if room is None or self._api.now() - asked > self._api.callback_limit:
            words = "query is too old and response timeout expired or query ID is invalid"
            raise ApiError(400, f"Bad Request: {words}")
        self._api.answered.add(params["callback_query_id"])
        if params.get("text"):
            room.alerts.append(params["text"])
        return True

    def on_sendchataction(self, params: Json) -> bool:
        self._room(params)
        return True

    def on_leavechat(self, params: Json) -> bool:
        room = self._room(params)
        if isinstance(room, Visitor):
            raise ApiError(400, "Bad Request: private chats can't be left")  # ours
        room.closed = f"Forbidden: bot is not a member of the {room.payload['type']} chat"
        self._api.notify()
        return True

    def on_getfile(self, _: Json) -> Json:
        self._api.violations.append("getFile: files are never fetched")
        raise ApiError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")

    def on_setmycommands(self, params: Json) -> bool:
        for command in params.get("commands", []):
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self._api.commands[_scope(params)] = params.get("commands", [])
        return True

    def on_deletemycommands(self, params: Json) -> bool:
        self._api.commands.pop(_scope(params), None)
        return True

    def on_getmycommands(self, params: Json) -> list[Json]:
        return self._api.commands.get(_scope(params), [])

    def on_setmyname(self, params: Json) -> bool:
        return self._profile("name", params)

    def on_setmydescription(self, params: Json) -> bool:
        return self._profile("description", params)

    def on_setmyshortdescription(self, params: Json) -> bool:
        return self._profile("short_description", params)

    def on_getmyname(self, params: Json) -> Json:
        return self._shown("name", params)

    def on_getmydescription(self, params: Json) -> Json:
        return self._shown("description", params)

    def on_getmyshortdescription(self, params: Json) -> Json:
        return self._shown("short_description", params)

    def on_setchatmenubutton(self, params: Json) -> bool:
        self._api.menu_buttons[params.get("chat_id")] = params.get("menu_button", {})
        return True

    def _room(self, params: Json, *, writing: bool = True) -> Room:
        room = self._api.rooms.get(params.get("chat_id", 0))
        if room is None:
            raise ApiError(400, CHAT_NOT_FOUND)
        if writing and room.closed:
            raise ApiError(403, room.closed)
        return room

    def _content(self, params: Json) -> Json:
        text = _cleaned(str(params.get("text", "")))
        if not text:
            raise ApiError(400, "Bad Request: text must be non-empty")
        if len(text) > MAX_TEXT:
            raise ApiError(400, "Bad Request: message is too long")
        preview = params.get("link_preview_options")
        options = {"link_preview_options": preview} if preview else {}
        return payloads.text(text) | options | _keyboard(params)

    def _own(self, params: Json) -> ChatMessage:
        message = self._room(params).messages.get(params.get("message_id", 0))
        if message is None:
            raise ApiError(400, "Bad Request: message to edit not found")
        if not message.from_bot:
            raise ApiError(400, "Bad Request: message can't be edited")
        return message

    def _edit(self, params: Json, content: Json) -> Json:
        message = self._own(params)
        shown = ("text", "reply_markup")
        if all(message.payload.get(part) == content.get(part) for part in shown):
            raise ApiError(400, NOT_MODIFIED)
        changing = (*shown, "entities", "link_preview_options")
        kept = {key: part for key, part in message.payload.items() if key not in changing}
        message.payload = kept | content | {"edit_date": self._api.date}
        message.markup = params.get("reply_markup", {})
        self._api.show(self._api.rooms[params["chat_id"]], message)
        return message.payload

    def _delete(self, room: Room, wanted: Iterable[int]) -> bool:
        found = [room.messages[number] for number in wanted if number in room.messages]
        if not all(self._deletable(room, message) for message in found):
            raise ApiError(400, "Bad Request: message can't be deleted for everyone")
        for message in found:
            del room.messages[message.id]
        self._api.notify()
        return True

    def _deletable(self, room: Room, message: ChatMessage) -> bool:
        young = self._api.date - int(message.payload["date"]) <= DELETE_LIMIT
        return young and (message.from_bot or isinstance(room, Visitor))

    def _shown(self, part: str, params: Json) -> Json:
        return {part: self._api.profile.get((part, params.get("language_code", "")), "")}

    def _profile(self, part: str, params: Json) -> bool:
        value = params.get(part, "")
        if len(value) > PROFILE_LIMITS[part]:
            raise ApiError(400, f"Bad Request: {part} is too long")  # ours
        self._api.profile[part, params.get("language_code", "")] = value
        return True


def _cleaned(text: str) -> str:
    return text.translate(_SPACED | _REMOVED).strip()


def _scope(params: Json) -> tuple[str, str]:
    scope = params.get("scope") or {"type": "default"}
    return json.dumps(scope, sort_keys=True), params.get("language_code", "")


def _keyboard(params: Json) -> Json:
    """Return the inline keyboard as Telegram repeats it; other keyboards are not repeated."""
    rows = params.get("reply_markup", {}).get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if len(button.get("callback_data", "").encode()) > 64:
            raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
        if len(button) < 2:
            words = "text buttons are unallowed in the inline keyboard"
            raise ApiError(400, f"Bad Request: {words}")
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}
