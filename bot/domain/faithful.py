"""Whether a machine's translation may be sent: same numbers, no markup, signs in their order.

A phone number with two digits exchanged leads to somebody else, and so do two numbers that changed
places ("call 112, not 114"). So the numbers of the original must stand in the translation sign by
sign and in their order, and no other may stand there. This refuses some good translations (other
digits, "2" for "two", "at 8:30 in room 4" for "room 4 at 8:30"): the counsellor then writes anew.
"""

import enum
import re
import unicodedata

# Between two digits of one number: a space of any kind, or a sign of dates, hours and phones.
_JOINING = re.compile(r"[\s.,:;/()+\-\u2010-\u2015]")
_MARKUP = re.compile(r"</?[a-z!][^>]*>|&#?\w+;", re.IGNORECASE)
# Signs that set the direction of what follows (Unicode, UAX 9): digits could be read backwards.
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


class Fault(enum.StrEnum):
    """Why a translation is not sent."""

    NUMBERS = "numbers"
    MARKUP = "markup"
    EMPTY = "empty"


def fault(original: str, translated: str) -> Fault | None:
    """Return why a translation must not be sent, None when nothing is known against it."""
    if not translated.strip():
        return Fault.EMPTY
    if numbers(original) != numbers(translated):
        return Fault.NUMBERS
    for signs in (_MARKUP, _TURNING):
        if set(signs.findall(translated)) - set(signs.findall(original)):
            return Fault.MARKUP
    return None


def numbers(text: str) -> list[str]:
    """Return the numbers in a text, in any script, in their order.

    Digits with one sign between them are one number, for a phone number in other order is another
    one. A plus before it belongs to it; the signs between count too.
    """
    found: list[str] = []
    last = -2
    for at, sign in enumerate(text):
        if not unicodedata.category(sign).startswith("N"):
            continue
        joined = last == at - 1 or (last == at - 2 and bool(_JOINING.fullmatch(text[at - 1])))
        if found and joined:
            found[-1] += text[last + 1 : at + 1]
        else:
            found.append(f"+{sign}" if at and text[at - 1] == "+" else sign)
        last = at
    return found
