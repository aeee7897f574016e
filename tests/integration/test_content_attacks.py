"""What somebody tries with one account, or with values that no form would send."""

import asyncio
import errno
import inspect
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.sealing import EphemeralKeys, Stamp
from bot.adapters.signing import LastGoodFile
from bot.adapters.storage import SqlStore
from bot.adapters.storage.content import SqlContents
from bot.content_ports import Signed
from bot.domain.content import Item, State, digest, fact, screen
from bot.domain.errors import ChangedError, ContentError, FactError, FourEyesError, NotYoursError
from bot.domain.facts import Kind, Registry
from bot.domain.messages import Bubble
from bot.domain.staff import StaffId
from bot.services.content import Publisher
from tests.support import deck
from tests.support.content import CMM, HOURS, SUNDAYS, Newsroom, library, with_value
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


# --- one process among others -----------------------------------------------------------------


async def test_newer_files_take_nothing_else_away(room: Newsroom) -> None:
    await room.published(HOURS, SUNDAYS(room.live(HOURS)))
    union = fact("union_name")
    await room.published(union, with_value(room.live(union), "Union"))
    thanks = {**room.live(THANKS), "text": "Thank you. Write to {kompasset_name}."}
    await room.published(THANKS, thanks)
    newer = library(deck.renderer(), room.folder)
    facts = dict(newer.shipped.registry.facts)
    facts["union_name"] = replace(facts["union_name"], kind=Kind.SENTENCE)
    served = {key: one for key, one in facts.items() if key != "kompasset_name"}
    newer.shipped = replace(newer.shipped, registry=Registry(served))
    newer.open()
    assert newer.bundle.number == room.desk.library.bundle.number
    assert newer.served.value(HOURS) == room.live(HOURS)
    assert newer.served.registry["union_name"] == facts["union_name"]
    assert newer.served.deck[THANKS.key] == newer.shipped.deck[THANKS.key]


async def test_a_full_disk_keeps_nobody_from_what_was_published(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    await room.approved(HOURS, SUNDAYS(room.live(HOURS)))
    assert await room.publisher.publish_due() == 1
    monkeypatch.setattr("bot.adapters.signing.write_secret", full)
    assert await room.watcher.look()
    assert room.live(HOURS)["value"]["week"]["sun"] == ["10:30-12:00"]


def test_processes_that_share_a_file_keep_the_newest(tmp_path: Path) -> None:
    def keep(first: int) -> None:
        file = LastGoodFile(tmp_path / "content" / "last-good.json")
        for number in range(first, 80, 4):
            file.write(Signed(number, b"{}" * 9_000, b"\0"))

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(keep, (1, 2, 3, 4)))
    kept = LastGoodFile(tmp_path / "content" / "last-good.json").read()
    assert kept is not None
    assert kept.number == 79


async def test_two_signers_never_sign_one_number(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.approved(HOURS, SUNDAYS(room.live(HOURS)))
    assert await room.publisher.publish_due() == 1
    first = await room.bundle(1)
    shelf = library(deck.renderer(), room.folder, "second.json")
    other = Publisher(room.store, room.clock, shelf, room.publisher.judge, room.signer)

    async def nothing_yet(*_: object) -> list[Signed]:
        return []

    # The other one looked a moment before the first had published.
    monkeypatch.setattr(SqlContents, "after", nothing_yet)
    union = fact("union_name")
    change = await room.approved(union, with_value(room.live(union), "Union"))
    with pytest.raises(ChangedError):
        await other.publish_due()
    assert await room.bundle(1) == first
    async with room.store.begin() as unit:
        found = await unit.contents.get(change.id)
    assert found is not None
    assert found.state is State.APPROVED


async def test_a_screen_that_fails_is_wrong(room: Newsroom) -> None:
    def fails(*_: object) -> Bubble:
        raise FactError("there is no fact")

    room.watcher.say = fails
    await room.watcher.look()
    async with room.store.begin() as unit:
        (serving,) = await unit.contents.servings(room.clock.now())
    assert serving.wrong


@pytest.mark.parametrize("runs", ["watcher", "publisher"])
async def test_whatever_breaks_the_next_round_comes(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch, runs: str
) -> None:
    process = getattr(room, runs)
    module = inspect.getmodule(type(process))
    monkeypatch.setattr(module, "PAUSE", 0.0)
    rounds = []

    async def breaks(_self: object) -> None:
        rounds.append(1)
        if len(rounds) > 1:
            raise asyncio.CancelledError
        raise ZeroDivisionError

    name = "look" if runs == "watcher" else "publish_due"
    monkeypatch.setattr(type(process), name, breaks)
    with pytest.raises(asyncio.CancelledError):
        await process.run()


def test_processes_that_start_together_have_one_key(tmp_path: Path) -> None:
    for round_ in range(20):
        path = tmp_path / str(round_) / "desk.key"
        with ThreadPoolExecutor(4) as processes:
            stamps = list(processes.map(Stamp.open, [path] * 4))
        assert len({stamp.stamp("here", b"data") for stamp in stamps}) == 1


async def test_a_label_that_stands_elsewhere_keeps_its_own_translation(room: Newsroom) -> None:
    menu = screen("utter_signs_sex")
    live = room.live(menu)
    first, other = live["buttons"][0], "Menu"
    assert first["label"] != other
    await room.published(menu, {**live, "buttons": [{**first, "label": other}]})
    assert ("button", other) not in room.desk.library.bundle.before


async def test_an_old_translation_is_shown_with_the_day_of_its_own_facts(room: Newsroom) -> None:
    item = next(
        screen(one.id)
        for one in room.renderer.deck.screens.values()
        if "{fact_reviewed_on}" in one.text and not one.variants
    )
    before = room.says(item.key, "th")
    await room.published(item, {**room.live(item), "text": "There may be help for you."})
    assert room.says(item.key, "en").endswith("There may be help for you.")
    assert room.says(item.key, "th") == before


async def test_what_an_old_translation_would_show_is_judged_too(room: Newsroom) -> None:
    value = {**room.live(THANKS), "text": "You are welcome. Write again."}
    after = room.desk.judge.with_value(THANKS, value, room.desk.library.served)
    thai = after.texts.get(THANKS.key, value["text"], "th")
    assert thai == room.renderer.texts.get(THANKS.key, room.live(THANKS)["text"], "th")


# --- what the signer asks for itself, and what the desk asks of everybody ----------------------


async def state_of(room: Newsroom, item: Item) -> State:
    async with room.store.begin() as unit:
        return (await unit.contents.history(item))[0].state


async def test_the_signer_judges_once_more(room: Newsroom) -> None:
    await stored(room, CMM, with_value(room.live(CMM), "call me"))
    room.wait(minutes=16)
    assert await room.publisher.publish_due() == 0
    assert await state_of(room, CMM) is State.DRAFT


async def test_the_signer_publishes_nothing_made_from_what_is_no_longer_live(
    room: Newsroom,
) -> None:
    change = await room.approved(HOURS, SUNDAYS(room.live(HOURS)))
    async with room.store.begin() as unit:
        await unit.contents.save(replace(change, base=digest({})))
    assert await room.publisher.publish_due() == 0
    assert await state_of(room, HOURS) is State.DRAFT


@pytest.mark.parametrize("by", ["editor", None])
async def test_the_signer_asks_for_two_people(room: Newsroom, by: str | None) -> None:
    change = await room.approved(HOURS, SUNDAYS(room.live(HOURS)))
    async with room.store.begin() as unit:
        await unit.contents.save(replace(change, approved_by=StaffId(by) if by else None))
    assert await room.publisher.publish_due() == 0
    assert await state_of(room, HOURS) is State.APPROVED


async def test_steps_of_others(room: Newsroom) -> None:
    change = await room.edit(HOURS, SUNDAYS(room.live(HOURS)))
    stranger = room.translator.staff
    with pytest.raises(NotYoursError):
        await room.desk.submit(change.id, change.version, stranger)
    with pytest.raises(NotYoursError):
        await room.desk.drop(change.id, change.version, room.translator.staff)
    change = await room.desk.submit(change.id, change.version, room.editor.staff)
    with pytest.raises(NotYoursError):
        await room.desk.send_back(change.id, change.version, room.editor.staff)
    # Its authors may give it up.
    await room.desk.drop(change.id, change.version, room.editor.staff)


async def test_what_an_item_is_cannot_be_changed(room: Newsroom) -> None:
    hours, thanks = room.live(HOURS), room.live(THANKS)
    name = {**with_value(hours, "09-17"), "kind": "name"}
    assert "kind" in {one.rule for one in room.desk.judged(HOURS, name).errors}
    for part in ({"audience": "staff_to_person"}, {"intent": "danger"}, {"in_place": True}):
        assert "form" in {o.rule for o in room.desk.judged(THANKS, {**thanks, **part}).errors}


async def test_nobody_goes_back_to_what_was_tampered_with(room: Newsroom) -> None:
    await room.published(HOURS, SUNDAYS(room.live(HOURS)))
    await room.published(fact("union_name"), with_value(room.live(fact("union_name")), "Union"))
    evil = replace(await room.bundle(1), signature=b"\0" * 64)
    async with room.store.begin() as unit:
        await unit.contents.publish(evil, instead=True)
    with pytest.raises(ContentError):
        await room.desk.go_back(1, room.publisher_account.staff)
