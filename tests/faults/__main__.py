"""``python -m tests.faults``: break Havn in every way that is promised to do no harm, and count."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Before python-telegram-bot is imported: durations as timedelta, as its next version has it.
os.environ.setdefault("PTB_TIMEDELTA", "true")

from bot.logs import configure
from tests.faults import full, kills, outages, twice
from tests.faults.forgets import STEPS, Trial
from tests.faults.report import Result, conclude
from tests.support.postgres import Cluster

_EACH = 100


def main() -> int:
    """Return 0 when every bar is held."""
    asked = _arguments()
    # What is broken here is told by the database's side of it, again and again.
    configure("CRITICAL")
    return conclude(asked.run(asked), asked.json)


def _kills(asked: argparse.Namespace) -> Iterator[Result]:
    plan = kills.Plan(asked.kills, asked.random, asked.jobs, asked.seed)
    yield kills.carry_out(plan, _progress).result()


def _forgets(asked: argparse.Namespace) -> Iterator[Result]:
    yield Trial(asked.each, asked.jobs).carry_out()


def _full(asked: argparse.Namespace) -> Iterator[Result]:
    if not full.can_mount():
        yield Result("full disk", failures=["this machine lets no process have a disk of its own"])
        return
    yield full.carry_out(range(asked.disks), asked.jobs)


def _locks(asked: argparse.Namespace) -> Iterator[Result]:
    for seconds in asked.seconds:
        yield asyncio.run(outages.lock(seconds))


def _cuts(asked: argparse.Namespace) -> Iterator[Result]:
    cluster = Cluster.start()
    try:
        yield asyncio.run(outages.connections(cluster, outages.Cuts(asked.seconds, asked.every)))
    finally:
        cluster.stop()


def _twice(asked: argparse.Namespace) -> Iterator[Result]:
    yield twice.carry_out(asked.visitors)
    cluster = Cluster.start()
    try:
        yield twice.carry_out(asked.visitors, cluster.create("twice"))
    finally:
        cluster.stop()


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

    one = programs.add_parser("forgets", help="kill -9 at each step of forgetting (F19, B3)")
    one.add_argument("--each", type=int, default=_EACH, help=f"kills at each of {len(STEPS)} steps")
    one.set_defaults(run=_forgets)

    one = programs.add_parser("full", help="a full disk, at one write after another (F16, B3)")
    one.add_argument("--disks", type=int, default=_EACH, help="with so many pages left and fewer")
    one.set_defaults(run=_full)

    one = programs.add_parser("locks", help="SQLite locked by another process (F15)")
    one.add_argument("--seconds", type=float, nargs="+", default=[4, 30])
    one.set_defaults(run=_locks)

    one = programs.add_parser("cuts", help="PostgreSQL: cut connections, dying server (F17)")
    one.add_argument("--seconds", type=float, default=600)
    one.add_argument("--every", type=float, default=2)
    one.set_defaults(run=_cuts)

    one = programs.add_parser("twice", help="two processes on one database by mistake (F18)")
    one.add_argument("--visitors", type=int, default=40)
    one.set_defaults(run=_twice)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
