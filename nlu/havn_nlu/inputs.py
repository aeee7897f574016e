"""The files a model is made from, and one fingerprint over all of them. Standard library only."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# What words mean, a file for each language: the unit's own, as its code is.
CONCEPTS = Path(__file__).resolve().parents[1] / "concepts"
MODEL_NAME = "model.tar.gz"
MANIFEST_NAME = "model.json"

_CODE = (
    "text.py",
    "linear.py",
    "tokenizer.py",
    "dictionary.py",
    "ngrams.py",
    "beside.py",
    "concepts.py",
    "classifiers.py",
    "phrases.py",
    "importer.py",
)
_RASA = "3.6.21"


@dataclass(frozen=True)
class Inputs:
    """Where the pipeline, the examples and the rules are."""

    root: Path

    @property
    def config(self) -> Path:
        """Rasa's pipeline and policies."""
        return self.root / "config.yml"

    @property
    def domain(self) -> Path:
        """Intents, slots, outcomes."""
        return self.root / "stories" / "domain"

    @property
    def training(self) -> list[Path]:
        """Examples in every language, rules, stories."""
        stories = self.root / "stories"
        return [self.root / "nlu" / "data", stories / "rules", stories / "paths"]

    def files(self) -> list[Path]:
        """Every file that decides what the model answers, in a stable order."""
        folders = [self.domain, *self.training, CONCEPTS]
        content = [path for folder in folders for path in sorted(folder.rglob("*.yml"))]
        code = [Path(__file__).with_name(name) for name in _CODE]
        return [self.config, *content, *code]

    def fingerprint(self) -> str:
        """Return a hash that changes whenever a newly trained model could answer differently."""
        digest = hashlib.sha256(_RASA.encode())
        for path in self.files():
            digest.update(b"\0" + path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Manifest:
    """What stands beside a model file: which file it belongs to and what it was made from."""

    sha256: str
    fingerprint: str
    trained_seconds: float

    def write(self, directory: Path) -> None:
        """Write the manifest beside the model."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (directory / MANIFEST_NAME).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> "Manifest | None":
        """Read the manifest of a directory, None where there is none that makes sense."""
        try:
            fields = json.loads((directory / MANIFEST_NAME).read_text(encoding="utf-8"))
            return cls(**fields)
        except (OSError, ValueError, TypeError):
            return None


def sha256(path: Path) -> str:
    """Hash a file. Raises OSError when it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def up_to_date(directory: Path, inputs: Inputs) -> bool:
    """Tell whether the model in a directory is whole and made from the present files."""
    manifest = Manifest.read(directory)
    if manifest is None or manifest.fingerprint != inputs.fingerprint():
        return False
    model = directory / MODEL_NAME
    return model.is_file() and sha256(model) == manifest.sha256
