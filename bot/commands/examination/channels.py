"""Telegram, the web, and who is named as responsible."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from urllib.parse import urlsplit

from telegram import User, WebhookInfo
from telegram.error import InvalidToken, TelegramError

from bot.adapters.telegram import open_client
from bot.commands.examination.finding import Finding, Mark
from bot.domain.errors import ConfigurationError
from bot.settings import Settings

TELEGRAM, WEB, PEOPLE = "Telegram", "Web", "People"
SECONDS = 5.0
_HOME = frozenset({"127.0.0.1", "::1", "localhost"})
_DEMO = {field.name: field.default for field in fields(Settings)}


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Look at the ways in, and ask Telegram who the bot is."""
    async for finding in _telegram(settings):
        yield finding
    for finding in (*_web(settings), *_people(settings)):
        yield finding


async def _telegram(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.telegram_token:
        do = "ask @BotFather for a bot and set HAVN_TELEGRAM_TOKEN, or go on with the web chat"
        yield Finding(TELEGRAM, "Token", Mark.LOOK, "not set: no Telegram", do)
        return
    try:
        async with (
            asyncio.timeout(SECONDS),
            open_client(settings.telegram_token, settings.telegram_api_url) as client,
        ):
            me = await client.get_me()
            webhook = await client.get_webhook_info()
    except ConfigurationError as error:
        yield Finding(TELEGRAM, "Token", Mark.STOP, str(error), "copy it again from @BotFather")
    except InvalidToken:
        do = "copy it again from @BotFather, or ask there for a new one"
        yield Finding(TELEGRAM, "Token", Mark.STOP, "Telegram refuses it", do)
    except (TelegramError, TimeoutError) as error:
        says = f"Telegram could not be asked ({type(error).__name__})"
        do = "check the network; havn serve goes on trying by itself"
        yield Finding(TELEGRAM, "Token", Mark.LOOK, says, do)
    else:
        yield Finding(TELEGRAM, "Token", Mark.FINE, f"the bot is @{me.username}")
        yield _groups(me)
        yield _receiving(settings, webhook)


def _groups(me: User) -> Finding:
    """Tell whether groups may invite the bot; it leaves them, but need not be asked at all."""
    if me.can_join_groups or me.supports_inline_queries:
        return Finding(
            TELEGRAM,
            "Groups",
            Mark.LOOK,
            "groups may invite the bot, or it answers inline",
            "in @BotFather: /setjoingroups Disable, /setinline off",
        )
    return Finding(TELEGRAM, "Groups", Mark.FINE, "cannot be invited")


def _receiving(settings: Settings, webhook: WebhookInfo) -> Finding:
    if not settings.telegram_webhook_url:
        says = "long polling: one process only"
        if webhook.url:
            says += "; the webhook that is set now is removed at the next start"
        return Finding(TELEGRAM, "Receiving", Mark.FINE, says)
    if urlsplit(settings.telegram_webhook_url).scheme != "https":
        do = "HAVN_TELEGRAM_WEBHOOK_URL must begin with https"
        return Finding(TELEGRAM, "Receiving", Mark.STOP, "the webhook is not https", do)
    if webhook.url != settings.telegram_webhook_url:
        says = "webhook, not registered yet: havn serve does that"
        return Finding(TELEGRAM, "Receiving", Mark.FINE, says)
    waiting = webhook.pending_update_count
    if webhook.last_error_date is not None and waiting:
        says = f"webhook; Telegram could not bring {waiting} updates"
        do = "check that the proxy passes the webhook's path to the chat port"
        return Finding(TELEGRAM, "Receiving", Mark.LOOK, says, do)
    return Finding(TELEGRAM, "Receiving", Mark.FINE, f"webhook, {waiting} updates waiting")


def _web(settings: Settings) -> Iterator[Finding]:
    if urlsplit(settings.web_chat_url).scheme == "https":
        yield Finding(WEB, "Public address", Mark.FINE, settings.web_chat_url)
    else:
        do = "put a TLS proxy in front (deploy/Caddyfile) and set HAVN_WEB_CHAT_URL to https://…"
        yield Finding(WEB, "Public address", Mark.LOOK, settings.chat_address, do)
    for name, host, port in (
        ("Chat port", settings.chat_host, settings.chat_port),
        ("Console port", settings.console_host, settings.console_port),
    ):
        if host in _HOME:
            yield Finding(WEB, name, Mark.FINE, f"{host}:{port}, this machine only")
        else:
            do = "listen on 127.0.0.1 and let the proxy come to it"
            yield Finding(WEB, name, Mark.LOOK, f"{host}:{port}, open to the network", do)


def _people(settings: Settings) -> Iterator[Finding]:
    for name in ("operator_name", "operator_contact"):
        value = getattr(settings, name)
        if value == _DEMO[name]:
            do = f"set HAVN_{name.upper()}: visitors read it on the privacy page"
            yield Finding(PEOPLE, name, Mark.LOOK, "still the demo's", do)
        else:
            yield Finding(PEOPLE, name, Mark.FINE, value)
