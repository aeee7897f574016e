"""What somebody tries with one account, or with values that no form would send."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.sealing import EphemeralKeys, Stamp
from bot.adapters.storage import SqlStore
from bot.domain.content import Item, State, digest, fact, screen
from bot.domain.errors import FourEyesError
from tests.support.content import CMM, HOURS, SUNDAYS, Newsroom, with_value
from tests.support.stores import laid

THANKS = screen("utter_thanks")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Newsroom]:
    store = await SqlStore.open(laid(tmp_path / "var"), EphemeralKeys(), Stamp.fresh())
    yield Newsroom(store, tmp_path)
    await store.close()


async def stored(room: Newsroom, item: Item, value: Any) -> None:
    """Store an approved change past the desk, as a console that was taken over could."""
    change = await room.approved(item, room.live(item))
    async with room.store.begin() as unit:
        await unit.contents.save(replace(change, value=value))
    await room.publisher.publish_due()


# --- nothing of one item stops the others -----------------------------------------------------


@pytest.mark.parametrize(
    "odd", [{"buttons": None}, {"buttons": [{"label": ["A"], "to": "utter_main_menu"}]}]
)
async def test_an_odd_value_does_not_stop_the_signer(room: Newsroom, odd: Any) -> None:
    live = room.live(THANKS)
    await stored(room, THANKS, {**live, **odd})
    await room.approved(HOURS, SUNDAYS(room.live(HOURS)))
    room.wait(minutes=16)
    assert await room.publisher.publish_due() == 1
    await room.watcher.look()
    assert room.live(HOURS)["value"]["week"]["sun"] == ["10:30-12:00"]


async def test_what_breaks_the_judge_is_sent_back(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = await room.approved(THANKS, room.live(THANKS))
    await room.publisher.publish_due()
    await room.approved(HOURS, SUNDAYS(room.live(HOURS)))
    judge = type(room.publisher.judge).judge

    def broken(self: Any, item: Item, *rest: Any) -> Any:
        if item == THANKS:
            raise ZeroDivisionError
        return judge(self, item, *rest)

    monkeypatch.setattr(type(room.publisher.judge), "judge", broken)
    room.wait(minutes=16)
    assert await room.publisher.publish_due() == 1
    async with room.store.begin() as unit:
        found = await unit.contents.get(change.id)
    assert found is not None
    assert found.state is State.DRAFT


async def test_only_what_belongs_to_a_value_is_stored(room: Newsroom) -> None:
    entry = {**with_value(room.live(CMM), "+4570999999"), "more": "x", "value": " +4570999999 "}
    change = await room.edit(CMM, entry)
    assert "more" not in change.value
    assert change.value["value"] == "+4570999999"


# --- who waits, and who approves --------------------------------------------------------------


async def test_what_became_guarded_after_its_approval_waits(room: Newsroom) -> None:
    item = fact("cmm_name")
    await room.approved(item, with_value(room.live(item), "CM"))
    live = room.publisher.library.served
    safe = replace(live.registry["cmm_name"], safety=True)
    registry = replace(live.registry, facts={**live.registry.facts, "cmm_name": safe})
    served = replace(live, registry=registry)
    async with room.store.begin() as unit:
        (change,) = await unit.contents.every_open()
        await unit.contents.save(replace(change, base=digest(safe.written())))
    room.publisher.library.served = served
    assert await room.publisher.publish_due() == 0
    room.wait(minutes=16)
    assert await room.publisher.publish_due() == 1


async def test_whose_words_are_proposed_again_does_not_approve_them(room: Newsroom) -> None:
    draft = await room.edit(CMM, with_value(room.live(CMM), "+4570999999"), room.both)
    await room.desk.drop(draft.id, draft.version, room.both.staff)
    again = await room.desk.undo(CMM, draft.id, room.editor.staff)
    sent = await room.desk.submit(again.id, again.version, room.editor.staff)
    with pytest.raises(FourEyesError):
        await room.desk.approve(sent.id, sent.version, room.both)


async def test_a_sentence_that_names_a_number_waits(room: Newsroom) -> None:
    item = fact("demand_public_list")
    change = await room.submitted(item, room.live(item))
    assert change.guarded


async def test_other_buttons_wait(room: Newsroom) -> None:
    item = screen("utter_signs_sex")
    live = room.live(item)
    assert not room.desk.judged(item, {**live, "notes": "x"}).guarded
    moved = [{**live["buttons"][0], "label": "Elsewhere"}, *live["buttons"][1:]]
    assert room.desk.judged(item, {**live, "buttons": moved}).guarded
