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


# --- what would fail in front of a visitor ----------------------------------------------------


def grid(**changes: Any) -> dict[str, Any]:
    week: dict[str, Any] = {"mon": ["08:00-16:00"], **changes.pop("week", {})}
    return {"tz": "Europe/Copenhagen", "week": week, **changes}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("chat_hours", grid(week={"mon": []})),
        ("chat_hours", grid(tz="America/New_York")),
        ("chat_hours", grid(tz="Europe")),
        ("chat_hours", grid(week={"mon": ["08:00+05:00-16:00+05:00"]})),
        ("chat_hours", grid(week={"mon": ["12:00-16:00", "08:00-13:00"]})),
        ("chat_hours", grid(week={"mon": ["12:00-00:00", "13:00-14:00"]})),
        ("adult_age", float("nan")),
        ("adult_age", float("inf")),
        ("union_name", ""),
        ("union_name", "70 66 66 66"),
        ("union_name", "7066-6666"),
        ("union_name", "https://evil.example"),
        ("contact_person_note", "Wait {wait_estimate}."),
        ("contact_person_note", "Read {contact_person_note}."),
    ],
)
async def test_a_fact_that_could_not_be_used_is_refused(
    room: Newsroom, key: str, value: object
) -> None:
    judged = room.desk.judged(fact(key), with_value(room.live(fact(key)), value))
    assert judged.errors


@pytest.mark.parametrize("key", ["wait_estimate", "language_th", "chat_retention_hours"])
async def test_a_fact_never_takes_a_name_the_program_uses(room: Newsroom, key: str) -> None:
    taken = next(iter(room.desk.library.shipped.said)) if key.startswith("chat") else key
    entry = with_value(room.live(fact("union_name")), "Union")
    assert "key" in {one.rule for one in room.desk.judged(fact(taken), entry).errors}
    assert room.desk.judged(fact("new_union_name"), entry).passes


async def test_a_day_of_review_without_a_fact_is_refused(room: Newsroom) -> None:
    item = next(
        screen(one.id)
        for one in room.renderer.deck.screens.values()
        if "{fact_reviewed_on}" in one.text
    )
    value = {**room.live(item), "text": "Checked: {fact_reviewed_on}."}
    assert "placeholder" in {one.rule for one in room.desk.judged(item, value).errors}


async def test_an_old_source_may_stay(room: Newsroom) -> None:
    item = fact("old_return_org_name")
    assert room.desk.judged(item, room.live(item)).passes


async def test_a_button_carries_only_what_it_carried(room: Newsroom) -> None:
    live = room.live(THANKS)
    button = {"label": "Yes", "to": "utter_human_consent", "set": "consent=all"}
    judged = room.desk.judged(THANKS, {**live, "buttons": [*live.get("buttons", ()), button]})
    assert "only the program decides" in str(judged.errors)


@pytest.mark.parametrize("id_", ["utter_human_consent", "utter_forget_confirm"])
async def test_a_button_that_does_something_stays(room: Newsroom, id_: str) -> None:
    item = screen(id_)
    live = room.live(item)
    assert room.desk.judged(item, {**live, "buttons": live["buttons"][::-1]}).passes
    judged = room.desk.judged(item, {**live, "buttons": []})
    assert "does something is gone" in str(judged.errors)
