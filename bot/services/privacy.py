"""The privacy page: plain sentences, each true for the settings in force."""

from collections.abc import Sequence

from bot.i18n import Values

_ORDER = (
    "privacy_title",
    "privacy_who",
    "privacy_machine",
    "privacy_not_asked",
    "privacy_not_kept",
    "privacy_kept",
    "privacy_check",
    "privacy_report",
    "privacy_kept_bot",
    "privacy_kept_person",
    "privacy_case_notes",
    "privacy_telegram",
    "privacy_telegram_number",
    "privacy_web",
    "privacy_web_idle",
    "privacy_hide",
    "privacy_hide_limits",
    "privacy_readers",
    "privacy_translator",
    "privacy_signal",
    "privacy_sharing",
    "privacy_court",
    "privacy_counts",
    "privacy_rights",
    "privacy_contact",
)
_TELEGRAM = frozenset({"privacy_telegram", "privacy_telegram_number"})
_TRANSLATOR = frozenset({"privacy_translator"})


def privacy_page(values: Values, locale: str, *, telegram: bool, translator: bool) -> Sequence[str]:
    """Return title and paragraphs; of Telegram and of a translator only where they serve."""
    unsaid = (frozenset() if telegram else _TELEGRAM) | (frozenset() if translator else _TRANSLATOR)
    keys = (key for key in _ORDER if key not in unsaid)
    return [values.word(key, locale) for key in keys]
