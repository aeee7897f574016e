"""``python -m tests.storms``: let the storms loose in full size, and tell what held."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.storms.listening import listening
from tests.storms.outcome import Outcome, Storm
from tests.storms.storms import STORMS


def main() -> int:
    """Return 0 when every promise held."""
    asked = _arguments()
    told = []
    for storm in STORMS:
        if asked.only and storm.name not in asked.only:
            continue
        times = max(1, round(storm.full * asked.scale))
        print(f"{storm.name}: {storm.what}, {times:,} times …", file=sys.stderr, flush=True)
        began = time.monotonic()
        outcome = let_loose(storm, times, asked.seed)
        seconds = time.monotonic() - began
        print(_row(storm, outcome, times, seconds), flush=True)
        facts = {"promises": storm.promises, "times": times, "seconds": round(seconds, 1)}
        told.append({"name": storm.name, **facts, **outcome.figures, "missed": outcome.missed})
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), "utf-8")
    missed = [line for one in told for line in one["missed"]]
    print("\n".join(missed) or "every promise held")
    return 1 if missed else 0


def let_loose(storm: Storm, times: int, seed: int) -> Outcome:
    """Run one storm in a folder of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="havn-storm-") as folder, listening("ERROR"):
        return storm.run(times, Path(folder), seed)


def _row(storm: Storm, outcome: Outcome, times: int, seconds: float) -> str:
    held = "MISSED" if outcome.missed else "held"
    figures = ", ".join(f"{name} {value:,}" for name, value in outcome.figures.items())
    return (
        f"{storm.promises:<10} {storm.name:<12} {times:>7,} {seconds:>7.0f} s  {held:<7} {figures}"
    )


def _arguments() -> argparse.Namespace:
    names = [storm.name for storm in STORMS]
    parser = argparse.ArgumentParser(prog="python -m tests.storms", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
