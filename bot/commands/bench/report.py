"""What a benchmark says: figures with their bar, and the machine they were measured on."""

import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.domain.errors import ConfigurationError
from bot.settings import Settings

# The bars are set for a machine of this size; a larger one is held to it where the system can.
CORES = 2
_PARTS = ("havn", "sqlalchemy", "cryptography", "starlette", "uvicorn")
_SYNCS = 100
_PAGE = bytes(4096)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. ``at_least`` and ``at_most`` are its bar; a figure may have none."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    runs: Sequence[float] = ()

    @property
    def ratio(self) -> float | None:
        """Return how many times better than its bar it is: 1 and more is held."""
        if self.at_least is not None:
            return self.value / self.at_least
        if self.at_most is not None:
            return self.at_most / self.value if self.value else float(self.at_most == 0) or 1.0
        return None

    @property
    def held(self) -> bool:
        """Tell whether the bar is held; a figure without a bar holds it."""
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; absent parts are left out."""
        shape = {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "ratio": None if self.ratio is None else round(self.ratio, 2),
            "held": None if self.ratio is None else self.held,
            "runs": [round(run, 3) for run in self.runs] or None,
        }
        return {name: value for name, value in shape.items() if value is not None}


@dataclass(slots=True)
class Report:
    """The outcome of one benchmark."""

    bench: str
    machine: Mapping[str, Any]
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Tell whether every bar is held."""
        return all(figure.held for figure in self.figures)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "bench": self.bench,
            "held": self.held,
            "figures": [figure.as_dict() for figure in self.figures],
            "notes": self.notes,
            "machine": dict(self.machine),
        }

    def show(self, *, as_json: bool) -> None:
        """Print it, and end with status 1 where a bar is missed."""
        if as_json:
            click.echo(json.dumps(self.as_dict(), indent=2, ensure_ascii=False))
        else:
            self._print()
        if not self.held:
            sys.exit(1)

    def _print(self) -> None:
        table = Table("", "measured", "bar", "times the bar", title=f"havn bench {self.bench}")
        for figure in self.figures:
            table.add_row(
                figure.name.replace("_", " "),
                f"{figure.value:,.4g} {figure.unit}",
                _bar(figure),
                "" if figure.ratio is None else f"{figure.ratio:.2f}",
                style="" if figure.held else "red",
            )
        console = Console()
        console.print(table)
        for note in self.notes:
            console.print(f"- {note}")
        for name, value in self.machine.items():
            console.print(f"[dim]{name}: {value}[/]")


def _bar(figure: Figure) -> str:
    if figure.at_least is not None:
        return f"at least {figure.at_least:g}"
    return "" if figure.at_most is None else f"at most {figure.at_most:g}"


def of_runs(name: str, runs: Sequence[float], unit: str, **bar: float) -> Figure:
    """Return the median of several runs as a figure."""
    return Figure(name, median(runs), unit, runs=tuple(runs), **bar)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def latencies(
    prefix: str, seconds: Sequence[float], bars: Mapping[float, float] | None = None
) -> list[Figure]:
    """Return p50, p95 and p99 in milliseconds; ``bars`` holds limits in milliseconds by share."""
    bars = bars or {}
    return [
        Figure(
            f"{prefix}_p{round(share * 100)}",
            percentile(seconds, share) * 1000,
            "ms",
            at_most=bars.get(share),
        )
        for share in (0.5, 0.95, 0.99)
    ]


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """Yield an empty folder on the disk of the data folder, and remove it."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as folder:
            yield Path(folder).resolve()
    except OSError as error:
        raise ConfigurationError(
            f"no folder can be made in {settings.data_dir}: {error.strerror}; set HAVN_DATA_DIR"
        ) from error


def machine(folder: Path) -> dict[str, Any]:
    """Describe what a benchmark runs on; ``folder`` lies on the disk that is written to."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu(),
        "cores": _limit_cores(),
        "cores_of_machine": os.cpu_count(),
        "memory_gib": round(_memory_bytes() / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "disk": _disk(folder),
        "versions": {part: version(part) for part in _PARTS},
    }


def _cpu() -> str:
    """Return the model as the kernel names it, where it does."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _limit_cores() -> int:
    """Keep this process to as many cores as the bars assume; return how many it may use."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    return len(cores)


def _disk(folder: Path) -> str:
    """Say what lies below a folder and how long a synced page takes there, in milliseconds."""
    took: list[float] = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_SYNCS):
            file.write(_PAGE)
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return f"{_file_system(folder)}, 4 KiB fsync median {median(took) * 1000:.2f} ms"


def _file_system(folder: Path) -> str:
    """Return type and device of the mount a folder lies on, as far as the system tells."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    except OSError:
        return "unknown file system"
    fitting = [(len(m[1]), m[2], m[0]) for m in mounts if folder.is_relative_to(m[1])]
    _, kind, device = max(fitting, default=(0, "unknown file system", "?"))
    return f"{kind} on {device}"
