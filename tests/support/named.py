"""Tests that a page names: a page must not promise what nobody checks."""

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def named_tests(text: str) -> Sequence[tuple[str, str]]:
    """Return path and name of each test that a text names."""
    return _NAMED.findall(text)


def missing_tests(text: str) -> Sequence[str]:
    """Return what a text names that is no test, in words."""
    found = []
    for path, name in named_tests(text):
        if not (ROOT / path).is_file():
            found.append(f"no file {path}")
        elif not name.startswith("test_") or name not in _functions(path):
            found.append(f"no test {path}::{name}")
    return found


@cache
def _functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))
