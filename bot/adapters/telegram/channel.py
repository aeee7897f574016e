"""Bubbles out: plain, silent messages with inline buttons, and deleting on both sides."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import httpx
from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from bot.adapters.telegram.client import Client, PausedError
from bot.adapters.telegram.pieces import split
from bot.domain.messages import Bubble, Channel, Choice
from bot.logs import error_class, logger
from bot.ports import DeliveryError, Refusal

# deleteMessages takes this many ids. https://core.telegram.org/bots/api#deletemessages
DELETED_AT_ONCE = 100
# How long to wait when nothing works until an operator acts.
_TOKEN_WAIT = 60.0
_NOT_MODIFIED = "message is not modified"
_NOBODY_THERE = ("chat not found", "peer_id_invalid", "user not found", "user_is_blocked")
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_JOIN = ","

log = logger(__name__)


class TelegramChannel:
    """Shows and deletes in private chats. Pacing is the caller's; every call is tried once."""

    name = Channel.TELEGRAM

    def __init__(self, client: Client) -> None:
        self._client = client

    async def show(self, address: str, bubble: Bubble) -> str:
        """Send a bubble, or replace the message it is ``on``; return its reference.

        A text too long for one message is sent in pieces; the reference then names all of them, and
        the buttons are under the last. DeliveryError when Telegram did not take it.
        """
        pieces = split(bubble.text)
        with _refusals():
            if bubble.on and len(pieces) == 1 and await self._replace(address, bubble):
                return bubble.on
            return await self._send(address, pieces, _keyboard(bubble))

    async def delete(self, address: str, references: Sequence[str]) -> None:
        """Delete messages of both sides, newest first; those missing or too old are no error.

        DeliveryError when Telegram could not be asked.
        """
        ids = sorted({i for reference in references for i in _ids(reference)}, reverse=True)
        with _refusals():
            for start in range(0, len(ids), DELETED_AT_ONCE):
                await self._delete(int(address), ids[start : start + DELETED_AT_ONCE])

    async def acknowledge(self, tap: str) -> None:
        """End the waiting sign on a tapped button; being too late is no matter."""
        with suppress(TelegramError):
            await self._client.answer_callback_query(tap)

    async def leave(self, chat: int) -> None:
        """Leave a group or channel; if that fails, its next update leads here again."""
        try:
            await self._client.leave_chat(chat)
        except TelegramError as error:
            log.warning("telegram_leave_failed", error=error_class(error))

    async def _replace(self, address: str, bubble: Bubble) -> bool:
        """Edit the message; False if it cannot be edited any more, so that a new one is sent."""
        if not bubble.on.isdecimal():
            return False
        try:
            await self._client.edit_message_text(
                bubble.text,
                chat_id=int(address),
                message_id=int(bubble.on),
                reply_markup=_keyboard(bubble),
                link_preview_options=_NO_PREVIEW,
            )
        except BadRequest as error:
            return _NOT_MODIFIED in error.message.lower()
        return True

    async def _send(
        self, address: str, pieces: Sequence[str], keyboard: InlineKeyboardMarkup | None
    ) -> str:
        sent: list[str] = []
        try:
            for piece in pieces:
                message = await self._client.send_message(
                    int(address),
                    piece,
                    reply_markup=keyboard if len(sent) + 1 == len(pieces) else None,
                    disable_notification=True,
                    protect_content=False,
                    link_preview_options=_NO_PREVIEW,
                )
                sent.append(str(message.message_id))
        except TelegramError:
            # All of it will be tried again, and nobody would know these ids when hiding.
            if sent:
                with suppress(TelegramError):
                    await self._client.delete_messages(int(address), [int(i) for i in sent])
            raise
        return _JOIN.join(sent)

    async def _delete(self, chat: int, ids: Sequence[int]) -> None:
        """Delete what can be deleted.

        Telegram refuses a whole batch for one message, so halve it until that one stands alone.
        Messages too old to delete stand together, so this takes few calls.
        """
        try:
            await self._client.delete_messages(chat, ids)
        except BadRequest as error:
            if _nobody_there(error):
                raise
            if len(ids) > 1:
                half = len(ids) // 2
                await self._delete(chat, ids[:half])
                await self._delete(chat, ids[half:])


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn the library's errors into DeliveryError."""
    try:
        yield
    except TelegramError as error:
        # Without the cause: its message may quote what was sent.
        raise refusal(error) from None


def refusal(error: TelegramError) -> DeliveryError:
    """Return what a failed call means for the message that was to be sent."""
    match error:
        case PausedError():
            return DeliveryError(Refusal.LATER, error.seconds)
        case Forbidden():
            return DeliveryError(Refusal.UNREACHABLE)
        case BadRequest():
            return DeliveryError(Refusal.UNREACHABLE if _nobody_there(error) else Refusal.REJECTED)
        case ChatMigrated():
            return DeliveryError(Refusal.REJECTED)
        case InvalidToken():
            return DeliveryError(Refusal.LATER, _TOKEN_WAIT, everywhere=True)
        case _:
            # Out of reach altogether, or only this call cut off with its outcome unknown.
            down = isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
            return DeliveryError(Refusal.LATER, everywhere=down)


def _nobody_there(error: BadRequest) -> bool:
    return any(words in error.message.lower() for words in _NOBODY_THERE)


def _ids(reference: str) -> list[int]:
    return [int(part) for part in reference.split(_JOIN) if part.isascii() and part.isdecimal()]


def _keyboard(bubble: Bubble) -> InlineKeyboardMarkup | None:
    rows = [[_button(choice) for choice in row] for row in bubble.rows if row]
    return InlineKeyboardMarkup(rows) if rows else None


def _button(choice: Choice) -> InlineKeyboardButton:
    if choice.copy:
        return InlineKeyboardButton(choice.label, copy_text=CopyTextButton(choice.copy))
    return InlineKeyboardButton(choice.label, callback_data=choice.data)
