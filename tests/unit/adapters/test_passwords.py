"""Password hashes, and which passwords a guesser finds soon."""

import asyncio
import threading
from dataclasses import replace

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from argon2.profiles import CHEAPEST

from bot.adapters.passwords import Argon2Hasher

WORDS = "grey harbour seven lanterns"


@pytest.fixture
def hasher() -> Argon2Hasher:
    return Argon2Hasher(PasswordHasher.from_parameters(CHEAPEST))


async def test_a_password_fits_its_hash_only(hasher: Argon2Hasher) -> None:
    hashed = await hasher.hash(WORDS)
    assert await hasher.verify(hashed, WORDS)
    assert not await hasher.verify(hashed, WORDS + " ")
    assert not await hasher.verify(None, WORDS)
    assert not await hasher.verify("nonsense", WORDS)
    assert hashed != await hasher.hash(WORDS)


async def test_any_string_can_be_a_password(hasher: Argon2Hasher) -> None:
    odd = "\ud800\0æøå" + "x" * 300
    assert await hasher.verify(await hasher.hash(odd), odd)


async def test_the_cost_is_the_one_agreed_on() -> None:
    used = extract_parameters(await Argon2Hasher().hash(WORDS))
    assert (used.type, used.memory_cost, used.time_cost, used.parallelism) == (
        *(Type.ID, 65536, 3, 4),
    )


async def test_nobody_costs_as_much_as_somebody() -> None:
    """Not measured: the hash that stands in for nobody's has the same parameters."""
    asked: list[str] = []

    class Recording(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
            asked.append(str(hash))
            return super().verify(hash, password)  # type: ignore[return-value]

    hasher = Argon2Hasher(Recording.from_parameters(CHEAPEST))
    hashed = await hasher.hash(WORDS)
    assert not await hasher.verify(None, WORDS)
    assert not await hasher.verify(hashed, "wrong")
    nobodys, somebodys = (extract_parameters(hashed) for hashed in asked)
    assert replace(nobodys, salt_len=somebodys.salt_len) == somebodys


async def test_no_more_than_four_at_once() -> None:
    going, most, lock = 0, 0, threading.Lock()
    release = threading.Event()

    class Slow(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            nonlocal going, most
            with lock:
                going += 1
                most = max(most, going)
            release.wait(0.1)
            with lock:
                going -= 1
            return "hash"

    hasher = Argon2Hasher(Slow())
    await asyncio.gather(*(hasher.hash(WORDS) for _ in range(12)))
    assert most == 4


@pytest.mark.parametrize(
    "password",
    [
        "password1234567",
        "qwertyuiopasdfgh",
        "aaaaaaaaaaaaaaaaaaaa",
        "havnhavnhavnhavn",
        "123456789012345",
        "wonderful penguin",
        "Wonderful Penguin 1",
    ],
)
def test_what_a_guesser_finds_soon(hasher: Argon2Hasher, password: str) -> None:
    assert hasher.is_guessable(password, ("Wonderful Penguin", "havn"))


@pytest.mark.parametrize("password", [WORDS, "tR7#q9Lm2!vX0zWd", "fire blå kopper under broen"])
def test_what_a_guesser_does_not(hasher: Argon2Hasher, password: str) -> None:
    assert not hasher.is_guessable(password, ("Ana", "havn"))
