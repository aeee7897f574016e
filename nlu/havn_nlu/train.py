"""Train the model: `python -m havn_nlu.train --out DIR [--root DIR] [--if-changed]`.

Writes DIR/model.tar.gz and DIR/model.json (hash and fingerprint). Prints one JSON object per line:

    {"stage": "load"}                                                 Rasa is being imported
    {"stage": "train", "component": "RulePolicy", "done": 4, "of": 7}   it has just started
    {"stage": "done", "model": "…", "sha256": "…", "fingerprint": "…", "seconds": 31.2}
    {"stage": "unchanged", "model": "…"}                              only with --if-changed
    {"stage": "failed", "error": "InvalidRule", "detail": "…"}        exit status 1
"""

import argparse
import json
import logging
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import IO

from havn_nlu.inputs import MODEL_NAME, REPOSITORY, Inputs, Manifest, sha256, up_to_date

_COMPONENTS = 7  # trained ones in config.yml; only the progress display depends on it
_PACKED = 1  # of 9, the least
_DETAIL = 2000  # characters of an error's words in the last line
_STARTED = "Starting to train component '"


class _Progress(logging.Handler):
    """Turns the log lines of Rasa's training into progress lines."""

    def __init__(self, out: IO[str]) -> None:
        super().__init__(logging.INFO)
        self._out = out
        self._started = 0

    def say(self, stage: str, **facts: object) -> None:
        print(json.dumps({"stage": stage, **facts}), file=self._out, flush=True)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith(_STARTED):
            component = message.removeprefix(_STARTED).rstrip("'.")
            self.say("train", component=component, done=self._started, of=_COMPONENTS)
            self._started += 1


def train(inputs: Inputs, out: Path, progress: _Progress) -> Manifest:
    """Train from `inputs` into `out`; the old model stays in place until the new one is whole.

    Raises whatever Rasa raises on contradictory rules or malformed files.
    """
    began = time.monotonic()
    progress.say("load")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix="training-") as scratch:
        # Rasa's cache of half-trained parts would keep pickles in the working directory.
        os.environ["RASA_CACHE_DIRECTORY"] = f"{scratch}/cache"
        os.environ["RASA_MAX_CACHE_SIZE"] = "0"
        trained = _run_rasa(inputs, Path(scratch), progress)
        manifest = Manifest(
            sha256(trained), inputs.fingerprint(), round(time.monotonic() - began, 1)
        )
        trained.replace(out / MODEL_NAME)
        manifest.write(out)
    return manifest


@contextmanager
def _silence() -> Iterator[None]:
    """Send what Rasa and the git it calls print to nowhere; failures arrive as exceptions."""
    before = os.dup(2)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)


def _run_rasa(inputs: Inputs, scratch: Path, progress: _Progress) -> Path:
    import havn_nlu.quiet  # noqa: F401, PLC0415 - silence comes before Rasa

    # isort: split
    from rasa import model_training  # noqa: PLC0415 - ten seconds that --if-changed can save

    _spare_bookkeeping()
    _pack_lightly()
    hooks = logging.getLogger("rasa.engine.training.hooks")
    hooks.setLevel(logging.INFO)
    hooks.propagate = False
    hooks.addHandler(progress)
    with _silence():
        result = model_training.train(
            domain=str(inputs.domain),
            config=str(inputs.config),
            training_files=[str(folder) for folder in inputs.training],
            output=str(scratch),
            fixed_model_name="model",
            force_training=True,
            # Gluing stories together helps only policies that generalise; these two look up.
            core_additional_arguments={"augmentation_factor": 0},
        )
    if result.model is None:
        raise RuntimeError(f"Rasa trained nothing (code {result.code})")
    return Path(result.model)


def _spare_bookkeeping() -> None:
    """Leave out what only serves Rasa's cache, which is off here: half of the training time.

    Inputs and outputs of every step are fingerprinted to be found again in the cache; every example
    is hashed by a fingerprint of all it holds, and copied down to the last letter, each time data
    are merged. Equal examples have equal text and intent, so hashing these two keeps the contract
    of __hash__; nothing here changes one of two copies and reads the other.
    """
    from rasa.engine.training.hooks import TrainingHook  # noqa: PLC0415 - as above
    from rasa.shared.nlu.training_data.message import Message  # noqa: PLC0415

    def remember_nothing(_hook: TrainingHook, **_node: object) -> None:
        return None

    def nothing_to_compare(_hook: TrainingHook, **_node: object) -> dict[str, object]:
        return {}

    def by_text(message: Message) -> int:
        return hash((message.get("text"), message.get("intent")))

    def itself(message: Message, _memo: dict[int, object]) -> Message:
        return message

    TrainingHook.on_before_node = nothing_to_compare
    TrainingHook.on_after_node = remember_nothing
    Message.__hash__ = by_text
    Message.__deepcopy__ = itself


def _pack_lightly() -> None:
    """Pack the model in seconds: weights hardly shrink, however long one tries."""
    slowly = tarfile.TarFile.gzopen.__func__
    tarfile.TarFile.gzopen = classmethod(partial(slowly, compresslevel=_PACKED))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m havn_nlu.train")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--root", type=Path, default=REPOSITORY)
    parser.add_argument("--if-changed", action="store_true")
    options = parser.parse_args(arguments)
    inputs, out = Inputs(options.root.resolve()), options.out.resolve()
    progress = _Progress(sys.stdout)
    if options.if_changed and up_to_date(out, inputs):
        progress.say("unchanged", model=str(out / MODEL_NAME))
        return 0
    try:
        manifest = train(inputs, out, progress)
    except Exception as error:  # noqa: BLE001 - the one place that turns failures into a line
        # Rasa wraps what a component raises; the operator needs the reason, not the wrapping.
        reason = error.__cause__ or error
        progress.say("failed", error=type(reason).__name__, detail=str(reason)[:_DETAIL])
        return 1
    progress.say(
        "done",
        model=str(out / MODEL_NAME),
        sha256=manifest.sha256,
        fingerprint=manifest.fingerprint,
        seconds=manifest.trained_seconds,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
