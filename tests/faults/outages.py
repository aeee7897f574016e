"""F15 and F17: the database is locked by somebody else, its connections are cut, its server dies
and comes back. Who is not told so is served; what was acknowledged is not lost or doubled.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette

from bot.adapters.storage import engine
from bot.adapters.storage.engine import PRAGMAS
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Channel
from bot.web import health_routes
from bot.web.health import FRESH_SECONDS
from tests.faults.judge import duplicates, judge
from tests.faults.ledger import Ledger
from tests.faults.lives import fresh_folder
from tests.faults.points import Failpoints
from tests.faults.report import Result
from tests.faults.scenes import chat, talk
from tests.faults.town import SCREENS, Town, town
from tests.support.claims import browser
from tests.support.postgres import Cluster

_DATABASE = "outages"
# Visitors who write at the same time, and how often they try again.
_CROWD = 4
_PATIENCE = 300


@dataclass(frozen=True, slots=True)
class Cuts:
    """How long to cut connections, how often, and each how many cuts the server dies instead."""

    seconds: float
    every: float = 2.0
    deaths: int = 5


async def connections(cluster: Cluster, plan: Cuts) -> Result:
    """Let people write while connections are cut and the server dies (F17)."""
    url = cluster.create(_DATABASE)
    with fresh_folder() as folder:
        async with _opened(folder, url) as here:
            here.patience = _PATIENCE
            over, cuts, deaths = asyncio.Event(), 0, 0
            crowd = [asyncio.create_task(_write(here, over)) for _ in range(_CROWD)]
            crowd.append(asyncio.create_task(here.delivering(over)))
            until = time.monotonic() + plan.seconds
            while time.monotonic() < until and not any(one.done() for one in crowd):
                await asyncio.sleep(plan.every)
                if (cuts + deaths + 1) % plan.deaths:
                    await asyncio.to_thread(cluster.cut, _DATABASE)
                    cuts += 1
                else:
                    await asyncio.to_thread(cluster.restart)
                    deaths += 1
            over.set()
            await asyncio.gather(*crowd)
            await here.come_to_rest()
            failures = await judge(here)
            story = here.ledger.read()
    if again := duplicates(story):
        failures.append(f"{again} answers were sent twice")
    figures = {
        "seconds": plan.seconds,
        "connections cut": f"{cuts} times",
        "server killed": f"{deaths} times",
        "messages acknowledged": len(story.acknowledged),
        "sends": story.shown.total(),
        "sends doubled": again,
        "lost, doubled in effect, or unsound": len(failures),
    }
    return Result("cut connections and dying server, PostgreSQL", figures, failures)


async def _write(here: Town, over: asyncio.Event) -> None:
    """Write as one visitor after another."""
    while not over.is_set():
        await chat(here)
        await talk(here)


async def lock(seconds: float, patience: float = PRAGMAS["busy_timeout"] / 1000) -> Result:
    """Let another process hold SQLite's lock for a while (F15).

    ``patience`` is how long Havn waits for a lock, in seconds; three times that, and everybody has
    been told.
    """
    with fresh_folder() as folder, _patience(patience):
        async with _opened(folder, "") as here, _health(here, patience) as health:
            crowd = [here.stranger(channel) for channel in (Channel.WEB, Channel.TELEGRAM) * _CROWD]
            for one in crowd:
                await one.does("starts")
            async with browser(here.app) as page:
                await page.begins()
                asked = [one.sends("reads", SCREENS[0]) for one in crowd]
                with _other_process(folder) as other:
                    other.execute("BEGIN IMMEDIATE")
                    red = asyncio.create_task(_until_red(health, seconds))
                    answers = [here.bring([one]) for one in asked]
                    shown = asyncio.create_task(page.send(tap="utter_debt"))
                    trying = asyncio.gather(*map(_is_taken, answers))
                    await asyncio.sleep(seconds)
                    other.execute("COMMIT")
                taken, status, red_after = await trying, (await shown).status_code, await red
                served = (await page.send(tap="utter_debt")).status_code
            await here.come_to_rest()
            failures = await judge(here)
            await asyncio.sleep(FRESH_SECONDS)
            green = (await health.get("/readyz")).status_code == httpx.codes.OK
    failures += _expected(seconds < patience, taken, status, red_after)
    if not green:
        failures.append("health stays red")
    if served != httpx.codes.OK:
        failures.append(f"the web chat answers {served} after the lock")
    figures = {
        "acknowledged while it was locked": f"{sum(taken)} of {len(taken)}",
        "web chat answered": status,
        "health red": f"after {red_after:.1f} s" if red_after else "never",
        "health green again": green,
        "lost, doubled in effect, or unsound": len(failures),
    }
    return Result(f"database locked for {seconds:g} s, SQLite", figures, failures)


def _expected(short: bool, taken: list[bool], status: int, red: float | None) -> Iterator[str]:
    """Compare with what is promised: a short lock is not noticed, a longer one is admitted."""
    if short and not (all(taken) and status == httpx.codes.OK):
        yield f"a short lock was noticed: {taken}, {status}"
    if short:
        return
    if any(taken) or status != httpx.codes.SERVICE_UNAVAILABLE:
        yield f"a long lock was not admitted: {taken}, {status}"
    if red is None or red > 10:
        yield "health did not turn red within ten seconds"


async def _is_taken(act: Awaitable[object]) -> bool:
    try:
        await act
    except StoreUnavailableError:
        return False
    return True


async def _until_red(health: httpx.AsyncClient, seconds: float) -> float | None:
    """Return after how many seconds health turned red, None if it did not."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if (await health.get("/readyz")).status_code != httpx.codes.OK:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    return None


@asynccontextmanager
async def _opened(folder: Path, url: str) -> AsyncIterator[Town]:
    ledger = Ledger(folder / "ledger")
    points = Failpoints(lambda _point: None)
    try:
        async with town(folder, ledger, points, "outage", 0, url=url) as here:
            yield here
    finally:
        ledger.close()


@asynccontextmanager
async def _health(here: Town, patience: float) -> AsyncIterator[httpx.AsyncClient]:
    routes = health_routes(here.app.store, here.app.dialogue, here.app.renderer)
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://havn") as client:
        yield client


@contextmanager
def _other_process(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / "var" / "havn.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        yield other


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Let Havn wait for a lock so long and no longer."""
    usual = dict(engine.PRAGMAS)
    engine.PRAGMAS["busy_timeout"] = round(seconds * 1000)
    try:
        yield
    finally:
        engine.PRAGMAS.update(usual)
