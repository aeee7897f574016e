"""The figures page and its files: counts that tell on nobody, with words beside them."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.figures import Kind, finished_weeks
from bot.domain.staff import Role
from tests.support import deck
from tests.support.floor import Floor, floor


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Floor]:
    async with floor(tmp_path) as here:
        yield here


async def count(here: Floor, times: int, **values: str) -> None:
    """Count closed handovers in the last week that is over."""
    (week,) = finished_weeks(here.clock.now(), 1)
    for _ in range(times):
        async with here.app.store.begin() as unit:
            await unit.figures.count(week, values)


async def test_every_kind_is_a_chart_and_a_table(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        page = (await sue.get("/figures")).text
    assert page.count("<svg") == page.count("<caption>") == len(Kind)
    assert "What few people share is not said" in page


async def test_small_counts_are_hidden_on_the_page_and_in_the_file(here: Floor) -> None:
    await count(here, 20, topic="going_home", level="yellow")
    await count(here, 9, topic="pay_and_work", level="yellow")
    await count(here, 2, topic="shelter", level="orange")
    await count(here, 1, topic="health", level="orange")
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        page = (await sue.get("/figures?weeks=4")).text
        file = await sue.get("/figures/topic?weeks=4")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["cache-control"] == "no-store"
    assert 'filename="havn-topic.csv"' in file.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(file.text)))
    last = rows[3]
    assert (last["going_home"], last["pay_and_work"], last["total"]) == ("20", "9", "32")
    assert (last["shelter"], last["health"], last["danger"]) == ("<5", "<5", "<5")
    assert "<td>20</td>" in page
    assert "<td>2</td>" not in page
    assert "<td>1</td>" not in page


async def test_the_time_to_the_first_line_is_shown_by_level(here: Floor) -> None:
    await count(here, 30, level="yellow", wait_yellow="under_3")
    await count(here, 9, level="yellow", wait_yellow="over_60")
    await count(here, 3, level="red", wait_red="under_3")
    await count(here, 3, level="orange", wait_orange="under_3")
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        yellow = (await sue.get("/figures/wait_yellow?weeks=4")).text.splitlines()[4]
        red = (await sue.get("/figures/wait_red?weeks=4")).text.splitlines()[4]
    assert yellow.split(",")[1:] == ["30", "*", "*", "*", "*", "39"]
    assert red.split(",")[1:] == ["<5", "<5", "<5", "<5", "<5", "<5"]


async def test_the_running_week_is_not_shown(here: Floor) -> None:
    await count(here, 50, topic="health")
    here.clock.turn(weeks=-1)
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        assert "50" not in (await sue.get("/figures/topic")).text


@pytest.mark.parametrize(
    ("asked", "weeks"), [("", 13), ("4", 4), ("52", 52), ("5", 13), ("x", 13), ("-4", 13)]
)
async def test_a_page_reaches_back_so_many_weeks(here: Floor, asked: str, weeks: int) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        lines = (await sue.get(f"/figures/level?weeks={asked}")).text.splitlines()
    assert len(lines) == weeks + 2


async def test_a_language_that_is_no_longer_served_breaks_no_page(here: Floor) -> None:
    await count(here, 9, locale="th")
    here.desk = replace(here.desk, renderer=deck.renderer(drafts=False))
    assert here.desk.renderer.texts.locales == ("en",)
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        assert (await sue.get("/figures")).status_code == 200


async def test_a_table_says_why_it_hides_and_only_when_it_does(here: Floor) -> None:
    """A row of a week that is over: with nobody in it, each of its cells is small."""
    reason = "Why cells are hidden"
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        page = (await sue.get("/figures?weeks=4")).text
        assert page.count(reason) == page.count("<caption>")
        for week in finished_weeks(here.clock.now(), 4):
            async with here.app.store.begin() as unit:
                for level, number in (("grey", 5), ("yellow", 6), ("orange", 7), ("red", 8)):
                    for _ in range(number):
                        await unit.figures.count(week, {"level": level})
        page = (await sue.get("/figures?weeks=4")).text
    level = page[page.index('aria-labelledby="level"') :].partition("</section>")[0]
    assert reason not in level
    assert page.count(reason) == page.count("<caption>") - 1


async def test_what_is_not_counted_is_not_there(here: Floor) -> None:
    async with await here.signs_in("Sue", Role.SUPERVISOR) as sue:
        assert (await sue.get("/figures/name")).status_code == 404


async def test_admins_see_figures_and_counsellors_do_not(here: Floor) -> None:
    async with await here.signs_in("Ada", Role.ADMIN) as ada:
        assert (await ada.get("/figures")).status_code == 200
    async with await here.signs_in("Kim", Role.RESPONDER) as kim:
        assert (await kim.get("/figures")).status_code == 403
