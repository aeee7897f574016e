"""Machine translation for counsellors."""

from bot.adapters.translator.off import NoTranslator

__all__ = ["NoTranslator"]
