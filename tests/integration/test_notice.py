"""Who can read, who else can, and what can be deleted stands before the first free text (B26).

In every language that is served. On Telegram, where one can always write, it is the first thing
said; on the web the box for words comes with it and not before.
"""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest

from bot.bootstrap import App
from bot.domain.messages import Channel, Reply
from bot.domain.screens import SAFE
from bot.i18n import LOCALES
from bot.i18n.texts import SOURCE
from tests.support.app import Visitor, running, screens
from tests.support.hostile import Browser, browsers

# The program, what it gives, no name, who reads, who else, what goes, and the question.
SENTENCES = 7
# The form around the box for words, where it is not hidden.
BOX = re.compile(r'<form id="write"[^>]*"(?! hidden)>')


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running(tmp_path) as app:
        yield app


def sentences(text: str) -> int:
    """Count the sentences of a text; Thai, which has no full stop, begins a line for each."""
    return len([one for one in re.split(r"[.?!؟\n]+", text) if one.strip(" \u200e\u200f\u2069")])


def said(app: App, locale: str, channel: Channel) -> str:
    return app.renderer.render(Reply(SAFE, locale), channel).text


async def test_every_language_is_served(app: App) -> None:
    assert set(app.renderer.texts.locales) == set(LOCALES)


async def test_on_telegram_the_notice_is_said_first(app: App) -> None:
    for locale in LOCALES:
        first = await Visitor(app, Channel.TELEGRAM, hint=locale).starts("")
        assert screens(first) == [SAFE], locale
        text = first[0].bubble.text
        assert "Telegram" in text, locale
        assert "48" in text, locale
        assert sentences(text) >= SENTENCES, locale
        assert locale == SOURCE or text != said(app, SOURCE, Channel.TELEGRAM), locale


async def test_on_the_web_the_box_for_words_comes_with_the_notice(app: App) -> None:
    for locale in LOCALES:
        async with browsers(app) as client:
            client.headers["accept-language"] = locale.replace("_", "-")
            visit = Browser(client)
            await visit.open()
            assert not BOX.search(visit.page), locale
            await visit.send(tap=SAFE)
            assert BOX.search(visit.page), locale
            notice = said(app, locale, Channel.WEB)
            assert notice in unescape(re.sub(r"<br>|</p>\s*<p>", "\n", visit.page)), locale
            assert sentences(notice) >= SENTENCES, locale
            assert locale == SOURCE or notice != said(app, SOURCE, Channel.WEB), locale
