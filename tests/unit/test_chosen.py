"""Which tests run: the quick ones where nothing is named, all of them before a change lands."""

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


def test_all_tests_run_before_a_change_lands() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    runs = [line for line in lines if "run --frozen pytest" in line]
    assert runs
    assert all("--frozen pytest tests" in line for line in runs)
