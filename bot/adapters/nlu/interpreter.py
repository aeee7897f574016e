"""Finds a CPython 3.10 for the NLU unit: set, installed, or fetched by uv where it can be."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

WANTED = (3, 10)
_PROBE = "import sys; print(*sys.version_info[:2])"


def candidates(setting: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield interpreters to try, the operator's own choice first."""
    if setting:
        yield setting
    on_path = shutil.which("python3.10", path=environ.get("PATH"))
    if on_path:
        yield on_path
    root = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv")
    for python in sorted(root.glob("versions/3.10.*/bin/python3.10"), reverse=True):
        yield str(python)


def works(python: str) -> bool:
    """Run an interpreter and tell whether it is the right one: a shim may exist and not work."""
    try:
        result = subprocess.run(  # noqa: S603 -- paths the operator or the system names
            [python, "-c", _PROBE], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0 and result.stdout.split() == [str(n) for n in WANTED]


def find(setting: str = "", environ: Mapping[str, str] = os.environ) -> str:
    """Return the first interpreter that works, or ``3.10`` for uv to fetch one."""
    for python in candidates(setting, environ):
        if works(python):
            return python
    return "3.10"
