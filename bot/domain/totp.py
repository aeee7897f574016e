"""Six-digit codes from an app on a phone (TOTP, RFC 6238: HMAC-SHA-1, steps of 30 seconds)."""

import base64
import enum
import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
# Steps before and after the present one that are taken: phones are seldom off by more.
_TOLERATED = 1
# Within an hour a code that does not fit the time still tells that the phone's clock is off.
_LOOKED_AT = 120


class Verdict(enum.Enum):
    """What became of a code."""

    RIGHT = "right"
    WRONG = "wrong"
    USED = "used"
    CLOCK_OFF = "clock_off"


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict on a code, the step it belongs to, and how far the phone is off, in minutes.

    ``step`` is the last one that may be remembered as used. ``minutes`` is positive when the phone
    is ahead, and 0 unless the verdict is CLOCK_OFF.
    """

    verdict: Verdict
    step: int
    minutes: int = 0


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_at(moment: datetime) -> int:
    """Return the step of a moment."""
    return int(moment.timestamp()) // STEP_SECONDS


def check(secret: bytes, code: str, moment: datetime, last_step: int) -> Checked:
    """Judge a code; one of ``last_step`` or before was used already, or can no longer be.

    A code beyond the tolerated steps is never taken, but told apart: a person whose phone runs
    late would otherwise try for ever.
    """
    digits = "".join(code.split()).encode("utf-8", "replace")
    now = step_at(moment)
    for distance in sorted(range(-_LOOKED_AT, _LOOKED_AT + 1), key=abs):
        step = now + distance
        if not hmac.compare_digest(code_at(secret, step).encode(), digits):
            continue
        if abs(distance) > _TOLERATED:
            minutes = round(distance * STEP_SECONDS / 60) or (1 if distance > 0 else -1)
            return Checked(Verdict.CLOCK_OFF, last_step, minutes)
        return Checked(Verdict.RIGHT if step > last_step else Verdict.USED, max(step, last_step))
    return Checked(Verdict.WRONG, last_step)


def readable(secret: bytes) -> str:
    """Return a secret as apps take it typed in, in groups of four."""
    plain = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(plain[i : i + 4] for i in range(0, len(plain), 4))


def address(secret: bytes, alias: str, issuer: str) -> str:
    """Return the otpauth address that an app reads from a picture."""
    plain = readable(secret).replace(" ", "")
    return (
        f"otpauth://totp/{quote(issuer)}:{quote(alias)}?secret={plain}&issuer={quote(issuer)}"
        f"&digits={DIGITS}&period={STEP_SECONDS}"
    )
