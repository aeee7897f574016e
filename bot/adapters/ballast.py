"""Room kept in reserve: on a full disk even deleting fails, and forgetting must never fail."""

import os
import shutil
from pathlib import Path

from bot.logs import error_class, logger

log = logger(__name__)

# Enough for a journal that deletes every conversation (security-reliability.md 4.1, Database).
SIZE = 64 * 1024 * 1024
# The reserve is only laid in again where plenty is free, or it would fill the disk itself.
_PLENTY = 4


class Ballast:
    """A file that takes up room until it is needed."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path = path
        self._size = size

    def fill(self) -> None:
        """Lay the reserve in if it is missing and there is room for it."""
        try:
            free = shutil.disk_usage(self._path.parent).free
            if self._path.exists() or free < _PLENTY * self._size:
                return
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError as error:
            log.warning("ballast_not_laid", error=error_class(error))

    def release(self) -> bool:
        """Give the room back; return whether there was any to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        log.error("ballast_released_disk_full")
        return True
