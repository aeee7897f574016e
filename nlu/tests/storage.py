"""Where a component of Rasa keeps what it learned: in a folder of the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Storage:
    """Stands in for Rasa's ModelStorage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def write_to(self, _resource: object) -> Iterator[Path]:
        """Lend the folder."""
        yield self._folder

    read_from = write_to
