"""Every translator: a text or one clear error, in time; nothing of the text anywhere else."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from bot.adapters.translator import NoTranslator
from bot.adapters.translator.libre import LibreTranslator, open_libre_translator
from bot.bootstrap import open_translator
from bot.domain.errors import TranslatorUnavailableError
from bot.ports import LONGEST_TRANSLATION, Translator
from bot.settings import Settings
from tests.support import translation_server
from tests.support.translation_server import Answer, TranslationServer, http

TEXT = "de har taget mit pas"


@pytest.fixture
async def server() -> AsyncIterator[TranslationServer]:
    async with translation_server.running() as server:
        yield server


@pytest.fixture
async def translator(server: TranslationServer) -> AsyncIterator[LibreTranslator]:
    async with open_libre_translator(server.address, deadline=0.5) as translator:
        yield translator


async def refused(translator: Translator, text: str = TEXT) -> TranslatorUnavailableError:
    """Return the error of a translation that must fail, after looking for the text in it."""
    with pytest.raises(TranslatorUnavailableError) as caught:
        await translator.translate(text, "da", "en")
    error = caught.value
    assert text[:20] not in f"{error!r}"
    assert (error.__cause__, error.__suppress_context__) == (None, error.__context__ is not None)
    return error


async def test_without_an_address_nothing_is_translated() -> None:
    async with open_translator(Settings()) as translator:
        assert isinstance(translator, NoTranslator)
        assert not translator.ready
        await refused(translator)


async def test_a_text_is_translated_as_text_between_the_languages_named(
    server: TranslationServer,
) -> None:
    settings = Settings(translator_url=f"{server.address}/", translator_key="key-1")
    async with open_translator(settings) as translator:
        assert translator.ready
        assert await translator.translate(TEXT, "pt_BR", "en") == f"pt-BR>en: {TEXT}"
    expected = {"q": TEXT, "source": "pt-BR", "target": "en", "format": "text", "api_key": "key-1"}
    assert (server.paths, server.asked) == (["/translate"], [expected])


async def test_the_longest_message_in_any_script_passes_and_a_longer_one_stays_here(
    translator: LibreTranslator, server: TranslationServer
) -> None:
    longest = "\U0001f198" * LONGEST_TRANSLATION
    assert await translator.translate(longest, "th", "da") == f"th>da: {longest}"
    await refused(translator, longest + "!")
    assert len(server.asked) == 1


def said(text: object) -> bytes:
    return http(json.dumps({"translatedText": text}).encode())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(b"{}", 500), id="500"),
        pytest.param(http(b'{"translatedText": "x"}', 429), id="429"),
        pytest.param(http(b'{"error": "de har taget mit pas"}', 400), id="400 that quotes"),
        pytest.param(http(b"", 204), id="204"),
        pytest.param(http(b""), id="nothing"),
        pytest.param(http(b"<html>"), id="no JSON"),
        pytest.param(http(b"\xff\xfe\xff"), id="no text"),
        pytest.param(http(b"[" * 50_000), id="deep"),
        pytest.param(http(b'["x"]'), id="a list"),
        pytest.param(http(b"null"), id="null"),
        pytest.param(http(b'{"translation": "x"}'), id="another key"),
        pytest.param(said(None), id="no translation"),
        pytest.param(said(["x"]), id="many translations"),
        pytest.param(said("  "), id="blank"),
        pytest.param(said("x" * (2 * LONGEST_TRANSLATION + 1)), id="far longer"),
        pytest.param(http(b" " * 300_000 + b'{"translatedText": "x"}'), id="far too large"),
        pytest.param(said("whole")[:-4], id="cut short"),
        pytest.param(b"no HTTP at all\r\n\r\n", id="no HTTP"),
        pytest.param(b"", id="hangs up"),
        pytest.param(None, id="silence"),
        pytest.param(http(b'{"translatedText": ', content_length="500"), id="stops half-way"),
    ],
)
async def test_what_is_no_translation_is_refused_in_time(
    translator: LibreTranslator, server: TranslationServer, answer: Answer
) -> None:
    server.answer = lambda _question: answer
    async with asyncio.timeout(2):
        await refused(translator)
    server.answer = None
    assert await translator.translate(TEXT, "da", "en") == f"da>en: {TEXT}"


async def detecting(translator: Translator, source: str = "ro", target: str = "en") -> str:
    return await translator.translate(TEXT, source, target, detect=True)


async def test_a_language_the_server_is_sure_of_goes_before_the_one_named(
    translator: LibreTranslator, server: TranslationServer
) -> None:
    assert await detecting(translator) == f"da>en: {TEXT}"
    assert await detecting(translator, "en") == f"da>en: {TEXT}"
    assert [question["source"] for question in server.asked] == ["auto", "auto"]


@pytest.mark.parametrize("confidence", [0, 89.9, None, "97", True, [], {"confidence": 99}])
async def test_where_it_is_not_sure_the_language_named_counts(
    translator: LibreTranslator, server: TranslationServer, confidence: object
) -> None:
    server.detects = ("da", confidence)
    assert await detecting(translator) == f"ro>en: {TEXT}"
    assert [question["source"] for question in server.asked] == ["auto", "ro"]
    with pytest.raises(TranslatorUnavailableError, match="not known"):
        await detecting(translator, "en")
    assert len(server.asked) == 3


@pytest.mark.parametrize("answer", [http(b"{}", 400), http(b"[]"), said("x"), said(None)])
async def test_a_server_that_cannot_detect_is_asked_in_the_language_named(
    translator: LibreTranslator, server: TranslationServer, answer: bytes
) -> None:
    server.answer = lambda question: (
        answer if question["source"] == "auto" else server.translated(question)
    )
    assert await detecting(translator) == f"ro>en: {TEXT}"


async def test_both_questions_share_one_deadline(
    translator: LibreTranslator, server: TranslationServer
) -> None:
    server.answer = lambda question: http(b"{}", 400) if question["source"] == "auto" else None
    async with asyncio.timeout(1):
        with pytest.raises(TranslatorUnavailableError):
            await detecting(translator)


@pytest.mark.parametrize(
    ("piece", "pause", "why"), [(b" " * 65_536, 0.0, "too long"), (b" ", 0.05, "TimeoutError")]
)
async def test_an_answer_without_end_is_not_read_to_the_end(
    translator: LibreTranslator, server: TranslationServer, piece: bytes, pause: float, why: str
) -> None:
    server.answer = lambda _question: http(b'{"translatedText": "', content_length="999999999999")
    server.endless, server.pause = piece, pause
    async with asyncio.timeout(2):
        assert why in str(await refused(translator))


async def test_the_text_goes_to_no_server_but_the_one_that_was_set(
    translator: LibreTranslator, server: TranslationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with translation_server.running() as stranger:
        server.answer = lambda _question: http(b"", 307, location=f"{stranger.address}/translate")
        await refused(translator)
        server.answer = None
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, stranger.address)
        async with open_libre_translator(server.address) as another:
            await another.translate(TEXT, "da", "en")
        assert stranger.asked == []


async def test_a_server_that_is_away_is_an_error_like_any_other() -> None:
    async with open_libre_translator("http://127.0.0.1:9") as translator:
        await refused(translator)


async def test_a_burst_does_not_burden_the_server_at_once(server: TranslationServer) -> None:
    async with open_libre_translator(server.address) as translator:
        texts = [f"{TEXT} {number}" for number in range(20)]
        found = await asyncio.gather(*(translator.translate(text, "da", "en") for text in texts))
    assert found == [f"da>en: {text}" for text in texts]
    assert server.busiest <= 4


async def test_no_log_holds_the_text_or_the_key(
    server: TranslationServer, caplog: pytest.LogCaptureFixture
) -> None:
    # Other tests may have silenced the libraries, as Havn does when it runs.
    for name in (None, "httpx", "httpcore", "httpcore.connection", "httpcore.http11"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with open_libre_translator(server.address, "key-1", deadline=0.5) as translator:
        await translator.translate(TEXT, "da", "en")
        server.answer = lambda _question: None
        await refused(translator)
    assert caplog.records, "the libraries were silent, so nothing was looked at"
    for record in caplog.records:
        assert TEXT not in record.getMessage()
        assert "key-1" not in record.getMessage()
