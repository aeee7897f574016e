"""No machine translation: the default."""

from bot.domain.errors import TranslatorUnavailableError


class NoTranslator:
    """The Translator of an installation without one."""

    ready = False

    async def translate(
        self,
        text: str,  # noqa: ARG002 -- the port's shape
        source: str,  # noqa: ARG002 -- as above
        target: str,  # noqa: ARG002 -- as above
        *,
        detect: bool = False,  # noqa: ARG002 -- as above
    ) -> str:
        """Refuse, always."""
        raise TranslatorUnavailableError("machine translation is switched off")
