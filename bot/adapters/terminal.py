"""The terminal channel: for trying things, and the simplest to script."""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text as RichText

from bot.domain.errors import ConfigurationError, InvalidTapError
from bot.domain.messages import (
    Bubble,
    Channel,
    Choice,
    Event,
    Incoming,
    MessageId,
    Sent,
    Start,
    Tapped,
    Text,
)
from bot.domain.screens import Tap
from bot.ports import Door

Word = Callable[[str, str], str]
_DIGITS = 4
# Words that press what is no button of any screen.
_COMMANDS: Mapping[str, Tap] = {"/report": Tap("action_report_text")}


class TerminalChat:
    """One conversation on a terminal: a fresh visitor each time."""

    def __init__(self, door: Door, *, locale: str = "") -> None:
        self._door = door
        self._locale = locale
        self._sender = secrets.token_hex(16)
        self._count = 0
        self._last = MessageId(0)
        self._buttons: Sequence[Sequence[Choice]] = ()

    async def start(self) -> Sequence[Sent]:
        """Open the chat."""
        return await self._do(Start(locale=self._locale))

    async def type(self, text: str) -> Sequence[Sent]:
        """Send typed words; a number presses the button of that number, a command what it names."""
        if text in _COMMANDS:
            return await self._do(Tapped(_COMMANDS[text]))
        number = as_number(text)
        if number is not None and 0 < number <= len(self.choices):
            return await self._do(Tapped(Tap.decode(self.choices[number - 1].data)))
        return await self._do(Text(text))

    async def tap(self, label_or_to: str) -> Sequence[Sent]:
        """Press a button by its label, in the newest reply first, or by where it leads.

        InvalidTapError when it is neither.
        """
        for choice in chain.from_iterable(reversed(self._buttons)):
            if label_or_to in (choice.label, choice.data, choice.data.split(" ")[0]):
                return await self._do(Tapped(Tap.decode(choice.data)))
        return await self._do(Tapped(Tap.decode(label_or_to)))

    async def leave(self) -> None:
        """Erase the conversation."""
        await self._door.leave(Channel.TERMINAL, self._sender)

    def last_word(self, event: Event) -> Bubble:
        """Return what to show when nothing can be stored."""
        return self._door.emergency(
            Incoming(Channel.TERMINAL, "", self._sender, event, hint=self._locale)
        )

    async def _do(self, event: Event) -> Sequence[Sent]:
        self._count += 1
        incoming = Incoming(Channel.TERMINAL, f"{self._sender}:{self._count}", self._sender, event)
        answered = await self._door.converse(incoming)
        # What a counsellor wrote meanwhile comes before the answer.
        said = await self._door.shown(Channel.TERMINAL, self._sender, self._last) or answered
        if said:
            self._last = said[-1].id
            self._buttons = pressable(said)
        return said

    @property
    def choices(self) -> Sequence[Choice]:
        """Return the buttons of what was shown last, in the order of their numbers."""
        return list(chain.from_iterable(self._buttons))


def pressable(said: Sequence[Sent]) -> Sequence[Sequence[Choice]]:
    """Return the buttons of each of some replies shown together; a repeated one stands last only.

    A question may be followed by another line before anybody can answer it.
    """
    later: set[str] = set()
    buttons: list[Sequence[Choice]] = []
    for sent in reversed(said):
        own = [c for row in sent.bubble.rows for c in row if c.data not in later]
        later |= {choice.data for choice in own}
        buttons.append(own)
    return buttons[::-1]


def as_number(text: str) -> int | None:
    """Return the number a text is, None for words and for what is no number of a button."""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def as_json(sent: Sent) -> str:
    """Return one reply as a JSON line, as ``havn chat --json`` prints it."""
    bubble = sent.bubble
    buttons = [{"label": c.label, "to": c.data} for row in bubble.rows for c in row]
    return json.dumps(
        {
            "screen": bubble.screen,
            "locale": bubble.locale,
            "text": bubble.text,
            "buttons": buttons,
        },
        ensure_ascii=False,
    )


def show(console: Console, said: Sequence[Sent]) -> None:
    """Print replies shown together and their buttons, with the numbers that press them."""
    numbers = count(1)
    for sent, buttons in zip(said, pressable(said), strict=True):
        console.print(Panel(RichText(sent.bubble.text), border_style="cyan", expand=False))
        for row in sent.bubble.rows:
            line = RichText("  ")
            for choice in row:
                if choice in buttons:
                    line.append(f" {next(numbers)} ", style="reverse")
                    line.append(f" {choice.label}   ")
            if line.plain.strip():
                console.print(line)


async def play(chat: TerminalChat, turns: Sequence[Mapping[str, Any]]) -> AsyncIterator[Sent]:
    """Play a script and yield every reply."""
    for sent in await chat.start():
        yield sent
    for number, turn in enumerate(turns, start=1):
        for sent in await _play_turn(chat, turn, number):
            yield sent


async def _play_turn(chat: TerminalChat, turn: Mapping[str, Any], number: int) -> Sequence[Sent]:
    match turn:
        case {"text": str(text)}:
            return await chat.type(text)
        case {"tap": str(label)}:
            try:
                return await chat.tap(label)
            except InvalidTapError:
                raise ConfigurationError(
                    f"turn {number} of the script taps a button that is not there"
                ) from None
        case _:
            raise ConfigurationError(
                f'turn {number} of the script must be {{"text": …}} or {{"tap": …}}'
            )


def read_script(path: Path) -> Sequence[Mapping[str, Any]]:
    """Read a script of JSON lines; ConfigurationError names the line that is not one."""
    turns = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the script {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            turn = json.loads(line)
        except (ValueError, RecursionError):
            raise ConfigurationError(f"{path}:{number}: this line is not JSON") from None
        if not isinstance(turn, dict):
            raise ConfigurationError(f"{path}:{number}: this line is not a JSON object")
        turns.append(turn)
    return turns
