"""Silence for the libraries below: they log tokens, bodies and names.

httpx logs each URL, and the token is part of it; python-telegram-bot logs whole updates and
messages at DEBUG, and bodies that it cannot read at ERROR and CRITICAL.
"""

import logging

# Parents of every logger these libraries use; httpx logs through httpcore as well.
LOUD = ("telegram", "httpx", "httpcore", "hpack")


def silence() -> None:
    """Let nothing of these libraries reach any handler, whatever the level of the root logger.

    Call it after logging was set up. Repeats are harmless.
    """
    for name in LOUD:
        parent = logging.getLogger(name)
        parent.handlers = [logging.NullHandler()]
        parent.propagate = False
        # A child with a level of its own still ends at the parent's empty handler.
        parent.setLevel(logging.CRITICAL + 1)
