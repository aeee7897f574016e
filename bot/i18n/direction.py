"""Direction of writing: isolates, so that numbers and Latin words stay whole in Arabic text."""

_RTL_LANGUAGES = frozenset({"ar", "fa", "he", "ur"})
_FIRST_STRONG_ISOLATE = "\u2068"
_LEFT_TO_RIGHT_ISOLATE = "\u2066"
_POP = "\u2069"
_RIGHT_TO_LEFT_MARK = "\u200f"


def direction(locale: str) -> str:
    """Return ``rtl`` or ``ltr``, as HTML writes it."""
    return "rtl" if locale.split("_", maxsplit=1)[0] in _RTL_LANGUAGES else "ltr"


def isolate(value: str, locale: str, *, number: bool = False) -> str:
    """Wrap a value for right-to-left text; other locales need no marks.

    A phone number must never be mirrored, so numbers are isolated left to right.
    """
    if direction(locale) == "ltr":
        return value
    return f"{_LEFT_TO_RIGHT_ISOLATE if number else _FIRST_STRONG_ISOLATE}{value}{_POP}"


def mark_start(text: str, locale: str) -> str:
    """Make a right-to-left text begin right to left even where it opens with a number."""
    return text if direction(locale) == "ltr" else _RIGHT_TO_LEFT_MARK + text
