"""``havn chat``: a conversation on the terminal, by hand or from a script."""

import asyncio
from pathlib import Path

import click
from rich.console import Console

from bot.adapters.terminal import TerminalChat, as_json, as_number, play, read_script, show
from bot.bootstrap import App, open_app
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Sent, Text
from bot.settings import Settings

_QUIT = ("/quit", "/exit")


async def chat(settings: Settings, *, locale: str, script: Path | None, as_lines: bool) -> None:
    """Talk until the visitor quits or the script ends; everything is erased afterwards."""
    turns = read_script(script) if script else None
    async with open_app(settings) as app:
        talk = TerminalChat(app.reception, locale=locale)
        try:
            if turns is None:
                await _by_hand(app, talk, locale)
            else:
                async for sent in play(talk, turns):
                    _print(sent, as_lines=as_lines)
        finally:
            await talk.leave()


def _print(sent: Sent, *, as_lines: bool) -> None:
    if as_lines:
        click.echo(as_json(sent))
    else:
        show(Console(), [sent])


async def _by_hand(app: App, talk: TerminalChat, locale: str) -> None:
    console = Console()
    words = app.renderer.values
    shown = locale or "en"
    console.print(words.word("terminal_hint", shown), style="dim")
    show(console, await talk.start())
    while True:
        try:
            prompt = f"{words.word('terminal_prompt', shown)}: "
            line = await asyncio.to_thread(console.input, prompt)
        except (EOFError, KeyboardInterrupt):
            return
        if line.strip() in _QUIT:
            return
        number = as_number(line.strip())
        if number is not None and not 0 < number <= len(talk.choices):
            console.print(words.word("terminal_unknown_button", shown))
            continue
        try:
            said = await talk.type(line.strip())
        except StoreUnavailableError:
            console.print(talk.last_word(Text(line)).text)
            continue
        if any(one.bubble.screen in ("utter_hide_done", "utter_forget_done") for one in said):
            console.clear()
        show(console, said)
        shown = said[-1].bubble.locale if said else shown
