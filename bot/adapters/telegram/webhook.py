"""The webhook: one route that answers 200 only after the update was stored."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from telegram.error import TelegramError

from bot.adapters.backoff import Backoff
from bot.adapters.telegram.client import ALLOWED_UPDATES, Client
from bot.adapters.telegram.inbound import update_id_of
from bot.adapters.telegram.intake import Intake
from bot.domain.errors import ConfigurationError, StoreUnavailableError
from bot.logs import error_class, logger

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 -- the name of the header
LARGEST_BODY = 1024 * 1024
# Telegram waits as long as it is asked before it brings the update again.
RETRY_AFTER_SECONDS = 5
_BODY_SECONDS = 10.0

log = logger(__name__)


def webhook_route(url: str, secret: str, intake: Intake) -> Route:
    """Return the route for the path of the webhook's address; choose one that cannot be guessed.

    403 without the secret, 413 above 1 MiB, 503 with Retry-After while the store is down, 200 for
    what is stored and also for what is refused or unreadable, which must not be brought again.
    """
    path = urlsplit(url).path
    if not path.startswith("/") or path == "/":
        raise ConfigurationError("HAVN_TELEGRAM_WEBHOOK_URL needs a path that cannot be guessed")
    return Route(path, _endpoint(secret.encode(), intake), methods=["POST"])


def _endpoint(secret: bytes, intake: Intake) -> Callable[[Request], Awaitable[Response]]:
    async def receive(request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "").encode("latin-1", "replace")
        if not secret or not hmac.compare_digest(given, secret):
            log.warning("telegram_webhook_refused")
            return Response(status_code=403)
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=408)
        if body is None:
            log.warning("telegram_webhook_too_large")
            return Response(status_code=413)
        return await _take(body, intake)

    return receive


async def _body(request: Request) -> bytes | None:
    """Return the body, None as soon as it is too large, whatever its length was said to be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


async def _take(body: bytes, intake: Intake) -> Response:
    try:
        update = json.loads(body)
    except (ValueError, RecursionError) as error:
        log.error("telegram_update_unreadable", error=error_class(error))
        return Response(status_code=200)
    try:
        await intake.take([update])
    except StoreUnavailableError:
        log.warning("telegram_webhook_store_unavailable", update_id=update_id_of(update))
        return Response(status_code=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    return Response(status_code=200)


async def register_webhook(
    client: Client, url: str, secret: str, backoff: Backoff | None = None
) -> None:
    """Tell Telegram where to bring updates, until it has heard; waiting updates are kept."""
    backoff = backoff or Backoff()
    while True:
        try:
            await client.set_webhook(
                url, secret_token=secret, allowed_updates=list(ALLOWED_UPDATES)
            )
        except TelegramError as error:
            log.warning("telegram_webhook_not_set", error=error_class(error))
            await backoff.pause()
        else:
            return
