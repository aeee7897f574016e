"""The doctor on staff: who could answer, who could let somebody in, where the trail's key lies."""

import asyncio
from pathlib import Path

import pytest

from bot.bootstrap import open_store
from bot.commands import audit, staff
from bot.commands.examination import Finding, Mark
from bot.commands.examination import staff as examination
from bot.domain.factors import Factors, Passkey
from bot.settings import Settings
from tests.support.fakes import OPEN


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "var")


def found(settings: Settings) -> dict[str, Finding]:
    async def examine() -> list[Finding]:
        return [finding async for finding in examination.examine(settings)]

    return {finding.what: finding for finding in asyncio.run(examine())}


async def enrol_everybody(settings: Settings) -> None:
    key = Passkey(b"id", b"public", 0, "passkey", OPEN)
    async with open_store(settings) as (store, _), store.begin() as unit:
        for account in await unit.staff.all():
            await unit.staff.withdraw_invitation(account.staff.id)
            await unit.staff.save(type(account)(account.staff, Factors((key,)), account.version))


def test_nothing_is_made_where_nothing_was(settings: Settings) -> None:
    seen = found(settings)
    assert seen["Counsellors"].found == "nobody can answer a visitor"
    assert seen["Administrators"].found == "none"
    assert seen["Key of the audit trail"].mark is Mark.FINE
    assert not settings.data_dir.exists()


def test_who_has_not_enrolled_cannot_answer(settings: Settings) -> None:
    asyncio.run(staff.invite(settings, "Ana", ["counsellor"]))
    asyncio.run(staff.invite(settings, "Root", ["admin"]))
    assert found(settings)["Counsellors"].mark is Mark.LOOK
    asyncio.run(enrol_everybody(settings))
    seen = found(settings)
    assert (seen["Counsellors"].mark, seen["Counsellors"].found) == (Mark.FINE, "1 can sign in")
    assert (seen["Administrators"].mark, "only one" in seen["Administrators"].found) == (
        Mark.LOOK,
        True,
    )
    asyncio.run(staff.disable(settings, "Ana"))
    assert found(settings)["Counsellors"].mark is Mark.LOOK


def test_a_key_that_still_lies_here_is_told(settings: Settings) -> None:
    asyncio.run(staff.invite(settings, "Ana", ["counsellor"]))
    assert found(settings)["Key of the audit trail"].mark is Mark.LOOK
    asyncio.run(audit.start(settings))
    assert found(settings)["Key of the audit trail"].mark is Mark.FINE


@pytest.mark.parametrize(
    ("url", "mark"), [("", Mark.LOOK), ("https://staff.example.org", Mark.FINE)]
)
def test_the_address_of_the_console(tmp_path: Path, url: str, mark: Mark) -> None:
    settings = Settings(data_dir=tmp_path / "var", console_url=url)
    assert found(settings)["Console"].mark is mark


def test_an_address_that_cannot_be_read_is_no_crash(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url="postgresql://x@/y?host=/nowhere")
    assert found(settings)["Accounts"].mark is Mark.UNKNOWN
