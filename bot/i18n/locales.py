"""The fourteen locales, their own names, and the choice among them."""

from collections.abc import Mapping, Sequence

# In the order of facts-report.md section 5: by how many people they may reach.
LOCALES: Mapping[str, str] = {
    "en": "English",
    "da": "Dansk",
    "th": "ไทย",
    "ro": "Română",
    "uk": "Українська",
    "vi": "Tiếng Việt",
    "tl": "Tagalog",
    "pl": "Polski",
    "bg": "Български",
    "ar": "العربية",
    "fr": "Français",
    "es": "Español",
    "ru": "Русский",
    "pt_BR": "Português (Brasil)",
}
# Codes that apps and browsers send for a language we list under another code.
_ALIASES: Mapping[str, str] = {
    "fil": "tl",
    "pt": "pt_BR",
    "nb": "da",
    "no": "da",
    "nn": "da",
    "mo": "ro",
    "be": "ru",
}


def own_name(locale: str) -> str:
    """Return the name of a locale in its own language and script."""
    return LOCALES.get(locale, locale)


def negotiate(tag: str, supported: Sequence[str]) -> str:
    """Return the supported locale for a language tag such as ``da-DK`` or ``pt_br``; "" if none."""
    tag = tag.strip().replace("-", "_").lower()
    primary = tag.split("_")[0]
    by_lower = {locale.lower(): locale for locale in supported}
    for candidate in (tag, primary, _ALIASES.get(tag, ""), _ALIASES.get(primary, "")):
        if candidate.lower() in by_lower:
            return by_lower[candidate.lower()]
    return ""
