"""Health says yes or no to a supervisor, and nothing else to anybody."""

import asyncio
import time

import httpx
from starlette.applications import Starlette

from bot.domain.screens import Deck
from bot.services.reply import Renderer
from bot.web.health import FRESH_SECONDS, Health, health_routes
from tests.unit.web.conftest import CheckedStore, SwitchableDialogue


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def client(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> httpx.AsyncClient:
    app = Starlette(routes=list(health_routes(store, dialogue, renderer)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://staff")


async def test_ready_with_free_text(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> None:
    dialogue.ready = True
    async with client(store, dialogue, renderer) as browser:
        response = await browser.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"ready": True, "store": True, "words": True, "free_text": True}


async def test_ready_without_free_text_which_is_optional(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> None:
    async with client(store, dialogue, renderer) as browser:
        response = await browser.get("/readyz")
    assert response.status_code == 200
    assert response.json()["free_text"] is False


async def test_not_ready_without_the_store_and_no_word_about_why(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> None:
    store.broken = True
    async with client(store, dialogue, renderer) as browser:
        response = await browser.get("/readyz")
        alive = await browser.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"ready": False, "store": False, "words": True, "free_text": False}
    assert "4711" not in response.text
    assert alive.status_code == 200


async def test_not_ready_without_the_words_for_danger(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> None:
    empty = Renderer(Deck({}, {}, (), frozenset()), renderer.texts, renderer.values, renderer.today)
    async with client(store, dialogue, empty) as browser:
        response = await browser.get("/readyz")
    assert response.status_code == 503
    assert response.json()["words"] is False


async def test_a_store_that_hangs_is_not_ready_in_time(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> None:
    store.hangs = True
    began = time.monotonic()
    report = await Health(store, dialogue, renderer, patience=0.05).report()
    assert report["store"] is False
    assert time.monotonic() - began < 5


async def test_many_questions_at_once_write_once(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> None:
    clock = Clock()
    health = Health(store, dialogue, renderer, monotonic=clock)
    await asyncio.gather(*(health.report() for _ in range(50)))
    assert store.checks == 1
    clock.now += FRESH_SECONDS
    await health.report()
    assert store.checks == 2


async def test_a_store_that_comes_back_is_seen(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> None:
    clock = Clock()
    health = Health(store, dialogue, renderer, monotonic=clock)
    store.broken = True
    assert (await health.report())["ready"] is False
    store.broken = False
    clock.now += FRESH_SECONDS
    assert (await health.report())["ready"] is True


async def test_answers_are_never_cached(
    store: CheckedStore, dialogue: SwitchableDialogue, renderer: Renderer
) -> None:
    async with client(store, dialogue, renderer) as browser:
        for path in ("/healthz", "/readyz"):
            assert (await browser.get(path)).headers["cache-control"] == "no-store"
