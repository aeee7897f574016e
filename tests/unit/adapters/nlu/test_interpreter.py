import stat
from pathlib import Path

from bot.adapters.nlu import interpreter


def script(path: Path, says: str, status: int = 0) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\nexit {status}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_operator_s_choice_comes_first(tmp_path: Path) -> None:
    chosen = script(tmp_path / "mine", "3 10")
    script(tmp_path / "bin" / "python3.10", "3 10")
    assert interpreter.find(chosen, {"PATH": str(tmp_path / "bin")}) == chosen


def test_a_shim_that_does_not_work_is_passed_over_for_an_installed_version(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "python3.10", "not installed", status=127)
    good = script(tmp_path / "pyenv" / "versions" / "3.10.13" / "bin" / "python3.10", "3 10")
    environ = {"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path / "pyenv")}
    assert interpreter.find("", environ) == good


def test_another_version_is_not_taken_for_it(tmp_path: Path) -> None:
    wrong = script(tmp_path / "bin" / "python3.10", "3 11")
    assert not interpreter.works(wrong)


def test_with_none_installed_uv_is_asked_to_fetch_one(tmp_path: Path) -> None:
    assert interpreter.find("", {"PATH": str(tmp_path), "HOME": str(tmp_path)}) == "3.10"
