"""The console's first page, its figures, and the headers around everything."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import metrics
from bot.domain.messages import Channel
from bot.logs import guard
from bot.services.reply import Renderer
from bot.web import create_console, health_routes
from tests.unit.web.conftest import CheckedStore, SwitchableDialogue

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
SECRET = "what a visitor wrote"


async def fail(_request: Request) -> Response:
    raise RuntimeError(SECRET)


@pytest.fixture
async def browser(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> AsyncIterator[httpx.AsyncClient]:
    routes = [*health_routes(store, dialogue, renderer), Route("/fails", fail)]
    app = create_console(routes, https=True)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://staff") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/favicon.ico", 204),
        ("GET", "/nothing", 404),
        ("GET", "/a/../../etc/passwd", 404),
        ("POST", "/", 405),
        ("POST", "/metrics", 405),
        ("GET", "/fails", 500),
    ],
)
async def test_every_response_carries_every_header(
    browser: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await browser.request(method, path)
    headers = response.headers
    assert response.status_code == status
    assert headers["content-security-policy"] == POLICY
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-robots-tag"].startswith("noindex")
    assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert "camera=()" in headers["permissions-policy"]
    assert "server" not in headers
    assert "set-cookie" not in headers
    if path != "/favicon.ico":
        assert headers["cache-control"] == "no-store"


async def test_an_error_says_nothing_of_itself(browser: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs(processors=[guard]) as logged:
        response = await browser.get("/fails")
    assert SECRET not in response.text
    assert "Something is broken" in response.text
    assert [line["event"] for line in logged] == ["console_request_failed"]
    assert SECRET not in str(logged)


async def test_without_https_no_promise_of_it() -> None:
    transport = httpx.ASGITransport(create_console(https=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://staff") as client:
        response = await client.get("/")
    assert "strict-transport-security" not in response.headers


async def test_the_page_is_honest_and_its_style_is_there(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/")
    assert "The console comes with the handover" in page.text
    assert "not built yet" in page.text
    (style,) = re.findall(r'href="(/a/[0-9a-f]{16}\.css)"', page.text)
    response = await browser.get(style)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in response.headers["cache-control"]
    assert "<script" not in page.text
    assert "style=" not in page.text


async def test_figures_are_those_that_were_counted(browser: httpx.AsyncClient) -> None:
    before = figure((await browser.get("/metrics")).text)
    metrics.received(Channel.WEB)
    response = await browser.get("/metrics")
    assert figure(response.text) == before + 1
    assert response.headers["content-type"] == metrics.CONTENT_TYPE


def figure(text: str) -> float:
    found = re.search(r'^havn_messages_received_total\{channel="web"\} (.+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0
