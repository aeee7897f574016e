"""What Havn logs at its most talkative, as it would stand on the disk."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import structlog

from bot.logs import configure


@contextmanager
def listening(level: str = "DEBUG") -> Iterator[io.StringIO]:
    """Set logging up as the program does and collect it; put things back afterwards."""
    root, heard = logging.getLogger(), io.StringIO()
    loggers = [root, *(logging.getLogger(name) for name in tuple(logging.root.manager.loggerDict))]
    before = [(one, one.level, list(one.handlers), one.propagate) for one in loggers]
    settings = structlog.get_config()
    try:
        with redirect_stderr(heard):
            configure(level)
            yield heard
    finally:
        structlog.configure(**settings)
        for one, number, handlers, propagate in before:
            one.setLevel(number)
            one.handlers[:], one.propagate = handlers, propagate
