"""Answers that cannot be read are told apart: cut short (try again) or poison (pass over)."""

import json
from typing import Any

import pytest
from telegram.error import TelegramError

from bot.adapters.telegram.client import (
    PoisonAnswerError,
    Request,
    UnreadableAnswerError,
    open_client,
)
from bot.domain.errors import ConfigurationError

DEEP = b'{"ok":true,"result":[{"update_id":5,"message":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"
LONG = b'{"ok":true,"result":[{"update_id":6,"message":' + b"9" * 5_000 + b"}]}"


def test_an_answer_is_read() -> None:
    assert Request.parse_json_payload(b'{"ok":true,"result":[1]}') == {"ok": True, "result": [1]}


@pytest.mark.parametrize(
    "payload", [b"", b"<html>", b'{"ok":true,"result":[', b"[]", b"7", b'{"ok":true}']
)
def test_cut_or_foreign_answers_are_unreadable_but_not_poison(payload: bytes) -> None:
    with pytest.raises(UnreadableAnswerError) as caught:
        Request.parse_json_payload(payload)
    assert not isinstance(caught.value, PoisonAnswerError)


@pytest.mark.parametrize(("payload", "first"), [(DEEP, 5), (LONG, 6)])
def test_poison_names_the_first_update(payload: bytes, first: int) -> None:
    with pytest.raises(PoisonAnswerError) as caught:
        Request.parse_json_payload(payload)
    assert caught.value.first_id == first


def test_an_id_a_visitor_typed_is_not_taken_for_one() -> None:
    text = json.dumps('"update_id":1').encode()
    payload = (
        b'{"ok":true,"result":[{"text":' + text + b',"update_id":8,"x":' + b"9" * 5000 + b"}]}"
    )
    with pytest.raises(PoisonAnswerError) as caught:
        Request.parse_json_payload(payload)
    assert caught.value.first_id == 8


def test_errors_of_unreadable_answers_quote_nothing() -> None:
    with pytest.raises(TelegramError) as caught:
        Request.parse_json_payload(b"secret words")
    error: Any = caught.value
    assert "secret" not in f"{error} {error.__cause__}"


@pytest.mark.parametrize("token", ["", "abcdefgh", "12:with space", "12:a/../b"])
async def test_what_cannot_be_a_token_is_refused_without_quoting_it(token: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        async with open_client(token, "http://127.0.0.1:9"):
            pass
    assert not token or token not in str(caught.value)
