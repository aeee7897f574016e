"""``python -m bot`` is ``havn``."""

from bot.cli import main

main()
