"""The fact registry: its list, its cards and its form, with everything that is refused there."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from html import unescape
from time import process_time
from typing import Any

import pytest

from bot.domain.content import Change, Item, State, digest, fact
from bot.domain.staff import Role
from bot.services.content import Seen
from bot.services.content.facts import rows
from bot.web import create_console
from bot.web.content.week import GRID
from tests.support.console import Browser, Rig, signed_in

HOURS = "/content/facts/chat_hours"
PHONE = "/content/facts/cmm_phone"
SOURCE = "https://www.cmm.dk/kontakt"
Fields = dict[str, str | Sequence[str]]


@pytest.fixture
async def editor(rig: Rig, browser: Browser) -> Browser:
    await signed_in(rig, browser, "Ana", {Role.EDITOR})
    return browser


@pytest.fixture
async def second(rig: Rig) -> AsyncIterator[Browser]:
    async with Browser(create_console(rig.desk)) as browser:
        await signed_in(rig, browser, "Bo", {Role.EDITOR, Role.PUBLISHER})
        yield browser


def made_from(page: str) -> Fields:
    """Return the hidden fields that say what a form was made from."""
    return {
        name: unescape(re.findall(rf'name="{name}" value="([^"]*)"', page)[0])
        for name in ("change", "version", "base")
    }


async def open_form(browser: Browser, path: str) -> Fields:
    page = await browser.get(f"{path}/edit")
    assert page.status_code == 200
    return made_from(page.text)


def week(**days: Sequence[tuple[str, str]]) -> Fields:
    """Return the fields of a grid that is closed on all other days."""
    pairs = {day: [*days.get(day, ()), ("", ""), ("", "")][:2] for day in GRID}
    return {
        f"{day}_{end}": [pair[i] for pair in pairs[day]]
        for day in GRID
        for i, end in enumerate(("opens", "closes"))
    }


def source(**more: str | Sequence[str]) -> Fields:
    return {"source_url": SOURCE, "source_says": "read there", **more}


async def change_of(rig: Rig, item: Item) -> Change | None:
    async with rig.store.begin() as unit:
        return await unit.contents.open_for(item)


async def send(browser: Browser, path: str, step: str, **typed: Any) -> Any:
    form = await open_form(browser, path)
    return await browser.send_form(f"{path}/edit", **{**form, "step": step, **typed})


# --- the list ---------------------------------------------------------------------------------


async def test_every_fact_is_listed_as_visitors_read_it(editor: Browser, rig: Rig) -> None:
    page = (await editor.get("/content/facts")).text
    assert page.count('scope="row"') == len(rig.desk.renderer.registry.facts)
    assert "Mon–Fri 08:30–16:00" in page
    assert "CMM phone" in page


async def test_the_list_can_be_narrowed_and_counts_are_right(editor: Browser, rig: Rig) -> None:
    rig.clock.turn(days=1)
    await signed_in(rig, editor, "Cy", {Role.EDITOR})
    await send(editor, HOURS, "save", **source(**week(mon=[("09:00", "17:00")])))
    for show in ("open", "stale", "unverified", "unused", ""):
        page = (await editor.get(f"/content/facts?show={show}")).text
        counted = re.findall(rf'facts\?show={show}"[^>]*>[^<]*<span class="number">(\d+)', page)
        assert [str(page.count('scope="row"'))] == counted, show
    opened = (await editor.get("/content/facts?show=open")).text
    assert "Chat hours" in opened
    assert opened.count('scope="row"') == 1


@pytest.mark.parametrize("words", ["chat HOURS", "70 20 25 50"])
async def test_search_finds_by_name_and_by_what_is_read(editor: Browser, words: str) -> None:
    page = (await editor.get("/content/facts", params={"q": words})).text
    assert 1 <= page.count('scope="row"') < 20


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", "x" * 10_000, "\u202e", "%00"])
async def test_a_strange_search_finds_nothing(editor: Browser, words: str) -> None:
    page = await editor.get("/content/facts", params={"q": words, "show": "nonsense"})
    assert page.status_code == 200
    assert "No fact matches" in page.text
    assert "<script>alert" not in page.text


async def test_the_list_is_made_quickly(rig: Rig) -> None:
    served = rig.desk.content.library.served
    began = process_time()
    found = rows(served, [], rig.clock.now().date())
    # 30 ms on an idle machine; to ask each fact for its screens alone takes seconds.
    assert process_time() - began < 1.5
    by_key = {one.fact.key: one for one in found}
    assert by_key["chat_hours"].screens > 0
    assert by_key["case_note_retention"].used


# --- the card ---------------------------------------------------------------------------------


async def test_a_card_says_what_an_editor_must_know(editor: Browser) -> None:
    page = (await editor.get(PHONE)).text
    assert "Takes two people and 15 minutes" in page
    assert "Nobody has confirmed this yet." in page
    assert 'rel="noreferrer noopener"' in page
    assert '<a href="/content/screen/utter_phone_numbers">' in page
    assert "Takes two people and 15 minutes" not in (await editor.get(HOURS)).text


@pytest.mark.parametrize(
    "key", ["no_such_fact", "a..b", "UPPER", "a" * 100, "%00", "chat_hours%0a"]
)
async def test_what_is_no_fact_is_not_there(editor: Browser, key: str) -> None:
    for path in ("", "/edit"):
        assert (await editor.get(f"/content/facts/{key}{path}")).status_code == 404
    for path in ("/edit", "/remark", "/settle", "/undo"):
        assert (await editor.send_form(f"/content/facts/{key}{path}")).status_code == 404


async def test_a_report_is_written_seen_and_settled(editor: Browser, second: Browser) -> None:
    await editor.send_form(f"{PHONE}/remark", text="It <b>rings</b> out", report="1")
    page = (await second.get(PHONE)).text
    assert "It &lt;b&gt;rings&lt;/b&gt; out" in page
    assert "Reported" in page
    await second.send_form(f"{PHONE}/settle")
    page = (await second.get(PHONE)).text
    assert "Settled" in page
    assert "Reported" not in page


@pytest.mark.parametrize("text", ["", "   ", "x" * 501, "x" * 10_000])
async def test_a_remark_of_no_or_too_many_words_is_refused_and_kept(
    editor: Browser, text: str
) -> None:
    page = await editor.send_form(f"{PHONE}/remark", text=text)
    assert page.status_code == 400
    assert "Nothing was written down" in page.text
    assert text[:501] in page.text


async def _live(rig: Rig, item: Item, value: Mapping[str, Any], by: Any) -> None:
    """Make a value a former one: it was live, and what is live now is something else."""
    content = rig.desk.content
    base = digest(content.library.served.value(item))
    change = await content.edit(item, value, Seen(None, 0, base), by)
    async with rig.store.begin() as unit:
        await unit.contents.save(change.drop(rig.clock.now()))


async def test_an_earlier_value_is_proposed_again(editor: Browser, rig: Rig) -> None:
    assert editor.session
    item = fact("cmm_phone")
    value = {**rig.desk.renderer.registry["cmm_phone"].written(), "value": "+4570999999"}
    await _live(rig, item, value, editor.session.staff)
    page = (await editor.get(PHONE)).text
    assert "<ins>" in page
    (former,) = re.findall(r'name="former" value="(\w+)"', page)
    sent = await editor.send_form(f"{PHONE}/undo", former=former)
    change = await change_of(rig, item)
    assert change
    assert change.value["value"] == "+4570999999"
    assert (change.state, sent.headers["location"]) == (
        State.DRAFT,
        f"/content/change/{change.id}",
    )
    again = await editor.send_form(f"{PHONE}/undo", former=former)
    assert (again.status_code, "Another change of this fact is open" in again.text) == (400, True)
    assert (await editor.send_form(f"{HOURS}/undo", former=former)).status_code == 404


# --- the form: what is good -------------------------------------------------------------------


async def test_hours_with_a_break_are_sent_in_three_steps(editor: Browser, rig: Rig) -> None:
    assert f'href="{HOURS}"' in (await editor.get("/content/facts")).text
    assert f'href="{HOURS}/edit"' in (await editor.get(HOURS)).text
    grid = week(mon=[("13:00", "24:00"), ("08:30", "12:00")], holiday=[("10:00", "12:00")])
    sent = await send(editor, HOURS, "submit", **source(**grid))
    change = await change_of(rig, fact("chat_hours"))
    assert change
    assert change.state is State.IN_REVIEW
    assert sent.headers["location"] == f"/content/change/{change.id}"
    assert change.value["value"]["week"] == {
        **{day: [] for day in GRID},
        "mon": ["08:30-12:00", "13:00-00:00"],
        "holiday": ["10:00-12:00"],
    }
    assert change.value["sources"] == [{"url": SOURCE, "says": "read there", "seen": ""}]
    assert (change.value["checked_on"], change.value["review_by"]) == ("2026-11-24", "2026-12-24")


async def test_open_all_hours(editor: Browser, rig: Rig) -> None:
    await send(editor, HOURS, "save", always="1", **source())
    change = await change_of(rig, fact("chat_hours"))
    assert change
    assert (change.value["value"], change.state) == ({"always": True}, State.DRAFT)


async def test_what_was_confirmed_is_good_for_half_a_year(editor: Browser, rig: Rig) -> None:
    await send(editor, PHONE, "save", value="+45 70 99 99 99", confirmed="1", **source())
    change = await change_of(rig, fact("cmm_phone"))
    assert change
    assert change.value["value"] == "+4570999999"
    assert not change.value["verify_before_launch"]
    assert change.value["review_by"] == "2027-05-23"


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("stats_total", "113", 113),
        ("stats_total", "118,5", 118.5),
        ("cmm_name", "KMM", "KMM"),
    ],
)
async def test_other_kinds(editor: Browser, rig: Rig, key: str, typed: str, value: object) -> None:
    await send(editor, f"/content/facts/{key}", "save", value=typed, **source())
    change = await change_of(rig, fact(key))
    assert change
    assert change.value["value"] == value


async def test_every_fact_has_a_form_that_leaves_it_as_it_is(editor: Browser, rig: Rig) -> None:
    """A value that was not touched comes back as it was, of each kind."""
    one_of_each = {one.kind: one for one in rig.desk.renderer.registry}
    for one in one_of_each.values():
        page = (await editor.get(f"/content/facts/{one.key}/edit")).text
        typed: Fields = {"keep": [unescape(u) for u in re.findall(r'"keep" value="([^"]*)"', page)]}
        if one.kind == "hours":
            for name in {f"{day}_{end}" for day in GRID for end in ("opens", "closes")}:
                typed[name] = re.findall(rf'name="{name}" value="([^"]*)"', page)
            typed["always"] = "1" if re.search(r'name="always" value="1" checked', page) else ""
        elif one.kind == "sentence":
            typed["value"] = unescape(re.findall(r'<textarea id="value"[^>]*>([^<]*)<', page)[0])
        else:
            typed["value"] = unescape(re.findall(r'name="value" value="([^"]*)"', page)[0])
        sent = await editor.send_form(
            f"/content/facts/{one.key}/edit", **{**made_from(page), "step": "save", **typed}
        )
        assert sent.status_code == 303, one.key
        change = await change_of(rig, fact(one.key))
        assert change
        assert change.value["value"] == one.written()["value"]
        assert change.value["sources"] == one.written()["sources"]


# --- the form: what visitors would see --------------------------------------------------------


async def test_check_shows_bubbles_and_stores_nothing(editor: Browser, rig: Rig) -> None:
    page = await send(
        editor,
        HOURS,
        "check",
        locale=["en", "ar", "ro"],
        **source(**week(mon=[("09:15", "17:45")])),
    )
    assert page.status_code == 200
    assert "0 translations needed." in page.text
    assert "09:15–17:45" in page.text
    assert 'class="shown telegram" lang="ar" dir="rtl"' in page.text
    assert 'class="shown web" lang="ro" dir="ltr"' in page.text
    assert 'value="09:15"' in page.text, "what was typed stays"
    assert await change_of(rig, fact("chat_hours")) is None


async def test_a_new_sentence_says_which_translations_it_makes_stale(
    editor: Browser, rig: Rig
) -> None:
    key = next(f.key for f in rig.desk.renderer.registry if f.kind == "sentence" and f.safety)
    page = await send(
        editor, f"/content/facts/{key}", "check", value="You can ask for help.", **source()
    )
    assert "13 translations needed" in page.text
    served = rig.desk.content.library.served
    old = served.texts.get(f"fact:{key}", str(served.registry[key].value), "ar")
    assert old.partition("{")[0] in page.text.partition('id="preview"')[2], "the old one stays"
    nothing = await send(
        editor,
        f"/content/facts/{key}",
        "check",
        value=str(rig.desk.renderer.registry[key].value),
        **source(),
    )
    assert "0 translations needed" in nothing.text


async def test_check_says_what_takes_two_people_and_15_minutes(editor: Browser) -> None:
    page = await send(editor, PHONE, "check", value="+4570999999", **source())
    assert "it waits 15 minutes" in page.text


# --- the form: what is refused ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ([("17:00", "09:00")], "It must open before it closes"),
        ([("09:00", "09:00")], "It must open before it closes"),
        ([("09:00", "12:00"), ("11:59", "15:00")], "overlap"),
        ([("09:00", "00:00"), ("22:00", "23:00")], "overlap"),
        ([("09:00", "")], "Give both times"),
        ([("", "17:00")], "Give both times"),
        ([("9", "17:00")], "Write times like"),
        ([("25:00", "26:00")], "Write times like"),
        ([("<b>", "17:00")], "Write times like"),
        ([("٠٩:٠٠", "17:00")], "Write times like"),
        ([("\u202e09:00", "17:00")], "Write times like"),
        ([("0" * 10_000, "17:00")], "Write times like"),
    ],
)
async def test_a_broken_grid_is_refused_at_its_day(
    editor: Browser, rig: Rig, day: list[tuple[str, str]], words: str
) -> None:
    for step in ("check", "save", "submit"):
        page = await send(editor, HOURS, step, **source(**week(tue=day)))
        assert page.status_code == 400
        (said,) = re.findall(r'id="tue-error">([^<]*)<', page.text)
        assert words in said
        assert "<b>" not in page.text.replace("<b>0", "")
        assert SOURCE in page.text, "what was typed stays"
    assert await change_of(rig, fact("chat_hours")) is None


async def test_a_week_without_an_open_day_is_refused(editor: Browser) -> None:
    page = await send(editor, HOURS, "save", **source(**week()))
    assert (page.status_code, "Every day is closed" in page.text) == (400, True)
    nothing = await send(editor, HOURS, "save", **source())
    assert nothing.status_code == 400


@pytest.mark.parametrize(
    ("key", "typed", "field"),
    [
        ("cmm_phone", {"value": "70 99 99 99"}, "value"),
        ("cmm_phone", {"value": ""}, "value"),
        ("cmm_phone", {"value": "<b>+4570999999</b>"}, "value"),
        ("cmm_phone", {"value": "+4570999999\u202e"}, "value"),
        ("cmm_phone", {"value": "1" * 10_000}, "value"),
        ("cmm_phone", {"value": "+4570999999", "checked_on": "2026-11-25"}, "checked_on"),
        ("cmm_phone", {"value": "+4570999999", "checked_on": "yesterday"}, "checked_on"),
        ("cmm_phone", {"value": "+4570999999", "checked_on": "9999-12-31"}, "review_by"),
        ("cmm_phone", {"value": "+4570999999", "review_by": "2020-01-01"}, "review_by"),
        ("cmm_phone", {"value": "+4570999999", "review_by": "31/12/2026"}, "review_by"),
        ("cmm_phone", {"value": "+4570999999", "source_url": ""}, "source_url"),
        ("cmm_phone", {"value": "+4570999999", "source_url": "http://cmm.dk"}, "source_url"),
        ("cmm_phone", {"value": "+4570999999", "source_url": "javascript:alert(1)"}, "source_url"),
        ("cmm_phone", {"value": "+4570999999", "source_says": "x\u2067y"}, "source_says"),
        ("cmm_phone", {"value": "+4570999999", "conflicts": "x" * 10_000}, "conflicts"),
        ("cmm_phone", {"value": "+4570999999", "owner": "x" * 81}, "owner"),
        ("cmm_name", {"value": "<i>"}, "value"),
        ("cmm_name", {"value": "<script>alert(1)</script>"}, "value"),
        ("stats_total", {"value": "many"}, "value"),
        ("stats_total", {"value": "1e999"}, "value"),
        ("stats_total", {"value": "٣"}, "value"),
        ("<url>", {"value": "https://cmm-dk.example/help"}, "value"),
        ("<url>", {"value": "javascript:alert(1)"}, "value"),
        ("<date>", {"value": "2026-02-30"}, "value"),
        ("<email>", {"value": "nobody"}, "value"),
        ("<sentence>", {"value": "Call 70 20 25 50."}, "value"),
        ("<sentence>", {"value": "See <a href=x>here</a>."}, "value"),
        ("<sentence>", {"value": "Call {no_such_fact}."}, "value"),
    ],
)
async def test_a_wrong_part_is_refused_at_its_field(
    editor: Browser, rig: Rig, key: str, typed: Fields, field: str
) -> None:
    if key.startswith("<"):
        key = next(f.key for f in rig.desk.renderer.registry if f.kind == key.strip("<>"))
    page = await send(editor, f"/content/facts/{key}", "submit", **{**source(), **typed})
    assert page.status_code == 400
    assert f'id="{field}-error"' in page.text
    assert 'id="problems"' in page.text
    assert f'aria-describedby="{field}-error' in page.text
    assert "<script>alert" not in page.text
    assert await change_of(rig, fact(key)) is None


async def test_a_new_value_needs_the_source_it_was_read_from(editor: Browser, rig: Rig) -> None:
    old = [one.url for one in rig.desk.renderer.registry["cmm_phone"].sources]
    page = await send(editor, PHONE, "submit", value="+4570999999", keep=old)
    assert page.status_code == 400
    assert "Say where you read the new value." in page.text


async def test_a_form_cannot_change_what_a_fact_is(editor: Browser, rig: Rig) -> None:
    more = {"kind": "name", "safety": "0", "meaning": "other", "key": "chat_hours"}
    await send(editor, PHONE, "save", value="+4570999999", **source(), **more)
    change = await change_of(rig, fact("cmm_phone"))
    assert change
    assert (change.value["kind"], change.value["safety"]) == ("phone", True)


@pytest.mark.parametrize("step", ["", "approve", "publish"])
async def test_there_are_no_other_steps(editor: Browser, rig: Rig, step: str) -> None:
    page = await send(editor, PHONE, step, value="+4570999999", **source())
    assert page.status_code == 400
    assert await change_of(rig, fact("cmm_phone")) is None


# --- two editors at once ----------------------------------------------------------------------


async def test_the_second_of_two_editors_sees_both_and_loses_nothing(
    editor: Browser, second: Browser, rig: Rig
) -> None:
    form = await open_form(second, PHONE)
    await send(editor, PHONE, "save", value="+4570111111", **source())
    typed = {"value": "+4570222222", **source(source_url=f"{SOURCE}/other")}
    for step in ("check", "save", "submit"):
        page = await second.send_form(f"{PHONE}/edit", **{**form, "step": step, **typed})
        assert page.status_code == 409
        assert "Somebody else changed this" in page.text
        assert "+45\N{NO-BREAK SPACE}70\N{NO-BREAK SPACE}11" in page.text
        assert 'value="+4570222222"' in page.text
        assert f"{SOURCE}/other" in page.text
    stored = await change_of(rig, fact("cmm_phone"))
    assert stored
    assert stored.value["value"] == "+4570111111"
    sent = await second.send_form(
        f"{PHONE}/edit", **{**made_from(page.text), "step": "submit", **typed}
    )
    assert sent.status_code == 303
    stored = await change_of(rig, fact("cmm_phone"))
    assert stored
    assert (stored.value["value"], len(stored.authors)) == ("+4570222222", 2)


@pytest.mark.parametrize(
    "forged",
    [
        {"version": "x"},
        {"version": "-1"},
        {"version": ""},
        {"version": "9" * 5000},
        {"version": "٣"},
    ],
)
async def test_a_form_that_was_not_made_here(editor: Browser, forged: Fields) -> None:
    page = await send(editor, PHONE, "save", value="+4570999999", **source(), **forged)
    assert page.status_code in (400, 409)


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.TRANSLATOR, Role.PUBLISHER])
async def test_who_may_not_edit_reads_only(rig: Rig, browser: Browser, role: Role) -> None:
    await signed_in(rig, browser, "Ana", {role})
    page = (await browser.get(PHONE)).text
    assert (f'href="{PHONE}/edit"' in page, "Nobody has confirmed" in page) == (False, True)
    assert (await browser.get(f"{PHONE}/edit")).status_code == 403
    base = digest(rig.desk.content.library.served.value(fact("cmm_phone")))
    form: Fields = {"change": "", "version": "0", "base": base, "step": "submit"}
    for path in ("/edit", "/undo", "/settle"):
        sent = await browser.send_form(f"{PHONE}{path}", **form, value="+4570999999", **source())
        assert sent.status_code == 403
    assert await change_of(rig, fact("cmm_phone")) is None


async def test_one_person_with_every_right_publishes_nothing_from_here(
    second: Browser, rig: Rig
) -> None:
    """Whatever is posted, it is a proposal; what visitors read stays."""
    more = {"state": "approved", "approved_by": "bo", "guarded": "0"}
    await send(second, PHONE, "submit", value="+4570999999", **source(), **more)
    change = await change_of(rig, fact("cmm_phone"))
    assert change
    assert (change.state, change.approved_by, change.guarded) == (State.IN_REVIEW, None, True)
    assert str(rig.desk.content.library.served.registry["cmm_phone"].value) != "+4570999999"
    assert rig.desk.content.library.bundle.number == 0
