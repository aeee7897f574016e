"""A counsellor's line by machine: read back first, sent by a second press, marked, both kept."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bot.domain.messages import Channel, MessageId
from bot.services.hotline.speaking import LONGEST_LINE
from bot.services.hotline.translating import preview
from tests.support import translation_server
from tests.support.app import Visitor
from tests.support.claims import files
from tests.support.desk import Counsellor, House, asks, hidden, house, words
from tests.support.translation_server import TranslationServer, http

OWN = "Call 70 20 25 50 when it is safe"
SAID = f"en>da: {OWN}"
BACK = f"da>en: {SAID}"


@dataclass
class Scene:
    """A talk with somebody who reads Danish, and the translator between."""

    home: House
    server: TranslationServer
    ana: Counsellor
    visitor: Visitor
    number: int

    async def previews(self, text: str = OWN, **options: Any) -> Any:
        return await self.ana.sends(f"/talk/{self.number}/say/preview", text=text, **options)

    async def approves(self, page: str = "", **changed: str) -> Any:
        """Press the second button, as the preview on a page stands, or in a forged form."""
        names = ("text", "translated", "locale", "once")
        form = {name: last(page, name) for name in names} if page else {}
        return await self.ana.sends(f"/talk/{self.number}/say/translated", **{**form, **changed})

    async def heard(self) -> list[str]:
        """Return what the visitor was shown of Ana."""
        reception = self.home.app.reception
        shown = await reception.shown(self.visitor.channel, self.visitor.sender, MessageId(0))
        return [sent.bubble.text for sent in shown if sent.author == "Ana"]

    async def draft(self) -> str:
        return (await self.home.app.reader.reread(self.ana.staff.id, self.number)).draft.reply


def last(page: str, name: str) -> str:
    """Return a hidden field of the preview, which comes after that of the reply."""
    form = page.partition('<form id="translated"')[2].partition("</form>")[0]
    return hidden(form, name)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with (
        translation_server.running() as server,
        house(tmp_path, translator_url=server.address) as home,
    ):
        yield await begun(home, server)


async def begun(home: House, server: TranslationServer, locale: str = "da") -> Scene:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    number = await asks(visitor, before=lambda visitor: visitor.starts(locale))
    await ana.takes(number)
    return Scene(home, server, ana, visitor, number)


async def test_nothing_is_sent_before_it_was_read_back_and_approved(scene: Scene) -> None:
    before = await scene.heard()
    page = (await scene.previews()).text
    seen = words(page)
    assert seen.index(SAID) < seen.index("And back again:") < seen.index(BACK)
    assert "Not sent yet" in seen
    asked = [(one["q"], one["source"], one["target"]) for one in scene.server.asked]
    assert asked == [(OWN, "en", "da"), (SAID, "da", "en")]
    assert await scene.heard() == before
    assert await scene.draft() == OWN
    assert f">{OWN}</textarea>" in page
    assert (await scene.approves(page)).status_code == 303
    (line,) = [one for one in await scene.heard() if one not in before]
    mark = scene.home.app.renderer.values.word("line_by_machine", "da")
    assert line == f"{SAID}\n\n{mark}\n{OWN}"
    assert await scene.draft() == ""
    assert len(scene.server.asked) == 2


async def test_the_counsellor_sees_what_was_sent_and_what_was_written(scene: Scene) -> None:
    await scene.approves((await scene.previews()).text)
    seen = await scene.ana.sees(f"/talk/{scene.number}")
    assert f"{SAID} Sent translated by machine. Written was: {OWN}" in seen


async def test_on_telegram_and_the_terminal_it_is_marked_as_well(scene: Scene) -> None:
    await scene.approves((await scene.previews()).text)
    async with scene.home.app.store.begin() as unit:
        found = await unit.handovers.get(scene.number)
        assert found is not None
        thread = await unit.messages.thread(found.conversation, MessageId(0), 50)
    renderer = scene.home.app.renderer
    line = next(one.body for one in thread if getattr(one.body, "original", "")  # type: ignore[union-attr]
                )  # fmt: skip
    for channel in (Channel.TELEGRAM, Channel.TERMINAL):
        text = renderer.show(line, channel).text  # type: ignore[arg-type]
        assert SAID in text
        assert text.index(renderer.values.word("line_by_machine", "da")) < text.rindex(OWN)


async def test_a_second_press_of_the_second_button_says_it_once(scene: Scene) -> None:
    page = (await scene.previews()).text
    for _ in range(2):
        assert (await scene.approves(page)).status_code == 303
    assert len([one for one in await scene.heard() if SAID in one]) == 1


def answering(text: str) -> Any:
    return lambda _question: http(json.dumps({"translatedText": text}).encode())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _question: http(b"{}", 500), "there is no translation now"),
        (answering("   "), "there is no translation now"),
        (answering("<p>Ring 70 20 25 50</p>"), "there is no translation now"),
        (answering("Ring 70 20 25 05"), "numbers were changed"),
        (answering("Ring 70 20 25 50 eller 112"), "numbers were changed"),
        (answering("Ring"), "numbers were changed"),
        (answering("70 20 25 50 " + "æ" * LONGEST_LINE), "too long together"),
    ],
)
async def test_what_must_not_be_sent_is_not_even_offered(
    scene: Scene, answer: Any, why: str
) -> None:
    before = await scene.heard()
    scene.server.answer = answer
    response = await scene.previews()
    assert response.status_code == 400
    assert why in words(response.text)
    assert 'id="translated"' not in response.text
    assert f">{OWN}</textarea>" in response.text
    assert await scene.heard() == before
    assert await scene.draft() == OWN


async def test_what_cannot_be_read_back_is_not_offered(scene: Scene) -> None:
    scene.server.answer = lambda question: (
        scene.server.translated(question) if question["target"] == "da" else http(b"{}", 500)
    )
    response = await scene.previews()
    assert "there is no translation now" in words(response.text)
    assert SAID not in response.text


async def test_a_slow_translator_is_given_up_before_the_page_is(scene: Scene) -> None:
    scene.server.answer = lambda _question: None
    translator = scene.home.app.translator
    with pytest.raises(Exception, match="TimeoutError") as caught:
        await preview(translator, OWN, "en", "da", deadline=0.2)
    assert OWN not in repr(caught.value)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"translated": "en>da: Call 70 20 25 05 when it is safe"}, "numbers were changed"),
        ({"translated": ""}, "there is no translation now"),
        ({"translated": f"<b>{SAID}</b>"}, "there is no translation now"),
        ({"text": "Call 112"}, "numbers were changed"),
        ({"text": ""}, "There is nothing to send yet"),
        ({"locale": "en"}, "reads another language"),
        ({"locale": "xx"}, "reads another language"),
        ({"text": "a" * LONGEST_LINE, "translated": "a"}, "too long together"),
    ],
)
async def test_a_form_that_was_changed_sends_nothing(
    scene: Scene, changed: dict[str, str], why: str
) -> None:
    before = await scene.heard()
    response = await scene.approves((await scene.previews()).text, **changed)
    assert response.status_code == 400
    assert why in words(response.text)
    assert await scene.heard() == before


async def test_a_visitor_who_changed_the_language_meanwhile_is_not_written_to_in_the_old_one(
    scene: Scene,
) -> None:
    page = (await scene.previews()).text
    await scene.visitor.taps("action_set_language locale=en")
    before = await scene.heard()
    response = await scene.approves(page)
    assert "reads another language" in words(response.text)
    assert await scene.heard() == before


async def test_what_the_machine_says_is_shown_as_text(scene: Scene) -> None:
    text = 'if a < b then "go" & <i>wait</i>'
    page = (await scene.previews(text)).text
    assert "<i>wait" not in page
    assert unescape(last(page, "translated")) == f"en>da: {text}"


async def test_lines_keep_their_breaks(scene: Scene) -> None:
    page = (await scene.previews("one\r\n\r\ntwo")).text
    await scene.approves(page)
    assert any("en>da: one\n\ntwo" in one for one in await scene.heard())


@pytest.mark.parametrize("locale", ["en"])
async def test_in_the_counsellor_s_own_language_there_is_nothing_to_translate(
    tmp_path: Path, locale: str
) -> None:
    async with (
        translation_server.running() as server,
        house(tmp_path, translator_url=server.address) as home,
    ):
        scene = await begun(home, server, locale)
        page = await scene.ana.browser.get(f"/talk/{scene.number}")
        assert "say/preview" not in page.text
        assert (await scene.previews()).status_code == 404
        assert server.asked == []


async def test_without_a_translator_there_is_no_such_button(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        scene = await begun(home, TranslationServer())
        page = await scene.ana.browser.get(f"/talk/{scene.number}")
        assert "say/preview" not in page.text
        assert (await scene.previews()).status_code == 404
        forged = {"text": OWN, "translated": SAID, "locale": "da", "once": "1"}
        assert (await scene.approves(**forged)).status_code == 404
        assert not any(OWN in one for one in await scene.heard())


async def test_both_are_sealed_and_in_no_log(
    scene: Scene,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    await scene.approves((await scene.previews()).text)
    talk = await scene.home.app.reader.reread(scene.ana.staff.id, scene.number)
    assert (talk.said[-1].text, talk.said[-1].original) == (SAID, OWN)
    assert OWN not in repr(talk)
    raw = files(tmp_path) + caplog.text.encode() + "".join(capfd.readouterr()).encode()
    assert b"Call 70 20" not in raw
