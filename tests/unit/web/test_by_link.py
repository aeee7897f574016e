"""The page behind a link to one text."""

import re

from bot.domain.content import State, translation
from bot.domain.staff import Role
from bot.web import create_console
from tests.support import deck
from tests.support.console import Browser, Rig, signed_in

SOURCE = deck.deck()["utter_goodbye"].text
ITEM = translation("ar", "utter_goodbye", SOURCE).name


async def made(browser: Browser) -> str:
    page = (await browser.send_form("/content/link", item=ITEM)).text
    (path,) = re.findall(r"https://staff\.example(/t/[\w-]+)<", page)
    return str(path)


async def test_a_stranger_translates_one_text_once(rig: Rig, browser: Browser) -> None:
    await signed_in(rig, browser, "Ed", {Role.EDITOR})
    path = await made(browser)
    async with Browser(create_console(rig.desk)) as stranger:
        page = await stranger.get(path)
        assert page.status_code == 200
        assert SOURCE.split(".")[0] in page.text
        assert 'lang="ar" dir="rtl"' in page.text
        assert "/content" not in page.text
        bad = await stranger.post(path, data={"text": "<b>x</b>"})
        assert (bad.status_code, "&lt;b&gt;x" in bad.text) == (400, True)
        good = await stranger.post(path, data={"text": "وداعا."})
        assert (good.status_code, "Thank you" in good.text) == (200, True)
        assert (await stranger.post(path, data={"text": "وداعا."})).status_code == 404
        assert (await stranger.get("/t/unknown")).status_code == 404
    (change,) = await rig.desk.content.waiting()
    assert change.state is State.IN_REVIEW
    assert len(change.authors) == 2


async def test_many_bad_tries_must_wait(rig: Rig, browser: Browser) -> None:
    await signed_in(rig, browser, "Ed", {Role.EDITOR})
    path = await made(browser)
    answers = [(await browser.post(path, data={"text": "<b>"})).status_code for _ in range(6)]
    assert answers == [400] * 5 + [429]


async def test_translators_make_no_links(rig: Rig, browser: Browser) -> None:
    await signed_in(rig, browser, "Mali", {Role.TRANSLATOR})
    assert (await browser.send_form("/content/link", item=ITEM)).status_code == 403


async def test_a_link_is_offered_on_the_page_of_its_text_to_who_may_make_it(
    rig: Rig, browser: Browser
) -> None:
    await signed_in(rig, browser, "Ed", {Role.EDITOR})
    page = (await browser.get(f"/content/text/{ITEM}")).text
    assert 'action="/content/link"' in page
    assert f'name="item" value="{ITEM}"' in page
