"""``python -m tests.forensic``: run the forensic test in full size, and tell what was found."""

import argparse
import json
import sys
from pathlib import Path

from tests.forensic.report import Control, as_json, as_text, failures
from tests.forensic.run import STEPS, Plan, carry_out
from tests.support.deck import ROOT


def main() -> int:
    """Return 0 when every bar is held and the control proves that they could be missed."""
    asked = _arguments()
    nlu = not asked.no_nlu and has_unit()
    missed: list[str] = []
    told = []
    for postgres in {"sqlite": [False], "postgresql": [True], "both": [False, True]}[
        asked.database
    ]:
        shape = {"conversations": asked.conversations, "postgres": postgres, "kills": asked.kills}
        plans = [Plan(level=level, nlu=nlu, **shape) for level in asked.levels]
        plans.append(Plan(level=asked.levels[-1], nlu=nlu, sealed=False, **shape))
        for plan in plans:
            outcome = carry_out(plan)
            print(as_text(outcome), flush=True)
            told.append(as_json(outcome))
            if plan.sealed:
                missed += failures(outcome)
            elif not Control.of(outcome).holds:
                missed.append("the control does not hold: this test proves nothing")
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), "utf-8")
    print("\n".join(missed) or "every bar is held")
    return 1 if missed else 0


def has_unit() -> bool:
    """Tell whether a trained NLU unit is there to run."""
    trained = (ROOT / "var" / "models" / "model.tar.gz").exists()
    return trained and (ROOT / "nlu" / ".venv" / "bin" / "python").exists()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.forensic", description=__doc__)
    parser.add_argument("--conversations", type=int, default=50)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--levels", nargs="+", choices=("INFO", "DEBUG"), default=["INFO", "DEBUG"])
    parser.add_argument("--kills", type=int, choices=range(1, len(STEPS) + 1), default=len(STEPS))
    parser.add_argument("--no-nlu", action="store_true", help="leave the NLU unit out")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
