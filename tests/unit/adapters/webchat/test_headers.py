"""Every response carries every header, whatever went wrong."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.domain.errors import StoreUnavailableError
from bot.settings import Settings
from tests.support.webchat_door import MemoryDoor, make_app
from tests.unit.adapters.webchat.conftest import SETTINGS, Visitor, make_client

EXPECTED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}


def check(response: httpx.Response) -> None:
    assert {name: response.headers.get(name) for name in EXPECTED} == EXPECTED
    kind = response.headers.get("content-type", "")
    assert kind.endswith("; charset=utf-8") or not response.content, kind
    assert "camera=()" in response.headers["permissions-policy"]
    assert "access-control-allow-origin" not in response.headers
    assert "server" not in response.headers
    assert "set-cookie" not in response.headers
    immutable = str(response.url.path).startswith("/a/") or response.url.path in (
        "/icon.svg", "/favicon.ico"
    )  # fmt: skip
    if not immutable:
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/closed", 200),
        ("GET", "/privacy", 200),
        ("GET", "/facts", 200),
        ("GET", "/exit", 303),
        ("POST", "/exit", 200),
        ("GET", "/icon.svg", 200),
        ("GET", "/favicon.ico", 200),
        ("GET", "/nothing-here", 404),
        ("GET", "/a/../../../etc/passwd", 404),
        ("PUT", "/", 405),
        ("TRACE", "/", 405),
        ("DELETE", "/exit", 405),
        ("POST", "/privacy", 405),
        ("POST", "/facts", 405),
        ("POST", "/", 400),
    ],
)
async def test_headers_on_every_path(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    check(response)


async def test_headers_on_refusals(visitor: Visitor) -> None:
    too_large = await visitor.send(text="a" * 50_000)
    await visitor.begin()
    foreign = await visitor.send(headers={"sec-fetch-site": "cross-site"}, text="a")
    await visitor.begin()
    visitor.door.broken = StoreUnavailableError("down")
    broken = await visitor.send(text="a")
    visitor.door.broken = None
    visitor.door.visitors.clear()
    gone = await visitor.send(text="a")
    statuses = [r.status_code for r in (too_large, foreign, broken, gone)]
    assert statuses == [413, 403, 503, 410]
    for response in (too_large, foreign, broken, gone):
        check(response)


async def test_bug_in_a_route_shows_the_numbers_and_logs_no_words(
    door: MemoryDoor, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("my boss has my passport")

    app = make_app(door, SETTINGS, routes=[Route("/broken", broken)])
    async with make_client(app) as client:
        response = await client.get("/broken")
    assert response.status_code == 500
    assert 'href="tel:112"' in response.text
    check(response)
    out = capsys.readouterr()
    assert "passport" not in out.out + out.err + response.text


async def test_added_routes_are_served(door: MemoryDoor) -> None:
    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async with make_client(make_app(door, SETTINGS, routes=[Route("/healthz", healthz)])) as client:
        response = await client.get("/healthz")
    assert response.text == "ok"
    check(response)


async def test_no_hsts_without_https(door: MemoryDoor) -> None:
    async with make_client(make_app(door, Settings())) as client:
        response = await client.get("/")
    assert "strict-transport-security" not in response.headers


async def test_files_of_the_page_never_change_under_their_address(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/")).text
    for name in ("css", "js"):
        path = page.split(f".{name}")[0].rsplit('"', 1)[1] + f".{name}"
        response = await client.get(path)
        assert response.status_code == 200
        assert response.headers["cache-control"].endswith("immutable")
        check(response)


async def test_sizes_stay_small(visitor: Visitor) -> None:
    """Bytes as they travel: page and style at once, then the script, then each turn."""

    async def size(path: str) -> int:
        async with visitor.client.stream("GET", path, headers={"accept-encoding": "gzip"}) as r:
            return sum([len(chunk) async for chunk in r.aiter_raw()])

    page = (await visitor.open()).text
    paths = [part.split('"')[0] for part in page.split('"/a/')[1:]]
    sizes = {path.rsplit(".", 1)[1]: await size(f"/a/{path}") for path in paths}
    critical = await size("/") + sizes["css"]
    assert critical <= 15 * 1024
    assert critical + sizes["js"] + await size("/icon.svg") <= 50 * 1024
