"""What every store promises about accounts, sessions and the audit trail."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.audit import AuditEvent, Happening, Verification
from bot.domain.errors import AliasError, StoreUnavailableError
from bot.domain.factors import Account, Factors, Passkey, Password, Session
from bot.domain.staff import Role, Staff, StaffId
from bot.ports import Sealer, Store
from bot.staff_ports import Invitation
from tests.support.stores import MINUTE, NOW, begun

ANA, BO = StaffId("ana"), StaffId("bo")
FACTORS = Factors(
    (Passkey(b"\x00id", b"public", 7, "passkey", NOW),), Password("$argon2id$…", b"secret", 42)
)


class StoppedError(Exception):
    """Raised in the middle of a transaction."""


def person(id_: StaffId, **changes: object) -> Staff:
    made = Staff(id_, id_.title(), frozenset({Role.RESPONDER, Role.EDITOR}), NOW, "da")
    return replace(made, **changes)  # type: ignore[arg-type]


def session(id_: str, staff: Staff) -> Session:
    return Session(id_, staff, NOW, NOW, NOW, secret=b"s" * 32)


def happening(event: AuditEvent = AuditEvent.SIGNED_IN, **changes: object) -> Happening:
    return replace(Happening(ANA, event, NOW, "ana", "passkey"), **changes)  # type: ignore[arg-type]


@pytest.fixture
async def ana(store: Store) -> Account:
    async with store.begin() as unit:
        await unit.staff.add(Account(person(ANA), FACTORS))
    return Account(person(ANA), FACTORS, version=1)


async def test_an_account_comes_back_as_it_was_stored(store: Store, ana: Account) -> None:
    async with store.begin() as unit:
        assert await unit.staff.get(ANA) == ana
        assert await unit.staff.get(ANA, lock=True) == ana
        assert await unit.staff.find(" aNA ") == ana
        assert await unit.staff.all() == [ana]
        assert await unit.staff.get(BO) is None
        assert await unit.staff.find("Bo") is None


async def test_an_alias_belongs_to_one_person_whatever_its_case(store: Store, ana: Account) -> None:
    with pytest.raises(AliasError):
        async with store.begin() as unit:
            await unit.staff.add(Account(person(BO, alias="ANA")))
    async with store.begin() as unit:
        assert await unit.staff.all() == [ana]


async def test_an_account_is_saved_under_the_version_that_was_read(
    store: Store, ana: Account
) -> None:
    off = replace(ana, staff=replace(ana.staff, disabled=True), factors=Factors())
    async with store.begin() as unit:
        await unit.staff.save(off)
    with pytest.raises(StoreUnavailableError):
        async with store.begin() as unit:
            await unit.staff.save(ana)
    async with store.begin() as unit:
        assert await unit.staff.get(ANA) == replace(off, version=2)


async def test_only_the_last_invitation_counts(store: Store, ana: Account) -> None:
    first, second = (Invitation(bytes([n]) * 32, ANA, NOW + n * MINUTE) for n in (1, 2))
    async with store.begin() as unit:
        await unit.staff.invite(first)
        await unit.staff.invite(second)
        assert await unit.staff.invitation(first.token_hash) is None
        assert await unit.staff.invitation(second.token_hash) == second
        assert await unit.staff.invited() == {ANA: second.expires_at}
        assert await unit.staff.withdraw_invitation(ANA)
        assert not await unit.staff.withdraw_invitation(ANA)
        assert await unit.staff.invitation(second.token_hash) is None


async def test_a_one_time_value_is_good_once_and_forgotten_later(store: Store) -> None:
    async with store.begin() as unit:
        assert await unit.staff.spend(b"1" * 32, NOW + MINUTE, NOW)
        assert not await unit.staff.spend(b"1" * 32, NOW + MINUTE, NOW)
        assert not await unit.staff.spend(b"1" * 32, NOW + MINUTE, NOW + MINUTE)
        assert await unit.staff.spend(b"1" * 32, NOW + 3 * MINUTE, NOW + 2 * MINUTE)


async def test_a_session_is_found_by_its_token_with_its_owner_as_they_are_now(
    store: Store, ana: Account
) -> None:
    async with store.begin() as unit:
        await unit.sessions.begin(session("one", ana.staff), b"1" * 32)
        await unit.staff.save(replace(ana, staff=replace(ana.staff, disabled=True)))
    async with store.begin() as unit:
        found = await unit.sessions.find(b"1" * 32)
        assert found == session("one", replace(ana.staff, disabled=True))
        assert await unit.sessions.get("one") == found
        assert await unit.sessions.find(b"2" * 32) is None
        assert await unit.sessions.get("two") is None


async def test_a_person_has_one_session(store: Store, ana: Account) -> None:
    async with store.begin() as unit:
        await unit.staff.add(Account(person(BO)))
        await unit.sessions.begin(session("bo", person(BO)), b"b" * 32)
        await unit.sessions.begin(session("one", ana.staff), b"1" * 32)
        await unit.sessions.begin(session("two", ana.staff), b"2" * 32)
        assert await unit.sessions.find(b"1" * 32) is None
        assert await unit.sessions.find(b"2" * 32)
        assert await unit.sessions.find(b"b" * 32)


async def test_a_session_is_touched_renewed_and_ended(store: Store, ana: Account) -> None:
    later = NOW + MINUTE
    async with store.begin() as unit:
        await unit.sessions.begin(session("one", ana.staff), b"1" * 32)
        await unit.sessions.touch("one", later)
        touched = await unit.sessions.get("one")
        assert touched
        assert (touched.seen_at, touched.proved_at) == (later, NOW)
        await unit.sessions.renew("one", b"2" * 32, later + MINUTE)
        assert await unit.sessions.find(b"1" * 32) is None
        renewed = await unit.sessions.find(b"2" * 32)
        assert renewed
        assert (renewed.seen_at, renewed.proved_at) == (later + MINUTE, later + MINUTE)
        await unit.sessions.end("one")
        await unit.sessions.end("one")
        assert await unit.sessions.get("one") is None


async def test_ending_all_sessions_of_one_or_of_everybody(store: Store, ana: Account) -> None:
    async with store.begin() as unit:
        await unit.staff.add(Account(person(BO)))
        for owner in (ana.staff, person(BO)):
            await unit.sessions.begin(session(owner.id, owner), owner.id.encode().ljust(32))
        assert await unit.sessions.end_all(ANA) == 1
        assert await unit.sessions.end_all(ANA) == 0
        assert await unit.sessions.get(BO)
        assert await unit.sessions.end_all() == 1
        assert await unit.sessions.get(BO) is None


async def test_sessions_that_are_over_are_dropped(store: Store, ana: Account) -> None:
    for idle, old, kept in ((1, 0, False), (0, 1, False), (0, 0, True)):
        async with store.begin() as unit:
            await unit.sessions.begin(session("one", ana.staff), b"1" * 32)
            await unit.sessions.drop_over(NOW + idle * MINUTE, NOW + old * MINUTE)
            assert bool(await unit.sessions.get("one")) is kept


# --- the audit trail --------------------------------------------------------------------------


async def test_entries_come_back_in_order_and_prove_themselves(
    store: Store, sealer: Sealer
) -> None:
    first = await sealer.first_chain_key() or (await sealer.chain_key()).key
    for event in (AuditEvent.SIGNED_IN, AuditEvent.AUDIT_READ):
        async with store.begin() as unit:
            await unit.audit.record(happening(event))
            await unit.audit.record(happening(event, reason=""))
    verification = Verification([], first)
    async with store.begin() as unit:
        assert [e.number for e in await unit.audit.after(0, 2)] == [1, 2]
        assert (await unit.audit.last()) == (await unit.audit.after(-1, 100))[-1]
        for entry in await unit.audit.after(-1, 100):
            verification.take(entry)
    report = verification.finish(await sealer.chain_key())
    assert (report.sound, report.entries) == (True, 4)


async def test_the_keys_of_what_was_recorded_are_erased(store: Store, sealer: Sealer) -> None:
    before = await sealer.chain_key()
    async with store.begin() as unit:
        await unit.audit.record(happening())
    after = await sealer.chain_key()
    assert after == before.at(1)


async def test_an_entry_is_part_of_its_transaction(store: Store, sealer: Sealer) -> None:
    async def record_and_stop() -> None:
        async with store.begin() as unit:
            await unit.audit.record(happening())
            raise StoppedError

    with pytest.raises(StoppedError):
        await record_and_stop()
    async with store.begin() as unit:
        assert await unit.audit.last() is None
    assert (await sealer.chain_key()).number == 0


async def test_entries_recorded_at_once_have_numbers_of_their_own(store: Store) -> None:
    async def record() -> None:
        async with store.begin() as unit:
            await unit.audit.record(happening())

    await asyncio.gather(*(record() for _ in range(8)))
    async with store.begin() as unit:
        assert [entry.number for entry in await unit.audit.after(-1, 100)] == list(range(8))


async def test_entries_of_a_span_come_newest_first(store: Store) -> None:
    async with store.begin() as unit:
        for minutes in range(5):
            await unit.audit.record(happening(at=NOW + minutes * MINUTE))
        span = (NOW + MINUTE, NOW + 4 * MINUTE)
        assert [e.number for e in await unit.audit.between(*span)] == [3, 2, 1]
        assert [e.number for e in await unit.audit.between(*span, newest=2)] == [3, 2]


async def test_a_trail_that_lost_its_end_goes_on_with_a_gap(store: Store, sealer: Sealer) -> None:
    """As after a backup was brought back: the key store is further than the trail."""
    async with store.begin() as unit:
        await unit.audit.record(happening())
    await sealer.advance_chain(3)
    async with store.begin() as unit:
        await unit.audit.record(happening())
        assert [entry.number for entry in await unit.audit.after(-1, 100)] == [0, 3]


async def test_a_conversation_has_one_alias_which_goes_with_it(
    store: Store, sealer: Sealer
) -> None:
    anna, ben = await begun(store, sealer, "anna", "ben")
    async with store.begin() as unit:
        alias = await unit.audit.alias_of(anna.id)
        other = await unit.audit.alias_of(ben.id)
    async with store.begin() as unit:
        assert await unit.audit.alias_of(anna.id) == alias
        assert alias != other
        assert anna.id not in alias
        await unit.audit.record(happening(AuditEvent.CONVERSATION_OPENED, subject=alias))
        await unit.conversations.erase([anna.id])
    async with store.begin() as unit:
        assert (await unit.audit.after(-1, 10))[0].happening.subject == alias
    with pytest.raises((StoreUnavailableError, LookupError)):
        async with store.begin() as unit:
            await unit.audit.alias_of(anna.id)


@pytest.mark.parametrize("field", ["actor", "subject", "reason"])
def test_the_trail_takes_no_text(field: str) -> None:
    with pytest.raises(ValueError, match="never text"):
        happening(**{field: "She said: help"})


async def test_one_browser_of_a_person_is_rung(store: Store, ana: Account) -> None:
    async with store.begin() as unit:
        await unit.staff.add(Account(person(BO)))
        await unit.subscriptions.set(ANA, "https://push.example/1")
        await unit.subscriptions.set(ANA, "https://push.example/2")
        await unit.subscriptions.set(BO, "https://push.example/3")
    async with store.begin() as unit:
        both = {ANA: "https://push.example/2", BO: "https://push.example/3"}
        assert await unit.subscriptions.of([ANA, BO]) == both
        assert await unit.subscriptions.of([]) == {}
        await unit.subscriptions.drop(ANA)
        await unit.subscriptions.drop(ANA)
        assert await unit.subscriptions.of([ANA, BO]) == {BO: "https://push.example/3"}
        await unit.subscriptions.drop()
        assert await unit.subscriptions.of([ANA, BO]) == {}


async def test_a_browser_of_nobody_is_not_rung(store: Store) -> None:
    with pytest.raises(StoreUnavailableError):
        async with store.begin() as unit:
            await unit.subscriptions.set(BO, "https://push.example/1")
