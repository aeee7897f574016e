"""Start stock Rasa with another address of the Bot API, for which its channel has no setting.

    python stock_rasa.py http://127.0.0.1:PORT/bot run ARGUMENTS

Runs in the environment of stock Rasa.
"""

import sys

from aiogram.bot.api import TELEGRAM_PRODUCTION
from rasa.__main__ import main

address = sys.argv.pop(1)
object.__setattr__(TELEGRAM_PRODUCTION, "base", f"{address}{{token}}/{{method}}")
main()
