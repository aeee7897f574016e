"""A push service over real HTTP, and browsers that are subscribed to it.

Havn calls only https and known services. ``client`` is one whose calls to SERVICE end at the
service on this machine; everything else about them is real.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SERVICE = "https://updates.push.services.mozilla.com"


@dataclass(frozen=True)
class Call:
    """One call as it arrived."""

    path: str
    headers: httpx.Headers
    body: bytes


@dataclass
class PushService:
    """What it was called with, and the status it answers."""

    calls: list[Call] = field(default_factory=list)
    status: int = 201
    address: str = ""

    def endpoint(self) -> str:
        """Return the address of a new subscription."""
        return f"{SERVICE}/wpush/v2/{secrets.token_urlsafe(24)}"

    async def answer(self, request: Request) -> Response:
        headers = httpx.Headers(request.headers.raw)
        self.calls.append(Call(request.url.path, headers, await request.body()))
        redirect = {"location": f"{SERVICE}/elsewhere"} if self.status == 307 else {}
        return Response(b"", self.status, redirect)

    def client(self) -> httpx.AsyncClient:
        """Return a client that finds this service where the real one would be."""
        return httpx.AsyncClient(transport=_Here(self.address), trust_env=False)


class _Here(httpx.AsyncHTTPTransport):
    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = httpx.URL(address)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url).startswith(f"{SERVICE}/")
        here = self._address
        request.url = request.url.copy_with(scheme=here.scheme, host=here.host, port=here.port)
        return await super().handle_async_request(request)


@asynccontextmanager
async def running() -> AsyncIterator[PushService]:
    """Run a service on a free port of this machine."""
    service = PushService()
    app = Starlette(routes=[Route("/{rest:path}", service.answer, methods=["POST", "GET"])])
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
    server, listening = uvicorn.Server(config), socket.socket()
    listening.bind(("127.0.0.1", 0))
    service.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    # Signals are the test's own.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield service
    finally:
        server.should_exit = True
        await running
        listening.close()
