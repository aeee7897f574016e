"""The safe word, said in every state: nothing of the topic is seen after it, on any channel."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.bootstrap import App
from bot.domain import decoy
from bot.domain.handover import Close, Outcome
from bot.domain.messages import Channel, MessageId, Text
from bot.ports import Deletion, Delivery
from tests.support.app import COLLEAGUE, Visitor, running, screens
from tests.support.claims import keep_house
from tests.support.fakes import FakeClock, RecordingChannel

WORD = "Lantern"
CRY = "he has a knife and locked me in"
HARMLESS = {*decoy.CARDS, decoy.NUMBERS}
State = Callable[[App, Visitor], Awaitable[None]]


def tapping(*taps: str) -> State:
    """Return a state that buttons lead to."""

    async def go(_app: App, visitor: Visitor) -> None:
        for tap in taps:
            await visitor.taps(tap)

    return go


_ASKS = ("utter_human_notify consent=new", "utter_human_code_word notify=push", "action_queue_open")


async def _typed(_app: App, visitor: Visitor) -> None:
    await visitor.says("zzz")
    await visitor.says("yyy")


async def _talking(app: App, visitor: Visitor) -> None:
    await tapping(*_ASKS)(app, visitor)
    found = await visitor.handover()
    assert found is not None
    await app.hotline.take(COLLEAGUE, "Ana", found.id or 0)
    await app.hotline.say(COLLEAGUE, "Ana", found.id or 0, "the shelter has a bed", "1")


async def _parked(app: App, visitor: Visitor) -> None:
    await _talking(app, visitor)
    found = await visitor.handover()
    assert found is not None
    await app.hotline.park(COLLEAGUE, found.id or 0)


async def _ended(app: App, visitor: Visitor) -> None:
    await _talking(app, visitor)
    found = await visitor.handover()
    assert found is not None
    await app.hotline.close(COLLEAGUE, found.id or 0, Close(Outcome.INFORMED))


async def _asked_to_pass_on(app: App, visitor: Visitor) -> None:
    await _talking(app, visitor)
    found = await visitor.handover()
    assert found is not None
    await app.hotline.offer_transfer(COLLEAGUE, "Ana", found.id or 0, None, "", "transfer_shift")


# States for which a counsellor takes the talk: nobody has let go of it in between.
_TAKING = (_talking, _parked, _ended, _asked_to_pass_on)
STATES: Mapping[str, State] = {
    "menu": tapping("utter_main_menu"),
    "danger": tapping("utter_danger_now"),
    "offered": tapping("utter_danger_now", "utter_danger_offer_person level=red"),
    "asked what may be seen": tapping("utter_human_consent"),
    "asked about a hello": tapping(_ASKS[0]),
    "asked for a code word": tapping(*_ASKS[:2]),
    "asked for a safe word": tapping("utter_safe_word"),
    "waiting": tapping(*_ASKS),
    "waiting in danger": tapping("utter_danger_now", "action_queue_urgent"),
    "talking": _talking,
    "asked to be passed on": _asked_to_pass_on,
    "parked": _parked,
    "ended": _ended,
    "self-check": tapping("utter_check_intro", "utter_check_q1", "action_check_next q=1 answer=no"),
    "not understood": _typed,
    "young": tapping("utter_minor_intro minor=yes", "utter_human_consent"),
    "forgetting": tapping("utter_forget_confirm"),
}


async def chosen(app: App, channel: Channel) -> Visitor:
    """Return a visitor who has a safe word."""
    visitor = Visitor(app, channel)
    await visitor.starts()
    await visitor.taps("utter_safe_word")
    await visitor.says(WORD)
    return visitor


async def to_come(app: App, visitor: Visitor) -> list[str]:
    """Return the screens that a visitor has been shown or will be, deletions left out."""
    async with app.store.begin() as unit:
        known = await unit.conversations.find(app.sealer.lookups(visitor.channel, visitor.sender))
        (id_,) = known.values()
        rows = await unit.messages.replies_after(id_, MessageId(0))
    bodies = [r.body for r in rows if r.state is not Delivery.FAILED]
    last = [b.then.screen for b in bodies if isinstance(b, Deletion) and b.then]
    return [*last, *(getattr(b, "screen", "line") for b in bodies if not isinstance(b, Deletion))]


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("name", list(STATES))
async def test_after_the_word_nothing_of_the_topic_is_seen(
    tmp_path: Path, name: str, channel: Channel
) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock, channel=RecordingChannel()) as app:
        visitor = await chosen(app, channel)
        await STATES[name](app, visitor)
        await visitor.says(f" {WORD.lower()}! ")
        assert await to_come(app, visitor) == [decoy.CARDS[0]]
        # Whoever is on shift goes on, time passes, somebody tries this and that.
        if (found := await visitor.handover()) and found.is_held(clock.now()):
            await app.hotline.say(COLLEAGUE, "Ana", found.id or 0, "are you there", "2")
            await app.hotline.close(COLLEAGUE, found.id or 0, Close(Outcome.QUIET))
        await keep_house(app, clock, minutes=6)
        for typed in ("who is this", CRY, "menu", "yes", "talk to a person"):
            await visitor.says(typed)
        for tap in ("utter_main_menu", "action_pull", "utter_human_consent", "action_transfer_yes"):
            await visitor.taps(tap)
        await visitor.starts()
        assert set(await to_come(app, visitor)) <= HARMLESS
        await visitor.says(WORD)
        assert "utter_return_neutral" in await to_come(app, visitor)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    # Asked for another safe word, a visitor who writes something else has changed it.
    path=st.lists(
        st.sampled_from(sorted(STATES.keys() - {"asked for a safe word"})), min_size=1, max_size=4
    ),
    burst=st.lists(st.sampled_from(["hello", CRY, "what is a shelter", "yes"]), max_size=3),
    place=st.integers(0, 3),
)
async def test_on_any_way_through_and_in_the_middle_of_other_words(
    tmp_path_factory: pytest.TempPathFactory, path: list[str], burst: list[str], place: int
) -> None:
    async with running(tmp_path_factory.mktemp("way"), channel=RecordingChannel()) as app:
        visitor = await chosen(app, Channel.TELEGRAM)
        for name in path:
            if await visitor.handover() is None or STATES[name] not in _TAKING:
                await STATES[name](app, visitor)
        words = [*burst[:place], WORD, *burst[place:]]
        # They lie in the inbox together, as after a pause of the network.
        await app.reception.accept([visitor.incoming(Text(text)) for text in words])
        await app.reception.close()
        assert set(await to_come(app, visitor)) <= HARMLESS


@pytest.mark.parametrize(("noise", "cry"), [(19, False), (30, True), (500, False), (500, True)])
async def test_in_a_flood_it_is_answered_at_once(tmp_path: Path, noise: int, cry: bool) -> None:
    async with running(tmp_path) as app:
        visitor = await chosen(app, Channel.WEB)
        for _ in range(noise // 10):
            await app.reception.accept([visitor.incoming(Text("noise")) for _ in range(10)])
        for _ in range(noise):
            await app.reception.accept([visitor.incoming(Text("noise"))])
        if cry:
            # Words of danger pass a flood once in ten minutes, which must not use this up.
            await visitor.says(CRY)
        async with asyncio.timeout(3):
            assert screens(await visitor.says(f"quick\n{WORD}")) == ["utter_decoy_1"]
        assert set(await to_come(app, visitor)) <= HARMLESS


async def test_in_a_flood_any_other_text_waits(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        visitor = await chosen(app, Channel.WEB)
        for _ in range(30):
            await app.reception.accept([visitor.incoming(Text("noise"))])
        assert not await visitor.says("Lanterns")


async def test_what_a_counsellor_wrote_before_it_is_there_after_it(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as app:
        visitor = await chosen(app, Channel.WEB)
        await tapping(*_ASKS)(app, visitor)
        clock.turn(minutes=4)
        found = await visitor.handover()
        assert found is not None
        await app.hotline.take(COLLEAGUE, "Ana", found.id or 0)
        await app.hotline.say(COLLEAGUE, "Ana", found.id or 0, "the lawyer said yes", "1")
        await visitor.says(WORD)
        await visitor.says(WORD)
        assert screens(await visitor.taps("action_pull")) == ["utter_human_joined", "line"]


@pytest.mark.parametrize("typed", ["hide", "Menu", "no, thanks", "hop", CRY])
async def test_a_command_a_short_word_and_a_cry_for_help_are_no_safe_word(
    tmp_path: Path, typed: str
) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.taps("utter_safe_word")
        assert screens(await visitor.says(typed)) != ["utter_safe_word_set"]
        await visitor.starts()
        assert not HARMLESS & set(screens(await visitor.says(typed)))


async def test_a_refused_word_is_asked_for_again_and_the_next_one_is_taken(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as app:
        visitor = Visitor(app)
        await visitor.starts()
        await visitor.taps("utter_safe_word")
        assert screens(await visitor.says("hop")) == ["utter_safe_word_again"]
        assert screens(await visitor.says(WORD)) == ["utter_safe_word_set"]
        assert screens(await visitor.says(WORD)) == ["utter_decoy_1"]
