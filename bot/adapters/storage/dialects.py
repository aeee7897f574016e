"""What SQLite and PostgreSQL say differently."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

# An insert that knows ON CONFLICT; both dialects have one of the same shape.
Insert = Callable[[Table], Any]


def per_dialect(build: Callable[[Insert], Executable]) -> Mapping[str, Executable]:
    """Return a statement for each dialect, by its name."""
    return {"sqlite": build(sqlite.insert), "postgresql": build(postgresql.insert)}
