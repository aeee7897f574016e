"""Every bus: nobody misses what a refresh would show, and nothing but ids travels."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.adapters.backoff import Backoff
from bot.adapters.bus import MemoryBus, postgres
from bot.adapters.bus.memory import CAPACITY
from bot.adapters.bus.postgres import PostgresBus, open_postgres_bus
from bot.bootstrap import open_bus
from bot.domain.staff import StaffId
from bot.domain.topics import QUEUE, handover_topic, staff_topic
from bot.ports import Bus
from tests.support.postgres import Cluster

KINDS = ["memory", pytest.param("postgres", marks=pytest.mark.postgres)]
Pair = tuple[Bus, Bus]


async def quick(_seconds: float) -> None:
    await asyncio.sleep(0.01)


def quickly() -> Backoff:
    return Backoff(quick)


@pytest.fixture
def url(cluster: Cluster) -> str:
    return cluster.url("contract")


@pytest.fixture(params=KINDS)
def where(request: pytest.FixtureRequest) -> str:
    """Return the database a bus goes with."""
    if request.param == "memory":
        return "sqlite:///havn.db"
    url: str = request.getfixturevalue("url")
    return url


@pytest.fixture
async def buses(where: str) -> AsyncIterator[Pair]:
    """Return the bus of who publishes and that of who listens, as in two processes if it can."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(open_bus(where))
        if isinstance(here, PostgresBus):
            yield here, await stack.enter_async_context(open_postgres_bus(where, quickly))
            return
        assert isinstance(here, MemoryBus)
        yield here, here


async def told(topics: AsyncIterator[str], until: str) -> list[str]:
    """Return what comes up to a topic, which is the last."""
    found: list[str] = []
    async with asyncio.timeout(10):
        async for topic in topics:
            found.append(topic)
            if topic == until:
                return found
    raise AssertionError("the bus ended")


async def test_everybody_who_listens_is_told_in_order(buses: Pair) -> None:
    here, there = buses
    async with here.subscribe() as mine, there.subscribe() as theirs, there.subscribe() as more:
        here.publish(handover_topic(12))
        here.publish(staff_topic(StaffId("a-1_B")))
        here.publish(QUEUE)
        for topics in (mine, theirs, more):
            assert await told(topics, QUEUE) == ["handover 12", "staff a-1_B", "queue"]


async def test_only_who_listens_is_told(buses: Pair) -> None:
    here, there = buses
    here.publish(handover_topic(1))
    async with there.subscribe() as ended:
        pass
    async with here.subscribe() as marker:
        here.publish(handover_topic(2))
        assert await told(marker, "handover 2") == ["handover 2"]
    async with there.subscribe() as topics:
        here.publish(handover_topic(3))
        assert (await told(topics, "handover 3"))[-1:] == ["handover 3"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(ended), 0.05)


async def test_a_slow_listener_is_told_to_refresh_and_costs_no_memory(buses: Pair) -> None:
    here, there = buses
    async with there.subscribe() as slow, there.subscribe() as quick_one:
        for number in range(1, 10 * CAPACITY):
            here.publish(handover_topic(number))
        here.publish(handover_topic(999_999))
        await told(quick_one, "handover 999999")
        found = await told(slow, "handover 999999")
    assert QUEUE in found
    assert len(found) <= CAPACITY


async def test_a_topic_waits_once_however_often_it_is_published(buses: Pair) -> None:
    here, _ = buses
    async with here.subscribe() as topics:
        for _ in range(5):
            here.publish(handover_topic(7))
        here.publish(QUEUE)
        assert await told(topics, QUEUE) == ["handover 7", "queue"]


async def test_what_is_published_while_another_topic_is_read_comes_too(buses: Pair) -> None:
    here, there = buses
    async with there.subscribe() as topics:
        here.publish(handover_topic(1))
        await told(topics, "handover 1")
        here.publish(handover_topic(1))
        assert await told(topics, "handover 1") == ["handover 1"]


@pytest.mark.parametrize(
    "text", ["", "queue ", "queue\n", "handover 0", "handover -1", "handover help me", "staff a b"]
)
async def test_nothing_but_topics_can_be_published(buses: Pair, text: str) -> None:
    with pytest.raises(ValueError, match="a topic is") as caught:
        buses[0].publish(text)
    assert "help me" not in str(caught.value)


async def test_listening_ends_when_the_bus_closes() -> None:
    async with AsyncExitStack() as stack, open_bus("sqlite:///havn.db") as bus:
        topics = await stack.enter_async_context(bus.subscribe())
        assert isinstance(bus, MemoryBus)
        bus.publish(QUEUE)
        bus.close()
        assert [topic async for topic in topics] == [QUEUE]
        async with bus.subscribe() as late:
            assert [topic async for topic in late] == []


# --- what only PostgreSQL can do --------------------------------------------------------------

DISCONNECT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = 'contract' AND pid <> pg_backend_pid()"
)


@pytest.mark.postgres
async def test_a_lost_connection_is_replaced_and_listeners_refresh(
    cluster: Cluster, url: str
) -> None:
    async with (
        open_postgres_bus(url, quickly) as here,
        open_postgres_bus(url, quickly) as there,
        there.subscribe() as topics,
    ):
        cluster.run(DISCONNECT)
        assert await told(topics, QUEUE) == [QUEUE]
        # Nobody has told the publisher that its connection is gone: this one is lost on it.
        here.publish(handover_topic(5))
        assert QUEUE in await told(topics, QUEUE)
        here.publish(handover_topic(6))
        assert "handover 6" in await told(topics, "handover 6")


@pytest.mark.postgres
async def test_words_of_strangers_on_the_channel_go_no_further(cluster: Cluster, url: str) -> None:
    async with (
        open_postgres_bus(url) as here,
        open_postgres_bus(url) as there,
        there.subscribe() as topics,
    ):
        for payload in ("", "x", "x help me", "x staff ' OR 1", "x handover 4", "queue"):
            quoted = payload.replace("'", "''")
            cluster.run(f"NOTIFY havn, '{quoted}'", database="contract")
        here.publish(handover_topic(5))
        assert await told(topics, "handover 5") == ["handover 4", "handover 5"]


@pytest.mark.postgres
async def test_nobody_hears_an_echo_of_themselves(url: str) -> None:
    async with (
        open_postgres_bus(url) as here,
        open_postgres_bus(url) as there,
        here.subscribe() as mine,
        there.subscribe() as theirs,
    ):
        here.publish(handover_topic(1))
        await told(mine, "handover 1")
        await told(theirs, "handover 1")
        there.publish(handover_topic(2))
        assert await told(mine, "handover 2") == ["handover 2"]


@pytest.mark.postgres
async def test_the_name_of_a_driver_in_the_address_is_no_obstacle(url: str) -> None:
    async with open_postgres_bus(url.replace("postgresql:", "postgresql+psycopg:")) as bus:
        assert bus.listening.is_set()


async def test_a_server_that_is_away_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_START_SECONDS", 0.05)
    away = "postgresql:///havn?host=/nowhere"
    async with open_postgres_bus(away, quickly) as bus, bus.subscribe() as topics:
        bus.publish(handover_topic(5))
        assert await told(topics, "handover 5") == ["handover 5"]
        for number in range(1, 10 * CAPACITY):
            bus.publish(handover_topic(number))
        assert len(bus._unsent) <= CAPACITY
