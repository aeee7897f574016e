"""What a database complains about never says what was written."""

import logging
import traceback
from collections.abc import AsyncIterator

import pytest

from bot.adapters.sealing import EphemeralKeys
from bot.adapters.storage import SqlStore
from bot.domain.errors import KeyUnavailableError, StoreUnavailableError
from bot.domain.messages import Channel
from bot.ports import Sealer, Timer
from tests.support.stores import NOW, arrival, begun, conversation, lookup, opened, outgoing

CANARY = "canary-7c1e"
# The content of another message: sealed for another place.
_SWAPPED = "(SELECT body FROM messages ORDER BY id DESC LIMIT 1)"


@pytest.fixture
def sealer() -> Sealer:
    return EphemeralKeys()


@pytest.fixture
async def store(database: str, sealer: Sealer) -> AsyncIterator[SqlStore]:
    async with opened(database, sealer) as store:
        yield store


def told_by(error: BaseException) -> str:
    """Return all that an error and its causes tell anybody who prints them."""
    lines = traceback.format_exception(error)
    cause: BaseException | None = error
    while cause is not None:
        lines += [str(cause), repr(cause)]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines)


@pytest.mark.parametrize("failure", ["twice", "repeated id", "no conversation", "too long"])
async def test_parameters_never_enter_an_error(
    store: SqlStore, sealer: Sealer, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sqlalchemy")
    (anna,) = await begun(store, sealer, CANARY)
    lost = conversation(CANARY)
    await sealer.create_keys([lost.id])
    posted = outgoing(anna, screen=CANARY)

    async def fail() -> None:
        async with store.begin() as unit:
            match failure:
                case "twice":
                    await unit.conversations.add({lookup(CANARY): lost})
                case "repeated id":
                    await unit.messages.post([posted, posted])
                case "no conversation":
                    await unit.messages.accept([arrival(lost, CANARY)])
                case "too long":
                    await unit.timers.set(Timer(lost.id, CANARY * 9, NOW))

    with pytest.raises(StoreUnavailableError) as caught:
        await fail()

    told = told_by(caught.value)
    assert len(str(caught.value)) < 60
    for secret in (CANARY, lookup(CANARY).hex()):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
    assert "SELECT" not in str(caught.value)
    assert "parameters:" not in told
    assert CANARY not in caplog.text


async def test_a_value_that_was_moved_does_not_open(store: SqlStore, sealer: Sealer) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        await unit.messages.post([outgoing(anna), outgoing(ben)])
    await _run(
        store,
        "UPDATE messages SET body = (SELECT body FROM messages ORDER BY id LIMIT 1)",
        "UPDATE conversations SET memory = "
        f"(SELECT memory FROM conversations WHERE id = '{anna.id}')",
    )

    async with store.begin() as unit:
        assert list(await unit.conversations.load([anna.id])) == [anna.id]
        with pytest.raises(KeyUnavailableError):
            await unit.conversations.load([ben.id])


async def test_a_message_that_does_not_open_is_given_up(store: SqlStore, sealer: Sealer) -> None:
    """Or it would hold up every message after it, for ever."""
    anna, ben = await begun(store, sealer, "anna", "ben")
    broken, next_one, other = outgoing(anna), outgoing(anna), outgoing(ben)
    async with store.begin() as unit:
        await unit.messages.post([broken, next_one, other])
    await _run(store, f"UPDATE messages SET body = {_SWAPPED} WHERE id = {broken.id}")

    async with store.begin() as unit:
        due = await unit.messages.due(Channel.TELEGRAM, NOW, 10)
        assert [message.id for message in due] == [other.id]
    async with store.begin() as unit:
        due = await unit.messages.due(Channel.TELEGRAM, NOW, 10)
        assert [message.id for message in due] == [next_one.id, other.id]


async def test_a_conversation_without_its_key_counts_as_forgotten(
    store: SqlStore, sealer: Sealer
) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    await sealer.destroy_keys([anna.id])

    async with store.begin() as unit:
        assert list(await unit.conversations.load([anna.id, ben.id])) == [ben.id]
        with pytest.raises(KeyUnavailableError):
            await unit.conversations.save([anna])


async def test_wiped_content_is_gone_and_the_rest_stays(store: SqlStore, sealer: Sealer) -> None:
    (anna,) = await begun(store, sealer, "anna")
    kept, wiped = (arrival(anna, reference=name, hint="da") for name in ("kept", "wiped"))
    async with store.begin() as unit:
        await unit.messages.accept([kept, wiped])
        await unit.messages.settle([kept, wiped], wipe={wiped.id, posted_elsewhere()})

    rows = await _run(
        store, "SELECT body IS NULL, aside IS NULL, reference IS NULL FROM messages ORDER BY id"
    )
    assert [tuple(map(bool, row)) for row in rows] == [(False, True, False), (True, True, False)]


def posted_elsewhere() -> int:
    return outgoing(conversation()).id


async def _run(store: SqlStore, *statements: str) -> list[tuple[object, ...]]:
    async with store._engine.begin() as connection:
        for statement in statements:
            result = await connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []
