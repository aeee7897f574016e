"""Small commands for the operator: forget, purge, rotate keys."""

import click

from bot.adapters.sealing import KeyRing
from bot.bootstrap import open_app
from bot.domain.errors import ConfigurationError
from bot.domain.messages import ConversationId
from bot.settings import Settings


async def forget(settings: Settings, conversation: str) -> None:
    """Erase one conversation; ConfigurationError when there is none of this id."""
    async with open_app(settings) as app:
        key = ConversationId(conversation)
        async with app.store.begin() as unit:
            found = await unit.conversations.load([key], forgetting=True)
        if not found:
            raise ConfigurationError("there is no conversation with this id")
        await app.eraser.forget({key})
    click.echo("Erased.")


async def purge(settings: Settings) -> None:
    """Erase what is due and say how much it was."""
    async with open_app(settings) as app:
        await app.eraser.resume()
        purged = await app.keeper.purge()
    click.echo(
        f"Erased {purged.idle} idle and {purged.capped} overdue conversations, "
        f"{purged.receipts} receipts."
    )


async def rotate(settings: Settings, *, pepper: bool) -> None:
    """Rotate the key-encryption key, and the pepper if asked for."""
    ring = KeyRing.open(settings.keys_folder)
    try:
        if pepper:
            ring.change_pepper()
        epoch = await ring.rotate()
    finally:
        ring.close()
    click.echo(f"Keys rotated; epoch {epoch}.")
