"""The machine: interpreter, disk, and what could carry memory to the disk."""

import resource
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.adapters.ballast import SIZE
from bot.commands.examination.finding import Finding, Mark
from bot.settings import Settings

AREA = "Machine"
_MIB = 1 << 20
_OLDEST = (3, 11)
_FULL, _NEARLY_FULL = 90, 80
_SWAPS = Path("/proc/swaps")
# systemd-timesyncd touches it; other time services leave no such sign.
_SYNCHRONISED = Path("/run/systemd/timesync/synchronized")


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the machine."""
    yield _python()
    yield _space(settings.data_dir)
    yield _ballast(settings.data_dir / "ballast")
    yield _swap(_SWAPS)
    yield _core_dumps()
    yield _clock(_SYNCHRONISED)


def existing(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= _OLDEST:
        return Finding(AREA, "Python", Mark.FINE, found)
    return Finding(AREA, "Python", Mark.STOP, found, "install Python 3.11 or newer")


def _space(folder: Path) -> Finding:
    usage = shutil.disk_usage(existing(folder))
    share = round(100 * usage.used / usage.total)
    found = f"{share} % used, {usage.free // _MIB} MiB free"
    if share >= _FULL:
        return Finding(
            AREA, "Disk", Mark.LOOK, found, "free some space now: a full disk takes no message"
        )
    if share >= _NEARLY_FULL:
        return Finding(AREA, "Disk", Mark.LOOK, found, "find what grows before it is full")
    return Finding(AREA, "Disk", Mark.FINE, found)


def _ballast(path: Path) -> Finding:
    """Look for the room kept in reserve: on a full disk even deleting needs some."""
    if path.is_file() and path.stat().st_size >= SIZE:
        return Finding(AREA, "Reserve", Mark.FINE, f"{SIZE // _MIB} MiB, given back on a full disk")
    if not path.parent.exists():
        return Finding(AREA, "Reserve", Mark.FINE, "made at the first start")
    return Finding(
        AREA,
        "Reserve",
        Mark.LOOK,
        "none: on a full disk even forgetting fails",
        "free some space; havn serve lays the reserve in at its next start",
    )


def _swap(path: Path) -> Finding:
    try:
        areas = len(path.read_text("ascii").splitlines()) - 1
    except (OSError, ValueError):
        return Finding(AREA, "Swap", Mark.UNKNOWN, "cannot be told here", "switch swap off")
    if areas <= 0:
        return Finding(AREA, "Swap", Mark.FINE, "off")
    return Finding(
        AREA,
        "Swap",
        Mark.LOOK,
        "on: what visitors write could reach the disk",
        "swapoff -a, or run Havn by deploy/havn.service (MemorySwapMax=0)",
    )


def _core_dumps() -> Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_CORE)
    if limit == 0:
        return Finding(AREA, "Core dumps", Mark.FINE, "off in this shell")
    return Finding(
        AREA,
        "Core dumps",
        Mark.LOOK,
        "on in this shell: a crash could write memory to the disk",
        "ulimit -c 0 before havn serve, or run it by deploy/havn.service (LimitCORE=0)",
    )


def _clock(path: Path) -> Finding:
    if path.exists():
        return Finding(AREA, "Clock", Mark.FINE, "set by a time service")
    return Finding(
        AREA,
        "Clock",
        Mark.UNKNOWN,
        "no sign of a time service",
        "make sure one runs: opening hours and deletion rest on the clock",
    )
