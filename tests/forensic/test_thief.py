"""The thief opens what keys of the present open, and nothing once they were changed."""

from pathlib import Path

from bot.adapters.sealing import KeyRing
from tests.forensic.thief import Thief
from tests.support.stores import arrival, begun, laid, opened


async def test_a_key_that_was_only_deleted_still_opens_what_was_copied(tmp_path: Path) -> None:
    url, ring = laid(tmp_path), KeyRing.open(tmp_path / "keys")
    async with opened(url, ring) as store:
        anna, ben = await begun(store, ring, "anna", "ben")
        async with store.begin() as unit:
            await unit.messages.accept([arrival(anna, "one"), arrival(ben, "two")])
        thief, both = Thief(tmp_path / "keys", url), [anna.id, ben.id]
        before = thief.try_everything(both)
        assert before.values == {anna.id: 3, ben.id: 3}
        assert before.keys == set(both)

        await ring.destroy_keys([anna.id])
        assert thief.try_everything(both).among([anna.id]) == 4

        await ring.rotate()
        after = thief.try_everything(both)
        assert after.among([anna.id]) == 0
        assert after.values == {ben.id: 3}
        assert after.keys == {ben.id}
    ring.close()


async def test_what_is_left_in_a_file_of_keys_is_carved_out(tmp_path: Path) -> None:
    url, ring = laid(tmp_path), KeyRing.open(tmp_path / "keys")
    async with opened(url, ring) as store:
        (anna,) = await begun(store, ring, "anna")
        thief = Thief(tmp_path / "keys", url)
        ((_, wrapped),) = thief._wrapped()
        await ring.destroy_keys([anna.id])
        assert thief.try_everything([anna.id]).keys == frozenset()
        (tmp_path / "keys" / "keys.db-remnant").write_bytes(b"\1" * 77 + wrapped + b"\1" * 9)
        assert thief.try_everything([anna.id]).keys == {anna.id}
    ring.close()
