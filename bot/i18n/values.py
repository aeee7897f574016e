"""Facts and settings written out in a locale: numbers, dates, opening hours, phone numbers."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_day_names
from babel.lists import format_list
from babel.numbers import format_decimal

from bot.domain.errors import FactError
from bot.domain.facts import MAX_DEPTH, PLACEHOLDER, Fact, Kind, Registry
from bot.domain.hours import DAYS, HOLIDAY, Span, WeekHours
from bot.domain.screens import Deck
from bot.i18n.direction import isolate
from bot.i18n.locales import LOCALES, own_name
from bot.i18n.texts import Texts

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_COUNTRY = "+45"
_NO_BREAK = "\u00a0"


def phone(number: str) -> str:
    """Group a number so that it can be read aloud; the phone still dials it."""
    local = number.removeprefix(_COUNTRY)
    if local == number or len(local) != 8 or not local.isdigit():  # noqa: PLR2004 -- Danish length
        return number
    pairs = [local[i : i + 2] for i in range(0, 8, 2)]
    return _NO_BREAK.join([_COUNTRY, *pairs])


class Values:
    """Fills the placeholders of a text for one deck, registry and set of settings."""

    def __init__(
        self, deck: Deck, registry: Registry, texts: Texts, settings: Mapping[str, str]
    ) -> None:
        self._deck = deck
        self.registry = registry
        self._texts = texts
        self._settings = settings

    def fill(self, template: str, locale: str, runtime: Mapping[str, str], depth: int = 0) -> str:
        """Replace every placeholder; FactError for one that nothing stands behind."""
        if depth > MAX_DEPTH:
            raise FactError("facts name one another in a circle")
        return PLACEHOLDER.sub(
            lambda match: self._value(match[1], locale, runtime, depth), template
        )

    def word(self, key: str, locale: str, **runtime: str) -> str:
        """Return an interface word of the deck in a locale."""
        try:
            source = self._deck.words[key]
        except KeyError:
            raise FactError(f"there is no word {key}") from None
        return self.fill(self._texts.get("word", source, locale), locale, runtime)

    def _value(self, key: str, locale: str, runtime: Mapping[str, str], depth: int) -> str:
        if key in _RUNTIME and key in runtime:
            return _RUNTIME[key](self, runtime[key], locale)
        if key in runtime:
            return isolate(runtime[key], locale)
        if key.startswith("language_"):
            return own_name(key.removeprefix("language_"))
        if key == "supported_languages":
            names = [own_name(code) for code in LOCALES if code in self._texts.locales]
            return isolate(", ".join(names), locale)
        if key in self._settings:
            return isolate(self._settings[key], locale)
        return self._fact(self.registry[key], locale, runtime, depth)

    def _fact(self, fact: Fact, locale: str, runtime: Mapping[str, str], depth: int) -> str:
        match fact.kind, fact.value:
            case Kind.SENTENCE, str(source):
                text = self._texts.get(f"fact:{fact.key}", source, locale)
                return self.fill(text, locale, runtime, depth + 1)
            case Kind.PHONE, str(number):
                return isolate(phone(number), locale, number=True)
            case Kind.HOURS, WeekHours() as hours:
                return self.hours(hours, locale)
            case Kind.DATE, date() as day:
                return write_date(day, locale)
            case Kind.NUMBER, int() | float() as number:
                return isolate(format_decimal(number, locale=_written(locale)), locale, number=True)
            case ((Kind.NAME | Kind.URL | Kind.EMAIL), str(text)):
                return isolate(text, locale)
            case _:
                raise FactError(f"the value of {fact.key} does not fit its kind")

    def hours(self, hours: WeekHours, locale: str) -> str:
        """Write a week grid in a few words: days with the same spans are joined."""
        if hours.always:
            return self.word("open_always", locale)
        parts = [
            f"{_days(run, locale)} {_spans(spans, locale)}" for run, spans in _runs(hours) if spans
        ]
        holiday = hours.days.get(HOLIDAY, ())
        word = self.word("public_holidays", locale)
        parts.append(
            f"{word} {_spans(holiday, locale)}"
            if holiday
            else f"{word} {self.word('closed', locale)}"
        )
        return "; ".join(parts)

    def wait(self, value: str, locale: str) -> str:
        """Write a waiting time given as ``10-20`` minutes."""
        low, _, high = value.partition("-")
        return self.word("wait_minutes", locale, low=low, high=high)


def _written(locale: str) -> str:
    """Return the locale to write dates and numbers in: Denmark reads English the British way."""
    return "en_GB" if locale == "en" else locale


def write_date(day: date, locale: str) -> str:
    """Write a day in full, as the locale does."""
    return isolate(format_date(day, format="long", locale=_written(locale)), locale)


def write_moment(value: str, locale: str) -> str:
    """Write an ISO moment as weekday and local time in Denmark."""
    at = datetime.fromisoformat(value).astimezone(COPENHAGEN)
    day = format_date(at.date(), format="full", locale=_written(locale))
    return isolate(f"{day}, {_clock(at.time(), locale)}", locale)


# Runtime values that are not plain strings, and how each is written.
_RUNTIME: Mapping[str, Callable[["Values", str, str], str]] = {
    "wait_estimate": lambda values, value, locale: values.wait(value, locale),
    "next_open_time": lambda _values, value, locale: write_moment(value, locale),
    "fact_reviewed_on": lambda _values, value, locale: write_date(
        date.fromisoformat(value), locale
    ),
    "transfer_reason": lambda values, value, locale: values.word(value, locale),
}


def _runs(hours: WeekHours) -> list[tuple[list[int], tuple[Span, ...]]]:
    """Join neighbouring days with equal spans; the order is Monday to Sunday."""
    runs: list[tuple[list[int], tuple[Span, ...]]] = []
    for index, day in enumerate(DAYS):
        spans = hours.days.get(day, ())
        if runs and runs[-1][1] == spans:
            runs[-1][0].append(index)
        else:
            runs.append(([index], spans))
    return runs


@lru_cache(maxsize=256)
def _day(index: int, locale: str) -> str:
    return str(get_day_names("abbreviated", context="format", locale=_written(locale))[index])


def _days(run: list[int], locale: str) -> str:
    first, last = _day(run[0], locale), _day(run[-1], locale)
    if first == last:
        return first
    if len(run) > 2:  # noqa: PLR2004 -- two days are named, more are a span
        return f"{first}\u2013{last}"
    return format_list([first, last], locale=_written(locale))


def _clock(at: time, locale: str) -> str:
    """Write a time by the 24-hour clock, which Denmark uses in every language."""
    return str(format_time(at, format="HH:mm", locale=_written(locale)))


@lru_cache(maxsize=256)
def _spans(spans: tuple[Span, ...], locale: str) -> str:
    written = [f"{_clock(s.opens, locale)}\u2013{_clock(s.closes, locale)}" for s in spans]
    return isolate(", ".join(written), locale, number=True)
