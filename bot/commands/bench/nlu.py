"""``havn bench nlu``: one turn over the socket, and stock Rasa on the same texts, same run."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from bot.adapters.nlu import SocketDialogue
from bot.commands.bench import stock
from bot.commands.bench.model import copy_model, running_unit
from bot.commands.bench.report import Figure, Report, latencies, machine, percentile, scratch
from bot.domain.errors import ConfigurationError
from bot.domain.turn import MENU
from bot.settings import Settings

P50_MS = 5.0
TIMES_STOCK = 8.0
# Asked before the clock starts, so that caches and connections are warm on both sides.
_WARM = 50
_SEED = 20261122


async def run(settings: Settings, *, turns: int, python: Path | None, as_json: bool) -> None:
    """Measure and print; without ``python`` there is no comparison."""
    root = settings.root.resolve()
    stock_python = stock.interpreter(python) if python else None
    texts = sample(root / "nlu" / "data", turns + _WARM)
    with scratch(settings) as folder:
        report = Report("nlu", machine(folder))
        fresh = replace(settings, data_dir=folder, nlu_socket=None)
        await copy_model(settings, folder)
        async with running_unit(fresh):
            own = (await ask(fresh.socket, texts))[_WARM:]
        report.figures += latencies("turn", own, {0.5: P50_MS})
        if stock_python is None:
            report.notes.append(f"Not compared with stock Rasa; to compare, {stock.HOW}.")
        else:
            stock_folder = folder / "stock"
            stock_folder.mkdir()
            waits, others = await stock.measure(stock_python, root, texts, stock_folder)
            report.figures += compared(own, waits[_WARM:], others)
    report.notes.append(
        f"{turns} texts drawn from the training examples of all languages, one after another."
    )
    report.show(as_json=as_json)


def sample(folder: Path, count: int) -> Sequence[str]:
    """Draw texts from the training examples, the same ones in each run."""
    texts = [text for path in sorted(folder.rglob("*.yml")) for text in _examples(path)]
    if not texts:
        raise ConfigurationError(f"{folder} holds no training examples")
    return random.Random(_SEED).choices(texts, k=count)


def _examples(path: Path) -> Sequence[str]:
    data: Any = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    lines = [
        line
        for entry in data.get("nlu", ())
        for line in str(entry.get("examples", "")).splitlines()
    ]
    return [line.removeprefix("- ").strip() for line in lines if line.startswith("- ")]


async def ask(socket: Path, texts: Sequence[str]) -> Sequence[float]:
    """Ask one text after another as the bot does; return the seconds each took."""
    dialogue = SocketDialogue(socket, deadline=5.0)
    waits: list[float] = []
    try:
        for text in texts:
            began = time.perf_counter()
            await dialogue.interpret(text, MENU)
            waits.append(time.perf_counter() - began)
    finally:
        await dialogue.close()
    return waits


def compared(
    own: Sequence[float], waits: Sequence[float], others: Mapping[str, float]
) -> list[Figure]:
    """Return the figures of stock Rasa, and how many times faster Havn is at the median."""
    return [
        *latencies("stock_turn", waits),
        Figure("times_stock_p50", median(waits) / median(own), "x", at_least=TIMES_STOCK),
        Figure("times_stock_p99", percentile(waits, 0.99) / percentile(own, 0.99), "x"),
        Figure("stock_answered", others["answered"], "of 1"),
        Figure("stock_training", others["train_s"], "s"),
        Figure("stock_memory", others["rss_mib"], "MiB"),
    ]
