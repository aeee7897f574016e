"""The console's words: English in the templates and here, other languages in console.po.

``_()`` in a template or in code is what ``pybabel extract`` finds; docs/translating.md says how.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from bot.i18n import Texts
from bot.i18n.locales import negotiate

# Staff work by this clock wherever they are; hours and shifts are given in it.
COPENHAGEN = ZoneInfo("Europe/Copenhagen")


class Say(Protocol):
    """Returns the words for an English text, with values in its placeholders."""

    def __call__(self, source: str, **values: object) -> str:
        """Translate, then fill."""


def _(source: str) -> str:
    """Mark words for translation where the language is not known yet."""
    return source


class Words:
    """Knows which languages the console speaks."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    @property
    def locales(self) -> Sequence[str]:
        """Return the languages there are."""
        return self._texts.locales

    def choose(self, own: str, accepted: str) -> str:
        """Return a person's own choice, else the first acceptable language, else English."""
        if own in self.locales:
            return own
        tags = (part.partition(";")[0] for part in accepted.split(","))
        found = (negotiate(tag, self.locales) for tag in tags)
        return next((locale for locale in found if locale), "en")

    def say(self, locale: str) -> Say:
        """Return ``_()`` for a language."""

        def translated(source: str, **values: object) -> str:
            text = self._texts.get("", source, locale)
            return text.format(**values) if values else text

        return translated


def moment(at: datetime, locale: str) -> str:
    """Return a time as staff in Denmark read it: the day first, 24 hours."""
    return format_datetime(at, "medium", tzinfo=COPENHAGEN, locale=_written(locale))


def day(at: datetime, locale: str) -> str:
    """Return the day of what bears no time of day: midnight (UTC) stands for it."""
    return format_date(at.astimezone(UTC).date(), "medium", locale=_written(locale))


def _written(locale: str) -> str:
    """Return the locale to write dates in: Denmark reads English the British way."""
    return "en_GB" if locale == "en" else locale


def hour(at: datetime) -> str:
    """Return the time of day, such as 14:05."""
    return f"{at.astimezone(COPENHAGEN):%H:%M}"


def lasted(time: timedelta) -> str:
    """Return how long something took, such as 0:42 or 1:02:05; 0:00 at least."""
    minutes, seconds = divmod(max(0, int(time.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def language_tag(locale: str) -> str:
    """Return a locale as HTML names languages: pt-BR."""
    return locale.replace("_", "-")
