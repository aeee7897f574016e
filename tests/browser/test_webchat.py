"""The web chat in a real browser, at phone width, with and without script."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, expect

from bot.domain.errors import StoreUnavailableError
from tests.browser.site import NEUTRAL, Site, begin, press, serve, visit, wait_for_answer

WORDS = "my boss has my passport"
CHAT = re.compile("How can I help|I am a computer program|passport")


def log(page: Page) -> Any:
    return page.locator("#log")


def write(page: Page, words: str) -> None:
    page.locator("#text").fill(words)
    before = page.locator("#answers [name=nonce]").input_value()
    page.locator("#send").click()
    wait_for_answer(page, before)


# --- the chat ---------------------------------------------------------------------------------


def test_chat_with_script(page: Page, site: Site) -> None:
    begin(page, site)
    expect(log(page)).to_contain_text("How can I help?")
    write(page, WORDS)
    expect(page.locator(".own")).to_have_text(re.compile(WORDS))
    expect(page.locator("#text")).to_have_value("")
    press(page, "Menu")
    assert page.url == f"{site.url}/"


def test_chat_without_script(plain: Page, site: Site) -> None:
    plain.goto(site.url)
    plain.locator("button", has_text="Start").click()
    expect(log(plain)).to_contain_text("computer program")
    plain.locator("button", has_text="Yes, I am alone").click()
    expect(log(plain)).to_contain_text("How can I help?")
    plain.locator("#text").fill(WORDS)
    plain.locator("#send").click()
    expect(plain.locator(".own")).to_contain_text(WORDS)
    plain.locator("button", has_text="Hide").click()
    expect(log(plain)).not_to_contain_text(WORDS)
    expect(log(plain)).to_contain_text("Hello.")
    assert plain.url == f"{site.url}/"


def test_reload_without_script_counts_once(plain: Page, site: Site) -> None:
    plain.goto(site.url)
    plain.locator("button", has_text="Start").click()
    plain.locator("#text").fill("hello")
    plain.locator("#send").click()
    expect(plain.locator(".own")).to_contain_text("hello")
    plain.reload()
    expect(log(plain)).to_contain_text("free text")
    assert len(site.door.seen) == 2


def test_hide_leaves_one_word(page: Page, site: Site) -> None:
    begin(page, site)
    write(page, WORDS)
    press(page, "Hide")
    expect(log(page)).to_have_text(re.compile(r"^\s*computer program:\s*Hello\.\s*$"))
    assert WORDS not in page.content()


def test_code_word_leaves_the_page(page: Page, site: Site) -> None:
    begin(page, site)
    for label in ("Person", "Talk to a person"):
        button = page.get_by_role("button", name=label, exact=True)
        if button.count():
            press(page, label)
            break
    press(page, "Only new messages")
    press(page, "No, I will look")
    expect(log(page)).to_contain_text("easy word")
    write(page, "pineapple")
    assert "pineapple" not in page.content()
    assert "easy word" not in page.content()


def test_a_line_comes_by_itself_and_the_words_being_typed_stay(page: Page, site: Site) -> None:
    page.clock.install()
    begin(page, site)
    press(page, "Talk to a person")
    press(page, "Only new messages")
    press(page, "No, I will look")
    press(page, "Skip")
    page.locator("#text").fill("I am just wri")
    steps = page.evaluate("history.length")
    token = page.locator("#answers [name=token]").input_value()
    site.door.write_as_person(token, "Ana", "Hello, it is me")
    look(page, after=4000)
    expect(log(page)).to_contain_text("Hello, it is me")
    expect(page.locator(".said.person .who")).to_contain_text("Ana")
    expect(page.locator("#text")).to_be_focused()
    expect(page.locator("#text")).to_have_value("I am just wri")
    assert page.evaluate("history.length") == steps
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    # Hidden, the page asks no more; when it fails, it asks less often, and goes on.
    asked = site.door.watched
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    quiet(page, seconds=60)
    assert site.door.watched == asked
    page.evaluate("delete document.hidden; dispatchEvent(new Event('visibilitychange'))")
    site.door.broken = StoreUnavailableError("away")
    look(page, after=4000)
    look(page, after=8000)
    quiet(page, seconds=8)
    assert site.door.watched == asked + 2
    expect(page.locator("#text")).to_have_value("I am just wri")
    site.door.broken = None
    site.door.write_as_person(token, "Ana", "Still here")
    look(page, after=8000)
    expect(log(page)).to_contain_text("Still here")


def look(page: Page, *, after: int) -> None:
    """Let the milliseconds pass after which the page looks by itself, and wait for the answer."""
    with page.expect_response("**/"):
        page.clock.run_for(after)
    page.wait_for_timeout(100)


def quiet(page: Page, *, seconds: int) -> None:
    """Let time pass, and let arrive what a page may have asked meanwhile."""
    page.clock.run_for(1000 * seconds)
    page.wait_for_timeout(300)


def test_self_check_stays_one_message(page: Page, site: Site) -> None:
    begin(page, site)
    press(page, "Is my situation OK?")
    press(page, "Start")
    press(page, "Yes")
    press(page, "Skip")
    assert page.locator(".said").count() == 1


def test_change_of_language_redraws_the_page(chromium: Browser) -> None:
    with serve(arabic=True) as site:
        context = visit(chromium)
        page = context.new_page()
        begin(page, site)
        press(page, "Language")
        press(page, "العربية")
        assert page.evaluate("[document.documentElement.dir, document.documentElement.lang]") == [
            "rtl",
            "ar",
        ]
        expect(page.locator("#exit")).to_have_text("خروج")
        write(page, "hello")
        context.close()


def test_markup_in_words_stays_words(page: Page, site: Site) -> None:
    alarms: list[str] = []
    page.on("dialog", lambda dialog: (alarms.append("dialog"), dialog.dismiss()))
    begin(page, site)
    for payload in ("<img src=x onerror=alert(1)>", "</bdi><script>alert(1)</script>"):
        write(page, payload)
        assert page.locator(".own bdi").last.text_content() == payload
    assert page.locator("#log :is(img, script)").count() == 0
    assert alarms == []


def test_console_and_policy_are_quiet(page: Page, site: Site) -> None:
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    begin(page, site)
    write(page, "hello")
    press(page, "Hide")
    assert noise == []


# --- leaving ----------------------------------------------------------------------------------

# Counts from the press until nothing of the chat is left in the page.
BLANK = """() => new Promise(resolve => {
  const began = performance.now();
  const check = () => document.body.childElementCount
    ? setTimeout(check, 1) : resolve([performance.now() - began, document.title]);
  document.getElementById('exit').click();
  check();
})"""


def test_exit_blanks_at_once(page: Page, site: Site) -> None:
    begin(page, site)
    write(page, WORDS)
    page.route(f"{NEUTRAL}/**", lambda _route: None)  # the neutral site never answers
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    took, title = page.evaluate(BLANK)
    assert took <= 200
    assert title.strip("\u200b") == ""


def test_exit_goes_away_and_ends_the_chat(page: Page, site: Site) -> None:
    begin(page, site)
    token = page.locator("#answers [name=token]").input_value()
    page.locator("#exit").click()
    page.wait_for_url(f"{NEUTRAL}/**")
    page.wait_for_timeout(200)
    assert site.door.left == [token]


@pytest.mark.parametrize("way", ["button", "shift", "link"])
def test_back_after_exit_shows_no_chat(page: Page, site: Site, way: str) -> None:
    begin(page, site)
    write(page, WORDS)
    if way == "button":
        page.locator("#exit").click()
    elif way == "shift":
        for _ in range(3):
            page.keyboard.press("Shift")
    else:
        page.locator("#skips a").first.focus()
        page.keyboard.press("Enter")
    page.wait_for_url(f"{NEUTRAL}/**")
    page.go_back()
    page.wait_for_timeout(300)
    assert not CHAT.search(page.content())


def test_back_after_exit_without_script_shows_no_chat(plain: Page, site: Site) -> None:
    plain.goto(site.url)
    plain.locator("button", has_text="Start").click()
    plain.locator("#text").fill(WORDS)
    plain.locator("#send").click()
    plain.locator("#exit").click()
    plain.wait_for_url(f"{NEUTRAL}/**")
    assert len(site.door.left) == 1
    for _ in range(3):
        plain.go_back()
        plain.wait_for_timeout(200)
        assert not CHAT.search(plain.content())


def test_exit_works_while_the_script_is_loading(page: Page, site: Site) -> None:
    page.route("**/*.js", lambda _route: None)
    page.goto(site.url, wait_until="commit")
    page.locator("#exit").click(no_wait_after=True)
    page.wait_for_url(f"{NEUTRAL}/**")


def test_shift_while_writing_capitals_does_not_leave(page: Page, site: Site) -> None:
    begin(page, site)
    page.locator("#text").focus()
    for letter in "ABCD":
        page.keyboard.press(f"Shift+{letter}")
    page.wait_for_timeout(200)
    assert page.url == f"{site.url}/"
    expect(page.locator("#text")).to_have_value("ABCD")


def test_left_alone_the_page_closes(chromium: Browser) -> None:
    with serve(web_idle_minutes=1) as site:
        context = visit(chromium)
        page = context.new_page()
        page.clock.install()
        begin(page, site)
        page.clock.run_for(35_000)
        expect(page.locator("#status")).to_contain_text("closes")
        page.clock.run_for(40_000)
        page.wait_for_url("**/closed")
        expect(log(page)).to_contain_text("This chat is closed.")
        assert not CHAT.search(page.content())
        page.wait_for_timeout(100)
        assert len(site.door.left) == 1
        context.close()


def test_nothing_stays_in_the_browser(page: Page, site: Site) -> None:
    begin(page, site)
    entries = page.evaluate("history.length")
    write(page, WORDS)
    press(page, "Menu")
    kept = page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, document.cookie,"
        " (await indexedDB.databases()).length, (await caches.keys()).length]"
    )
    assert kept == [0, 0, "", 0, 0]
    assert page.context.cookies() == []
    assert page.evaluate("history.length") == entries


# --- bad lines --------------------------------------------------------------------------------


def test_lost_line_keeps_the_words(page: Page, site: Site) -> None:
    begin(page, site)
    page.locator("#text").fill(WORDS)
    page.context.set_offline(True)
    page.locator("#send").click()
    expect(page.locator("#notice")).to_contain_text("Your message was not sent.")
    expect(page.locator("#status")).to_have_text("Not sent")
    expect(page.locator("#notice a[href='tel:+4570202550']")).to_be_visible()
    expect(page.locator("#text")).to_have_value(WORDS)
    page.context.set_offline(False)
    page.locator("#again").click()
    expect(page.locator(".own")).to_contain_text(WORDS)
    expect(page.locator("#text")).to_have_value("")
    expect(page.locator("#notice")).to_be_empty()


def test_lost_answer_is_not_counted_twice(page: Page, site: Site) -> None:
    begin(page, site)

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    page.route(f"{site.url}/", lose, times=1)
    page.locator("#text").fill("hello")
    page.locator("#send").click()
    expect(page.locator("#again")).to_be_visible()
    page.locator("#again").click()
    expect(log(page)).to_contain_text("free text")
    assert len([one for one in site.door.seen if one.event.__class__.__name__ == "Text"]) == 1


def test_broken_store_keeps_words_and_shows_numbers(page: Page, site: Site) -> None:
    begin(page, site)
    site.door.broken = StoreUnavailableError("down")
    page.locator("#text").fill(WORDS)
    page.locator("#send").click()
    expect(log(page)).to_contain_text("Something is broken on my side.")
    expect(page.locator(".call").first).to_be_visible()
    expect(page.locator("#text")).to_have_value(WORDS)
    site.door.broken = None
    page.locator("#send").click()
    expect(page.locator(".own")).to_contain_text(WORDS)


def test_buttons_rest_while_sending(page: Page, site: Site) -> None:
    begin(page, site)
    page.route(f"{site.url}/", lambda _route: None)
    page.locator("#text").fill("hello")
    page.locator("#send").click()
    expect(page.locator("#status")).to_have_text("Sending")
    expect(page.locator("#send")).to_be_disabled()
    expect(page.locator("#answers button").first).to_be_disabled()
    expect(page.locator("#exit")).to_be_enabled()


# --- keyboard, eyes, ears ---------------------------------------------------------------------


def test_keyboard_alone_is_enough(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Leave this page now"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "exit"
    page.keyboard.press("Tab")
    before = page.locator("#answers [name=nonce]").input_value()
    page.keyboard.press("Enter")
    wait_for_answer(page, before)
    assert page.evaluate("document.activeElement.id") == "answers"
    page.keyboard.press("Tab")
    assert "Yes, I am alone" in page.evaluate("document.activeElement.textContent")


def test_focus_stays_in_the_field_and_is_never_covered(page: Page, site: Site) -> None:
    begin(page, site)
    page.locator("#text").focus()
    page.keyboard.type("hello")
    before = page.locator("#answers [name=nonce]").input_value()
    page.evaluate("document.getElementById('write').requestSubmit()")
    wait_for_answer(page, before)
    assert page.evaluate("document.activeElement.id") == "text"
    page.set_viewport_size({"width": 320, "height": 568})
    press(page, "Menu")
    for _ in range(14):
        page.keyboard.press("Tab")
        covered = page.evaluate(
            """() => {
              const e = document.activeElement, r = e.getBoundingClientRect();
              if (!r.width || e === document.body) return false;
              const at = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
              return !(e === at || e.contains(at));
            }"""
        )
        assert not covered, page.evaluate("document.activeElement.outerHTML")


def test_log_is_announced_politely(page: Page, site: Site) -> None:
    begin(page, site)
    expect(log(page)).to_have_attribute("role", "log")
    expect(log(page)).to_have_attribute("aria-live", "polite")
    said = page.locator(".said").last
    expect(said).to_have_attribute("lang", "en")
    expect(said).to_have_attribute("dir", "ltr")
    expect(page.locator("#status")).to_have_attribute("role", "status")


TARGETS = """() => [...document.querySelectorAll('button, textarea, .call')]
  .filter(e => e.checkVisibility())
  .map(e => [e.id || e.textContent.trim(), e.getBoundingClientRect()])
  .filter(([, r]) => r.height < 44 || r.width < 44).map(([name]) => name)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("arabic", [False, True])
def test_axe_finds_nothing(chromium: Browser, scheme: str, arabic: bool) -> None:
    axe = Axe()
    with serve(arabic=arabic) as site:
        context = visit(chromium, color_scheme=scheme, locale="ar" if arabic else "en")
        page = context.new_page()
        page.goto(site.url)
        found = {"start": axe.run(page).response["violations"]}
        for tap in (
            "utter_safe_to_talk", "utter_main_menu", "utter_danger_now", "utter_phone_numbers",
            "utter_human_consent", "action_hide",
        ):  # fmt: skip
            before = page.locator("#answers [name=nonce]").input_value()
            page.locator(f"button[value='{tap}']").first.click()
            wait_for_answer(page, before)
            found[tap] = axe.run(page).response["violations"]
            assert page.evaluate(TARGETS) == []
        for path in ("privacy", "facts"):
            page.goto(f"{site.url}/{path}")
            found[path] = axe.run(page).response["violations"]
        assert {where: [v["id"] for v in each] for where, each in found.items() if each} == {}
        context.close()


@pytest.mark.parametrize("zoom", [1, 2])
def test_nothing_is_wider_than_a_small_phone(chromium: Browser, zoom: int) -> None:
    with serve() as site:
        context = visit(chromium, viewport={"width": 320, "height": 568})
        page = context.new_page()
        begin(page, site)
        client = context.new_cdp_session(page)
        # As a visitor enlarges text in the settings of the browser.
        client.send("Page.setFontSizes", {"fontSizes": {"standard": 16 * zoom}})
        for label in ("Phone", "Menu", "More"):
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide == 0
            press(page, label)
        context.close()


@pytest.mark.parametrize("arabic", [False, True])
def test_the_page_of_facts_fits_a_small_phone(chromium: Browser, arabic: bool) -> None:
    with serve(arabic=arabic) as site:
        context = visit(
            chromium,
            viewport={"width": 320, "height": 568},
            locale="ar" if arabic else "en",
            java_script_enabled=False,
        )
        page = context.new_page()
        page.goto(f"{site.url}/privacy")
        page.locator("main a[href='/facts']").click()
        assert page.locator("html").get_attribute("dir") == ("rtl" if arabic else "ltr")
        wide = page.locator("main").evaluate("main => main.scrollWidth - main.clientWidth")
        assert wide == 0
        assert page.locator(".facts a").first.evaluate("a => getComputedStyle(a).direction") == (
            "ltr"
        )
        assert context.cookies() == []
        context.close()


def test_exit_stays_in_sight(page: Page, site: Site) -> None:
    begin(page, site)
    for _ in range(4):
        write(page, "hello " * 40)
    page.mouse.wheel(0, 10_000)
    box = page.locator("#exit").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 20
    assert box["height"] >= 44


def test_numbers_can_be_called_and_copied(page: Page, site: Site) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    begin(page, site)
    press(page, "Phone")
    assert page.locator(".call").evaluate_all("all => all.map(a => a.href)") == [
        "tel:+4570202550",
        "tel:112",
    ]
    page.get_by_role("button", name="Copy number").click()
    expect(page.locator("#status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "+4570202550"


# --- weight -----------------------------------------------------------------------------------


def test_weight_of_a_visit(page: Page, site: Site) -> None:
    sizes: list[tuple[str, int]] = []

    def note(request: Request) -> None:
        parts = request.sizes()
        sizes.append((request.url, parts["responseBodySize"] + parts["responseHeadersSize"]))

    page.on("requestfinished", note)
    page.goto(site.url)
    page.wait_for_load_state("networkidle")
    first = dict(sizes)
    critical = sum(n for url, n in first.items() if url.endswith((".css", f"{site.url}/")))
    assert critical <= 15 * 1024
    assert sum(first.values()) <= 50 * 1024
    sizes.clear()
    press(page, "Start")
    for label in ("Yes, I am alone", "I am in danger", "Phone", "Menu", "More"):
        press(page, label)
    page.wait_for_timeout(100)
    turns = [size for url, size in sizes if url == f"{site.url}/"]
    assert len(turns) == 6
    assert max(turns) <= 3 * 1024, turns
