"""The queue page: shifts, cards, taking, conflicts; what it shows is never what was written."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.handover import State
from bot.domain.staff import Role
from tests.support.app import Visitor
from tests.support.desk import (
    Counsellor,
    House,
    asks,
    hidden,
    house,
    is_in_danger,
    request_of,
    words,
)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as home:
        yield home


async def test_a_shift_starts_with_the_languages_one_writes(home: House) -> None:
    ana = await home.counsellor("Ana", on_shift=False)
    assert "Go on shift" in await ana.sees("/queue")
    response = await ana.sends("/shift/start", language=["ro", "xx"])
    assert response.headers["location"] == "/queue"
    async with home.app.store.begin() as unit:
        (shift,) = await unit.shifts.since(home.clock.now())
    assert shift.languages == {"ro"}
    assert "Nobody waits" in await ana.sees("/queue")


async def test_the_languages_of_the_last_shift_are_ticked_at_the_next(home: House) -> None:
    ana = await home.counsellor("Ana", on_shift=False)
    assert await ticked(ana) == {"en"}
    await ana.sends("/shift/start", language=["ro", "th"])
    await ana.sends("/shift/end")
    assert await ticked(ana) == {"ro", "th"}
    # A laptop that slept is off shift as well.
    await ana.sends("/shift/start", language=["da"])
    home.clock.turn(minutes=3)
    page = (await ana.browser.get("/queue/now")).text
    assert ticks(page) == {"da"}
    bo = await home.counsellor("Bo", on_shift=False)
    assert await ticked(bo) == {"en"}


async def ticked(person: Counsellor) -> set[str]:
    """Return the languages that are ticked on the page where a shift starts."""
    return ticks((await person.browser.get("/queue")).text)


def ticks(page: str) -> set[str]:
    assert "Start your shift" in page
    return set(re.findall(r'name="language" value="([^"]+)" checked', page))


async def test_cards_stand_by_level_then_age_and_say_nothing_of_the_talk(home: House) -> None:
    ana = await home.counsellor("Ana")
    first, second, urgent = Visitor(home.app, hint="ro"), Visitor(home.app), Visitor(home.app)
    numbers = [await asks(first, consent="all"), await asks(second, notify="push")]
    await first.says("a secret canary")
    home.clock.turn(seconds=42)
    numbers.append(await is_in_danger(urgent))
    page = (await ana.browser.get("/queue")).text
    order = [page.index(f"/queue/{n}/take") for n in (numbers[2], numbers[0], numbers[1])]
    assert order == sorted(order)
    assert "canary" not in page
    shown = words(page)
    assert "3 waiting" in shown
    assert "Red: danger now" in shown
    assert "0:42" in shown
    assert "You may see all of the chat" in shown
    assert "A neutral hello is OK" in shown


async def test_taking_opens_the_talk_in_two_presses(home: House) -> None:
    ana = await home.counsellor("Ana")
    number = await asks(Visitor(home.app))
    response = await ana.sends("/queue/next")
    assert response.headers["location"] == f"/talk/{number}"


async def test_who_comes_second_reads_who_was_faster(home: House) -> None:
    ana, bo = await home.counsellor("Ana"), await home.counsellor("Bo")
    number, other = await asks(Visitor(home.app)), await asks(Visitor(home.app))
    await ana.takes(number)
    response = await bo.sends(f"/queue/{number}/take")
    assert response.status_code == 409
    assert "Ana was faster" in words(response.text)
    assert f"/queue/{other}/take" in response.text


async def test_a_visitor_who_left_is_told_kindly(home: House) -> None:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    number = await asks(visitor)
    await visitor.taps("action_forget")
    response = await ana.sends(f"/queue/{number}/take")
    assert response.status_code == 409
    assert "has left" in words(response.text)


async def test_above_the_cap_take_next_refuses_and_a_card_does_not(home: House) -> None:
    ana = await home.counsellor("Ana")
    numbers = [await asks(Visitor(home.app)) for _ in range(3)]
    for number in numbers[:2]:
        await ana.takes(number)
    response = await ana.sends("/queue/next")
    assert response.status_code == 409
    assert "that is enough" in words(response.text)
    await ana.takes(numbers[2])


async def test_off_shift_nobody_is_taken(home: House) -> None:
    await home.counsellor("Bo")
    number = await asks(Visitor(home.app))
    ana = await home.counsellor("Ana", on_shift=False)
    response = await ana.sends(f"/queue/{number}/take")
    assert response.status_code == 409
    assert "Start your shift first" in words(response.text)


async def test_take_next_with_nobody_there_is_no_error(home: House) -> None:
    ana = await home.counsellor("Ana")
    assert "Nobody waits at the moment" in words((await ana.sends("/queue/next")).text)


async def test_take_next_leads_on_from_a_press_whose_talk_is_over(home: House) -> None:
    ana = await home.counsellor("Ana")
    numbers = [await asks(Visitor(home.app)) for _ in range(2)]
    await ana.sends("/queue/next", once="press")
    await ana.sends(f"/talk/{numbers[0]}/park")
    response = await ana.sends("/queue/next", once="press")
    assert response.headers["location"] == "/queue"
    assert hidden((await ana.browser.get("/queue")).text, "once") != "press"


async def test_a_shift_does_not_end_over_an_open_talk_and_says_which(home: House) -> None:
    ana = await home.counsellor("Ana")
    number = await asks(Visitor(home.app))
    await ana.takes(number)
    response = await ana.sends("/shift/end")
    assert response.status_code == 409
    assert f'<a href="/talk/{number}">' in response.text
    await ana.sends(f"/talk/{number}/park")
    assert (await ana.sends("/shift/end")).status_code == 303


async def test_an_offer_is_accepted_or_declined_by_whom_it_is_for(home: House) -> None:
    ana, bo, cy = [await home.counsellor(name) for name in ("Ana", "Bo", "Cy")]
    number = await asks(Visitor(home.app))
    await ana.takes(number)
    offer = {"to": "bo", "why": "transfer_shift", "need": "pay", "risk": "", "next": ""}
    await ana.sends(f"/talk/{number}/transfer", **offer)
    assert (await cy.sends(f"/queue/{number}/accept")).status_code == 404
    assert "Offered to you" in await bo.sees("/queue")
    assert (await bo.sends(f"/queue/{number}/decline")).status_code == 303
    assert (await bo.sends(f"/queue/{number}/accept")).status_code == 404
    await ana.sends(f"/talk/{number}/transfer", **offer)
    response = await bo.sends(f"/queue/{number}/accept")
    assert response.headers["location"] == f"/talk/{number}"
    assert (await ana.browser.get(f"/talk/{number}")).status_code == 404
    assert "pay" in await bo.sees(f"/talk/{number}")


async def test_words_of_danger_without_consent_are_a_line_without_a_button(home: House) -> None:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    await visitor.starts()
    await visitor.taps("utter_danger_now")
    await visitor.taps("utter_danger_offer_person level=red")
    number = (await request_of(visitor)).id
    page = (await ana.browser.get("/queue")).text
    assert "no consent yet" in words(page)
    assert f"/queue/{number}/take" not in page
    assert (await ana.sends(f"/queue/{number}/take")).status_code == 409
    for _ in range(2):
        home.clock.turn(minutes=8)
        await ana.sends("/shift/here")
    assert "no consent yet" not in await ana.sees("/queue")


async def test_kept_places_stand_apart(home: House) -> None:
    ana = await home.counsellor("Ana")
    visitor = Visitor(home.app)
    number = await asks(visitor)
    await ana.takes(number)
    await ana.sends(f"/talk/{number}/park")
    assert (await request_of(visitor)).state is State.LEFT_MESSAGE
    assert "Kept places" in await ana.sees("/queue")


async def test_an_own_talk_counts_what_is_new(home: House) -> None:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    number = await asks(visitor)
    await ana.takes(number)
    await visitor.says("one")
    await visitor.says("two")
    assert "2 new" in await ana.sees("/queue")
    await ana.sends(f"/talk/{number}/say", text="hello", once="1")
    assert "2 new" not in await ana.sees("/queue")


async def test_a_page_asks_by_itself_without_keeping_anybody_signed_in(home: House) -> None:
    ana = await home.counsellor("Ana")
    for _ in range(4):
        home.clock.turn(minutes=4)
        response = await ana.sends("/shift/beat")
    assert response.status_code == 401
    bo = await home.counsellor("Bo", Role.SUPERVISOR)
    for _ in range(5):
        home.clock.turn(minutes=4)
        told = (await bo.sends("/shift/here")).json()
    assert told["seconds_left"] == 15 * 60


@pytest.mark.parametrize("number", ["0", "x", "-1", "9" * 30, "١", "1e3"])
async def test_what_is_no_number_names_nothing(home: House, number: str) -> None:
    ana = await home.counsellor("Ana")
    assert (await ana.sends(f"/queue/{number}/take")).status_code in (404, 409)
    assert (await ana.browser.get(f"/talk/{number}")).status_code == 404
