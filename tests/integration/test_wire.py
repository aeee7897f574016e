"""What the server itself makes of bytes on a connection: whose they are, and where they end."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.commands.serve import answer_http

Address = tuple[str, int]


async def echo(request: Request) -> JSONResponse:
    body = (await request.body()).decode()
    return JSONResponse({"from": request.client and request.client.host, "body": body})


@pytest.fixture
async def server() -> AsyncIterator[Address]:
    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    serving = asyncio.create_task(answer_http(app, listening))
    yield listening.getsockname()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def ask(server: Address, *lines: str, body: str = "", source: str = "127.0.0.1") -> str:
    """Send bytes as they are, and return everything that comes back until the end."""
    reader, writer = await asyncio.open_connection(*server, local_addr=(source, 0))
    head = "\r\n".join([*lines, "host: x", "connection: close"])
    writer.write(f"{head}\r\n\r\n{body}".encode())
    try:
        async with asyncio.timeout(5):
            return (await reader.read()).decode()
    finally:
        writer.close()


def said(answer: str) -> dict[str, str]:
    assert answer.startswith("HTTP/1.1 200"), answer
    told: dict[str, str] = json.loads(answer.partition("\r\n\r\n")[2])
    return told


async def test_the_address_a_proxy_on_this_machine_names_is_believed(server: Address) -> None:
    answer = await ask(server, "GET / HTTP/1.1", "x-forwarded-for: 192.0.2.7")
    assert said(answer)["from"] == "192.0.2.7"


async def test_the_address_anybody_else_claims_is_not(server: Address) -> None:
    answer = await ask(server, "GET / HTTP/1.1", "x-forwarded-for: 192.0.2.7", source="127.0.0.2")
    assert said(answer)["from"] == "127.0.0.2"


async def test_a_body_in_chunks_ends_where_its_chunks_end_whatever_its_length_says(
    server: Address,
) -> None:
    """What is left over must not be taken for somebody's next request."""
    smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
    answer = await ask(
        server,
        "POST / HTTP/1.1",
        "transfer-encoding: chunked",
        f"content-length: {len('3' + smuggled)}",
        body=f"3\r\nabc\r\n0\r\n\r\n{smuggled}",
    )
    assert answer.count("HTTP/1.1 ") == 1
    assert said(answer)["body"] == "abc"


@pytest.mark.parametrize(
    "headers",
    [
        ("content-length: 3", "content-length: 4"),
        ("content-length: +3",),
        ("transfer-encoding: chunked", "transfer-encoding: identity"),
        ("transfer-encoding : chunked",),
        ("x: a\x00b",),
    ],
)
async def test_unclear_boundaries_are_refused(server: Address, headers: tuple[str, ...]) -> None:
    answer = await ask(server, "POST / HTTP/1.1", *headers, body="abcd")
    assert answer.startswith(("HTTP/1.1 400", "HTTP/1.1 501")), answer
    assert answer.count("HTTP/1.1 ") == 1


async def test_the_server_does_not_name_itself(server: Address) -> None:
    answer = await ask(server, "GET / HTTP/1.1")
    assert "uvicorn" not in answer.lower()
