import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from bot.adapters.webchat.chat import FRAGMENT
from bot.settings import Settings
from tests.support.webchat_door import MemoryDoor, make_app, make_renderer

SETTINGS = Settings(neutral_site="https://www.dmi.dk", web_chat_url="https://chat.example/")
_FIELDS = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@dataclass
class Visitor:
    """A browser without script: it knows the fields of the last page and sends them back."""

    client: httpx.AsyncClient
    door: MemoryDoor
    fragments: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    page: str = ""

    async def open(self, **headers: str) -> httpx.Response:
        return self._read(await self.client.get("/", headers=headers))

    async def send(self, headers: dict[str, str] | None = None, **data: str) -> httpx.Response:
        sent = dict(headers or {})
        if self.fragments:
            sent["accept"] = FRAGMENT
        response = await self.client.post("/", data={**self.fields, **data}, headers=sent)
        return self._read(response)

    async def begin(self) -> httpx.Response:
        await self.open()
        return await self.send(tap="utter_safe_to_talk")

    def _read(self, response: httpx.Response) -> httpx.Response:
        self.page = response.text
        self.fields = {**self.fields, **dict(_FIELDS.findall(response.text))}
        return response

    @property
    def said(self) -> list[str]:
        """Return the texts of the log, without markup."""
        log = self.page.split('id="log"')[1].split('<form id="answers"')[0]
        found = re.findall(r"<p>(.*?)</p>", log, re.DOTALL)
        return [re.sub(r"<[^>]+>", "", text).replace("&#34;", '"') for text in found]


@pytest.fixture
def door() -> MemoryDoor:
    return MemoryDoor(make_renderer())


@pytest.fixture
async def client(door: MemoryDoor) -> AsyncIterator[httpx.AsyncClient]:
    async with make_client(make_app(door, SETTINGS)) as client:
        yield client


def make_client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=True),
        base_url="https://chat.example",
        headers={"accept-language": "en"},
    )


@pytest.fixture
def visitor(client: httpx.AsyncClient, door: MemoryDoor) -> Visitor:
    return Visitor(client, door)


@pytest.fixture
def scripted(client: httpx.AsyncClient, door: MemoryDoor) -> Visitor:
    return Visitor(client, door, fragments=True)
