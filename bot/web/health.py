"""Whether this process lives, and whether it can serve visitors: yes or no, never why.

Both are for a supervisor on the same network; a reverse proxy keeps them from the public. The
reasons stand in the log and in ``havn doctor``.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.domain.errors import HavnError
from bot.domain.messages import Channel, Reply
from bot.domain.triage import DANGER
from bot.logs import error_class, logger
from bot.ports import Dialogue, Store
from bot.services.reply import Renderer

log = logger(__name__)

# A lock or a full disk must show within ten seconds, whatever the database waits for.
CHECK_SECONDS = 5.0
# The store is asked by writing to it, so it is asked no more often than this.
FRESH_SECONDS = 2.0


class Health:
    """Knows whether the store takes a write and whether danger could be answered from memory."""

    def __init__(
        self,
        store: Store,
        dialogue: Dialogue,
        renderer: Renderer,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        patience: float = CHECK_SECONDS,
    ) -> None:
        self._store = store
        self._dialogue = dialogue
        self._renderer = renderer
        self._monotonic = monotonic
        self._patience = patience
        self._lock = asyncio.Lock()
        self._checked_at = -FRESH_SECONDS
        self._store_works = False

    async def report(self) -> Mapping[str, bool]:
        """Return what works. ``free_text`` is for information: everything else works without it."""
        store, words = await self._ask_store(), self._has_words()
        return {
            "ready": store and words,
            "store": store,
            "words": words,
            "free_text": self._dialogue.ready,
        }

    async def _ask_store(self) -> bool:
        """Ask once for everybody who wants to know at the same time."""
        async with self._lock:
            if self._monotonic() - self._checked_at >= FRESH_SECONDS:
                self._store_works = await self._write()
                self._checked_at = self._monotonic()
            return self._store_works

    async def _write(self) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                await self._store.check()
        except (HavnError, OSError) as error:  # a TimeoutError is an OSError
            log.warning("store_not_ready", error=error_class(error))
            return False
        return True

    def _has_words(self) -> bool:
        """Render the screen that matters most; it needs deck, facts and words and nothing else."""
        try:
            return bool(self._renderer.render(Reply(DANGER, "en"), Channel.WEB).text)
        except HavnError as error:
            log.warning("words_not_ready", error=error_class(error))
            return False


def health_routes(store: Store, dialogue: Dialogue, renderer: Renderer) -> Sequence[BaseRoute]:
    """Return ``/healthz`` (it lives) and ``/readyz`` (200, or 503 while it cannot serve)."""
    health = Health(store, dialogue, renderer)

    async def alive(_request: Request) -> Response:
        return _json({"alive": True})

    async def ready(_request: Request) -> Response:
        report = await health.report()
        return _json(report, 200 if report["ready"] else 503)

    return (
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
    )


def _json(facts: Mapping[str, bool], status: int = 200) -> Response:
    return JSONResponse(dict(facts), status, headers={"cache-control": "no-store"})
