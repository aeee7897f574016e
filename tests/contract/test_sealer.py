"""What every Sealer promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.sealing import EphemeralKeys, KeyRing
from bot.domain.errors import KeyUnavailableError
from bot.domain.messages import Channel, ConversationId
from bot.ports import Sealer

ANNA, BEN = ConversationId("a" * 32), ConversationId("b" * 32)


@pytest.fixture(params=["memory", "folder"])
def sealer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sealer]:
    if request.param == "memory":
        yield EphemeralKeys()
        return
    ring = KeyRing.open(tmp_path / "keys")
    yield ring
    ring.close()


async def test_what_was_sealed_opens_again(sealer: Sealer) -> None:
    await sealer.create_keys([ANNA])

    for plain in (b"", b"hello", bytes(range(256)) * 64):
        sealed = sealer.seal(ANNA, "7", "body", plain)
        assert sealer.open_sealed(ANNA, "7", "body", sealed) == plain


async def test_sealing_shows_nothing_and_never_repeats(sealer: Sealer) -> None:
    await sealer.create_keys([ANNA])

    sealed = {sealer.seal(ANNA, "7", "body", b"my name is Anna") for _ in range(100)}

    assert len(sealed) == 100
    assert not any(b"Anna" in value for value in sealed)


@pytest.mark.parametrize(
    ("conversation", "row", "field"),
    [(BEN, "7", "body"), (ANNA, "8", "body"), (ANNA, "7", "aside")],
)
async def test_a_value_opens_only_in_its_place(
    sealer: Sealer, conversation: ConversationId, row: str, field: str
) -> None:
    await sealer.create_keys([ANNA, BEN])
    sealed = sealer.seal(ANNA, "7", "body", b"hello")

    with pytest.raises(KeyUnavailableError):
        sealer.open_sealed(conversation, row, field, sealed)


async def test_a_changed_value_does_not_open(sealer: Sealer) -> None:
    await sealer.create_keys([ANNA])
    sealed = sealer.seal(ANNA, "7", "body", b"hello")

    changed = [
        sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        for place in range(len(sealed))
    ]
    for value in (*changed, sealed[:-1], sealed + b"x", b"", b"short"):
        with pytest.raises(KeyUnavailableError):
            sealer.open_sealed(ANNA, "7", "body", value)


async def test_without_a_key_nothing_is_sealed(sealer: Sealer) -> None:
    await sealer.load_keys([ANNA])

    assert not sealer.has_key(ANNA)
    with pytest.raises(KeyUnavailableError):
        sealer.seal(ANNA, "7", "body", b"hello")
    with pytest.raises(KeyUnavailableError):
        sealer.hash_word(ANNA, "word")


async def test_destroyed_keys_are_gone(sealer: Sealer) -> None:
    await sealer.create_keys([ANNA, BEN])
    sealed = sealer.seal(ANNA, "7", "body", b"hello")
    kept = sealer.seal(BEN, "7", "body", b"hello")

    await sealer.destroy_keys([ANNA, ConversationId("unknown")])
    await sealer.destroy_keys([])
    await sealer.load_keys([ANNA, BEN])

    assert not sealer.has_key(ANNA)
    with pytest.raises(KeyUnavailableError):
        sealer.open_sealed(ANNA, "7", "body", sealed)
    assert sealer.open_sealed(BEN, "7", "body", kept) == b"hello"


async def test_rotation_keeps_what_is_alive(sealer: Sealer) -> None:
    await sealer.create_keys([ANNA])
    sealed = sealer.seal(ANNA, "7", "body", b"hello")

    epochs = [await sealer.rotate() for _ in range(3)]
    await sealer.create_keys([BEN])
    await sealer.load_keys([ANNA, BEN])

    assert epochs == [1, 2, 3]
    assert sealer.open_sealed(ANNA, "7", "body", sealed) == b"hello"
    assert sealer.has_key(BEN)


async def test_no_keys_for_nobody(sealer: Sealer) -> None:
    await sealer.create_keys([])
    await sealer.load_keys([])


def test_a_visitor_is_recognised_by_channel_and_sender(sealer: Sealer) -> None:
    (first,) = sealer.lookups(Channel.TELEGRAM, "12345")

    assert sealer.lookups(Channel.TELEGRAM, "12345") == [first]
    assert len(first) == 32
    assert b"12345" not in first
    others = [(Channel.WEB, "12345"), (Channel.TELEGRAM, "12346"), (Channel.TELEGRAM, "")]
    assert all(sealer.lookups(*other) != [first] for other in others)


def test_broken_senders_are_told_apart(sealer: Sealer) -> None:
    senders = ["\ud800", "\ud801", "?", "\x00", ""]
    hashes = {sealer.lookups(Channel.WEB, sender)[0] for sender in senders}
    assert len(hashes) == len(senders)


async def test_a_code_word_is_tolerant_to_writing(sealer: Sealer) -> None:
    await sealer.create_keys([ANNA])
    expected = sealer.hash_word(ANNA, "Blå bær")

    assert all(
        sealer.hash_word(ANNA, word) == expected
        for word in ("blå bær", " BLÅBÆR ", "bla\N{COMBINING RING ABOVE}bær", "blå-bær.")
    )


async def test_a_code_word_tells_words_and_conversations_apart(sealer: Sealer) -> None:
    await sealer.create_keys([ANNA, BEN])
    words = ["sun", "moon", "ตะวัน", "ข้าว", "ข่าว", "ขาว", "солнце", "🌞", "🌙", "🌞🌙", "☀️", "❄️"]
    hashes = {sealer.hash_word(of, word) for of in (ANNA, BEN) for word in words}

    assert len(hashes) == 2 * len(words)
    assert not any(word in digest for word in words for digest in hashes)


async def test_a_code_word_survives_rotation(sealer: Sealer) -> None:
    await sealer.create_keys([ANNA])
    before = sealer.hash_word(ANNA, "sun")
    await sealer.rotate()
    await sealer.load_keys([ANNA])
    assert sealer.hash_word(ANNA, "sun") == before


async def test_who_has_a_key(sealer: Sealer) -> None:
    assert set(await sealer.holders()) == set()
    await sealer.create_keys([ANNA, BEN])
    assert set(await sealer.holders()) == {ANNA, BEN}
    await sealer.destroy_keys([ANNA])
    await sealer.rotate()
    assert set(await sealer.holders()) == {BEN}
