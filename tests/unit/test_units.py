"""The services as systemd rates them, and what each of them must not see."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy/systemd"
# 0 is best, 10 worst.
BARS = {
    "havn.service": 3.0,
    "havn-purge.service": 3.0,
    "havn-signer.service": 3.0,
    "havn-nlu.service": 2.0,
    "havn-nlu-train.service": 2.0,
}
NLU = ("havn-nlu.service", "havn-nlu-train.service")
ANALYZE = shutil.which("systemd-analyze")


def exposure(path: Path) -> float:
    """Return what systemd makes of a unit file alone."""
    done = subprocess.run(
        [str(ANALYZE), "security", "--offline=yes", str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout[-300:]
    return float(found[1])


def lines(unit: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", (UNITS / unit).read_text("utf-8"), re.MULTILINE)


def hidden(unit: str) -> set[str]:
    return {path.removeprefix("-") for line in lines(unit, "InaccessiblePaths") for path in
            line.split()}  # fmt: skip


def test_every_service_has_a_bar() -> None:
    assert {path.name for path in UNITS.glob("*.service")} == set(BARS)


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed here")
@pytest.mark.parametrize("unit", BARS)
def test_the_exposure_is_below_its_bar_and_as_documented(unit: str) -> None:
    measured = exposure(UNITS / unit)
    assert measured <= BARS[unit]
    readme = (ROOT / "deploy/README.md").read_text("utf-8")
    row = re.search(rf"^\| `{re.escape(unit)}` \| ([\d.]+) \| ([\d.]+) \|", readme, re.MULTILINE)
    assert row, f"deploy/README.md has no row for {unit}"
    assert float(row[2]) == BARS[unit]
    # Versions of systemd weigh a little differently.
    assert abs(float(row[1]) - measured) <= 0.3


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed here")
def test_an_open_service_would_be_rated_so(tmp_path: Path) -> None:
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n", "utf-8")
    assert exposure(bare) > max(BARS.values())


@pytest.mark.parametrize("unit", BARS)
def test_no_service_leaves_memory_on_the_disk_or_sees_the_history_of_the_code(unit: str) -> None:
    assert lines(unit, "LimitCORE") == ["0"]
    assert lines(unit, "MemorySwapMax") == ["0"]
    assert lines(unit, "NoNewPrivileges") == ["yes"]
    assert lines(unit, "UMask") == ["0077"]
    assert {"/etc/havn", "/opt/havn/.git"} <= hidden(unit)


@pytest.mark.parametrize("unit", NLU)
def test_the_nlu_unit_has_no_network_no_secret_and_no_store(unit: str) -> None:
    assert lines(unit, "PrivateNetwork") == ["yes"]
    assert lines(unit, "IPAddressDeny") == ["any"]
    assert lines(unit, "RestrictAddressFamilies") == ["AF_UNIX"]
    assert lines(unit, "LoadCredential") == []
    kept_away = {"/var/lib/havn", "/var/lib/havn-keys", "/var/lib/havn-signing", "/run/postgresql"}
    assert kept_away <= hidden(unit)


def test_the_unit_that_reads_visitors_words_writes_nowhere() -> None:
    assert lines("havn-nlu.service", "ProtectSystem") == ["strict"]
    for key in ("StateDirectory", "CacheDirectory", "LogsDirectory", "ReadWritePaths"):
        assert lines("havn-nlu.service", key) == []


def test_each_key_is_seen_by_one_service_only() -> None:
    assert "/var/lib/havn-signing" in hidden("havn.service")
    assert "/var/lib/havn-keys" in hidden("havn-signer.service")


def test_the_example_of_settings_holds_no_secret_that_works() -> None:
    example = (ROOT / "deploy/havn.toml.example").read_text("utf-8")
    secrets = re.findall(r'^#? ?\w*(?:token|secret|key|password) = "(.*)"', example, re.MULTILINE)
    assert len(secrets) >= 2
    assert all("replace-me" in secret for secret in secrets)
    assert not re.search(r"postgresql://[^/\s]*:[^/\s]*@", example)


def test_secrets_come_as_credentials_and_not_as_variables() -> None:
    for unit in ("havn.service", "havn-signer.service", "havn-purge.service"):
        assert lines(unit, "LoadCredential") == ["havn.toml:/etc/havn/havn.toml"]
        variables = " ".join(lines(unit, "Environment"))
        assert not re.search(r"TOKEN|SECRET|PASSWORD|DATABASE_URL", variables)
