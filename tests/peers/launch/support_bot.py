"""Start telegram-support-bot with another address of the Bot API, for which it has no setting.

Without TLS its release of python-telegram-bot would speak HTTP/2 unasked, so HTTP/1.1 is chosen.

    PYTHONPATH=CHECKOUT python support_bot.py http://127.0.0.1:PORT/bot

Runs in that bot's own environment.
"""

import runpy
import sys

from telegram.ext import ApplicationBuilder

_made = ApplicationBuilder.__init__


def _elsewhere(builder):
    _made(builder)
    builder.base_url(sys.argv[1]).http_version("1.1").get_updates_http_version("1.1")


ApplicationBuilder.__init__ = _elsewhere
runpy.run_module("bot", run_name="__main__")
