"""The heads of the audit trail in a file beside the database: appended to, never rewritten.

Each line holds the time, the number of the last entry and its digest. Havn only writes it; a copy
that this machine cannot reach is what makes it worth something (docs/operator.md says how).
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from bot.domain.audit import Anchor

_OWNER_ONLY = 0o600


class AnchorFile:
    """The Anchors of an installation."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def add(self, anchor: Anchor) -> None:
        """Append an anchor durably."""
        await asyncio.to_thread(self._append, anchor)

    async def all(self) -> Sequence[Anchor]:
        """Return every anchor in the file."""
        return await asyncio.to_thread(lambda: list(self._read()))

    def _append(self, anchor: Anchor) -> None:
        line = f"{anchor.at.isoformat()} {anchor.number} {anchor.digest.hex()}\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self._path, flags, _OWNER_ONLY), "ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> Iterator[Anchor]:
        if not self._path.exists():
            return
        for line in self._path.read_text("ascii", "replace").splitlines():
            try:
                at, number, digest = line.split(" ")
                yield Anchor(datetime.fromisoformat(at), int(number), bytes.fromhex(digest))
            except ValueError:
                continue
