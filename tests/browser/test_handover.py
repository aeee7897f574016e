"""The whole play: a visitor on the web and one on Telegram, two counsellors, a loss, an end.

Nothing is scripted in between: real browsers, the real web chat, an emulated Telegram over HTTP.
Journeys (h) and (m) of the project's UX research.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import Harbour, harbour
from tests.browser.site import press, visit
from tests.support.telegram_chats import Match, Visitor
from tests.support.telegram_payloads import ChatMessage


@pytest.fixture
def haven(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path, telegram=True) as haven:
        yield haven
        assert haven.telegram is not None
        assert haven.telegram.violations == []


def sees(page: Page, author: str, words: str) -> None:
    said = page.locator(f".said.{author}", has_text=words)
    expect(said.first).to_be_visible(timeout=12_000)


def says(page: Page, words: str) -> None:
    page.locator("#text").fill(words)
    page.locator("#text").press("Control+Enter")
    sees(page, "staff", words)


def ends(page: Page, outcome: str, topic: str) -> None:
    page.locator("#end summary").click()
    page.get_by_text(outcome, exact=True).click()
    page.get_by_text(topic, exact=True).click()
    page.locator("#end button").click()
    expect(page.locator("#board")).to_be_visible()


def take(page: Page, channel: str) -> None:
    page.locator("[data-case]", has_text=channel).get_by_role("button", name="Take").click(
        timeout=12_000
    )
    expect(page.locator("[role=tablist]")).to_be_visible()


def ask_on_the_web(chromium: Browser, haven: Harbour) -> Page:
    web = visit(chromium).new_page()
    web.goto(haven.chat)
    for label in ("Start", "Yes, I am alone", "Person", "Only new messages", "No, I will look"):
        press(web, label)
    press(web, "Skip")
    return web


def ask_on_telegram(haven: Harbour) -> Visitor:
    assert haven.telegram is not None
    mira = haven.telegram.visitor(language_code="en")
    haven.run(mira.sends("/start"))
    for label in ("Yes, I am alone", "Person", "All of this chat", "Yes, say hello", "Skip"):
        haven.run(
            mira.taps(label, hears(haven, mira, lambda message, it=label: it in message.labels))
        )
    return mira


def hears(haven: Harbour, mira: Visitor, match: Match) -> ChatMessage:
    """Return what came on Telegram."""
    return haven.run(mira.expect(match, within=8))


def test_two_visitors_two_counsellors_from_alert_to_the_program_again(
    chromium: Browser, haven: Harbour
) -> None:
    ana, bo = haven.counsellor(chromium, "Ana"), haven.counsellor(chromium, "Bo")
    web, mira = ask_on_the_web(chromium, haven), ask_on_telegram(haven)
    expect(ana.locator(".big")).to_have_text("2", timeout=12_000)
    each_takes_one(haven, ana, bo, web, mira)
    ana_hands_over(haven, ana, bo, mira)
    bo_is_lost(haven, ana, bo)
    ana_goes_on_and_ends(haven, ana, web, mira)
    # The program is back for both.
    press(web, "Look for answer")
    expect(web.locator("#log")).to_contain_text("The talk with the person is finished")
    haven.run(mira.sends("/menu"))
    hears(haven, mira, "How can I help?")
    for page in (ana, web):
        page.context.close()


def each_takes_one(haven: Harbour, ana: Page, bo: Page, web: Page, mira: Visitor) -> None:
    take(ana, "Telegram")
    ana.locator("#hello").click()
    hears(haven, mira, "Is it safe for you to write now?")
    haven.run(mira.sends("Y"))
    sees(ana, "visitor", "Y")
    take(bo, "Web chat")
    says(bo, "I am Bo. What do you need?")
    # The visitor is here: the line comes by itself.
    expect(web.locator("#log")).to_contain_text("I am Bo. What do you need?", timeout=12_000)
    web.locator("#text").fill("they owe me money")
    web.locator("#send").click()
    sees(bo, "visitor", "they owe me money")


def ana_hands_over(haven: Harbour, ana: Page, bo: Page, mira: Visitor) -> None:
    says(ana, "A colleague knows more about this.")
    hears(haven, mira, "A colleague knows more about this.")
    ana.locator("#over summary").click()
    ana.get_by_label("To", exact=True).select_option("bo")
    ana.get_by_label("What they need").fill("wages")
    ana.get_by_role("button", name="Offer it").click()
    haven.run(mira.taps("Yes", hears(haven, mira, "May the colleague see this chat?")))
    expect(ana.get_by_text("The visitor says yes")).to_be_visible(timeout=12_000)
    bo.locator(".strip a").first.click()
    bo.get_by_role("button", name="Accept").click()
    sees(bo, "visitor", "Y")
    expect(bo.locator("#notes")).to_contain_text("wages")
    expect(ana.locator("#gone")).to_be_visible(timeout=12_000)


def bo_is_lost(haven: Harbour, ana: Page, bo: Page) -> None:
    bo.context.close()
    haven.clock.turn(minutes=6)
    haven.run(haven.app.keeper.round())
    ana.locator("#gone a").click()
    expect(ana.locator(".big")).to_have_text("2", timeout=12_000)


def ana_goes_on_and_ends(haven: Harbour, ana: Page, web: Page, mira: Visitor) -> None:
    take(ana, "Telegram")
    says(ana, "I am back. We go on.")
    haven.run(mira.sends("thank you"))
    sees(ana, "visitor", "thank you")
    ends(ana, "Pointed on", "Pay and work")
    take(ana, "Web chat")
    says(ana, "Bo had to leave. I am Ana.")
    press(web, "Look for answer")
    expect(web.locator("#log")).to_contain_text("Bo had to leave. I am Ana.")
    ends(ana, "Informed", "Pay and work")
    expect(ana.get_by_text("Nobody waits.")).to_be_visible()
