"""What stands around every response of the console, errors included."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.logs import error_class, logger

log = logger(__name__)

# Nothing is allowed but what a page of ours uses today.
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
# To register a worker is to run a script by its address: one policy, which knows one address.
_POLICY_WITH_WORKER = (*_POLICY[:-1], "trusted-types worker", "worker-src 'self'")
_REFUSED_FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen",
    "gamepad", "geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone",
    "midi", "payment", "picture-in-picture", "screen-wake-lock", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip
# Larger than any form here: 10,000 characters in a text's form, of 9 bytes each in most scripts,
# come as far as the page that says what is wrong with them.
LARGEST_BODY = 128 * 1024
# The one page that takes a file, of 2 MB, beside a few fields.
UPLOAD, LARGEST_UPLOAD = "/content/exchange", 2 * 1024 * 1024 + LARGEST_BODY
HEADERS: Mapping[str, str] = {
    "content-security-policy": "; ".join(_POLICY),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{name}=()" for name in _REFUSED_FEATURES),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow, noarchive, nosnippet",
}
HSTS = "max-age=63072000; includeSubDomains"


class Guarded:
    """Adds the headers to every response of an app, and keeps its errors from the server.

    A server prints what it catches, and an error may quote what was written.
    """

    def __init__(self, app: ASGIApp, *, https: bool, worker: bool = False) -> None:
        self._app = app
        self._https = https
        policy = _POLICY_WITH_WORKER if worker else _POLICY
        self._headers = {**HEADERS, "content-security-policy": "; ".join(policy)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, _measured(receive, _largest(scope)), send_with_headers)
        except Exception as error:
            if scope["type"] != "http":
                raise
            log.error("console_request_failed", error=error_class(error))

    def _add(self, headers: MutableHeaders) -> None:
        headers.update(self._headers)
        headers.setdefault("cache-control", "no-store")
        if self._https:
            headers["strict-transport-security"] = HSTS
        del headers["server"]


def _largest(scope: Scope) -> int:
    return LARGEST_UPLOAD if scope.get("path") == UPLOAD else LARGEST_BODY


def _measured(receive: Receive, largest: int) -> Receive:
    """Refuse a body (413) as soon as it is larger than any of ours."""
    size = 0

    async def measuring() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > largest:
            raise HTTPException(413)
        return message

    return measuring
