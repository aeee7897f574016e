"""The stream that tells open pages that something changed: topics only, never what they say.

Before each topic it is asked again whether the session goes on and whether this person may know.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from bot.domain.staff import Permission, Staff
from bot.domain.topics import QUEUE, staff_topic
from bot.web.desk import Desk, floor_of, session_of
from bot.web.routes import Declared, Endpoint, route

# Tabs of one session that may listen; more refresh by themselves every few seconds.
STREAMS = 2
# How often a stream shows that it lives and looks whether its session does: a session that ended
# is noticed within five seconds (security-reliability.md 3.2).
_HEARTBEAT = timedelta(seconds=4)
_TOO_MANY = 429
# A browser that lost the stream tries again after 2 s. No topic; what was published before a page
# listened, or while the connection was lost, was told to nobody.
_OPEN = "retry: 2000\ndata: open\n\n"


class _Stream(StreamingResponse):
    """A stream of events that is counted for as long as it is open."""

    def __init__(
        self, open_: Counter[str], session: str, events: AsyncGenerator[str, None]
    ) -> None:
        # A proxy that gathers answers would hold topics back (nginx).
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(events, headers=headers, media_type="text/event-stream")
        self._open = open_
        self._session = session
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._open[self._session] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A reader who left may have left it half-way: it would listen on until it is collected.
            await self._events.aclose()
            self._open[self._session] -= 1
            if not self._open[self._session]:
                del self._open[self._session]


def _listening() -> Endpoint:
    open_: Counter[str] = Counter()

    async def events(request: Request) -> Response:
        """Tell topics for as long as the session lasts."""
        session = session_of(request)
        if open_[session.id] >= STREAMS:
            return Response(status_code=_TOO_MANY)
        return _Stream(open_, session.id, _events(floor_of(request), session.id, session.staff))

    return events


async def _events(desk: Desk, session: str, staff: Staff) -> AsyncGenerator[str, None]:
    now = asyncio.get_running_loop().time
    looked_at = now()
    async with desk.bus.subscribe() as topics:
        coming = asyncio.create_task(_next(topics))
        try:
            # Only now: whoever is told this looks again, and what is written after it is told.
            yield _OPEN
            while True:
                await asyncio.wait({coming}, timeout=_HEARTBEAT.total_seconds())
                told = ":"
                if coming.done():
                    topic = coming.result()
                    if not topic:
                        return
                    coming = asyncio.create_task(_next(topics))
                    if await _may_know(desk, staff, topic):
                        told = f"data: {topic}"
                    elif now() - looked_at < _HEARTBEAT.total_seconds():
                        # Most topics are about talks of others: they cost no look at the session.
                        continue
                alive = await desk.sessions.still(session)
                # With other rights than before the stream begins anew, as the browser tries.
                if alive is None or alive.staff.roles != staff.roles:
                    return
                looked_at = now()
                yield f"{told}\n\n"
        finally:
            coming.cancel()


async def _next(topics: AsyncIterator[str]) -> str:
    """Return the next topic, "" when the bus has closed. A plain coroutine, so it can be cancelled.

    ``anext(topics, "")`` swallowed its cancellation in Python 3.11.
    """
    async for topic in topics:
        return topic
    return ""


async def _may_know(desk: Desk, staff: Staff, topic: str) -> bool:
    """Tell whether somebody may learn that a thing has changed."""
    if not staff.may(Permission.TAKE_CONVERSATIONS):
        return False
    if topic in (QUEUE, staff_topic(staff.id)):
        return True
    kind, _, number = topic.partition(" ")
    supervisor = staff.may(Permission.SUPERVISE)
    return kind == "handover" and await desk.reader.may_read(
        staff.id, int(number), supervisor=supervisor
    )


def live_routes(at: str = "") -> list[Declared]:
    """Return the route of the stream, below an address."""
    listening = _listening()
    return [route(f"{at}/events", listening, permission=Permission.TAKE_CONVERSATIONS, quiet=True)]
