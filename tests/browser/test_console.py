"""The console in a real browser: passkeys, password and codes, a phone's width, accessibility."""

import re
from base64 import b32decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bot.domain.audit import OPERATOR
from bot.domain.staff import Role
from tests.browser.console import Console, running, with_authenticator
from tests.support.console import PASSWORD

PHONE, LAPTOP = {"width": 320, "height": 640}, {"width": 1280, "height": 800}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with running(tmp_path) as console:
        yield console


@pytest.fixture
def staff_context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport=LAPTOP, locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def page(staff_context: BrowserContext) -> Page:
    return with_authenticator(staff_context)


def invited(console: Console, alias: str, *roles: Role) -> str:
    return f"{console.url}/enrol/{console.run(console.rig.invited(alias, *roles))}"


def enrol(page: Page, console: Console, alias: str, *roles: Role) -> None:
    page.goto(invited(console, alias, *roles))
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_passkey_enrols_and_signs_in_again(page: Page, console: Console) -> None:
    enrol(page, console, "Root", Role.ADMIN)
    expect(page).to_have_url(f"{console.url}/staff")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{console.url}/staff")


def test_a_pause_asks_for_the_way_back_and_leads_there(page: Page, console: Console) -> None:
    enrol(page, console, "Root", Role.ADMIN)
    console.rig.clock.turn(minutes=16)
    page.goto(f"{console.url}/account")
    expect(page).to_have_url(f"{console.url}/sign-in?next=/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{console.url}/account")


def test_a_fresh_proof_by_passkey(page: Page, console: Console) -> None:
    enrol(page, console, "Root", Role.ADMIN)
    console.rig.clock.turn(minutes=6)
    page.get_by_label("Alias").fill("Ana")
    page.get_by_label("Editor").check()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", name="Not done yet")).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the proof in a new tab").click()
    assert opened.value.url == f"{console.url}/prove"
    opened.value.close()
    page.goto(f"{console.url}/prove?next=/staff")
    page.get_by_role("button", name="Use your passkey").click()
    expect(page).to_have_url(f"{console.url}/staff")
    page.get_by_label("Alias").fill("Ana")
    page.get_by_label("Editor").check()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_text("Give this link to the person")).to_be_visible()


def test_an_unknown_passkey_is_refused_kindly(page: Page, console: Console) -> None:
    enrol(page, console, "Ana")
    ana = console.run(console.rig.desk.accounts.find("Ana"))
    console.run(console.rig.desk.accounts.disable(ana.id, OPERATOR))
    page.goto(f"{console.url}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("This passkey was not accepted")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_focused()


def test_password_and_code_without_script(chromium: Browser, console: Console) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport=PHONE, locale="en-GB")
    page = context.new_page()
    page.goto(invited(console, "Ana"))
    expect(page.get_by_role("button", name="Make a passkey")).to_be_hidden()
    page.get_by_text("Use a password and codes instead").click()
    secret = b32decode(page.locator(".key code").inner_text().replace(" ", ""))
    page.get_by_label("Password", exact=True).fill("too short")
    page.get_by_label("Code from your app").fill(console.rig.code(secret))
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Code from your app").fill(console.rig.code(secret))
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("button", name="Sign out").click()
    console.rig.clock.turn(minutes=1)
    page.get_by_label("Alias").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code from your app").fill(console.rig.code(secret))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{console.url}/queue")
    context.close()


# --- every page -------------------------------------------------------------------------------

STATES = ("sign-in", "refused", "enrol", "enrol password", "spent", "staff", "link", "wrong",
          "account", "prove", "audit", "not allowed", "not here")  # fmt: skip

PATHS = {"not allowed": "audit", "not here": "nothing", "link": "staff", "wrong": "staff"}


def show(page: Page, console: Console, state: str) -> None:
    """Bring a page into a state."""
    match state:
        case "sign-in" | "refused":
            page.goto(f"{console.url}/sign-in")
            if state == "refused":
                for name in ("alias", "password", "code"):
                    page.locator(f"#{name}").fill("123456")
                page.get_by_role("button", name="Sign in", exact=True).click()
        case "enrol" | "enrol password":
            page.goto(invited(console, "Ana"))
            if state == "enrol password":
                page.get_by_text("Use a password").click()
        case "spent":
            page.goto(f"{console.url}/enrol/nothing")
        case "audit":
            enrol(page, console, "Audit", Role.AUDITOR)
            page.get_by_role("button", name="Verify the whole trail").click()
            expect(page.get_by_text("Nothing was changed")).to_be_visible()
        case "staff" | "link" | "wrong" | "account" | "prove" | "not allowed" | "not here":
            enrol(page, console, "Root", Role.ADMIN)
            invited(console, "Ana", Role.RESPONDER, Role.SUPERVISOR)
            paths = {
                "not allowed": "audit",
                "not here": "nothing",
                "link": "staff",
                "wrong": "staff",
            }
            page.goto(f"{console.url}/{paths.get(state, state)}")
            if state in ("link", "wrong"):
                page.get_by_label("Alias").fill("Bo" if state == "link" else "Ana")
                page.get_by_label("Editor").check()
                page.get_by_role("button", name="Make the link").click()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_every_page_is_accessible_and_fits_a_phone(
    chromium: Browser, console: Console, state: str, *, dark: bool
) -> None:
    context = chromium.new_context(
        viewport=PHONE, locale="en-GB", color_scheme="dark" if dark else "light"
    )
    page = with_authenticator(context)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    show(page, console, state)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert small_targets(page) == []
    assert [trouble for trouble in troubles if not re.search("status of 40[034]", trouble)] == []
    context.close()


def small_targets(page: Page) -> list[str]:
    """Return what can be pressed and is lower than 44 pixels; links within a text may be."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, input, summary, nav a, label.check")]
            .filter((one) => one.checkVisibility() && !one.classList.contains("away"))
            .filter((one) => one.type !== "checkbox" && one.type !== "hidden")
            .filter((one) => one.getBoundingClientRect().height < 44)
            .map((one) => one.outerHTML.slice(0, 80))"""
    )
    return found
