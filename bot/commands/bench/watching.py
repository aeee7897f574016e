"""Open consoles for ``havn bench console``, in a process of their own as browsers are.

It reads one line of JSON, ``{"address", "cookie", "consoles": [{"token", "page"}]}``, then prints a
line for each message that appeared on a page: its marker and the moment on the system's monotonic
clock. A page does what desk.js does: a topic makes it ask for its parts, one request at a time, and
a sign of life now and then keeps the talk its counsellor's.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

import httpx

# What desk.js waits before it asks again for what came while it asked.
_AGAIN_SECONDS = 0.15
# How often desk.js gives a sign of life.
_BEAT_SECONDS = 20
_CSRF = re.compile(r'data-csrf="([^"]+)"')
_MARKER = re.compile(rb"bench-(\d{6})")
# Shorter than the server keeps an idle connection; a browser would ask again over a new one.
_IDLE = httpx.Limits(keepalive_expiry=2)
_HEADERS = {
    "accept": "text/vnd.havn.fragment",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "cors",
}


async def watch(order: Mapping[str, Any]) -> None:
    """Keep all consoles open until this process is told to stop."""
    async with asyncio.TaskGroup() as group:
        for console in order["consoles"]:
            group.create_task(_console(order["address"], order["cookie"], console))


async def _console(address: str, cookie: str, console: Mapping[str, str]) -> None:
    news = asyncio.Event()
    cookies = {cookie: console["token"]}
    async with (
        httpx.AsyncClient(
            base_url=address, cookies=cookies, headers=_HEADERS, limits=_IDLE, timeout=30
        ) as client,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(_refresh(client, console["page"], news))
        group.create_task(_beat(client, console["page"].removesuffix("/now")))
        async with client.stream("GET", "/events", timeout=None) as stream:
            stream.raise_for_status()
            _tell("open")
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    news.set()


async def _beat(client: httpx.AsyncClient, talk: str) -> None:
    found = _CSRF.search((await client.get(talk, headers={"accept": "text/html"})).text)
    if found is None:
        raise LookupError("the page of a talk has no token for its forms")
    while True:
        await asyncio.sleep(_BEAT_SECONDS)
        response = await client.post("/shift/here", headers={"x-csrf-token": found[1]})
        response.raise_for_status()


async def _refresh(client: httpx.AsyncClient, page: str, news: asyncio.Event) -> None:
    seen: set[bytes] = set()
    while True:
        await news.wait()
        news.clear()
        body = (await client.get(page)).content
        now = time.monotonic()
        for marker in set(_MARKER.findall(body)) - seen:
            _tell(f"{marker.decode('ascii')} {now}")
            seen.add(marker)
        if news.is_set():
            await asyncio.sleep(_AGAIN_SECONDS)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(watch(json.loads(sys.stdin.readline())))
