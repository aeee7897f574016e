"""A counsellor's own line in the visitor's language, by machine: made, read back, then approved.

Only approved words leave. A machine's are approved by the counsellor who asked for them, after
reading what they say in the other direction; nothing here sends anything.
"""

import asyncio
from dataclasses import dataclass, field

from bot.domain.errors import LineTooLongError, TranslatorUnavailableError, UnfaithfulError
from bot.domain.faithful import fault
from bot.ports import Translator
from bot.services.hotline.speaking import LONGEST_LINE

# Room for the mark between a translation and what was typed, in the longest language.
_MARK = 250
# Both ways together; the page that waits gives up after 15 s.
DEADLINE = 12.0


@dataclass(frozen=True, slots=True)
class Translated:
    """A line as its counsellor typed it, and as a machine says it in a locale's language."""

    original: str = field(repr=False)
    text: str = field(repr=False)
    locale: str

    def check(self) -> None:
        """Refuse what must not be sent: UnfaithfulError, or LineTooLongError for both together."""
        if found := fault(self.original, self.text):
            raise UnfaithfulError(found)
        if len(self.original) + len(self.text) > LONGEST_LINE - _MARK:
            raise LineTooLongError("send it in two parts")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a counsellor reads before they approve: the line, and its translation back."""

    line: Translated
    back: str = field(repr=False)


async def preview(
    translator: Translator, original: str, source: str, target: str, *, deadline: float = DEADLINE
) -> Preview:
    """Translate a line and translate it back.

    TranslatorUnavailableError when either does not come in time: what cannot be read back is not
    offered. What Translated.check() raises.
    """
    if len(original) > LONGEST_LINE:
        raise LineTooLongError("send it in two parts")
    try:
        async with asyncio.timeout(deadline):
            line = Translated(
                original, await translator.translate(original, source, target), target
            )
            line.check()
            return Preview(line, await translator.translate(line.text, target, source))
    except TimeoutError:
        raise TranslatorUnavailableError("TimeoutError") from None
