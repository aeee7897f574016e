"""The locale of a page: what the browser asks for, or what the visitor chose."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers

from bot.i18n import negotiate

_LANGUAGE_TAGS = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """A locale for a page: what the browser hints at ("" if nothing fits), or what was chosen."""

    hint: str
    chosen: bool = False

    @property
    def code(self) -> str:
        """Return the locale to show."""
        return self.hint or "en"


def negotiated(headers: Headers, locales: Sequence[str]) -> str:
    """Return the first locale of Accept-Language, in order of preference, that is served."""
    ranked: list[tuple[float, str]] = []
    for part in headers.get("accept-language", "").split(",")[:_LANGUAGE_TAGS]:
        tag, _, weight = part.partition(";q=")
        try:
            ranked.append((-float(weight or 1), tag))
        except ValueError:
            continue
    ranked.sort(key=lambda pair: pair[0])
    return next((found for _, tag in ranked if (found := negotiate(tag, locales))), "")
