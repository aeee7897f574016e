"""Locks with hashes, lists of parts that are whole, and reasons for what is known and stays."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = {"havn": ROOT / "uv.lock", "havn-nlu": ROOT / "nlu/uv.lock"}
PAGE = (ROOT / "docs/dependencies.md").read_text("utf-8")
# Packages that are our own; everything else is fetched.
OWN = {"havn", "havn-nlu", "rasa-absent"}
UV = shutil.which("uv")


def packages(lock: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(lock.read_text("utf-8"))["package"]
    return found


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_every_file_has_its_hash_and_comes_from_one_place(lock: Path) -> None:
    for package in packages(lock):
        if package["name"] in OWN:
            continue
        assert package["source"] == {"registry": "https://pypi.org/simple"}, package["name"]
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files, package["name"]
        for file in files:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]), package["name"]
            assert file["url"].startswith("https://"), package["name"]


@pytest.mark.skipif(UV is None, reason="uv is not installed here")
def test_the_lists_of_parts_hold_what_is_installed(tmp_path: Path) -> None:
    subprocess.run([ROOT / "deploy/sbom", tmp_path], check=True, timeout=60)
    for part, lock in LOCKS.items():
        bill = json.loads((tmp_path / f"{part}.cdx.json").read_text("utf-8"))
        assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
        locked = {one["name"]: one.get("version") for one in packages(lock)}
        listed = {one["name"]: one.get("version") for one in bill["components"]}
        assert listed.items() <= locked.items()
        for part_ in bill["components"]:
            if part_["name"] in OWN:
                continue
            assert part_["purl"] == f"pkg:pypi/{part_['name']}@{part_['version']}"
            hashes = [h for file in part_["externalReferences"] for h in file["hashes"]]
            assert {h["alg"] for h in hashes} == {"SHA-256"}
        [own] = [one for one in packages(lock) if one["name"] == part]
        assert {one["name"] for one in own["dependencies"]} <= set(listed)


def test_tools_of_the_workshop_are_in_no_list(tmp_path: Path) -> None:
    subprocess.run([ROOT / "deploy/sbom", tmp_path], check=True, timeout=60)
    for part in LOCKS:
        bill = json.loads((tmp_path / f"{part}.cdx.json").read_text("utf-8"))
        assert {one["name"] for one in bill["components"]} & {"pytest", "mypy", "ruff"} == set()


def exceptions() -> list[tuple[str, str, str, str]]:
    rows = re.findall(
        r"^\| ([a-z0-9-]+) ([\w.]+) \| (CVE-\d+-\d+|GHSA-[a-z0-9-]+) \| .+? \| (.+?) \|$",
        PAGE,
        re.MULTILINE,
    )
    return [(name, version, number, reason) for name, version, number, reason in rows]


def test_an_exception_is_of_the_nlu_unit_names_what_is_locked_and_says_why() -> None:
    locked = {one["name"]: one.get("version") for one in packages(LOCKS["havn-nlu"])}
    listed = exceptions()
    assert len(listed) >= 15
    for name, version, number, reason in listed:
        assert locked.get(name) == version, f"{number}: {name} {version} is not what is locked"
        assert len(reason) >= 8, number
    numbers = [number for _, _, number, _ in listed]
    assert len(numbers) == len(set(numbers))


def test_the_audit_ignores_exactly_what_the_page_lists(tmp_path: Path) -> None:
    """And for the NLU unit only: for Havn's own lock nothing is ignored."""
    said = tmp_path / "said"
    fake = tmp_path / "uv"
    fake.write_text(f'#!/bin/sh\necho "$@" >> "{said}"\n', "utf-8")
    fake.chmod(0o700)
    subprocess.run(
        [ROOT / "deploy/audit"], check=True, timeout=60, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}
    )
    havn, nlu = said.read_text("utf-8").splitlines()
    assert "--ignore" not in havn
    assert set(re.findall(r"--ignore (\S+)", nlu)) == {number for _, _, number, _ in exceptions()}
    for line in (havn, nlu):
        assert line.startswith("audit ")
        assert "--frozen" in line


@pytest.mark.parametrize(
    ("first", "second", "status"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (0, 2, 2), (2, 0, 2)]
)
def test_the_audit_fails_when_either_lock_does(
    tmp_path: Path, first: int, second: int, status: int
) -> None:
    fake = tmp_path / "uv"
    fake.write_text(
        f"#!/bin/sh\ncase $3 in */nlu) exit {second};; *) exit {first};; esac\n", "utf-8"
    )
    fake.chmod(0o700)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run([ROOT / "deploy/audit"], check=False, timeout=60, env=env)
    assert done.returncode == status
