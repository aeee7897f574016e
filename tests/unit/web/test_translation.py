"""What a visitor writes, by machine in the counsellor's language: read apart, and kept nowhere."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.audit import AuditEvent
from bot.domain.staff import Role
from tests.support import translation_server
from tests.support.app import Visitor
from tests.support.claims import files
from tests.support.desk import Counsellor, House, asks, house, words
from tests.support.translation_server import TranslationServer, http

TEXT = "de har taget mit pas"
TRANSLATED = f"da>en: {TEXT}"


@pytest.fixture
async def server() -> AsyncIterator[TranslationServer]:
    async with translation_server.running() as server:
        yield server


@pytest.fixture
async def home(tmp_path: Path, server: TranslationServer) -> AsyncIterator[House]:
    async with house(tmp_path, translator_url=server.address) as home:
        yield home


async def writes(home: House, ana: Counsellor, locale: str = "da") -> tuple[int, int]:
    """Have a visitor write in a talk that Ana holds; return the numbers of talk and message."""
    visitor = Visitor(home.app)
    number = await asks(visitor, before=lambda visitor: visitor.starts(locale))
    await ana.takes(number)
    await visitor.says(TEXT)
    talk = await home.app.reader.reread(ana.staff.id, number)
    return number, next(one.id for one in talk.said if one.text == TEXT)


async def test_the_talk_comes_at_once_and_leads_to_the_translation_of_a_line(
    home: House, server: TranslationServer
) -> None:
    server.answer = lambda _question: None  # a server that never answers
    ana = await home.counsellor("Ana")
    number, message = await writes(home, ana)
    for path in (f"/talk/{number}", f"/talk/{number}/now"):
        page = (await asyncio.wait_for(ana.browser.get(path), 5)).text
        assert page.count("data-translate") == 1
        assert f'href="/talk/{number}/translation/{message}"' in page
    assert server.asked == []


async def test_a_translation_stands_below_the_original_and_is_marked(
    home: House, server: TranslationServer
) -> None:
    ana = await home.counsellor("Ana")
    number, message = await writes(home, ana)
    page = await ana.sees(f"/talk/{number}/translation/{message}")
    original, mark = page.index(f" {TEXT} "), page.index("Machine translation, may be wrong")
    assert original < mark < page.index(TRANSLATED)
    # The text and two languages, and nothing of whose it is.
    expected = {"q": TEXT, "source": "auto", "target": "en", "format": "text"}
    assert server.asked == [expected]


async def test_what_the_machine_says_is_text_and_never_markup(
    home: House, server: TranslationServer
) -> None:
    server.answer = lambda _question: http(
        b'{"translatedText": "<script>alert(1)</script>\\u202eevil"}'
    )
    ana = await home.counsellor("Ana")
    number, message = await writes(home, ana)
    page = (await ana.browser.get(f"/talk/{number}/translation/{message}")).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "\u202e" not in page


async def test_a_failure_says_that_there_is_no_translation_now(
    home: House, server: TranslationServer
) -> None:
    server.answer = lambda _question: http(b"{}", 500)
    ana = await home.counsellor("Ana")
    number, message = await writes(home, ana)
    page = await ana.sees(f"/talk/{number}/translation/{message}")
    assert TEXT in page
    assert "No translation now. Try again" in page
    assert "Machine translation, may be wrong" not in page
    server.answer = None
    assert TRANSLATED in await ana.sees(f"/talk/{number}/translation/{message}")


async def test_nothing_of_it_is_stored_logged_cached_or_changes_the_request(
    home: House,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    ana = await home.counsellor("Ana")
    number, message = await writes(home, ana)
    before = await home.app.reader.reread(ana.staff.id, number)
    response = await ana.browser.get(f"/talk/{number}/translation/{message}")
    assert TRANSLATED in words(response.text)
    assert response.headers["cache-control"] == "no-store"
    after = await home.app.reader.reread(ana.staff.id, number)
    assert (after.card.handover, after.said) == (before.card.handover, before.said)
    raw = files(tmp_path) + caplog.text.encode() + "".join(capfd.readouterr()).encode()
    assert b"da>en" not in raw
    assert TEXT.encode() not in raw


async def test_in_a_language_the_counsellor_reads_a_line_is_translated_only_when_asked(
    home: House, server: TranslationServer
) -> None:
    ana = await home.counsellor("Ana")
    number, message = await writes(home, ana, "en")
    page = (await ana.browser.get(f"/talk/{number}")).text
    assert f'href="/talk/{number}/translation/{message}"' in page
    assert "data-translate" not in page
    assert TRANSLATED in await ana.sees(f"/talk/{number}/translation/{message}")
    server.detects = ("da", 20)
    unsure = await ana.sees(f"/talk/{number}/translation/{message}")
    assert "No translation now." in unsure
    assert "en>en" not in unsure


async def test_a_language_that_is_not_sure_is_taken_for_the_one_the_visitor_reads(
    home: House, server: TranslationServer
) -> None:
    ana = await home.counsellor("Ana")
    number, message = await writes(home, ana, "da")
    server.detects = ("ro", 90)
    assert f"ro>en: {TEXT}" in await ana.sees(f"/talk/{number}/translation/{message}")
    server.detects = ("ro", 89.9)
    assert TRANSLATED in await ana.sees(f"/talk/{number}/translation/{message}")


async def test_without_a_server_nothing_is_offered(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ana = await home.counsellor("Ana")
        number, message = await writes(home, ana)
        assert "/translation/" not in (await ana.browser.get(f"/talk/{number}")).text
        refused = await ana.browser.get(f"/talk/{number}/translation/{message}")
        assert refused.status_code == 404


async def test_only_lines_of_the_visitor_in_this_talk_are_translated(
    home: House, server: TranslationServer
) -> None:
    ana = await home.counsellor("Ana")
    number, message = await writes(home, ana)
    await home.app.hotline.say(ana.staff.id, "Ana", number, "I am here", "1")
    talk = await home.app.reader.reread(ana.staff.id, number)
    own = [one.id for one in talk.said if one.author != "visitor"]
    assert own
    other, _ = await writes(home, ana)
    for held, line in ((number, own[-1]), (other, message), (number, 0), (number, "x")):
        response = await ana.browser.get(f"/talk/{held}/translation/{line}")
        assert response.status_code == 404
    assert server.asked == []


async def test_who_does_not_hold_the_talk_gets_no_translation(
    home: House, server: TranslationServer
) -> None:
    ana, bo = await home.counsellor("Ana"), await home.counsellor("Bo")
    number, message = await writes(home, ana)
    response = await bo.browser.get(f"/talk/{number}/translation/{message}")
    assert (response.status_code, server.asked) == (404, [])


async def test_a_supervisor_reads_it_only_along_with_a_raised_hand_and_that_is_recorded(
    home: House, server: TranslationServer
) -> None:
    ana, sue = await home.counsellor("Ana"), await home.counsellor("Sue", Role.SUPERVISOR)
    number, message = await writes(home, ana)
    path = f"/board/{number}/translation/{message}"
    assert ((await sue.browser.get(path)).status_code, server.asked) == (404, [])
    await home.app.hotline.raise_hand(ana.staff.id, number, up=True)
    assert TRANSLATED in await sue.sees(path)
    async with home.app.store.begin() as unit:
        entries = [entry.happening for entry in await unit.audit.after(-1, 1000)]
    assert (sue.staff.id, AuditEvent.CONVERSATION_OPENED) in [(e.actor, e.event) for e in entries]
    assert f'href="{path}"' in (await sue.browser.get(f"/board/{number}")).text
