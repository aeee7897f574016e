"""No machine translation: the default."""

from bot.domain.errors import TranslatorUnavailableError


class NoTranslator:
    """The Translator of an installation without one."""

    ready = False

    async def translate(self, text: str, source: str, target: str) -> str:  # noqa: ARG002 -- the port's shape
        """Refuse, always."""
        raise TranslatorUnavailableError("machine translation is switched off")
