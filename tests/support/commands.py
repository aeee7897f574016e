"""``havn`` as a person runs it, and the same command without the start of a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import logs
from bot.cli import main
from tests.support.deck import ROOT

Done = subprocess.CompletedProcess[str]


def havn(tmp_path: Path, *arguments: str, **settings: str) -> Done:
    """Run a command in a process of its own: over a second of imports, once for each kind."""
    environ = {**os.environ, **_environ(tmp_path), **settings}
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def havn_here(tmp_path: Path, *arguments: str, **settings: str) -> Done:
    """Run a command in this process, whose logging stays as it is; what it raises is raised."""
    environ = {**_environ(tmp_path), **settings}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(logs, "configure", lambda _level="": None)
        done = CliRunner(env=environ).invoke(main, arguments, catch_exceptions=False)
    return Done(arguments, done.exit_code, done.stdout, done.stderr)


def _environ(tmp_path: Path) -> dict[str, str]:
    return {"HAVN_DATA_DIR": str(tmp_path / "var"), "HAVN_NLU": "off"}
