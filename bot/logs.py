"""Logs that cannot carry what a visitor wrote: constant event names, facts of closed kinds."""

import enum
import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

# Libraries that print bodies, tokens or addresses: only their warnings pass, without arguments.
_LOUD = (
    "telegram",
    "httpx",
    "httpcore",
    "sqlalchemy",
    "asyncio",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
    "alembic",
    "psycopg",
    "multipart",
    "python_multipart",
)
_EVENT = re.compile(r"[a-z][a-z0-9_]{2,60}")
# A word Havn chose itself: an identifier, a class name, a path of code; never a sentence.
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,59}")


class LogContentError(TypeError):
    """A log call tried to carry something other than constant words, numbers and truth values."""


class Word(str):
    """A string a programmer declares to be one of Havn's own words; checked all the same."""

    __slots__ = ()


def guard(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Refuse free text in a log call (structlog processor)."""
    for name, value in event.items():
        if name in ("level", "timestamp"):
            continue
        if name == "event":
            if not isinstance(value, str) or not _EVENT.fullmatch(value):
                raise LogContentError("a log event is a constant name in snake_case")
        elif not _is_closed(value):
            raise LogContentError(f"the log fact {name} must be a number, an enum or a Word")
    return event


def _is_closed(value: object) -> bool:
    if value is None or isinstance(value, (bool, int, float)):
        return True
    if isinstance(value, enum.Enum):
        return isinstance(value.value, (int, str)) and _closed_text(str(value.value))
    return isinstance(value, Word) and _closed_text(value)


def _closed_text(text: str) -> bool:
    return bool(_WORD.fullmatch(text))


def error_class(error: BaseException) -> Word:
    """Return the class of an error, which is all of it that may be logged."""
    return Word(type(error).__name__)


class _Redactor(logging.Formatter):
    """Prints a library's record without its message or arguments: they may hold anything."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        facts = {"event": "library_log", "logger": record.name, "error": error}
        return json.dumps({**facts, "level": record.levelname.lower()})


def configure(level: str = "INFO") -> None:
    """Set up logging: JSON lines on standard error, nothing from libraries but their names."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            guard,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redactor())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in _LOUD:
        loud = logging.getLogger(name)
        loud.handlers.clear()
        loud.setLevel(logging.WARNING)
        loud.propagate = True


def logger(name: str) -> Any:
    """Return the logger of a module; its facts pass the guard."""
    return structlog.get_logger(module=Word(name))


def facts(**values: Any) -> Mapping[str, Any]:
    """Check facts outside a log call, for tests and metrics labels."""
    return guard(None, "", dict(values))
