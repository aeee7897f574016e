"""The doctor on what is published: keys in their place, and nothing forged in force."""

from pathlib import Path

import pytest

from bot.adapters.signing import LastGoodFile, Signer
from bot.commands.examination import Finding, Mark
from bot.commands.examination.content import examine
from bot.content_ports import Signed
from bot.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "var")


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(settings)}


def sign(settings: Settings) -> Signer:
    return Signer.open(settings.signing_key_file, settings.content_folder / "signer.pub")


def test_nothing_is_made_where_nothing_was(settings: Settings) -> None:
    assert {finding.mark for finding in found(settings).values()} == {Mark.FINE}
    assert not settings.data_dir.exists()


def test_a_key_that_others_can_read_stops(settings: Settings) -> None:
    sign(settings)
    assert found(settings)["Signer"].mark is Mark.LOOK
    settings.signing_key_file.chmod(0o640)
    assert found(settings)["Signer"].mark is Mark.STOP


def test_a_lost_private_key_stops(settings: Settings) -> None:
    sign(settings)
    settings.signing_key_file.unlink()
    assert found(settings)["Signer"].mark is Mark.STOP


def test_a_forged_bundle_is_told(settings: Settings) -> None:
    signer = sign(settings)
    file = LastGoodFile(settings.content_folder / "last-good.json")
    file.write(Signed(1, b"{}", signer.sign(b"{}")))
    assert found(settings)["Published"].found == "bundle 1, signed"
    file.write(Signed(2, b"{} ", b"0" * 64))
    assert found(settings)["Published"].mark is Mark.LOOK
