"""What every Sealer promises about the console's own keys and the key of the audit trail."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.sealing import EphemeralKeys, KeyRing
from bot.domain.errors import KeyUnavailableError
from bot.staff_ports import Vault


@pytest.fixture(params=["memory", "folder"])
async def vault(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Vault]:
    if request.param == "memory":
        yield EphemeralKeys()
        return
    ring = KeyRing.open(tmp_path)
    yield ring
    ring.close()


def test_what_is_sealed_opens_in_its_place_only(vault: Vault) -> None:
    sealed = vault.seal_own("staff:ana", b"secret")
    assert b"secret" not in sealed
    assert vault.open_own("staff:ana", sealed) == b"secret"
    for place, value in (("staff:bo", sealed), ("staff:ana", sealed[:-1]), ("staff:ana", b"")):
        with pytest.raises(KeyUnavailableError):
            vault.open_own(place, value)


async def test_the_key_of_the_trail_goes_forward_only(vault: Vault) -> None:
    first = await vault.chain_key()
    assert first.number == 0
    assert await vault.chain_key() == first
    await vault.advance_chain(3)
    assert await vault.chain_key() == first.at(3)
    await vault.advance_chain(1)
    assert await vault.chain_key() == first.at(3)


async def test_the_first_key_stays_until_it_is_handed_over(vault: Vault) -> None:
    first = await vault.chain_key()
    await vault.advance_chain(3)
    assert await vault.first_chain_key() == first.key
    await vault.hand_over_first_chain_key()
    assert await vault.first_chain_key() is None
    assert await vault.chain_key() == first.at(3)
