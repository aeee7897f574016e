"""Reads the invented visitors of practice mode from locales/practice.yml."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from bot.domain.conversation import Consent, Notify
from bot.domain.errors import DeckError
from bot.domain.messages import Channel
from bot.domain.practice import Scenario, Words
from bot.domain.triage import Level

_FILE = "practice.yml"


def read_scenarios(folder: Path, locale: str) -> tuple[Sequence[Scenario], str]:
    """Return the invented visitors in one language, and what an invented supervisor whispers.

    DeckError when the file is damaged or lacks the language.
    """
    try:
        read: Any = yaml.safe_load((folder / _FILE).read_text(encoding="utf-8"))
        visitors = [_scenario(one, locale) for one in read["visitors"]]
        return visitors, str(read["whisper"][locale])
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError) as error:
        raise DeckError(f"locales/{_FILE} cannot be read: {type(error).__name__}") from None


def _scenario(one: Mapping[str, Any], locale: str) -> Scenario:
    return Scenario(
        id=one["id"],
        arrives=timedelta(seconds=one["arrives"]),
        channel=Channel(one["channel"]),
        level=Level[one["level"].upper()],
        consent=Consent(one["consent"]),
        notify=Notify(one["notify"]),
        minor=one.get("minor", False),
        leaves=one.get("leaves", False),
        words=_words(one["words"][locale]),
    )


def _words(one: Mapping[str, Any]) -> Words:
    return Words(
        before=tuple(one["before"]),
        hello=one["hello"],
        chosen=one.get("chosen", ""),
        word=one.get("word", ""),
        lines=tuple(one["lines"]),
    )
