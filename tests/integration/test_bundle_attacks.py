"""A thousand bundles nobody approved: forged, altered, moved, old ones shown again. None is served.

The attacker writes to the database as they like, and holds neither the signer's key nor the file in
which a process keeps its last good bundle.
"""

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.adapters.sealing import EphemeralKeys, Stamp
from bot.adapters.signing import LastGoodFile
from bot.adapters.storage import SqlStore
from bot.content_ports import Signed
from bot.domain.content import Bundle
from bot.domain.errors import ContentError
from tests.support import deck
from tests.support.content import CMM, HOURS, SUNDAYS, Newsroom, library, with_value
from tests.support.stores import laid

ATTACKS = 1_000
EVIL = "+4570666666"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Newsroom]:
    store = await SqlStore.open(laid(tmp_path / "var"), EphemeralKeys(), Stamp.fresh())
    room = Newsroom(store, tmp_path)
    await room.published(HOURS, SUNDAYS(room.live(HOURS)))
    await room.published(CMM, with_value(room.live(CMM), "+4570111111"))
    await room.published(CMM, with_value(room.live(CMM), "+4570222222"))
    assert room.desk.library.bundle.number == 3
    yield room
    await store.close()


def _evil(good: Signed, number: int) -> Bundle:
    """Return the bundle an attacker wants: a number of theirs, above all that was published."""
    bundle = Bundle.read(good.body)
    values = {**bundle.values, CMM.name: {**bundle.values[CMM.name], "value": EVIL}}
    return replace(bundle, number=number, values=values)


def _flipped(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]


Attack = Callable[[list[Signed], random.Random, int], Signed]


def _unsigned(good: list[Signed], dice: random.Random, number: int) -> Signed:
    return Signed(number, _evil(good[-1], number).body(), dice.randbytes(64))


def _by_another_key(good: list[Signed], _dice: random.Random, number: int) -> Signed:
    body = _evil(good[-1], number).body()
    return Signed(number, body, Ed25519PrivateKey.generate().sign(body))


def _under_an_old_signature(good: list[Signed], dice: random.Random, number: int) -> Signed:
    return Signed(number, _evil(good[-1], number).body(), dice.choice(good).signature)


def _altered_body(good: list[Signed], dice: random.Random, number: int) -> Signed:
    one = dice.choice(good)
    return Signed(number, _flipped(one.body, dice), one.signature)


def _altered_signature(good: list[Signed], dice: random.Random, number: int) -> Signed:
    one = dice.choice(good)
    return Signed(number, one.body, _flipped(one.signature, dice))


def _old_one_under_a_new_number(good: list[Signed], dice: random.Random, number: int) -> Signed:
    one = dice.choice(good)
    return Signed(number, one.body, one.signature)


def _old_one_as_it_was(good: list[Signed], dice: random.Random, _number: int) -> Signed:
    return dice.choice(good)


def _rubbish(_good: list[Signed], dice: random.Random, number: int) -> Signed:
    return Signed(number, dice.randbytes(dice.randrange(200)), dice.randbytes(dice.randrange(80)))


ALL: tuple[Attack, ...] = (
    _unsigned,
    _by_another_key,
    _under_an_old_signature,
    _altered_body,
    _altered_signature,
    _old_one_under_a_new_number,
    _old_one_as_it_was,
    _rubbish,
)


async def test_of_a_thousand_bundles_none_is_served(room: Newsroom) -> None:
    dice = random.Random(20)
    good = [await room.bundle(number) for number in (1, 2, 3)]
    before = room.says("utter_phone_numbers", "th")
    refused = 0
    for turn in range(ATTACKS):
        attack = ALL[turn % len(ALL)]
        with pytest.raises(ContentError):
            room.desk.library.take(attack(good, dice, 4 + turn))
        refused += 1
    assert refused == ATTACKS
    assert room.says("utter_phone_numbers", "th") == before
    assert room.desk.library.bundle.number == 3


@pytest.mark.parametrize("attack", ALL)
async def test_what_stands_in_the_database_is_refused_and_does_not_block(
    room: Newsroom, attack: Attack
) -> None:
    good = [await room.bundle(number) for number in (1, 2, 3)]
    dice = random.Random(7)
    before = room.says("utter_phone_numbers")
    async with room.store.begin() as unit:
        for number in (4, 9, 2**31 - 1):
            forged = replace(attack(good, dice, number), number=number)
            await unit.contents.publish(forged, instead=True)
    await room.watcher.look()
    assert room.says("utter_phone_numbers") == before
    # What two people approve afterwards still gets through, past everything that was forged.
    assert await room.published(CMM, with_value(room.live(CMM), "+4570333333")) == 4
    assert "70\u00a033\u00a033\u00a033" in room.says("utter_phone_numbers")


async def test_a_database_from_a_backup_takes_nothing_back(room: Newsroom) -> None:
    good = [await room.bundle(number) for number in (1, 2, 3)]
    async with room.store.begin() as unit:
        for number in (2, 3):
            await unit.contents.publish(replace(good[0], number=number), instead=True)
    renderer = deck.renderer()
    again = library(renderer, room.folder)
    again.open()
    assert str(renderer.registry["cmm_phone"].value) == "+4570222222"
    watcher = room.process("again", again, renderer)
    await watcher.look()
    assert str(renderer.registry["cmm_phone"].value) == "+4570222222"


async def test_a_forged_last_good_file_counts_as_none(room: Newsroom) -> None:
    file = LastGoodFile(room.folder / "content" / "forged.json")
    evil = _evil(await room.bundle(3), 8)
    file.write(Signed(8, evil.body(), b"\0" * 64))
    renderer = deck.renderer()
    library(renderer, room.folder, "forged.json").open()
    shipped = deck.renderer().registry["cmm_phone"].value
    assert renderer.registry["cmm_phone"].value == shipped


async def test_a_changed_public_key_serves_what_was_served(room: Newsroom) -> None:
    public = room.folder / "content" / "signer.pub"
    public.write_bytes(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    with pytest.raises(ContentError):
        await room.published(CMM, with_value(room.live(CMM), "+4570333333"))
    await room.watcher.look()
    assert room.desk.library.bundle.number == 3


async def test_the_process_says_which_bundle_it_refused(room: Newsroom) -> None:
    body = _evil(await room.bundle(3), 5).body()
    async with room.store.begin() as unit:
        await unit.contents.publish(Signed(5, body, b"\0" * 64))
    room.clock.turn(minutes=2)
    await room.watcher.look()
    async with room.store.begin() as unit:
        (serving,) = await unit.contents.servings(room.clock.now())
    assert (serving.number, serving.refused) == (3, 5)
