"""One turn of understanding, alone: Havn's unit against stock Rasa, on the same texts.

Stock Rasa is trained on a share of the languages, since its training of all of them takes too long
for a run like this; Havn's unit is measured with the same share, and with all.
"""

import json
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.nlu import SocketDialogue
from bot.commands.bench import stock
from bot.commands.bench.nlu import ask, sample
from bot.commands.bench.running import finish, running, until
from tests.peers.havn import understands
from tests.support.deck import ROOT

WARM = 30
_PARSE = Path(__file__).parent / "launch" / "parse_in_process.py"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Turns:
    """Seconds of each turn. Without a trained model of all languages ``whole`` is empty."""

    own: Sequence[float]
    whole: Sequence[float]
    rest: Sequence[float]
    parse: Sequence[float]


def texts_of(locales: Sequence[str], count: int) -> Sequence[str]:
    """Draw texts from the training examples of some languages, the same ones in each run."""
    drawn = [sample(ROOT / "nlu" / "data" / locale, count) for locale in locales]
    return [text for together in zip(*drawn, strict=True) for text in together][:count]


def share(folder: Path, locales: Sequence[str]) -> Path:
    """Lay out what a model of some languages is made from."""
    for locale in locales:
        shutil.copytree(ROOT / "nlu" / "data" / locale, folder / "nlu" / "data" / locale)
    shutil.copytree(ROOT / "stories", folder / "stories")
    shutil.copy(ROOT / "config.yml", folder)
    return folder


async def compare(
    folder: Path, locales: Sequence[str], count: int, python: Path
) -> tuple[Turns, Path]:
    """Train both, ask both; return the seconds and the model of stock Rasa."""
    texts = texts_of(locales, count + WARM)
    root = share(folder / "share", locales)
    models, others = folder / "models", folder / "stock"
    others.mkdir()
    await finish(
        [str(_unit()), "-m", "havn_nlu.train", "--out", str(models), "--root", str(root)],
        log=folder / "train.log",
        environ=os.environ,
        folder=ROOT / "nlu",
    )
    own = await _asked(models, texts, folder)
    trained = ROOT / "var" / "models"
    whole = await _asked(trained, texts, folder) if has_model() else []
    rest, _ = await stock.measure(python, root, texts, others)
    model = others / "stock.tar.gz"
    parse = await _parsed(python, model, texts, folder)
    return Turns(own, whole, rest[WARM:], parse), model


def has_model() -> bool:
    """Tell whether a model of all languages was trained."""
    return (ROOT / "var" / "models" / "model.tar.gz").exists() and _unit().exists()


def _unit() -> Path:
    return ROOT / "nlu" / ".venv" / "bin" / "python"


async def _asked(models: Path, texts: Sequence[str], folder: Path) -> Sequence[float]:
    async with _worker(models, folder) as socket:
        return (await ask(socket, texts))[WARM:]


@asynccontextmanager
async def _worker(models: Path, folder: Path) -> AsyncIterator[Path]:
    """Run Havn's unit with a model."""
    socket, log = folder / "nlu.sock", folder / "worker.log"
    command = [str(_unit()), "-m", "havn_nlu.worker", "--model", str(models)]
    async with running(
        [*command, "--socket", str(socket)], log=log, environ=os.environ, folder=ROOT / "nlu"
    ) as process:
        dialogue = SocketDialogue(socket, deadline=2.0)
        try:
            await until(lambda: understands(dialogue), process, patience=_PATIENCE_SECONDS, log=log)
        finally:
            await dialogue.close()
        yield socket
    socket.unlink(missing_ok=True)


async def _parsed(python: Path, model: Path, texts: Sequence[str], folder: Path) -> Sequence[float]:
    asked, seconds = folder / "texts.json", folder / "seconds.json"
    asked.write_text(json.dumps(list(texts)), "utf-8")
    await finish(
        [str(python), str(_PARSE), str(model), str(asked), str(seconds)],
        log=folder / "parse.log",
        environ={"PATH": os.environ["PATH"], "HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "2"},
        folder=folder,
    )
    waits: list[float] = json.loads(seconds.read_text("utf-8"))
    return waits[WARM:]
