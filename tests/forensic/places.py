"""Where something may have been left: every file that changed since the start, by place."""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.deck import ROOT

SHARED = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
# Code and its history, which nothing of this writes to.
_SKIPPED = frozenset({".git", ".venv", "__pycache__"})
# What other tests of Havn that run meanwhile leave in the shared folders.
_OTHERS = ("havn-pg-", "havn-forensic-", "pytest-of-")


@dataclass(frozen=True, slots=True)
class Ground:
    """What is searched. ``folder`` is the run's own; ``since`` is when it began, in nanoseconds."""

    folder: Path
    since: int
    postgres: Path | None = None

    def places(self) -> Mapping[str, list[Path]]:
        """Return the files of every place there is; a place without files is searched as well."""
        var = self.folder / "var"
        found: dict[str, list[Path]] = {
            "database": [var / "havn.db"],
            "write-ahead log": [var / "havn.db-wal"],
            "shared memory of the log": [var / "havn.db-shm"],
            "rollback journal": [var / "havn.db-journal"],
            "keys": list(self._below(var / "keys")),
            "published content": list(self._below(var / "content")),
            "logs": [self.folder / "log"],
            "socket of the NLU unit": list(self._below(self.folder / "nlu")),
            "home and caches": list(self._below(self.folder / "home")),
            "NLU unit": [*self._below(ROOT / "nlu"), *self._below(ROOT / "var")],
            "program": list(self._below(ROOT)),
        }
        if self.postgres:
            found["PostgreSQL and its log"] = list(self._below(self.postgres))
        for shared in SHARED:
            found[str(shared)] = list(self._fresh(shared))
        known = {path for files in found.values() for path in files}
        found["rest of the data folder"] = [p for p in self._below(self.folder) if p not in known]
        return {place: [p for p in files if self._is_new(p)] for place, files in found.items()}

    def _fresh(self, shared: Path) -> Iterator[Path]:
        """Yield the files of new or changed entries of a shared folder, without the run's own."""
        own = {self.folder, self.postgres}
        for entry in _listed(shared):
            if entry not in own and not entry.name.startswith(_OTHERS) and self._changed(entry):
                yield from self._below(entry) if entry.is_dir() else [entry]

    def _below(self, folder: Path) -> Iterator[Path]:
        for entry in _listed(folder):
            if entry.is_symlink() or entry.name in _SKIPPED:
                continue
            if entry.is_dir():
                yield from self._below(entry)
            else:
                yield entry

    def _changed(self, path: Path) -> bool:
        try:
            return path.lstat().st_ctime_ns >= self.since
        except OSError:
            return False

    def _is_new(self, path: Path) -> bool:
        """Tell whether a file was written since the start: nothing can set its change time back."""
        return self._changed(path) and stat.S_ISREG(path.lstat().st_mode)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
