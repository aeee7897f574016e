"""Rasa importer: reads the training examples in their one form, once."""

from pathlib import Path
from typing import Any

import yaml
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.constants import INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

_MARK = "- "
_FILE_KEYS = frozenset({"version", "nlu"})
_BLOCK_KEYS = frozenset({"intent", "metadata", "examples"})


class ExamplesError(ValueError):
    """A file of training examples is not of the form that `blocks` describes."""


class ExamplesImporter(RasaFileImporter):
    """Rasa's own importer, but for training examples.

    That one checks each file against a general schema, looks for entities, and reads everything
    again whenever it is asked: a minute for some 100,000 examples.
    """

    _examples: TrainingData | None = None

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:  # noqa: ARG002 - Rasa's signature
        """Return all examples, in the order of the files' names. Raises ExamplesError."""
        if self._examples is None:
            files = sorted(Path(name) for name in self._nlu_files)
            self._examples = TrainingData([one for file in files for one in _messages(file)])
        return self._examples


def _messages(file: Path) -> list[Message]:
    return [
        Message({TEXT: text, INTENT: intent, METADATA: {INTENT: beside}})
        for intent, beside, examples in blocks(file)
        for text in examples
    ]


def blocks(file: Path) -> list[tuple[str, dict[str, Any], list[str]]]:
    """Return (intent, metadata, examples) of each block of a file.

    A file is `version` and `nlu`, a list of blocks; a block is `intent`, `metadata` and `examples`,
    one text of lines that begin with "- ". Raises ExamplesError for anything else: what would be
    passed over in silence is a sentence that nobody is understood by.
    """
    content = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    if not isinstance(content, dict) or content.keys() != _FILE_KEYS:
        raise ExamplesError(f"{file}: expected the keys {', '.join(sorted(_FILE_KEYS))}")
    found = []
    for block in content["nlu"]:
        if not isinstance(block, dict) or block.keys() != _BLOCK_KEYS:
            raise ExamplesError(f"{file}: a block has other keys than intent, metadata, examples")
        if "lang" not in block["metadata"]:
            raise ExamplesError(f"{file}: {block['intent']} does not say its language")
        lines = block["examples"].splitlines()
        wrong = [line for line in lines if not line.startswith(_MARK) or not line[2:].strip()]
        if wrong or not lines:
            raise ExamplesError(
                f"{file}: {block['intent']} has an empty line or one without a dash"
            )
        found.append((block["intent"], block["metadata"], [line[2:].strip() for line in lines]))
    return found
