"""Which tests run: the quick ones where nothing is named, all of them before a change lands."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.conftest import ROOT, pytest_configure

SOURCE = pytest.Config.ArgsSource


def chosen(source: SOURCE, **options: str) -> str:
    config = SimpleNamespace(
        args_source=source, option=SimpleNamespace(**{"markexpr": "", "keyword": "", **options})
    )
    pytest_configure(config)
    return config.option.markexpr


@pytest.mark.parametrize("source", [SOURCE.INVOCATION_DIR, SOURCE.TESTPATHS])
def test_what_is_long_waits_until_it_is_named(source: SOURCE) -> None:
    assert chosen(source) == "not long"
    assert chosen(source, keyword="walk") == ""
    assert chosen(source, markexpr="browser") == "browser"
    assert chosen(SOURCE.ARGS) == ""


def test_the_processes_that_run_the_tests_choose_alike() -> None:
    others = [one for one in (ROOT / "tests").iterdir() if one.is_dir() and one.name != "browser"]
    only_long = [f"--ignore={one}" for one in (*others, *(ROOT / "tests").glob("test_*.py"))]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--numprocesses=1", "--setup-plan", *only_long],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, run.stdout[-500:]


def test_all_tests_run_before_a_change_lands() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    runs = [line for line in lines if "run --frozen pytest" in line]
    assert runs
    assert all("--frozen pytest tests" in line for line in runs)
