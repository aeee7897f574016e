"""``python -m tests.peers``: Havn, stock Rasa and a support bot, same machine, same run.

Nothing is fetched. Without a path a program is left out, and what to install is said. It takes
about seven minutes, most of them stock Rasa's training.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from bot.commands.bench.report import machine, scratch
from bot.domain.errors import ConfigurationError
from bot.settings import Settings
from tests.peers import stock_rasa, support_bot
from tests.peers.havn import Havn
from tests.peers.measure import Size, Speed, measure
from tests.peers.mishaps import Trials, suffer
from tests.peers.product import Product
from tests.peers.report import Side, Told
from tests.peers.stock_rasa import StockRasa
from tests.peers.support_bot import SupportBot
from tests.peers.turns import compare, has_model, texts_of
from tests.support.deck import ROOT


def main() -> int:
    """Return 0 when Havn's turn holds its bar against stock Rasa, or Rasa was left out."""
    asked = _arguments()
    try:
        with scratch(Settings.load()) as folder:
            side = asyncio.run(carry_out(asked, folder))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    side.show()
    if asked.json:
        asked.json.write_text(json.dumps(side.as_json(), indent=1, ensure_ascii=False), "utf-8")
    return 0 if side.held else 1


async def carry_out(asked: argparse.Namespace, folder: Path) -> Side:
    """Measure one after another what is timed, then let all go through the rest at once."""
    side = Side(Size(asked.visitors, asked.rate), Trials(), machine(folder))
    if asked.support_bot and asked.support_bot_python:
        support_bot.require(asked.support_bot, asked.support_bot_python)
    texts = texts_of(asked.languages, asked.visitors * 2)
    model: Path | None = None
    if asked.stock:
        python = stock_rasa.require(asked.stock)
        _say("training and turns")
        where = _made(folder / "turns")
        side.turns, model = await compare(where, asked.languages, asked.turns, python)
    speeds: list[Speed] = []
    for product in products(asked, _made(folder / "speed"), model):
        _say(f"{product.name}, speed")
        await product.prepare()
        speeds.append(await measure(product, side.size, texts))
    _say("mishaps, all at once")
    fresh = products(asked, _made(folder / "mishaps"), model)
    for product in fresh:
        await product.prepare()
    outcomes = await asyncio.gather(*(suffer(product, side.trials) for product in fresh))
    for product, speed, outcome in zip(fresh, speeds, outcomes, strict=True):
        side.told.append(Told(product.name, speed, outcome))
    side.notes += _left_out(asked)
    return side


def products(asked: argparse.Namespace, folder: Path, model: Path | None) -> list[Product]:
    """Return what takes part, each with a folder of its own that nobody wrote to."""
    models = ROOT / "var" / "models" if has_model() else None
    part: list[Product] = [Havn(_made(folder / "havn"), sys.executable, models)]
    if asked.support_bot and asked.support_bot_python:
        where = _made(folder / "bot")
        part.append(SupportBot(where, asked.support_bot, asked.support_bot_python))
    if asked.stock and model:
        part.append(StockRasa(_made(folder / "rasa"), stock_rasa.require(asked.stock), model))
    return part


def _left_out(asked: argparse.Namespace) -> list[str]:
    notes = []
    if not has_model():
        notes.append("Havn ran without free text; for a model: havn nlu train.")
    if not (asked.support_bot and asked.support_bot_python):
        notes.append(f"telegram-support-bot was left out; to compare, {support_bot.HOW}.")
    if not asked.stock:
        notes.append(f"Stock Rasa was left out; to compare, {stock_rasa.HOW}.")
    return notes


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _say(stage: str) -> None:
    print(f"… {stage}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    environ = os.environ.get
    parser.add_argument(
        "--stock",
        type=Path,
        default=environ("STOCK_RASA_PYTHON"),
        help=f"interpreter of stock Rasa: {stock_rasa.HOW}",
    )
    parser.add_argument("--support-bot", type=Path, help=support_bot.HOW)
    parser.add_argument("--support-bot-python", type=Path, help="its interpreter")
    parser.add_argument("--languages", nargs="+", default=["en"], help="the share of the data")
    parser.add_argument("--turns", type=int, default=300, help="texts of the turns alone")
    parser.add_argument("--visitors", type=int, default=100)
    parser.add_argument("--rate", type=float, default=5.0, help="messages a second")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
