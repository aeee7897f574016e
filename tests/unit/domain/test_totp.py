"""Codes that change every thirty seconds."""

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.domain.totp import Verdict, address, check, code_at, readable, step_at

SECRET = b"12345678901234567890"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
STEP = step_at(NOW)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_examples_of_rfc_6238(seconds: int, code: str) -> None:
    """Appendix B, SHA-1, the last six of its eight digits."""
    assert code_at(SECRET, step_at(datetime.fromtimestamp(seconds, UTC))) == code


@pytest.mark.parametrize(
    ("distance", "verdict", "minutes"),
    [
        (0, Verdict.RIGHT, 0),
        (-1, Verdict.RIGHT, 0),
        (1, Verdict.RIGHT, 0),
        (-2, Verdict.CLOCK_OFF, -1),
        (2, Verdict.CLOCK_OFF, 1),
        (-20, Verdict.CLOCK_OFF, -10),
        (120, Verdict.CLOCK_OFF, 60),
        (-121, Verdict.WRONG, 0),
        (121, Verdict.WRONG, 0),
    ],
)
def test_a_clock_that_is_off_is_told_apart(distance: int, verdict: Verdict, minutes: int) -> None:
    checked = check(SECRET, code_at(SECRET, STEP + distance), NOW, last_step=0)
    assert (checked.verdict, checked.minutes) == (verdict, minutes)


def test_a_code_is_used_up_together_with_those_before_it() -> None:
    newest = check(SECRET, code_at(SECRET, STEP), NOW, last_step=0)
    assert newest.step == STEP
    for distance in (-1, 0):
        again = check(SECRET, code_at(SECRET, STEP + distance), NOW, newest.step)
        assert (again.verdict, again.step) == (Verdict.USED, STEP)
    assert check(SECRET, code_at(SECRET, STEP + 1), NOW, newest.step).verdict is Verdict.RIGHT


@pytest.mark.parametrize("code", ["", "1", "١٢٣٤٥٦", "abcdef", "0" * 5000, "\ud800"])
def test_what_is_no_code_is_wrong(code: str) -> None:
    assert check(SECRET, code, NOW, last_step=0).verdict is Verdict.WRONG


def test_spaces_do_not_matter() -> None:
    code = code_at(SECRET, STEP)
    assert check(SECRET, f" {code[:3]} {code[3:]}", NOW, last_step=0).verdict is Verdict.RIGHT


def test_apps_can_read_the_address_and_people_the_key() -> None:
    parts = urlsplit(address(SECRET, "Søren 2", "Havn"))
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/Havn:S%C3%B8ren%202")
    (secret,) = parse_qs(parts.query)["secret"]
    assert base64.b32decode(secret) == SECRET
    assert readable(SECRET).replace(" ", "") == secret
