"""Channels that need the network of a provider."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute

from bot.bootstrap.app import App
from bot.domain.messages import Channel
from bot.ports import ChannelPort
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.adapters.telegram import Client, Intake

# How soon a bot's name and commands follow what was published.
_PROFILE_SECONDS = 30.0


@dataclass(slots=True)
class Channels:
    """The channels of an installation that need the network of a provider."""

    ports: dict[Channel, ChannelPort]
    client: "Client | None" = None

    def listening(self, app: App) -> list[Coroutine[Any, Any, None]]:
        """Return what runs for as long as Telegram is listened to."""
        return [_listen_to_telegram(app, self.client)] if self.client else []

    def routes(self, app: App) -> list[BaseRoute]:
        """Return the routes a provider calls on the public host."""
        settings = app.settings
        if self.client is None or not settings.telegram_webhook_url:
            return []
        from bot.adapters.telegram import webhook_route  # noqa: PLC0415 -- see channels_of

        intake = _intake(app, self.client)
        url, secret = settings.telegram_webhook_url, settings.telegram_webhook_secret
        return [webhook_route(url, secret, intake)]


@asynccontextmanager
async def channels_of(settings: Settings) -> AsyncIterator[Channels]:
    """Open the channels that are set: Telegram with a token, none without."""
    if not settings.telegram_token:
        yield Channels({})
        return
    # A third of a second of imports that a start without a token need not wait for.
    from bot.adapters.telegram import TelegramChannel, open_client  # noqa: PLC0415

    async with open_client(settings.telegram_token, settings.telegram_api_url) as client:
        yield Channels({Channel.TELEGRAM: TelegramChannel(client)}, client)


def _intake(app: App, client: "Client") -> "Intake":
    from bot.adapters.telegram import Intake, TelegramChannel  # noqa: PLC0415 -- see channels_of

    return Intake(
        client.number, TelegramChannel(client), app.reception, lambda: app.renderer.texts.locales
    )


async def _listen_to_telegram(app: App, client: "Client") -> None:
    """Keep the profile, and poll; with a webhook, register it and leave the rest to it."""
    from bot.adapters.telegram import Poller, register_webhook  # noqa: PLC0415

    settings = app.settings
    publishing = asyncio.create_task(_keep_profile(app, client))
    try:
        if settings.telegram_webhook_url:
            await register_webhook(
                client, settings.telegram_webhook_url, settings.telegram_webhook_secret
            )
            await asyncio.Event().wait()
        intake = _intake(app, client)
        try:
            await Poller(client, intake, app.reception).run()
        finally:
            await intake.close()
    finally:
        publishing.cancel()


async def _keep_profile(app: App, client: "Client") -> None:
    """Write the profile at the start, and anew after each publication."""
    from bot.adapters.telegram import Profile  # noqa: PLC0415 -- see channels_of

    renderer, written = app.renderer, -1
    while True:
        if written != app.library.bundle.number:
            written = app.library.bundle.number
            profile = Profile(
                client, renderer.deck, renderer.values, lambda: renderer.texts.locales
            )
            await profile.publish()
        await asyncio.sleep(_PROFILE_SECONDS)
