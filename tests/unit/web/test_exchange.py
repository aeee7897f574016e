"""Files of translations that leave the console and come back."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.domain.content import State
from bot.domain.staff import Role
from bot.i18n import exchange
from bot.web.forgery import token_of
from tests.support.console import Browser, Rig, signed_in

FILE = "/content/exchange/file"


@pytest.fixture
async def editor(rig: Rig, browser: Browser) -> Browser:
    await signed_in(rig, browser, "Ed", {Role.EDITOR})
    return browser


async def sent(browser: Browser, content: bytes, **headers: str) -> httpx.Response:
    assert browser.session
    return await browser.post(
        "/content/exchange",
        data={"csrf": token_of(browser.session)},
        files={"file": ("x.bin", content, "application/octet-stream")},
        headers=headers,
    )


async def file(browser: Browser, form: str, locale: str = "th", which: str = "all") -> str:
    answer = await browser.get(FILE, params={"locale": locale, "form": form, "which": which})
    assert answer.status_code == 200
    assert f'filename="havn-{locale}.{form}"' in answer.headers["content-disposition"]
    return answer.text


@pytest.mark.parametrize("form", ["po", "xlf"])
@pytest.mark.parametrize("locale", ["th", "ar", "pt_BR"])
async def test_an_untouched_file_proposes_nothing(
    rig: Rig, editor: Browser, form: str, locale: str
) -> None:
    page = await sent(editor, (await file(editor, form, locale)).encode())
    assert page.status_code == 200
    assert ": 0 sent to review" in page.text
    assert ", 0 refused" in page.text
    assert await rig.desk.content.waiting() == []


async def test_a_changed_text_goes_to_review_and_no_further(rig: Rig, editor: Browser) -> None:
    read = exchange.read((await file(editor, "xlf", "da", "open")).encode())[1]
    old = next(unit.text for unit in read if unit.context == "utter_goodbye")
    content = (await file(editor, "po", "da")).replace(old, "Farvel og pas på dig selv.")
    page = await sent(editor, content.encode())
    assert "1 sent to review" in page.text
    (change,) = await rig.desk.content.waiting()
    assert change.state is State.IN_REVIEW
    assert change.value["text"] == "Farvel og pas på dig selv."
    assert "0 sent to review" in (await sent(editor, content.encode())).text


def _xliff(body: str, head: str = "", to: str = "da") -> str:
    return (
        f'<?xml version="1.0"?>{head}<xliff version="1.2" '
        'xmlns="urn:oasis:names:tc:xliff:document:1.2"><file source-language="en" '
        f'target-language="{to}"><body>{body}</body></file></xliff>'
    )


BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>"
OUTSIDE = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
PO = 'msgid ""\nmsgstr ""\n"Language: da\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
FILES = {
    "bomb": (_xliff("<trans-unit><source>&b;</source></trans-unit>", BOMB), "DTD"),
    "outside": (_xliff("<trans-unit><source>&a;</source></trans-unit>", OUTSIDE), "DTD"),
    "no language": (_xliff("", to="xx"), "which of our languages"),
    "english": (_xliff("", to="en"), "which of our languages"),
    "deep": (_xliff("<g>" * 50 + "</g>" * 50), "too deep"),
    "html": ("<html><script>1</script></html>", "not XLIFF"),
    "broken": ("<xliff", "as XML"),
    "binary": ("PK\x03\x04\0", "not text"),
    "other": ("hello", "neither"),
    "plural": (PO + '\nmsgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\n', "plural"),
    "po broken": (PO + '\nmsgid "a"\nwhat is this', "as a .po file"),
    "po code": (
        PO.replace('"Content', '"Plural-Forms: nplurals=2; plural=__import__(1);\\n"\n"Content'),
        "does not belong",
    ),
    "po encoding": (PO.replace("utf-8", "utf-7"), "not in UTF-8"),
    "po no language": ('msgid ""\nmsgstr ""\n\nmsgid "a"\nmsgstr "b"\n', "languages"),
}


@pytest.mark.parametrize("name", FILES)
async def test_a_file_that_cannot_be_is_refused_in_words(
    rig: Rig, editor: Browser, name: str
) -> None:
    content, says = FILES[name]
    page = await sent(editor, content.encode())
    assert page.status_code == 400
    assert says in page.text
    assert "root:" not in page.text
    assert await rig.desk.content.waiting() == []


async def test_a_file_that_is_too_large(editor: Browser) -> None:
    assert (await sent(editor, b"m" * (2 * 1024 * 1024 + 1))).status_code == 400
    assert (await sent(editor, b"m" * (3 * 1024 * 1024))).status_code == 413


TARGETS: dict[str, tuple[Callable[[str], str], str]] = {
    "lost placeholder": (lambda text: text.replace("{cmm_phone}", ""), "cmm_phone"),
    "long": (lambda text: text + "a" * 10_000, "too long"),
    "html": (lambda text: text + "<script>", "HTML"),
    "bidi": (lambda text: text + "\u202e", "invisible"),
    "number": (lambda text: text + " 70202550", "typed number"),
}


@pytest.mark.parametrize("name", TARGETS)
async def test_a_text_that_cannot_be_is_refused_in_words(
    rig: Rig, editor: Browser, name: str
) -> None:
    spoil, says = TARGETS[name]
    locale, units = exchange.read((await file(editor, "po", "da")).encode())
    unit = next(one for one in units if one.context == "utter_thanks")
    changed = [replaced(unit, text=spoil(unit.text)), replaced(unit, source="Never said.")]
    page = await sent(editor, exchange.write(exchange.Form.PO, changed, locale))
    assert "2 refused" in page.text
    assert says in page.text
    assert "English text has changed" in page.text
    assert "<script>" not in page.text
    assert await rig.desk.content.waiting() == []


def replaced(unit: exchange.Unit, **parts: Any) -> exchange.Unit:
    kept = {name: getattr(unit, name) for name in ("context", "source", "text")}
    return exchange.Unit(**{**kept, **parts})


async def test_a_translator_has_their_own_languages_only(rig: Rig, browser: Browser) -> None:
    await signed_in(rig, browser, "Mali", {Role.TRANSLATOR})
    assert (await browser.get("/content/exchange")).text.count("<option") == 1
    mine = await file(browser, "po", "th")
    assert (await sent(browser, mine.encode())).status_code == 200
    foreign = mine.replace("Language: th", "Language: ro")
    assert (await sent(browser, foreign.encode())).status_code == 403
    for locale, status in (("ro", 403), ("xx", 404)):
        answer = await browser.get(FILE, params={"locale": locale, "form": "po"})
        assert answer.status_code == status


async def test_a_form_needs_its_token_and_its_kind(editor: Browser) -> None:
    without = await editor.post("/content/exchange", files={"file": ("x", b"x")})
    assert without.status_code == 403
    assert (await editor.send_form("/content/exchange", file="x")).status_code == 415
