"""``python -m tests.faults``: break Havn in every way that is promised to do no harm, and count."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Before python-telegram-bot is imported: durations as timedelta, as its next version has it.
os.environ.setdefault("PTB_TIMEDELTA", "true")

from tests.faults import kills
from tests.faults.report import Result, conclude


def main() -> int:
    """Return 0 when every bar is held."""
    asked = _arguments()
    return conclude(asked.run(asked), asked.json)


def _kills(asked: argparse.Namespace) -> Iterator[Result]:
    plan = kills.Plan(asked.kills, asked.random, asked.jobs, asked.seed)
    yield kills.carry_out(plan, progress=_progress).result()


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty() or done % 100 == 0:
        print(f"\r{done} of {of}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="lives at a time")
    parser.add_argument("--seed", default="1", help="the same seed makes the same choices")
    programs = parser.add_subparsers(required=True, metavar="PROGRAM")
    one = programs.add_parser("kills", help="kill -9 at named points, or at random times (F1, F2)")
    one.add_argument("--kills", type=int, default=1000)
    one.add_argument("--random", action="store_true", help="at random times (F2)")
    one.set_defaults(run=_kills)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
