"""What could go wrong between two people: each test is a harm that must not happen."""

from collections.abc import Sequence
from pathlib import Path

from bot.bootstrap import App
from bot.domain.handover import Handover, State
from bot.domain.messages import Event, MessageId, Tapped, Text
from bot.domain.screens import Tap
from bot.domain.staff import StaffId
from tests.support.app import Visitor, on_shift, running, screens

ANA, BO = StaffId("a1"), StaffId("b2")


def tap(data: str) -> Tapped:
    return Tapped(Tap.decode(data))


async def at_once(visitor: Visitor, *events: Event) -> list[str]:
    """Let several things arrive before the first is answered; return all screens to be seen."""
    app = visitor.app
    await app.reception.accept([visitor.incoming(event) for event in events])
    await app.reception.close()
    return screens(await app.reception.shown(visitor.channel, visitor.sender, MessageId(0)))


async def asks(visitor: Visitor, consent: str = "new") -> Handover:
    """Have a visitor ask for a person and agree; return the request."""
    await visitor.starts()
    await visitor.taps("utter_human_consent")
    await visitor.taps(f"utter_human_notify consent={consent}")
    await visitor.taps("utter_human_code_word notify=pull")
    await visitor.taps("action_queue_open")
    return await request_of(visitor)


async def request_of(visitor: Visitor) -> Handover:
    found = await visitor.handover()
    assert found is not None
    return found


async def heard(app: App, staff: StaffId, number: int) -> Sequence[str]:
    """Return what a counsellor reads of a visitor."""
    talk = await app.reader.open(staff, number)
    return [said.text for said in talk.said if said.author == "visitor"]


async def with_safe_word(visitor: Visitor, word: str) -> None:
    await visitor.starts()
    await visitor.taps("utter_safe_word")
    await visitor.says(word)


# --- hiding -----------------------------------------------------------------------------------


async def test_nothing_asked_for_before_hiding_is_shown_after_it(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await visitor.starts()
        seen = await at_once(visitor, tap("utter_phone_numbers"), tap("action_hide"))
        assert seen == ["utter_hide_done"]


async def test_nothing_a_counsellor_wrote_is_released_over_hiding(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        request = await asks(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await visitor.taps("action_hide")
        await app.hotline.say(ANA, "Ana", request.id or 0, "the lawyer said yes", "1")
        seen = await at_once(visitor, tap("action_pull"), tap("action_hide"))
        assert seen == ["utter_hide_done"]


async def test_the_safe_word_is_heard_among_other_words(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await with_safe_word(visitor, "Lantern")
        assert await at_once(visitor, Text("I need help"), Text("lantern")) == ["utter_decoy_1"]


async def test_the_safe_word_hides_what_was_tapped_just_before(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await with_safe_word(visitor, "Lantern")
        seen = await at_once(visitor, tap("utter_phone_numbers"), Text("lantern"))
        assert seen == ["utter_decoy_1"]


async def test_a_safe_word_that_a_button_is_called_works(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await with_safe_word(visitor, "Stop waiting")
        request = await asks(visitor)
        assert request.state is State.WAITING
        assert screens(await visitor.says("stop waiting")) == ["utter_decoy_1"]


# --- words for a counsellor -------------------------------------------------------------------


async def test_words_written_over_an_old_question_reach_the_counsellor(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        request = await asks(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        await visitor.taps("action_check_next")
        await visitor.says("they keep my passport")
        assert await heard(app, ANA, request.id or 0) == ["they keep my passport"]


async def test_a_code_word_asked_for_in_a_talk_is_one(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        request = await asks(visitor)
        number = request.id or 0
        await app.hotline.take(ANA, "Ana", number)
        await visitor.taps("utter_human_code_word notify=pull")
        assert screens(await visitor.says("Banana")) == ["utter_human_nothing_new"]
        assert await heard(app, ANA, number) == []
        assert await app.hotline.check_word(ANA, number, "banana")


async def test_words_that_arrive_with_the_consent_are_read(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        await on_shift(app, ANA)
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.says("this is not for them")
        await visitor.taps("utter_human_consent")
        await visitor.taps("utter_human_notify consent=new")
        await visitor.taps("utter_human_code_word notify=pull")
        await at_once(visitor, tap("action_queue_open"), Text("they come tonight"))
        request = await request_of(visitor)
        await app.hotline.take(ANA, "Ana", request.id or 0)
        assert await heard(app, ANA, request.id or 0) == ["they come tonight"]
