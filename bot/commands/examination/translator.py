"""Machine translation for counsellors. It is optional: nothing here keeps Havn from running."""

from collections.abc import AsyncIterator

from bot.bootstrap import open_translator
from bot.commands.examination.finding import Finding, Mark
from bot.domain.errors import TranslatorUnavailableError
from bot.settings import Settings

AREA = "Machine translation"
_WHAT = "Server"
# Words of nobody: only whether a translation comes back is looked at.
_TRIAL, _FROM, _TO = "Welcome", "en", "da"


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Ask the server, where one is set, for one translation."""
    async with open_translator(settings) as translator:
        if not translator.ready:
            yield Finding(AREA, _WHAT, Mark.FINE, "off: nothing is sent to be translated")
            return
        try:
            await translator.translate(_TRIAL, _FROM, _TO)
        except TranslatorUnavailableError as error:
            says = f"does not translate English to Danish ({error})"
            do = "start it with a model for each language you serve, or unset HAVN_TRANSLATOR_URL"
            yield Finding(AREA, _WHAT, Mark.LOOK, says, do)
        else:
            yield Finding(AREA, _WHAT, Mark.FINE, "translates English to Danish")
