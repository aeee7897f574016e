"""What every store promises about changes, bundles, remarks and what processes serve."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.content_ports import Remark, Serving, Signed
from bot.domain.content import Change, ChangeId, State, digest, fact
from bot.domain.errors import ChangedError
from bot.domain.staff import StaffId
from bot.ports import Store
from tests.support.stores import MINUTE, NOW

PHONE, HOURS = fact("cmm_phone"), fact("chat_hours")
ANA, BO = StaffId("ana"), StaffId("bo")


def change(id_: str = "c1", *, state: State = State.DRAFT, minutes: int = 0) -> Change:
    value = {"value": "+4570202550", "says": "grønt — ไทย"}
    at = NOW + minutes * MINUTE
    return Change(ChangeId(id_), PHONE, value, digest({}), frozenset({ANA}), at, state)


async def test_a_change_comes_back_as_it_was(store: Store) -> None:
    wanted = replace(
        change(state=State.APPROVED), guarded=True, approved_by=BO, approved_at=NOW + MINUTE
    )
    async with store.begin() as unit:
        assert await unit.contents.add(wanted) == wanted
    async with store.begin() as unit:
        assert await unit.contents.get(wanted.id) == wanted
        assert await unit.contents.get(ChangeId("other")) is None
        assert await unit.contents.open_for(PHONE) == wanted
        assert await unit.contents.open_for(HOURS) is None
        assert list(await unit.contents.every_open()) == [wanted]
        assert await unit.contents.damaged() == 0


async def test_one_open_change_for_each_item(store: Store) -> None:
    async with store.begin() as unit:
        await unit.contents.add(change())
    async with store.begin() as unit:
        with pytest.raises(ChangedError):
            await unit.contents.add(change("c2"))
    async with store.begin() as unit:
        await unit.contents.save(change().drop(NOW))
        await unit.contents.add(change("c3", minutes=1))
    async with store.begin() as unit:
        assert [c.id for c in await unit.contents.history(PHONE)] == ["c3", "c1"]
        assert [c.id for c in await unit.contents.history(PHONE, 1)] == ["c3"]
        assert list(await unit.contents.history(HOURS)) == []


async def test_a_change_is_saved_under_the_version_it_was_read_with(store: Store) -> None:
    async with store.begin() as unit:
        first = await unit.contents.add(change())
        second = await unit.contents.save(first.edit({"value": "1"}, BO, NOW + MINUTE))
    assert second.version == first.version + 1
    async with store.begin() as unit:
        with pytest.raises(ChangedError):
            await unit.contents.save(first)
    async with store.begin() as unit:
        assert await unit.contents.get(first.id, lock=True) == second


async def test_bundles_by_number(store: Store) -> None:
    signed = [Signed(number, f"body {number} ø".encode(), b"\0\xff") for number in (1, 2, 3)]
    async with store.begin() as unit:
        assert await unit.contents.latest() == 0
        for one in signed:
            await unit.contents.publish(one)
    async with store.begin() as unit:
        assert await unit.contents.latest() == 3
        assert await unit.contents.bundle(2) == signed[1]
        assert await unit.contents.bundle(9) is None
        assert list(await unit.contents.bundles(2)) == [signed[2], signed[1]]
        assert list(await unit.contents.after(1)) == signed[1:]
        assert list(await unit.contents.after(3)) == []


async def test_a_bundle_is_replaced_only_on_purpose(store: Store) -> None:
    async with store.begin() as unit:
        await unit.contents.publish(Signed(1, b"first", b""))
    async with store.begin() as unit:
        with pytest.raises(ChangedError):
            await unit.contents.publish(Signed(1, b"second", b""))
    async with store.begin() as unit:
        await unit.contents.publish(Signed(1, b"third", b""), instead=True)
    async with store.begin() as unit:
        found = await unit.contents.bundle(1)
    assert found == Signed(1, b"third", b"")


async def test_remarks_and_reports(store: Store) -> None:
    said = Remark("r1", PHONE, ANA, NOW, "is this ours?")
    report = Remark("r2", PHONE, BO, NOW + MINUTE, report=True)
    async with store.begin() as unit:
        for remark in (report, said):
            await unit.contents.remark(remark)
    async with store.begin() as unit:
        assert list(await unit.contents.remarks(PHONE)) == [said, report]
        assert list(await unit.contents.reports()) == [report]
        await unit.contents.settle(PHONE)
    async with store.begin() as unit:
        assert list(await unit.contents.reports()) == []
        assert list(await unit.contents.remarks(PHONE)) == [said, replace(report, settled=True)]
        assert list(await unit.contents.remarks(HOURS)) == []


async def test_visitors_have_one_report_of_an_item_however_many_they_are(store: Store) -> None:
    first, later = (Remark.of_visitors(PHONE, NOW + timedelta(days=d)) for d in (0, 2))
    assert first.id == later.id

    async def report(one: Remark) -> None:
        async with store.begin() as unit:
            await unit.contents.report_once(one)

    await asyncio.gather(*(report(first) for _ in range(4)))
    await report(later)
    await report(Remark.of_visitors(HOURS, NOW))
    async with store.begin() as unit:
        assert list(await unit.contents.remarks(PHONE)) == [first]
        await unit.contents.settle(PHONE)
    await report(later)
    async with store.begin() as unit:
        assert list(await unit.contents.remarks(PHONE)) == [later]
        assert len(await unit.contents.reports()) == 2


async def test_what_processes_serve(store: Store) -> None:
    first = Serving("web-1", 3, NOW, {("web", "th"): 4}, {("web", "th"): 1}, refused=4)
    second = Serving("deliver-1", 2, NOW - timedelta(hours=1))
    async with store.begin() as unit:
        await unit.contents.serving(replace(first, number=2))
        await unit.contents.serving(first)
        await unit.contents.serving(second)
    async with store.begin() as unit:
        assert list(await unit.contents.servings(NOW - MINUTE)) == [first]
        assert list(await unit.contents.servings(NOW - timedelta(days=1))) == [second, first]
        await unit.contents.forget_servings(NOW - MINUTE)
    async with store.begin() as unit:
        assert list(await unit.contents.servings(NOW - timedelta(days=1))) == [first]
