"""Practice at the console: the same pages elsewhere, and nothing of it where real people are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.audit import AuditEvent
from bot.domain.staff import Role
from bot.services.practice import World
from tests.support.app import Visitor
from tests.support.desk import Counsellor, House, asks, hidden, house

BANNER = "Practice: nobody real is here"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as home:
        yield home


async def practising(home: House, ana: Counsellor) -> World:
    """Have somebody begin a practice, on shift in it, with the first visitor there."""
    begun = await ana.sends("/practice/begin", language="en")
    assert begun.headers["location"] == "/practice/queue"
    await ana.sends("/practice/shift/start", language=["en"])
    assert ana.browser.session is not None
    world = home.desk.rooms.find(ana.browser.session.id)
    assert world is not None
    await world.play()
    return world


async def test_a_practice_is_played_from_the_queue_to_the_end(home: House) -> None:
    ana = await home.counsellor("Ana", on_shift=False)
    assert BANNER in await ana.sees("/practice")
    world = await practising(home, ana)
    page = (await ana.browser.get("/practice/queue")).text
    assert BANNER in page
    assert 'action="/practice/queue/1/take"' in page
    taken = await ana.sends("/practice/queue/1/take")
    assert taken.headers["location"] == "/practice/talk/1"
    page = (await ana.browser.get("/practice/talk/1")).text
    assert BANNER in page
    once = hidden(page, "once")
    said = await ana.sends("/practice/talk/1/say", text="What do you need?", once=once)
    assert said.headers["location"] == "/practice/talk/1"
    for _ in range(2):
        await world.play()
        home.clock.turn(seconds=5)
    assert "I clean in a hotel" in await ana.sees("/practice/talk/1")


async def test_pages_of_a_practice_lead_only_to_pages_of_a_practice(home: House) -> None:
    ana = await home.counsellor("Ana", on_shift=False)
    await practising(home, ana)
    await ana.sends("/practice/queue/1/take")
    for path in ("/practice/queue", "/practice/talk/1"):
        page = (await ana.browser.get(path)).text
        main = page[page.index("<main") :]
        for real in ("/queue", "/talk", "/shift", "/events"):
            assert f'"{real}' not in main, (path, real)


async def test_nothing_of_a_practice_reaches_what_is_real(home: House) -> None:
    ana = await home.counsellor("Ana", on_shift=False)
    await practising(home, ana)
    await ana.sends("/practice/queue/1/take")
    await ana.browser.get("/practice/talk/1")
    await ana.sends("/practice/talk/1/close", outcome="informed", referral="none", topic="other")
    async with home.app.store.begin() as unit:
        assert await unit.handovers.every_open() == []
        assert await unit.conversations.count() == 0
        assert await unit.figures.between("2000-W01", "2999-W01") == {}
        assert await unit.shifts.since(home.clock.now()) == []
        trail = {entry.happening.event for entry in await unit.audit.after(-1, 100)}
    assert not trail & {
        AuditEvent.CONVERSATION_TAKEN,
        AuditEvent.CONVERSATION_OPENED,
        AuditEvent.CONVERSATION_CLOSED,
    }


async def test_nothing_real_is_seen_or_reached_from_a_practice(home: House) -> None:
    ana, bo = await home.counsellor("Ana"), await home.counsellor("Bo")
    visitor = Visitor(home.app)
    number = await asks(visitor, consent="all")
    await bo.takes(number)
    await visitor.says("a secret canary")
    world = await practising(home, ana)
    await ana.sends(f"/practice/queue/{number}/take")
    assert "canary" not in await ana.sees(f"/practice/talk/{number}")
    assert "canary" not in await ana.sees("/practice/queue")
    async with world.store.begin() as unit:
        assert await unit.conversations.count() == 1


async def test_a_practice_belongs_to_its_session(home: House) -> None:
    ana, bo = await home.counsellor("Ana"), await home.counsellor("Bo")
    await practising(home, ana)
    await ana.sends("/practice/queue/1/take")
    for path in ("/practice/queue", "/practice/talk/1", "/practice/events", "/practice/talk/1/now"):
        refused = await bo.browser.get(path)
        assert (refused.status_code, refused.headers["location"]) == (303, "/practice")


async def test_after_the_end_nothing_is_left(home: House) -> None:
    ana = await home.counsellor("Ana")
    await practising(home, ana)
    assert "A practice is running" in await ana.sees("/practice")
    ended = await ana.sends("/practice/end")
    assert ended.headers["location"] == "/practice"
    assert "A practice is running" not in await ana.sees("/practice")
    assert (await ana.browser.get("/practice/queue")).headers["location"] == "/practice"


async def test_real_pages_carry_no_banner(home: House) -> None:
    ana = await home.counsellor("Ana")
    await practising(home, ana)
    assert BANNER not in await ana.sees("/queue")


async def test_only_languages_of_the_invented_visitors_can_be_chosen(home: House) -> None:
    ana = await home.counsellor("Ana")
    for language in ("", "ro", "../en"):
        assert (await ana.sends("/practice/begin", language=language)).status_code == 400


async def test_who_takes_no_conversations_practises_none(home: House) -> None:
    ada = await home.counsellor("Ada", Role.ADMIN, on_shift=False)
    assert (await ada.browser.get("/practice")).status_code == 403
