"""The numbers on the page of rules are those of the code."""

import re
from pathlib import Path

import pytest

from bot.adapters.nlu import client as nlu
from bot.adapters.passwords import _AT_ONCE, _HASHER
from bot.adapters.telegram import webhook
from bot.adapters.webchat import crowd, form
from bot.domain import factors, pace, staff, totp, tries
from bot.domain.content import change
from bot.services import decide
from bot.services.hotline import speaking
from bot.services.staff import enrolment
from bot.web import security

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs/security.md").read_text("utf-8").split())
SAID = [
    f"{form.BODY_BYTES:,} bytes; at most {form._FIELDS} fields",
    f"{form.TEXT_CHARACTERS:,} characters, the rest is cut",
    f"{webhook.LARGEST_BODY:,} bytes; the secret header",
    f"{security.LARGEST_BODY:,} bytes; no parts",
    f"{speaking.LONGEST_LINE:,} characters, refused whole",
    f"1 to {staff._LONGEST_ALIAS} letters",
    f"{factors.SHORTEST_PASSWORD} to {factors.LONGEST_PASSWORD} characters of any kind",
    f"{decide.NLU_CHARACTERS:,} characters, no control character",
    f"frames of {nlu._MAX_FRAME:,} bytes",
    f"{pace.BURST} messages at once",
    f"one answer in {pace.JOINED.seconds} seconds",
    f"over {pace.QUIET_AFTER} in {pace.QUIET_WINDOW.seconds // 60} minutes",
    f"{crowd._FREE} in {crowd._WINDOW / 60:.0f} minutes",
    f"slower by up to {crowd._LONGEST:.0f} seconds",
    f"{tries.FREE_TRIES} in a minute | wait of {tries.FIRST_WAIT.seconds} seconds",
    f"at most {tries.LONGEST_WAIT.seconds // 60} minutes. Nobody is locked out",
    f"passwords hashed at once | {_AT_ONCE} |",
    f"Argon2id, {_HASHER.memory_cost // 1024} MiB, {_HASHER.time_cost} passes",
    f"good once, for {totp.STEP_SECONDS} seconds",
    f"within {staff.INVITATION.total_seconds() / 3600:.0f} hours, handed over",
    f"after {factors.IDLE.seconds // 60} minutes without a click",
    f"after {factors.ABSOLUTE.seconds // 3600} hours, with a sign-in elsewhere",
    f"the last {factors.FRESH.seconds // 60} minutes",
    f"secret of codes, {8 * totp.SECRET_BYTES} bits",
]


@pytest.mark.parametrize("sentence", SAID)
def test_the_page_says_what_the_code_does(sentence: str) -> None:
    assert sentence in PAGE


def test_the_words_no_password_may_rest_on_are_those_of_the_code() -> None:
    for word in enrolment._KNOWN:
        assert f"`{word}`" in PAGE


def test_the_waiting_time_of_a_change_is_that_of_the_code() -> None:
    minutes = change.COOL_OFF.seconds // 60
    assert f"{minutes} minutes for what people act on in danger" in PAGE


def test_every_file_named_is_there() -> None:
    text = (ROOT / "docs/security.md").read_text("utf-8")
    named = re.findall(r"`(bot/[\w/]+\.py)`", text)
    assert named
    for path in named:
        assert (ROOT / path).is_file(), path


def test_every_event_of_security_is_one_that_is_logged() -> None:
    text = (ROOT / "docs/security.md").read_text("utf-8")
    line = text.partition("Events of security")[2].partition("What visitors do wrong")[0]
    code = "".join(path.read_text("utf-8") for path in ROOT.glob("bot/**/*.py"))
    for event in re.findall(r"`([a-z_]+)`", line):
        assert f'"{event}"' in code, event
