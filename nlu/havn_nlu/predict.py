"""Bulk answers: `python -m havn_nlu.predict --model PATH`, for evaluation.

Reads JSON lines {"text": …, "screen": …, "minor": …, "locale": …} from stdin (all but the text are
optional) and writes for each the answer the worker would give, in the same order.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path


async def _answer(model: Path) -> None:
    from havn_nlu.unit import Unit  # noqa: PLC0415 - Rasa's import would slow --help

    unit = Unit.load(model)
    for line in sys.stdin:
        if line.strip():
            asked = json.loads(line)
            turn = await unit.turn(
                asked["text"],
                asked.get("screen"),
                minor=asked.get("minor"),
                locale=asked.get("locale", ""),
            )
            sys.stdout.write(json.dumps(turn.as_dict(), ensure_ascii=False) + "\n")


def main() -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m havn_nlu.predict")
    parser.add_argument("--model", type=Path, required=True)
    asyncio.run(_answer(parser.parse_args().model))
    return 0


if __name__ == "__main__":
    sys.exit(main())
