"""What translators and editors can write, and what is refused with words that say what to do."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from html import unescape
from typing import Any

import httpx
import pytest

from bot.content_ports import VISITOR, Remark
from bot.domain.content import Change, Item, State, digest, screen, translation, word
from bot.domain.staff import Role, StaffId
from bot.services.content import Seen
from bot.web import create_console
from bot.web.content.parts import RULES
from tests.support.console import Browser, Rig, signed_in

SHELTER = "utter_shelter"
# A text with placeholders, for which Thai has a shipped draft.
WITH_FACTS = "utter_main_menu"


def source_of(rig: Rig, id_: str = WITH_FACTS) -> str:
    return rig.desk.renderer.deck[id_].text


def thai(rig: Rig, id_: str = WITH_FACTS) -> Item:
    return translation("th", id_, source_of(rig, id_))


def shipped(rig: Rig, id_: str = WITH_FACTS, locale: str = "th") -> str:
    return rig.desk.renderer.texts.draft(id_, source_of(rig, id_), locale)


def page_of(item: Item) -> str:
    return f"/content/text/{item.name}"


async def person(rig: Rig, browser: Browser, *roles: Role, translates: str = "") -> StaffId:
    new = await signed_in(rig, browser, f"P{len(await rig.desk.accounts.listed())}", set(roles))
    async with rig.store.begin() as unit:
        (account,) = [a for a in await unit.staff.all() if a.staff.id == new.session.staff.id]
        staff = replace(account.staff, translates=frozenset(translates.split()))
        await unit.staff.save(replace(account, staff=staff))
    return new.session.staff.id


@pytest.fixture
async def translator(rig: Rig, browser: Browser) -> Browser:
    await person(rig, browser, Role.TRANSLATOR, translates="th")
    return browser


@pytest.fixture
async def editor(rig: Rig) -> AsyncIterator[Browser]:
    async with Browser(create_console(rig.desk)) as browser:
        await person(rig, browser, Role.EDITOR)
        yield browser


def made_from(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's form, as a browser would send them back."""
    names = ("change", "version", "base", "source")
    found = {
        n: re.search(rf'<input type="hidden" name="{n}" value="([^"]*)">', page) for n in names
    }
    return {name: unescape(match[1]) for name, match in found.items() if match}


async def send(
    browser: Browser, path: str, step: str, seen: Mapping[str, str] | None = None, **fields: Any
) -> httpx.Response:
    form = made_from((await browser.get(path)).text) if seen is None else seen
    return await browser.send_form(path, **{**form, "step": step, **fields})


async def open_change(rig: Rig, item: Item) -> Change | None:
    async with rig.store.begin() as unit:
        return await unit.contents.open_for(item)


async def edited(rig: Rig, browser: Browser, item: Item, text: str) -> Change:
    """Let somebody else write first."""
    assert browser.session
    account = await rig.desk.accounts.get(browser.session.staff.id)
    found = await open_change(rig, item)
    base = digest(rig.desk.content.library.served.value(item))
    seen = Seen(found.id, found.version, base) if found else Seen(None, 0, base)
    value = {"context": item.context, "source": source_of(rig, item.context), "text": text}
    return await rig.desk.content.edit(item, value, seen, account.staff)


# --- the list -----------------------------------------------------------------------------------


async def test_a_translator_begins_in_their_own_language(rig: Rig, translator: Browser) -> None:
    page = (await translator.get("/content/texts")).text
    assert 'value="th" lang="th" selected' in page
    assert page_of(thai(rig)) in page
    assert 'value="da"' not in page
    assert shipped(rig) in unescape(page)


async def test_other_languages_are_not_theirs(rig: Rig, translator: Browser) -> None:
    danish = translation("da", WITH_FACTS, source_of(rig))
    assert (await translator.get("/content/texts?locale=da")).status_code == 403
    assert (await translator.get(page_of(danish))).status_code == 403
    seen = {"change": "", "version": "0", "base": "", "source": source_of(rig)}
    refused = await send(translator, page_of(danish), "save", seen, text=shipped(rig, locale="da"))
    assert refused.status_code == 403
    assert await open_change(rig, danish) is None
    assert (await translator.get("/content/texts?locale=xx")).status_code == 404


async def test_who_has_no_language_is_told_whom_to_ask(rig: Rig, browser: Browser) -> None:
    await person(rig, browser, Role.TRANSLATOR)
    page = await browser.get("/content/texts")
    assert (page.status_code, "Ask an administrator" in page.text) == (200, True)


async def test_filters_count_what_they_show(rig: Rig, translator: Browser) -> None:
    await edited(rig, translator, thai(rig), shipped(rig) + "ค่ะ")
    await rig.desk.content.remark(thai(rig, SHELTER), VISITOR, "x", report=True)
    for state, item in [("open", thai(rig)), ("reported", thai(rig, SHELTER))]:
        page = (await translator.get(f"/content/texts?locale=th&state={state}")).text
        assert re.findall(r'href="(/content/text/[^"]+)"', page) == [page_of(item)]
        assert re.search(rf'state={state}" aria-current="true">[^<]+<b>1</b>', page)
    assert "Nothing here" in (await translator.get("/content/texts?locale=th&state=missing")).text


async def test_a_search_finds_english_and_translated_words(rig: Rig, translator: Browser) -> None:
    for words in (source_of(rig)[:18], shipped(rig)[:12]):
        page = (await translator.get("/content/texts", params={"q": words})).text
        assert page_of(thai(rig)) in page
    assert "<b>x" not in (await translator.get("/content/texts", params={"q": "<b>x"})).text


@pytest.mark.parametrize("page", ["-1", "0", "x", "²", "99999999"])
async def test_a_page_that_is_none_is_some_page(translator: Browser, page: str) -> None:
    found = await translator.get("/content/texts", params={"page": page, "state": "<b>"})
    assert found.status_code == 200


async def test_the_english_list_leads_to_the_screens(editor: Browser) -> None:
    page = (await editor.get("/content/texts?locale=en")).text
    assert 'href="/content/screen/utter_main_menu"' in page
    assert 'href="/content/screen/new"' in page


# --- a translation ------------------------------------------------------------------------------


async def test_from_the_list_to_review_in_three_steps(rig: Rig, translator: Browser) -> None:
    listed = (await translator.get("/content/texts")).text
    path = next(iter(re.findall(rf'href="({page_of(thai(rig))})"', listed)))
    sent = await send(translator, path, "send", text=shipped(rig) + "ค่ะ")
    change = await open_change(rig, thai(rig))
    assert change
    assert (change.state, change.value["text"]) == (State.IN_REVIEW, shipped(rig) + "ค่ะ")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/content/change/{change.id}")


async def test_the_page_shows_what_a_translator_needs(rig: Rig, translator: Browser) -> None:
    page = unescape((await translator.get(page_of(thai(rig)))).text)
    assert source_of(rig) in page
    assert f"\n{shipped(rig)}</textarea>" in page, "the draft is where they begin"
    assert 'data-insert="cmm_phone"' in page
    assert "/ 350 characters" in page
    assert 'lang="th" dir="ltr"' in page


async def test_arabic_is_written_from_right_to_left(rig: Rig, editor: Browser) -> None:
    page = (await editor.get(page_of(translation("ar", WITH_FACTS, source_of(rig))))).text
    assert 'lang="ar" dir="rtl"' in page
    assert "type no direction marks" in page


async def test_a_check_shows_it_as_a_visitor_would_see_it(rig: Rig, translator: Browser) -> None:
    page = await send(translator, page_of(thai(rig)), "check", text=shipped(rig) + "ค่ะ")
    assert page.status_code == 200
    shown = re.findall(r'<p class="said">([^<]+)</p>', page.text)
    assert len(shown) == 2
    number = "+45\u00a070\u00a020\u00a025\u00a050"
    assert all(number in text and "{" not in text and "ค่ะ" in text for text in shown)
    assert "It is not saved yet" in page.text
    assert await open_change(rig, thai(rig)) is None


BAD = {
    "missing": (lambda text: text.replace("{cmm_phone}", ""), "placeholder"),
    "doubled": (lambda text: text + "{cmm_phone}", "placeholder"),
    "broken": (lambda text: text.replace("{cmm_phone}", "{cmm_phone"), "placeholder"),
    "other": (lambda text: text.replace("{cmm_phone}", "{police_phone}"), "placeholder"),
    "HTML": (lambda text: f"<b>{text}</b>", "markup"),
    "script": (lambda text: text + "<script>alert(1)</script>", "markup"),
    "turned round": (lambda text: text + "\u202e", "invisible"),
    "mark": (lambda text: "\u200f" + text + "ก", "invisible"),
    "10,000 characters": (lambda text: text + "ก" * 10_000, "length"),
    "typed number": (lambda text: text + " 70 20 25 50", "digits"),
    "empty": (lambda _text: "  ", "text"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("step", ["save", "send", "check"])
async def test_bad_input_is_refused_with_its_rule_and_kept(
    rig: Rig, translator: Browser, bad: str, step: str
) -> None:
    change, rule = BAD[bad]
    text = change(shipped(rig))
    page = await send(translator, page_of(thai(rig)), step, text=text)
    assert page.status_code == (200 if step == "check" else 400)
    assert f"<strong>{RULES[rule]}:</strong>" in page.text
    assert f"\n{text.strip()}</textarea>" in unescape(page.text), "what was typed is still there"
    assert "<script>alert" not in page.text
    assert await open_change(rig, thai(rig)) is None


async def test_a_forbidden_word_is_refused(rig: Rig, editor: Browser) -> None:
    danish = translation("da", WITH_FACTS, source_of(rig))
    text = shipped(rig, locale="da") + " Du er ikke et offer."
    page = await send(editor, page_of(danish), "save", text=text)
    assert (page.status_code, "A word that must not stand here" in page.text) == (400, True)


async def test_a_label_that_is_too_long_is_refused(rig: Rig, translator: Browser) -> None:
    label = rig.desk.renderer.deck.fixed_row[0].label
    page = await send(
        translator, page_of(translation("th", "button", label)), "save", text="ก" * 25
    )
    assert (page.status_code, "The button is too long" in page.text) == (400, True)
    assert "25</b> / 24" in page.text


async def test_the_same_as_english_is_only_advice(rig: Rig, translator: Browser) -> None:
    label = rig.desk.renderer.deck.fixed_row[0].label
    item = translation("th", "button", label)
    page = await send(translator, page_of(item), "check", text=label)
    assert (page.status_code, "Same as English" in page.text) == (200, True)
    assert (await send(translator, page_of(item), "save", text=label)).status_code == 303


async def test_two_writers_see_each_other_and_nothing_is_lost(
    rig: Rig, translator: Browser, editor: Browser
) -> None:
    path, item = page_of(thai(rig)), thai(rig)
    old = made_from((await translator.get(path)).text)
    await edited(rig, editor, item, shipped(rig) + "THEIRS")
    page = await send(translator, path, "save", old, text=shipped(rig) + "MINE")
    assert page.status_code == 409
    theirs = re.search(r'id="theirs"[^>]*>([^<]*)<', page.text)
    assert theirs
    assert unescape(theirs[1]) == shipped(rig) + "THEIRS"
    assert f"\n{shipped(rig)}MINE</textarea>" in unescape(page.text)
    kept = await open_change(rig, item)
    assert kept
    assert kept.value["text"] == shipped(rig) + "THEIRS"
    now = made_from(page.text)
    assert (await send(translator, path, "save", now, text="MINE")).status_code == 400
    again = await send(translator, path, "save", now, text=shipped(rig) + "BOTH")
    assert again.status_code == 303


async def test_an_english_text_that_changed_meanwhile_is_named_and_words_stay(
    rig: Rig, translator: Browser
) -> None:
    path, before = page_of(thai(rig)), shipped(rig)
    mine, stale_item = before + "ค่ะ", thai(rig)
    old = made_from((await translator.get(path)).text)
    new = source_of(rig).replace("How can I help?", "What do you need?")
    serve_english(rig, new)
    page = await send(translator, path, "save", old, text=mine)
    assert (page.status_code, "The English text has changed" in page.text) == (400, True)
    assert f"\n{mine}</textarea>" in unescape(page.text)
    assert page_of(translation("th", WITH_FACTS, new)) in page.text, "the way to the new text"
    assert await open_change(rig, stale_item) is None
    stale = (await translator.get("/content/texts?locale=th&state=stale")).text
    assert page_of(translation("th", WITH_FACTS, new)) in stale
    fresh = (await translator.get(page_of(translation("th", WITH_FACTS, new)))).text
    assert "What changed in the English text" in fresh
    assert f"\n{before}</textarea>" in unescape(fresh), "the older text is where they begin"


def serve_english(rig: Rig, text: str) -> None:
    """Publish another English text, as the signer's process would."""
    shelf = rig.desk.content.library
    item, old = screen(WITH_FACTS), shelf.served.deck[WITH_FACTS].text
    value = {**(shelf.served.value(item) or {}), "text": text}
    bundle = replace(
        shelf.bundle, number=1, values={item.name: value}, before={(WITH_FACTS, text): old}
    )
    shelf._serve(bundle)  # signing is tested elsewhere


@pytest.mark.parametrize(
    "name",
    [
        "text/th/utter_nothing.0123456789ab",
        "text/xx/button.0123456789ab",
        "text/en/button.0123456789ab",
        "screen/utter_main_menu",
        "fact/cmm_phone",
        "..%2F..",
        "%00",
    ],
)
async def test_what_is_no_translation_is_not_there(editor: Browser, name: str) -> None:
    seen = {"change": "", "version": "0", "base": "", "source": "forged"}
    assert (await editor.get(f"/content/text/{name}")).status_code == 404
    answer = await send(editor, f"/content/text/{name}", "save", seen, text="x")
    assert answer.status_code == 404


@pytest.mark.parametrize("fields", [{"step": "publish"}, {"step": "save", "version": "x"}, {}])
async def test_a_form_of_another_making_is_refused(
    rig: Rig, translator: Browser, fields: dict[str, str]
) -> None:
    seen = {"change": "", "version": "0", "base": "", "source": source_of(rig), "text": "x"}
    assert (await translator.send_form(page_of(thai(rig)), **seen | fields)).status_code == 400


async def test_an_earlier_text_can_be_taken_up_again(rig: Rig, translator: Browser) -> None:
    item, text = thai(rig), shipped(rig) + "ค่ะ"
    change = await edited(rig, translator, item, text)
    assert translator.session
    staff = (await rig.desk.accounts.get(translator.session.staff.id)).staff
    await rig.desk.content.drop(change.id, change.version, staff)
    page = (await translator.get(page_of(item))).text
    assert f'name="former" value="{change.id}"' in page
    answer = await send(translator, page_of(item), "undo", former=change.id)
    again = await open_change(rig, item)
    assert again
    assert (answer.status_code, again.value["text"]) == (303, text)


async def test_an_earlier_text_of_something_else_is_not_there(
    rig: Rig, translator: Browser
) -> None:
    change = await edited(rig, translator, thai(rig, SHELTER), shipped(rig, SHELTER) + "ค่ะ")
    for former in (change.id, "nothing"):
        answer = await send(translator, page_of(thai(rig)), "undo", former=former)
        assert answer.status_code == 404


# --- talking about it ---------------------------------------------------------------------------


async def test_remarks_reports_and_settling(rig: Rig, translator: Browser) -> None:
    path, item = page_of(thai(rig)), thai(rig)
    await send(translator, path, "remark", note="Is <b>this</b> polite?")
    await send(translator, path, "report", note="Wrong tone")
    page = (await translator.get(path)).text
    assert "Is &lt;b&gt;this&lt;/b&gt; polite?" in page
    assert "Settle the reports" in page
    assert (await send(translator, path, "settle")).status_code == 303
    async with rig.store.begin() as unit:
        assert [one.item for one in await unit.contents.reports()] == []
        assert len(await unit.contents.remarks(item)) == 2


@pytest.mark.parametrize("note", ["", "   ", "x" * 501])
async def test_a_remark_is_neither_empty_nor_an_essay(
    rig: Rig, translator: Browser, note: str
) -> None:
    page = await send(translator, page_of(thai(rig)), "remark", note=note)
    assert (page.status_code, 'id="note-error"' in page.text) == (400, True)
    async with rig.store.begin() as unit:
        assert not await unit.contents.remarks(thai(rig))


async def test_who_may_not_write_may_read_and_remark(rig: Rig, browser: Browser) -> None:
    await person(rig, browser, Role.PUBLISHER)
    path = page_of(thai(rig))
    page = (await browser.get(path)).text
    assert "readonly" in page
    assert 'value="save"' not in page
    assert (await send(browser, path, "save", text=shipped(rig))).status_code == 403
    assert (await send(browser, path, "settle")).status_code == 403
    assert (await send(browser, path, "remark", note="Good")).status_code == 303


async def test_a_visitors_report_has_no_words(rig: Rig, translator: Browser) -> None:
    async with rig.store.begin() as unit:
        now = rig.clock.now()
        await unit.contents.remark(Remark("1", thai(rig), VISITOR, now, report=True))
    page = (await translator.get(page_of(thai(rig)))).text
    assert "A visitor" in page
    assert "says that this text is wrong" in page


# --- English ------------------------------------------------------------------------------------


def screen_form(rig: Rig, id_: str, **other: Any) -> dict[str, Any]:
    """Return what a browser would send of a screen's form."""
    one = rig.desk.renderer.deck[id_]
    form = {
        "text": one.text,
        **one.variants,
        "topic": one.topic,
        "notes": one.notes,
        "label": [button.label for button in one.buttons],
        "to": [button.tap.encode() for button in one.buttons],
    }
    return form | other


async def test_a_form_sent_back_as_it_was_says_what_is_live(rig: Rig, editor: Browser) -> None:
    """Nothing a screen holds gets lost on its way through the form, whichever screen it is."""
    for id_ in ("utter_main_menu", "utter_choose_language", "utter_check_intro", SHELTER):
        path = f"/content/screen/{id_}"
        answer = await send(editor, path, "save", **screen_form(rig, id_))
        change = await open_change(rig, screen(id_))
        assert answer.status_code == 303
        assert change
        assert change.value == rig.desk.content.library.served.value(screen(id_))


async def test_a_screen_is_changed_and_sent(rig: Rig, editor: Browser) -> None:
    form = screen_form(rig, SHELTER)
    form["text"] = form["text"] + " You are welcome."
    page = await send(editor, f"/content/screen/{SHELTER}", "check", **form)
    assert page.status_code == 200
    assert "These languages will need a new translation" in page.text
    assert "Dansk" in page.text
    assert page.text.count('class="said">') >= 2
    sent = await send(editor, f"/content/screen/{SHELTER}", "send", **form)
    change = await open_change(rig, screen(SHELTER))
    assert change
    assert sent.headers["location"] == f"/content/change/{change.id}"
    assert change.state is State.IN_REVIEW


async def test_the_page_says_how_hard_it_reads_and_what_leads_here(editor: Browser) -> None:
    page = (await editor.get(f"/content/screen/{SHELTER}")).text
    assert re.search(r"Reading grade \d\.\d; at most 6", page)
    assert re.search(r'Buttons that lead here</dt><dd><a href="/content/screen/utter_', page)


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        ({"to": ["utter_nowhere"], "label": ["Go"]}, "button"),
        ({"to": ["action_nothing"], "label": ["Go"]}, "button"),
        ({"to": ["javascript:alert(1)"], "label": ["Go"]}, "form"),
        ({"to": [""], "label": ["Go"]}, "form"),
        ({"to": ["utter_main_menu"], "label": ["x" * 25]}, "label length"),
        ({"text": "Call +45 70 20 25 50 now."}, "digits"),
        ({"text": "Call {no_such_fact} now."}, "placeholder"),
        ({"text": "You are a victim."}, "forbidden word"),
        ({"text": "See https://evil.example/ now."}, "markup"),
        ({"text": ""}, "text"),
        ({"topic": "\u202eback"}, "invisible"),
    ],
)
async def test_a_bad_screen_is_refused_and_kept(
    rig: Rig, editor: Browser, other: dict[str, Any], rule: str
) -> None:
    form = screen_form(rig, SHELTER, **other)
    page = await send(editor, f"/content/screen/{SHELTER}", "send", **form)
    assert page.status_code == 400
    assert f"<strong>{RULES[rule]}:</strong>" in page.text
    assert form["text"] in unescape(page.text)
    if form["to"][0]:
        assert re.search(rf'value="{re.escape(form["to"][0])}"[^>]* selected', page.text)
    assert await open_change(rig, screen(SHELTER)) is None


async def test_rows_move_without_a_script(rig: Rig, editor: Browser) -> None:
    path, form = f"/content/screen/{SHELTER}", screen_form(rig, SHELTER)
    first, second = form["label"][:2]

    async def labels(row: str) -> list[str]:
        page = await send(editor, path, "check", **form, row=row)
        assert page.status_code == 200
        return re.findall(r'name="label" value="([^"]*)"', unescape(page.text))

    assert (await labels("down-0"))[:2] == [second, first]
    assert (await labels("up-1"))[:2] == [second, first]
    assert (await labels("remove-0"))[0] == second
    assert (await labels("add"))[-1] == ""
    for nothing in ("up-0", "remove-99", "sideways-1"):
        assert await labels(nothing) == form["label"]
    assert await open_change(rig, screen(SHELTER)) is None, "only the page moved"


NEW = {
    "name": "Bring a friend",
    "audience": "person",
    "text": "You can bring a friend.",
    "label": ["Menu"],
    "to": ["utter_main_menu"],
    "change": "",
    "version": "0",
    "base": "",
}


async def test_a_new_screen_is_made_without_code(rig: Rig, editor: Browser) -> None:
    checked = await editor.send_form("/content/screen/new", **NEW, step="check")
    assert (checked.status_code, "No way to this screen yet" in checked.text) == (200, True)
    made = await editor.send_form("/content/screen/new", **NEW, step="send")
    change = await open_change(rig, screen("utter_bring_a_friend"))
    assert change
    assert made.headers["location"] == f"/content/change/{change.id}"
    assert change.value == {
        "audience": "person",
        "text": "You can bring a friend.",
        "buttons": [{"label": "Menu", "to": "utter_main_menu"}],
    }
    page = await editor.get("/content/screen/utter_bring_a_friend")
    assert "This text is being changed" in page.text
    taken = await editor.send_form("/content/screen/new", **NEW, step="send")
    assert (taken.status_code, "empty or taken" in taken.text) == (400, True)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"name": ""}, "empty or taken"),
        ({"name": "ชื่อ"}, "empty or taken"),
        ({"name": "main menu"}, "empty or taken"),
        ({"audience": "everyone"}, "choose who the screen is for"),
        ({"label": [], "to": []}, "at least one button"),
        ({"to": ["utter_nowhere"]}, "is no screen and no action"),
    ],
)
async def test_a_new_screen_that_cannot_be(
    rig: Rig, editor: Browser, other: dict[str, Any], says: str
) -> None:
    page = await editor.send_form("/content/screen/new", **NEW | other, step="send")
    assert (page.status_code, says in page.text) == (400, True)
    assert NEW["text"] in page.text
    assert not await rig.desk.content.waiting()


async def test_two_editors_of_a_screen(rig: Rig, editor: Browser) -> None:
    path, form = f"/content/screen/{SHELTER}", screen_form(rig, SHELTER)
    old = made_from((await editor.get(path)).text)
    theirs, mine = (form["text"] + more for more in (" You are welcome.", " Come in."))
    assert (await send(editor, path, "save", old, **form | {"text": theirs})).status_code == 303
    page = await send(editor, path, "save", old, **form | {"text": mine})
    assert page.status_code == 409
    assert f'id="theirs" class="said" lang="en">{theirs}<' in unescape(page.text)
    assert f"\n{mine}</textarea>" in unescape(page.text)
    kept = await open_change(rig, screen(SHELTER))
    assert kept
    assert kept.value["text"] == theirs


@pytest.mark.parametrize("path", ["screen/utter_nothing", "screen/x", "word/nothing", "word/A%00"])
async def test_what_is_not_there(editor: Browser, path: str) -> None:
    assert (await editor.get(f"/content/{path}")).status_code == 404
    assert (await send(editor, f"/content/{path}", "save", {"version": "0"})).status_code == 404


async def test_translators_write_no_english(rig: Rig, translator: Browser) -> None:
    for path in (f"/content/screen/{SHELTER}", "/content/word/web_send"):
        shown = await translator.get(path)
        if shown.status_code == 200:
            assert 'value="save"' not in shown.text
            form = screen_form(rig, SHELTER)
            assert (await send(translator, path, "save", **form)).status_code == 403
    assert (await translator.get("/content/screen/new")).status_code == 403


async def test_a_word_of_the_program(rig: Rig, editor: Browser) -> None:
    deck = rig.desk.renderer.deck
    key = next(key for key, text in deck.words.items() if "{" not in text)
    path = f"/content/word/{key}"
    for text, status in [("Call 112", 400), ("<i>x</i>", 400), ("", 400), ("Other words", 303)]:
        assert (await send(editor, path, "save", text=text)).status_code == status
    change = await open_change(rig, word(key))
    assert change
    assert change.value == {"text": "Other words"}


# --- reports of counsellors ---------------------------------------------------------------------


async def test_a_counsellor_reports_a_ready_sentence(rig: Rig, browser: Browser) -> None:
    await person(rig, browser, Role.RESPONDER)
    page = (await browser.get("/content/report")).text
    assert 'value="screen/utter_canned_hello"' in page
    assert "nothing a visitor wrote" in page
    fields = {"item": "screen/utter_canned_hello", "note": "Too stiff in Thai"}
    assert "Thank you" in (await browser.send_form("/content/report", **fields)).text
    async with rig.store.begin() as unit:
        (one,) = await unit.contents.reports()
    assert (one.item, one.text) == (screen("utter_canned_hello"), "Too stiff in Thai")


@pytest.mark.parametrize(
    ("item", "note", "status"),
    [
        ("screen/utter_main_menu", "x", 404),
        ("fact/cmm_phone", "x", 404),
        ("nothing", "x", 404),
        ("screen/utter_canned_hello", " ", 400),
        ("screen/utter_canned_hello", "x" * 501, 400),
    ],
)
async def test_a_report_that_cannot_be(
    rig: Rig, browser: Browser, item: str, note: str, status: int
) -> None:
    await person(rig, browser, Role.RESPONDER)
    answer = await browser.send_form("/content/report", item=item, note=note)
    assert answer.status_code == status
    async with rig.store.begin() as unit:
        assert not await unit.contents.reports()
