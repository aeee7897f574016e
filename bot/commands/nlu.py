"""``havn nlu``: train the model, and measure triage and understanding on a file of examples."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bot.adapters import catalog
from bot.adapters.nlu import SocketDialogue
from bot.bootstrap import locales_folder, nlu_unit
from bot.commands.progress import nlu_progress
from bot.domain.errors import ConfigurationError, DialogueUnavailableError
from bot.domain.opening import LOCALE_CONFIDENCE
from bot.domain.triage import (
    Level,
    Lexicon,
    Understanding,
    assess,
    first_screen,
    offered_level,
)
from bot.domain.turn import MENU
from bot.ports import Dialogue, Meaning
from bot.services.decide import NLU_CHARACTERS
from bot.settings import Settings

_FIELDS = ("lang", "intent", "level", "text")


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a test file. ``false_friend``: looks like danger and is none."""

    locale: str
    intent: str
    level: Level
    text: str
    false_friend: bool


@dataclass(frozen=True, slots=True)
class Prediction:
    """What Havn makes of an example: the best intent, and the level it would offer."""

    intent: str
    confidence: float
    level: Level
    locale: str
    locale_confidence: float
    outcomes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of the predictions file."""
        return {
            "intent": self.intent,
            "confidence": round(self.confidence, 4),
            "level": self.level.name,
            "lang": self.locale,
            "outcomes": list(self.outcomes),
        }


async def train(settings: Settings, console: Console) -> None:
    """Prepare the environment and train, with a progress display."""
    unit = nlu_unit(settings)
    with nlu_progress(console) as report:
        await unit.prepare(report)
        await unit.train(report, if_changed=True)
    console.print(f"The model is ready: {unit.model}")


async def evaluate(
    settings: Settings, file: Path, *, as_json: bool, predictions: Path | None
) -> None:
    """Print accuracy, macro-F1, recall per level and false alarms for each language."""
    examples = read_examples(file)
    lexicons = catalog.read_lexicons(locales_folder(settings))
    async with _dialogue(settings) as dialogue:
        results = [
            await _predict(dialogue, lexicons, example)
            for example in track(examples, "Asking", console=Console(stderr=True), transient=True)
        ]
    if predictions:
        lines = [json.dumps(result.as_dict(), ensure_ascii=False) for result in results]
        await asyncio.to_thread(predictions.write_text, "\n".join([*lines, ""]), "utf-8")
    report = figures(examples, results)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _print(report)


def read_examples(file: Path) -> Sequence[Example]:
    """Read JSON lines; ConfigurationError names the line that cannot be used."""
    examples = []
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {file}: {error}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            examples.append(_example(line, f"{file}:{number}"))
    if not examples:
        raise ConfigurationError(f"{file} holds no examples")
    return examples


def _example(line: str, where: str) -> Example:
    try:
        raw = json.loads(line)
        locale, intent, level, text = (str(raw[name]) for name in _FIELDS)
        return Example(locale, intent, Level[level.upper()], text, bool(raw.get("ff", False)))
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f'{where}: a line needs "lang", "intent", "level" (RED, ORANGE, YELLOW or GREY) '
            'and "text"'
        ) from None


@asynccontextmanager
async def _dialogue(settings: Settings) -> AsyncIterator[SocketDialogue]:
    """Use the unit that runs already, or run one for as long as this takes."""
    running = SocketDialogue(settings.socket, deadline=5.0)
    try:
        try:
            await running.health()
        except DialogueUnavailableError:
            unit = nlu_unit(settings)
            with nlu_progress(Console(stderr=True)) as report:
                await unit.prepare(report)
                ready = asyncio.Event()
                task = asyncio.create_task(unit.run(ready.set))
                await asyncio.wait_for(ready.wait(), timeout=180)
            await running.close()
            own = SocketDialogue(settings.socket, deadline=5.0)
            try:
                yield own
            finally:
                await own.close()
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        else:
            yield running
    finally:
        await running.close()


async def _predict(
    dialogue: Dialogue,
    lexicons: Sequence[Lexicon],
    example: Example,
) -> Prediction:
    assessment = assess(example.text, lexicons)
    try:
        meaning = await dialogue.interpret(example.text[:NLU_CHARACTERS], MENU)
    except DialogueUnavailableError:
        meaning = Meaning("", 0.0, (), ())
    understanding = Understanding(
        assessment,
        meaning.intent,
        meaning.ranking,
        danger=meaning.danger,
        self_harm=meaning.self_harm,
        danger_words=meaning.danger_words,
    )
    screen = first_screen(understanding)
    best, confidence = meaning.ranking[0] if meaning.ranking else (meaning.intent, 0.0)
    return Prediction(
        intent=best,
        confidence=confidence,
        level=offered_level(understanding),
        locale=meaning.locale,
        locale_confidence=meaning.locale_confidence,
        outcomes=(screen,) if screen else meaning.outcomes,
    )


def figures(examples: Sequence[Example], results: Sequence[Prediction]) -> dict[str, Any]:
    """Return the figures of each language, and over all under ``all``."""
    groups: dict[str, list[tuple[Example, Prediction]]] = defaultdict(list)
    for pair in zip(examples, results, strict=True):
        groups[pair[0].locale].append(pair)
        groups["all"].append(pair)
    return {name: _figures(pairs) for name, pairs in groups.items()}


def _figures(pairs: Sequence[tuple[Example, Prediction]]) -> dict[str, Any]:
    truth = [example.intent for example, _ in pairs]
    said = [prediction.intent for _, prediction in pairs]
    friends = [(e, p) for e, p in pairs if e.false_friend and e.level is not Level.RED]
    calm = [(e, p) for e, p in pairs if e.level is not Level.RED]
    return {
        "examples": len(pairs),
        "accuracy": _share(t == s for t, s in zip(truth, said, strict=True)),
        "macro_f1": _macro_f1(truth, said),
        "recall": {
            level.name: _share(p.level >= level for e, p in pairs if e.level is level)
            for level in reversed(Level)
            if level is not Level.GREY
        },
        "false_friends_red": _share(p.level is Level.RED for _, p in friends),
        "false_alarms_red": _share(p.level is Level.RED for _, p in calm),
        "asked_again": _share("utter_fallback_1" in p.outcomes for _, p in pairs),
        "language": _share(e.locale == p.locale for e, p in pairs),
        "wrong_language": _share(_is_wrong_language(e, p) for e, p in pairs),
    }


def _is_wrong_language(example: Example, prediction: Prediction) -> bool:
    """Tell whether the answer would come in another language than the text, and not by choice."""
    sure = prediction.locale_confidence >= LOCALE_CONFIDENCE
    return sure and prediction.locale not in ("", example.locale)


def _share(hits: Any) -> float | None:
    """Return the share of true values, None for an empty group."""
    values = list(hits)
    return round(sum(values) / len(values), 4) if values else None


def _macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """Return the F1 score averaged over the intents that occur in the truth."""
    scores = []
    for intent in sorted(set(truth)):
        hits = sum(t == s == intent for t, s in zip(truth, said, strict=True))
        wrong = truth.count(intent) + said.count(intent)
        scores.append(2 * hits / wrong)
    return round(sum(scores) / len(scores), 4)


# What a column of the table says, and where its figure stands.
_COLUMNS: Mapping[str, Callable[[Mapping[str, Any]], float | None]] = {
    "right": itemgetter("accuracy"),
    "macro F1": itemgetter("macro_f1"),
    "RED found": lambda figures: figures["recall"]["RED"],
    "ORA. found": lambda figures: figures["recall"]["ORANGE"],
    "YEL. found": lambda figures: figures["recall"]["YELLOW"],
    "ff RED": itemgetter("false_friends_red"),
    "calm RED": itemgetter("false_alarms_red"),
    "asks back": itemgetter("asked_again"),
    "lang": itemgetter("language"),
    "other lang": itemgetter("wrong_language"),
}


def _print(report: Mapping[str, Any]) -> None:
    """Print a row for each language; figures in per cent."""
    table = Table("", "texts", *_COLUMNS, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, figures in sorted(report.items(), key=lambda one: (one[0] == "all", one[0])):
        shares = [read(figures) for read in _COLUMNS.values()]
        percent = ["–" if share is None else f"{share * 100:.1f}" for share in shares]
        table.add_row(name, str(figures["examples"]), *percent)
    Console().print(table)
    Console().print("Per cent; ff: false friends, calm: all that is not RED. More: docs/nlu.md.")
