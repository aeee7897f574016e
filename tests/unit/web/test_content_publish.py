"""To do, review, publication, live check and coverage, as people meet them over HTTP."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.adapters.push.vapid import Vapid
from bot.adapters.push.web import WebAlerts
from bot.adapters.sealing import EphemeralKeys, Stamp
from bot.adapters.sealing.own import new_alert_key
from bot.adapters.storage import SqlStore
from bot.content_ports import Remark, Serving, Signed
from bot.domain.content import Change, Item, State, screen, translation
from bot.domain.staff import Role, StaffId
from bot.i18n import LOCALES
from bot.i18n.values import COPENHAGEN
from bot.web import create_console, make_app
from bot.web.content.todo import to_review
from bot.web.routes import declared
from tests.support import deck
from tests.support.console import Browser, Rig, make_rig, signed_in
from tests.support.content import CMM, HOURS, LONG_AGO, SUNDAYS, Newsroom, with_value
from tests.support.fakes import FakeClock
from tests.support.stores import laid

OTHER = "+4570999999"
THANKS = screen("utter_thanks")


@dataclass
class House:
    """A console whose content desk is that of a newsroom, and browsers of people in it."""

    rig: Rig
    room: Newsroom
    stack: AsyncExitStack
    ids: dict[str, str] = field(default_factory=dict)

    async def person(self, alias: str, *roles: Role, settled: bool = True) -> Browser:
        browser = await self.stack.enter_async_context(Browser(create_console(self.rig.desk)))
        new = await signed_in(self.rig, browser, alias, roles)
        self.ids[alias] = new.session.staff.id
        if settled:
            await self._long_ago(alias)
        return browser

    async def _long_ago(self, alias: str) -> None:
        async with self.rig.store.begin() as unit:
            account = await unit.staff.find(alias, lock=True)
            assert account
            staff = replace(account.staff, created_at=account.staff.created_at - LONG_AGO)
            keys = [replace(k, added_at=k.added_at - LONG_AGO) for k in account.factors.passkeys]
            factors = replace(account.factors, passkeys=tuple(keys))
            await unit.staff.save(replace(account, staff=staff, factors=factors))

    async def edited(self, alias: str, item: Item, value: Mapping[str, Any]) -> Change:
        """Return a draft that somebody wrote."""
        by = await self.rig.desk.accounts.find(alias)
        return await self.room.desk.edit(item, value, await self.room.seen(item), by)

    async def submitted(self, alias: str, item: Item, value: Mapping[str, Any]) -> Change:
        change = await self.edited(alias, item, value)
        by = await self.rig.desk.accounts.find(alias)
        return await self.room.desk.submit(change.id, change.version, by)

    async def now(self, change: Change) -> Change:
        async with self.rig.store.begin() as unit:
            found = await unit.contents.get(change.id)
        assert found
        return found

    async def publishes(self) -> int:
        number = await self.room.publisher.publish_due()
        await self.room.watcher.look()
        return number


@asynccontextmanager
async def lay(rig: Rig, folder: Path) -> AsyncIterator[House]:
    room = Newsroom(rig.store, folder, rig.clock)
    rig.desk = replace(rig.desk, content=room.desk, renderer=room.renderer)
    await room.watcher.look()
    async with AsyncExitStack() as stack:
        yield House(rig, room, stack)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with lay(make_rig(tmp_path), tmp_path) as house:
        yield house


def step(change: Change, name: str = "") -> str:
    return f"/content/change/{change.id}{'/' + name if name else ''}"


async def press(browser: Browser, change: Change, name: str, **more: str) -> httpx.Response:
    return await browser.send_form(step(change, name), version=str(change.version), **more)


def number(house: House) -> dict[str, Any]:
    return with_value(house.room.live(CMM), OTHER)


# --- alerts while the page is closed ----------------------------------------------------------

ENDPOINT = "https://fcm.googleapis.com/fcm/send/one"


@pytest.fixture
async def ringing(tmp_path: Path) -> AsyncIterator[House]:
    vapid = Vapid(new_alert_key(), "mailto:it@hotline.example")
    async with httpx.AsyncClient() as client:
        alerts = WebAlerts(client, vapid, FakeClock())
        async with lay(make_rig(tmp_path, alerts=alerts), tmp_path) as house:
            yield house


async def subscribed(house: House, alias: str) -> str:
    who = StaffId(house.ids[alias])
    async with house.rig.store.begin() as unit:
        return (await unit.subscriptions.of([who])).get(who, "")


def says_it_rings(page: str) -> bool:
    return '<span data-when="on">' in page


async def test_a_publisher_turns_alerts_on_and_off_where_they_work(ringing: House) -> None:
    publisher = await ringing.person("Pia", Role.PUBLISHER)
    page = (await publisher.get("/content")).text
    assert f'data-key="{ringing.rig.desk.alerts.key}"' in page
    assert "Ring this browser" in page
    assert not says_it_rings(page)
    assert (await publisher.send_form("/alerts/on", endpoint=ENDPOINT)).status_code == 204
    assert await subscribed(ringing, "Pia") == ENDPOINT
    assert says_it_rings((await publisher.get("/content")).text)
    assert (await publisher.send_form("/alerts/off")).status_code == 204
    assert await subscribed(ringing, "Pia") == ""


async def test_an_editor_is_offered_to_be_reminded(ringing: House) -> None:
    editor = await ringing.person("Ed", Role.EDITOR)
    assert "Ring this browser" in (await editor.get("/content")).text
    assert (await editor.send_form("/alerts/on", endpoint=ENDPOINT)).status_code == 204
    assert await subscribed(ringing, "Ed") == ENDPOINT


async def test_who_has_nothing_to_look_at_is_offered_no_alert(ringing: House) -> None:
    browser = await ringing.person("Ed", Role.TRANSLATOR)
    page = await browser.get("/content")
    assert page.status_code == 200
    assert "Ring this browser" not in page.text
    assert "alerts" not in page.text
    assert (await browser.send_form("/alerts/on", endpoint=ENDPOINT)).status_code == 403
    assert await subscribed(ringing, "Ed") == ""


async def test_where_alerts_are_off_publishers_see_nothing_of_them(house: House) -> None:
    publisher = await house.person("Pia", Role.PUBLISHER)
    assert "alerts" not in (await publisher.get("/content")).text


# --- four eyes over HTTP ----------------------------------------------------------------------


async def test_the_author_cannot_approve_and_the_page_says_so(house: House) -> None:
    both = await house.person("Bo", Role.EDITOR, Role.PUBLISHER)
    change = await house.submitted("Bo", CMM, number(house))
    page = await both.get(step(change))
    assert "somebody else must approve" in page.text
    assert "/approve" not in page.text
    refused = await press(both, change, "approve")
    assert refused.status_code == 409
    assert "somebody else must approve" in refused.text
    assert (await house.now(change)).state is State.IN_REVIEW


async def test_an_editor_may_not_approve_stop_or_bring_back(house: House) -> None:
    await house.person("Ed", Role.EDITOR)
    other = await house.person("Eva", Role.EDITOR)
    change = await house.submitted("Ed", CMM, number(house))
    for name in ("approve", "send-back", "stop"):
        assert (await press(other, change, name, why="no")).status_code == 403
    assert (await other.send_form("/content/published/back", number="0")).status_code == 403
    assert (await house.now(change)).state is State.IN_REVIEW
    page = (await other.get(step(change))).text
    assert "/approve" not in page
    assert "/stop" not in page


async def test_a_way_in_of_today_approves_no_number(house: House) -> None:
    await house.person("Ed", Role.EDITOR)
    new = await house.person("Pia", Role.PUBLISHER, settled=False)
    change = await house.submitted("Ed", CMM, number(house))
    refused = await press(new, change, "approve")
    assert (refused.status_code, "younger than a day" in refused.text) == (409, True)
    assert (await house.now(change)).state is State.IN_REVIEW


async def test_approving_asks_for_a_fresh_proof(house: House) -> None:
    await house.person("Ed", Role.EDITOR)
    pia = await house.person("Pia", Role.PUBLISHER)
    change = await house.submitted("Ed", CMM, number(house))
    house.rig.clock.turn(minutes=6)
    assert (await press(pia, change, "approve")).headers["x-havn-refusal"] == "prove"
    assert (await house.now(change)).state is State.IN_REVIEW


async def test_nobody_alone_gets_a_number_live_by_any_route(house: House) -> None:
    """Every POST route of the desk, as one person who may do everything, in three states."""
    both = await house.person("Bo", Role.EDITOR, Role.PUBLISHER)
    change = await house.edited("Bo", CMM, number(house))
    names = {"id": change.id, "item": CMM.name, "key": CMM.key}
    tried = 0
    for _ in range(3):
        for one in declared(make_app(house.rig.desk).routes):
            if not one.path.startswith("/content") or "POST" not in (one.methods or ()):
                continue
            if one.answer.__name__ in ("give_up", "send_back", "stop"):
                continue  # they only undo
            now = await house.now(change)
            path = re.sub(r"\{(\w+)(:\w+)?\}", lambda m: names.get(m[1], "1"), one.path)
            form = {"version": str(now.version), "change": change.id, "base": now.base}
            form |= {"number": "1", "value": OTHER, "text": OTHER, "why": "because"}
            form |= {"action": "submit", "do": "submit"}
            response = await both.send_form(path, **form)
            assert response.status_code < 500, one.path
            tried += 1
    assert tried >= 3 * 4
    assert await house.publishes() == 0
    house.room.wait(hours=1)
    now = house.rig.clock.now()
    assert not any(one.is_due(now) for one in await house.room.desk.waiting())
    assert await house.publishes() == 0
    assert str(house.room.renderer.registry["cmm_phone"].value) != OTHER


# --- from a draft to what visitors read -------------------------------------------------------


async def test_two_people_publish_a_number(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    pia = await house.person("Pia", Role.PUBLISHER)
    change = await house.edited("Ed", CMM, number(house))
    assert (await press(ed, change, "submit")).status_code == 303
    assert "Waiting for you to approve" in (await pia.get("/content")).text
    change = await house.now(change)
    page = (await pia.get(step(change))).text
    assert page.index("70\u00a020\u00a025\u00a050") < page.index("70\u00a099\u00a099\u00a099")
    assert 'lang="ar"' in page
    assert 'dir="rtl"' in page
    assert "https://www.cmm.dk/kontakt" in page
    assert (await press(pia, change, "approve")).status_code == 303
    change = await house.now(change)
    latest = house.rig.clock.now().astimezone(COPENHAGEN) + timedelta(minutes=16)
    assert f"Live at {latest:%H:%M} at the latest" in (await pia.get(step(change))).text
    assert await house.publishes() == 0
    house.room.wait(minutes=14)
    assert await house.publishes() == 0
    house.room.wait(minutes=2)
    assert await house.publishes() == 1
    ed = await house.person("Ed2", Role.EDITOR)
    page = (await ed.get(step(change))).text
    assert "Live since" in page
    assert "Live in 14 of 14 languages" in page
    assert "70\u00a020\u00a025\u00a050" in page, "the old number is still shown beside the new one"


async def test_what_was_approved_must_be_what_was_read(house: House) -> None:
    await house.person("Ed", Role.EDITOR)
    pia = await house.person("Pia", Role.PUBLISHER)
    read = await house.submitted("Ed", CMM, number(house))
    await house.edited("Ed", CMM, with_value(house.room.live(CMM), "+4570888888"))
    await house.room.desk.submit(
        read.id, (await house.now(read)).version, await house.rig.desk.accounts.find("Ed")
    )
    page = await press(pia, read, "approve")
    assert page.status_code == 409
    assert "this is not what you read" in page.text
    assert "70\u00a088\u00a088\u00a088" in page.text, "what is new stands there"
    assert (await house.now(read)).state is State.IN_REVIEW


async def test_a_base_that_went_live_meanwhile_is_told(house: House) -> None:
    await house.person("Ed", Role.EDITOR)
    pia = await house.person("Pia", Role.PUBLISHER)
    change = await house.submitted("Ed", HOURS, SUNDAYS(house.room.live(HOURS)))
    async with house.rig.store.begin() as unit:
        await unit.contents.save(replace(change, base="0" * 64))
    change = await house.now(change)
    page = await press(pia, change, "approve")
    assert page.status_code == 409
    assert "What is live has changed since this was written" in page.text


async def test_sent_back_with_a_reason_that_its_author_sees(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    pia = await house.person("Pia", Role.PUBLISHER)
    change = await house.submitted("Ed", CMM, number(house))
    page = await press(pia, change, "send-back", why="  ")
    assert (page.status_code, 'id="why-error"' in page.text) == (400, True)
    assert (await house.now(change)).state is State.IN_REVIEW
    await press(pia, change, "send-back", why="Who <b>checked</b> this?")
    page = (await ed.get("/content")).text
    assert "Sent back to you" in page
    assert "Pia: Who &lt;b&gt;checked&lt;/b&gt; this?" in page
    await house.edited("Ed", CMM, with_value(house.room.live(CMM), "+4570888888"))
    house.rig.clock.turn(minutes=1)
    await house.edited("Ed", CMM, with_value(house.room.live(CMM), "+4570888887"))
    page = (await ed.get("/content")).text
    assert "Your drafts" in page
    assert "Sent back to you" not in page


async def test_any_publisher_stops_it_in_its_15_minutes(house: House) -> None:
    await house.person("Ed", Role.EDITOR)
    pia = await house.person("Pia", Role.PUBLISHER)
    otto = await house.person("Otto", Role.PUBLISHER, Role.RESPONDER)
    change = await house.submitted("Ed", CMM, number(house))
    await press(pia, change, "approve")
    change = await house.now(change)
    page = (await otto.get("/content")).text
    assert "Written by Ed, approved by Pia." in page
    assert step(change, "stop") in page
    for path in ("/queue", "/account", "/content/published"):
        assert "Soon live, and you can stop it: 1" in (await otto.get(path)).text
    assert (await press(otto, change, "stop")).status_code == 303
    house.room.wait(hours=1)
    assert await house.publishes() == 0
    assert (await house.now(change)).state is State.DRAFT


async def test_only_publishers_see_the_alert_on_every_page(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    pia = await house.person("Pia", Role.PUBLISHER)
    change = await house.submitted("Ed", CMM, number(house))
    assert "Soon live" not in (await pia.get("/account")).text
    await press(pia, change, "approve")
    assert "Soon live" in (await pia.get("/account")).text
    assert "Soon live" not in (await ed.get("/account")).text
    house.room.wait(minutes=14)
    assert "Soon live" in (await pia.get("/account")).text
    house.room.wait(minutes=1)
    assert "Soon live" not in (await pia.get("/account")).text


async def test_a_publisher_gives_up_what_is_not_theirs_and_an_editor_does_not(
    house: House,
) -> None:
    await house.person("Ed", Role.EDITOR)
    eva = await house.person("Eva", Role.EDITOR)
    pia = await house.person("Pia", Role.PUBLISHER)
    change = await house.submitted("Ed", CMM, number(house))
    assert (await press(eva, change, "give-up")).status_code == 403
    assert (await press(pia, change, "give-up")).status_code == 303
    assert "never reached a visitor" in (await pia.get(step(change))).text


@pytest.mark.parametrize("id_", ["nothing", "0" * 16, "%00", "A" * 16])
async def test_what_is_no_change_is_not_there(house: House, id_: str) -> None:
    both = await house.person("Bo", Role.EDITOR, Role.PUBLISHER)
    assert (await both.get(f"/content/change/{id_}")).status_code == 404
    for name in ("submit", "approve", "send-back", "stop", "give-up", "remark"):
        sent = await both.send_form(f"/content/change/{id_}/{name}", version="1", why="x", text="x")
        assert sent.status_code == 404


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 40, "²"])
async def test_a_version_that_is_none(house: House, version: str) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    change = await house.edited("Ed", CMM, number(house))
    sent = await ed.send_form(step(change, "submit"), version=version)
    assert sent.status_code == 400
    assert (await house.now(change)).state is State.DRAFT


async def test_remarks_are_a_thread_and_only_text(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    change = await house.edited("Ed", CMM, number(house))
    assert (await ed.send_form(step(change, "remark"), text="<i>Sure?</i>")).status_code == 303
    assert "&lt;i&gt;Sure?" in (await ed.get(step(change))).text
    for text in ("", "x" * 501):
        page = await ed.send_form(step(change, "remark"), text=text)
        assert (page.status_code, 'id="text-error"' in page.text, text in page.text) == (
            400,
            True,
            True,
        )


async def test_a_screen_shows_its_texts_and_buttons(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    live = house.room.live(THANKS)
    button = {"label": "Help here", "to": "utter_help_available"}
    value = {**live, "text": "You are welcome.", "buttons": [*live.get("buttons", []), button]}
    page = (await ed.get(step(await house.edited("Ed", THANKS, value)))).text
    assert "<ins>Help here → utter_help_available</ins>" in page
    assert "<del>" in page


async def test_a_translation_shows_english_old_and_new(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    source = deck.deck()[THANKS.key].text
    item = translation("ar", THANKS.key, source)
    text = house.room.renderer.texts.draft(THANKS.key, source, "ar")
    value = {"context": THANKS.key, "source": source, "text": text}
    change = await house.edited("Ed", item, value)
    page = (await ed.get(step(change))).text
    assert 'lang="ar" dir="rtl"' in page
    assert "machine" not in page, "there is no translator here"

    class Machine:
        ready = True

        async def translate(self, text: str, source: str, target: str) -> str:
            return f"<{source}-{target}>"

    house.rig.desk = replace(house.rig.desk, translator=Machine())  # type: ignore[arg-type]
    eva = await house.person("Eva", Role.EDITOR)
    assert "?back=1" in (await eva.get(step(change))).text
    page = (await eva.get(step(change) + "?back=1")).text
    assert "&lt;ar-en&gt;" in page
    assert "Machine translation, may be wrong" in page


# --- to do ------------------------------------------------------------------------------------


async def test_nothing_to_do_is_friendly(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    page = (await ed.get("/content")).text
    assert "Nothing waits for you" in page or "Facts to check" in page
    assert "Nothing yet: visitors read what came with the program" in page


async def test_facts_to_check_are_those_of_30_days_the_late_first(house: House) -> None:
    registry = house.room.renderer.registry
    day = max(fact.review_by for fact in registry)
    assert to_review(registry, day - timedelta(days=400)) == []
    found = to_review(registry, day)
    assert len(found) == len(list(registry))
    assert [one.days >= 0 for one in found] == sorted(one.days >= 0 for one in found)
    house.rig.clock.at = house.rig.clock.at.replace(year=2027)
    ed = await house.person("Eva", Role.EDITOR)
    page = (await ed.get("/content")).text
    assert page.count("Days late") == 10
    assert 'href="/content/facts">All facts' in page


async def test_reports_are_listed_until_they_are_settled(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    by = await house.rig.desk.accounts.find("Ed")
    await house.room.desk.remark(CMM, by.id, "wrong", report=True)
    assert "Reports: 1" in (await ed.get("/content")).text
    await house.room.desk.settle(CMM, by)
    assert "Reports: 1" not in (await ed.get("/content")).text


async def test_a_visitors_report_says_so_with_its_language_and_day(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    item = translation("th", "utter_shelter", house.room.renderer.deck["utter_shelter"].text)
    now = house.rig.clock.now()
    async with house.rig.store.begin() as unit:
        await unit.contents.report_once(Remark.of_visitors(item, now))
    page = (await ed.get("/content")).text
    assert 'reported by a visitor · <bdi lang="th">ไทย</bdi> · Reports: 1' in page
    assert f'href="/content/text/{item.name}"' in page
    text = (await ed.get(f"/content/text/{item.name}")).text
    assert f'<time datetime="{now.date()}">{now.day} {now:%b %Y}</time>' in text
    by = await house.rig.desk.accounts.find("Ed")
    await house.room.desk.remark(CMM, by.id, "wrong", report=True)
    await house.room.desk.settle(item, by)
    page = (await ed.get("/content")).text
    assert "reported by a visitor" not in page
    assert "Reports: 1" in page


async def test_a_row_past_the_console_is_an_alert(tmp_path: Path) -> None:
    keys = EphemeralKeys()
    store = await SqlStore.open(laid(tmp_path / "var"), keys, Stamp.fresh())
    async with lay(make_rig(tmp_path, sealer=keys, store=store), tmp_path) as house:
        ed = await house.person("Ed", Role.EDITOR)
        assert "havn doctor" not in (await ed.get("/content")).text
        change = await house.submitted("Ed", CMM, number(house))
        store._stamps = Stamp.fresh()  # who has the database has no key
        page = (await ed.get("/content")).text
        assert "past this console" in page
        assert "havn doctor" in page
        assert (await ed.get(step(change))).status_code == 404
    await store.close()


# --- what was published -----------------------------------------------------------------------


async def test_one_person_goes_back_and_never_forward(house: House) -> None:
    pia = await house.person("Pia", Role.PUBLISHER)
    await house.room.published(CMM, number(house))
    await house.room.watcher.look()
    pia = await house.person("Otto", Role.PUBLISHER)
    page = (await pia.get("/content/published")).text
    assert "Version 1" in page
    assert "Bring back: What came with the program" in page
    for ahead in ("1", "2", "999999999", "9" * 30, "-1", "x", ""):
        refused = await pia.send_form("/content/published/back", number=ahead)
        assert (refused.status_code, "nothing to bring back" in refused.text) == (409, True)
    assert (await pia.send_form("/content/published/back", number="0")).status_code == 303
    assert "On its way" in (await pia.get("/content/published")).text
    again = await pia.send_form("/content/published/back", number="0")
    assert again.status_code == 409
    assert await house.publishes() == 2
    assert str(house.room.renderer.registry["cmm_phone"].value) != OTHER
    page = (await pia.get("/content/published")).text
    assert "brings back what came with the program" in page
    assert "Live in 14 of 14 languages" in page


async def test_a_version_that_was_tampered_with_is_shown_and_stays(house: House) -> None:
    await house.room.published(HOURS, SUNDAYS(house.room.live(HOURS)))
    await house.room.published(CMM, number(house))
    signed = await house.room.bundle(1)
    body = signed.body.replace(b"10:30", b"10:31")
    assert body != signed.body
    async with house.rig.store.begin() as unit:
        await unit.contents.publish(Signed(1, body, signed.signature), instead=True)
    pia = await house.person("Pia", Role.PUBLISHER)
    page = (await pia.get("/content/published")).text
    assert "Somebody changed this version" in page
    assert "Bring back: Version 1" not in page
    refused = await pia.send_form("/content/published/back", number="1")
    assert refused.status_code == 409
    assert await house.publishes() == 0


# --- the live check ---------------------------------------------------------------------------


async def serve(house: House, **parts: Any) -> None:
    asked = {(channel, one): 1 for channel in ("web", "telegram") for one in LOCALES}
    serving = Serving(
        "second", **{"number": 1, "at": house.rig.clock.now(), "asked": asked, **parts}
    )
    async with house.rig.store.begin() as unit:
        await unit.contents.serving(serving)


async def test_the_live_check_in_words(house: House) -> None:
    await house.room.published(HOURS, SUNDAYS(house.room.live(HOURS)))
    ed = await house.person("Ed", Role.EDITOR)
    await serve(house)
    page = (await ed.get("/content")).text
    assert "Live in 14 of 14 languages" in page
    assert "Telegram, web and terminal" in page
    assert "2 processes" in page
    assert re.search(r"checked \d\d:\d\d", page)
    await serve(house, number=0)
    page = (await ed.get("/content")).text
    assert "Live in 0 of 14 languages" in page
    assert "still says version 0 and should say version 1" in page
    await serve(house, refused=7)
    page = (await ed.get("/content")).text
    assert "refuses version 7" in page
    await serve(house, wrong={("web", "th"): 1})
    page = (await ed.get("/content")).text
    assert "Live in 13 of 14 languages" in page
    assert "said something else than was published" in page
    assert "web · ไทย" in page


async def test_who_is_behind_for_seconds_is_only_on_its_way(house: House) -> None:
    await house.room.approved(HOURS, SUNDAYS(house.room.live(HOURS)))
    assert await house.publishes() == 1
    await serve(house, number=0)
    ed = await house.person("Ed", Role.EDITOR)
    page = (await ed.get("/content/published")).text
    assert "Version 1 is on its way" in page
    assert "Tell the operator" not in page
    house.rig.clock.turn(seconds=61)
    assert "Tell the operator" in (await ed.get("/content/published")).text


async def test_silence_is_no_good_sign(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    house.rig.clock.turn(minutes=4)
    page = (await ed.get("/content")).text
    assert "No process has said anything" in page
    assert "Live in" not in page


# --- coverage ---------------------------------------------------------------------------------


async def test_the_grid_links_each_cell_to_its_worst_text(house: House) -> None:
    ed = await house.person("Ed", Role.EDITOR)
    page = (await ed.get("/content/coverage")).text
    assert page.count("<tr") > 200
    assert 'tabindex="0"' in page
    source = deck.deck()[THANKS.key].text
    assert f"/content/text/{translation('th', THANKS.key, source).name}" in page
    one = (await ed.get("/content/coverage?locale=th")).text
    assert one.count('class="cell') < page.count('class="cell') / 5
    none = (await ed.get("/content/coverage?state=live")).text
    assert "No screen is in this state" in none
    for strange in ("?locale=xx&state=yy", "?locale=%00", "?state=<b>"):
        shown = await ed.get(f"/content/coverage{strange}")
        assert (shown.status_code, "<b>" in shown.text) == (200, False)


async def test_who_has_no_part_in_it_sees_nothing(house: House) -> None:
    ana = await house.person("Ana", Role.RESPONDER)
    for path in ("/content", "/content/published", "/content/coverage"):
        assert (await ana.get(path)).status_code == 403
