"""Rings browsers through their push services: a call without a body, so nothing can be read.

Without a body nothing needs to be encrypted either (RFC 8291). A browser names the address that is
called, so only the services of the known browsers are, and those the operator adds: whoever is
signed in could otherwise make Havn call any machine that it can reach.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from bot.adapters.push.vapid import Vapid
from bot.domain.errors import AlertError
from bot.ports import Clock

# Chrome, Edge and Android; Firefox; Safari; Edge on Windows. Also the hosts below them.
SERVICES = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "push.apple.com",
    "notify.windows.com",
)
LONGEST_ENDPOINT = 1024
DEADLINE = 10.0
_HEADERS = {
    # A phone without network for longer is not rung late for somebody who has been taken since.
    "ttl": "120",
    "urgency": "high",
    # Several that wait at the service become one.
    "topic": "havn",
    "content-length": "0",
}
# Names in letters of other scripts (xn--…) belong to none of the services, and not all can be read.
_LABEL = re.compile(r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_OVER = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class WebAlerts:
    """The Alerts over HTTP; made by open_web_alerts()."""

    def __init__(
        self, client: httpx.AsyncClient, vapid: Vapid, clock: Clock, *, more: Collection[str] = ()
    ) -> None:
        self._client = client
        self._vapid = vapid
        self._clock = clock
        self._services = (*SERVICES, *more)
        self.key = vapid.public

    def takes(self, endpoint: str) -> bool:
        """Tell whether an address is https, of a service on the list and without frills."""
        if len(endpoint) > LONGEST_ENDPOINT or not (endpoint.isascii() and endpoint.isprintable()):
            return False
        try:
            parts = urlsplit(endpoint)
            port_is_usual = parts.port in (None, 443)
        except ValueError:
            return False
        frills = any(sign in endpoint for sign in "@\\ #")
        if parts.scheme != "https" or frills or not port_is_usual:
            return False
        host = parts.hostname or ""
        if not all(_LABEL.fullmatch(label) for label in host.split(".")):
            return False
        return any(host == one or host.endswith(f".{one}") for one in self._services)

    async def ring(self, endpoint: str) -> bool:
        """Ring a browser, within the deadline; an address is judged anew each time."""
        if not self.takes(endpoint):
            return False
        headers = {**_HEADERS, "authorization": self._vapid.header(endpoint, self._clock.now())}
        try:
            async with (
                asyncio.timeout(DEADLINE),
                self._client.stream("POST", endpoint, headers=headers) as response,
            ):
                status = response.status_code
        # Raised from None: errors of the client hold the address, which is as good as a key.
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as error:
            raise AlertError(type(error).__name__) from None
        if status in _OVER:
            return False
        if status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
            raise AlertError(f"status {status}")
        return True


@asynccontextmanager
async def open_web_alerts(
    secret: bytes, subject: str, clock: Clock, *, more: Collection[str] = ()
) -> AsyncIterator[WebAlerts]:
    """Lend alerts and close their connections at the end."""
    async with httpx.AsyncClient(
        timeout=DEADLINE, trust_env=False, follow_redirects=False
    ) as client:
        yield WebAlerts(client, Vapid(secret, subject), clock, more=more)
