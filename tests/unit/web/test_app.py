"""The console's outer shell: its figures, its files, and the headers around everything."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import metrics
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Channel
from bot.domain.staff import Role
from bot.logs import guard
from bot.services.reply import Renderer
from bot.web import create_console, health_routes
from bot.web.security import LARGEST_BODY
from tests.support.console import Browser, Rig
from tests.support.console import rig as lay
from tests.unit.web.conftest import CheckedStore, SwitchableDialogue

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
FORM = {"content-type": "application/x-www-form-urlencoded"}
SECRET = "what a visitor wrote"


async def fail(_request: Request) -> Response:
    raise RuntimeError(SECRET)


async def find_nothing(_request: Request) -> Response:
    raise StoreUnavailableError(SECRET)


@pytest.fixture
async def browser(
    rig: Rig, store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> AsyncIterator[httpx.AsyncClient]:
    routes = [
        *health_routes(store, dialogue, renderer),
        Route("/fails", fail),
        Route("/away", find_nothing),
    ]
    async with Browser(create_console(rig.desk, routes)) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 303),
        ("HEAD", "/", 303),
        ("GET", "/sign-in", 200),
        ("GET", "/enrol/nothing", 404),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/favicon.ico", 204),
        ("GET", "/nothing", 404),
        ("GET", "/a/../../etc/passwd", 404),
        ("POST", "/", 405),
        ("POST", "/sign-in", 400),
        ("POST", "/metrics", 405),
        ("TRACE", "/sign-in", 405),
        ("TRACE", "/metrics", 405),
        ("GET", "/fails", 500),
        ("GET", "/away", 503),
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
    kind = headers.get("content-type", "")
    assert "charset=utf-8" in kind or kind == "application/json" or not response.content
    assert "camera=()" in headers["permissions-policy"]
    assert "access-control-allow-origin" not in headers
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


async def test_a_store_that_is_away_is_no_fault_and_worth_another_try(
    browser: httpx.AsyncClient,
) -> None:
    with structlog.testing.capture_logs(processors=[guard]) as logged:
        response = await browser.get("/away")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert SECRET not in response.text
    assert [line["event"] for line in logged] == ["console_store_away"]


async def test_what_is_forbidden_is_logged_without_saying_to_whom(
    rig: Rig, browser: httpx.AsyncClient
) -> None:
    """Forbidden is what comes from elsewhere, and what a role lacks; what is not there is not."""
    _, new = await rig.with_passkey("Ana", Role.RESPONDER)
    with structlog.testing.capture_logs(processors=[guard]) as logged:
        elsewhere = await browser.post("/sign-out", headers={"sec-fetch-site": "cross-site"})
        async with Browser(create_console(rig.desk)) as own:
            own.holds(rig.desk, new)
            lacking = await own.get("/staff")
        absent = await browser.get("/nothing")
    assert [elsewhere.status_code, lacking.status_code, absent.status_code] == [403, 403, 404]
    events = [(line["event"], line["log_level"]) for line in logged]
    assert events == [("console_request_forbidden", "warning")] * 2
    assert "Ana" not in str(logged)


async def test_without_https_no_promise_of_it(tmp_path: Path) -> None:
    async with (
        lay(tmp_path, address="http://localhost:8081/") as rig,
        Browser(create_console(rig.desk), address="http://localhost:8081") as client,
    ):
        response = await client.get("/sign-in")
    assert "strict-transport-security" not in response.headers


async def test_style_and_script_are_there_for_ever(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/sign-in")
    (style,) = re.findall(r'href="(/a/[0-9a-f]{16}\.css)"', page.text)
    (script,) = re.findall(r'src="(/a/[0-9a-f]{16}\.js)"', page.text)
    for path, kind in ((style, "text/css"), (script, "text/javascript")):
        response = await browser.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"] == f"{kind}; charset=utf-8"
        assert "immutable" in response.headers["cache-control"]


async def test_a_body_larger_than_any_form_is_refused(browser: httpx.AsyncClient) -> None:
    size = LARGEST_BODY + 1
    response = await browser.post("/sign-in", content=b"a" * size, headers=FORM)
    assert response.status_code == 413
    response = await browser.post("/sign-in", content=b"alias=" + b"a" * 60_000, headers=FORM)
    assert response.status_code == 400


def test_templates_leave_no_way_out_of_the_text() -> None:
    """Quoted attributes and escaped values: no markup from data, no inline style, no script."""
    for template in Path("bot/web/templates").glob("*.html"):
        text = template.read_text("utf-8")
        markup = re.sub(r"{#.*?#}|{%.*?%}", "", text, flags=re.DOTALL)
        assert "|safe" not in text.replace(" ", ""), template
        assert not re.search(r"\s[\w:-]+\s*=\s*{{", markup), template
        assert not re.search(r"\son\w+=|\sstyle=|<style", markup), template
        assert not re.search(r"<script(?! type=\"module\" src=)", markup), template


async def test_figures_are_those_that_were_counted(browser: httpx.AsyncClient) -> None:
    before = figure((await browser.get("/metrics")).text)
    metrics.received(Channel.WEB)
    response = await browser.get("/metrics")
    assert figure(response.text) == before + 1
    assert response.headers["content-type"] == metrics.CONTENT_TYPE


def figure(text: str) -> float:
    found = re.search(r'^havn_messages_received_total\{channel="web"\} (.+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0
