"""Signing in and out, sessions and their cookie, fresh proofs, and forged requests."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from bot.domain.audit import AuditEvent
from bot.domain.staff import Role
from bot.logs import guard
from bot.services.staff import SessionKeeper
from bot.services.staff.demo import COUNSELLOR, DemoLinks
from bot.services.staff.sessions import NewSession
from bot.web import create_console
from bot.web.answers import encode
from bot.web.demo import demo_routes
from bot.web.forgery import token_of
from tests.support.console import PASSWORD, Authenticator, Browser, Rig, decode, signed_in
from tests.support.console import rig as lay

AGAIN = {"accept": "application/json", "sec-fetch-mode": "cors"}


async def by_password(browser: Browser, **fields: str) -> httpx.Response:
    return await browser.post("/sign-in", data={"alias": "Ana", "password": PASSWORD, **fields})


async def by_passkey(browser: Browser, key: Authenticator, **changes: Any) -> httpx.Response:
    asked = (await browser.post("/sign-in/passkey/options")).json()
    body = {"challenge": asked["challenge"], "credential": key.get(asked["options"]), **changes}
    return await browser.post("/sign-in/passkey", json=body)


def cookie_of(response: httpx.Response) -> str:
    return response.headers.get("set-cookie", "")


# --- with a passkey ---------------------------------------------------------------------------


async def test_a_passkey_signs_in(rig: Rig, browser: Browser) -> None:
    key, _ = await rig.with_passkey("Ana", Role.ADMIN)
    response = await by_passkey(browser, key)
    assert response.json() == {"to": "/"}
    assert (await browser.get("/staff")).status_code == 200


async def test_the_cookie_is_for_this_host_and_no_script(rig: Rig, browser: Browser) -> None:
    key, _ = await rig.with_passkey("Ana")
    parts = cookie_of(await by_passkey(browser, key)).split("; ")
    name, _, token = parts[0].partition("=")
    assert name == "__Host-havn"
    assert len(decode(token)) == 32
    assert {part.lower() for part in parts[1:]} == {
        *("httponly", "secure", "path=/", "samesite=strict"),
    }


async def test_on_plain_http_on_this_machine_the_cookie_has_no_prefix(tmp_path: Path) -> None:
    address = "http://localhost:8081"
    async with (
        lay(tmp_path, address=f"{address}/") as rig,
        Browser(create_console(rig.desk), address=address) as browser,
    ):
        secret, _ = await rig.with_password("Ana")
        rig.clock.turn(minutes=1)
        cookie = cookie_of(await by_password(browser, code=rig.code(secret)))
    assert cookie.startswith("havn=")
    assert "secure" not in cookie.lower()
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


@pytest.mark.parametrize(
    "fault", ["another origin", "no user verification", "another key", "another owner", "nonsense"]
)
async def test_a_passkey_that_does_not_prove_it_is_refused(
    rig: Rig, browser: Browser, fault: str
) -> None:
    key, _ = await rig.with_passkey("Ana")
    other, _ = await rig.with_passkey("Bo")
    changes: dict[str, Any] = {}
    match fault:
        case "another origin":
            key.origin = "https://staff.example.org"
        case "no user verification":
            key.verifies_user = False
        case "another key":
            key.key = other.key
        case "another owner":
            key.user = other.user
        case "nonsense":
            changes = {"credential": {"id": "x", "response": []}}
    response = await by_passkey(browser, key, **changes)
    assert (response.status_code, response.json()) == (400, {"refusal": "refused"})
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("counts", [True, False])
async def test_an_answer_is_good_once(rig: Rig, browser: Browser, *, counts: bool) -> None:
    """Also for passkeys that are shared between devices, which do not count their answers."""
    key, _ = await rig.with_passkey("Ana")
    key.counts = counts
    asked = (await browser.post("/sign-in/passkey/options")).json()
    body = {"challenge": asked["challenge"], "credential": key.get(asked["options"])}
    assert (await browser.post("/sign-in/passkey", json=body)).status_code == 200
    assert (await browser.post("/sign-in/passkey", json=body)).status_code == 400


async def test_an_answer_to_an_old_challenge_is_refused(rig: Rig, browser: Browser) -> None:
    key, _ = await rig.with_passkey("Ana")
    asked = (await browser.post("/sign-in/passkey/options")).json()
    rig.clock.turn(minutes=6)
    body = {"challenge": asked["challenge"], "credential": key.get(asked["options"])}
    assert (await browser.post("/sign-in/passkey", json=body)).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b'{"challenge": 1}', b'{"challenge": "\xc3\xa9"}'])
async def test_what_no_script_of_ours_sends_is_refused(browser: Browser, body: bytes) -> None:
    assert (await browser.post("/sign-in/passkey", content=body)).status_code == 400


# --- with password and code -------------------------------------------------------------------


async def test_password_and_code_sign_in(rig: Rig, browser: Browser) -> None:
    secret, _ = await rig.with_password("Ana")
    rig.clock.turn(minutes=1)
    response = await by_password(browser, alias=" aNA", code=rig.code(secret), next="/account")
    assert (response.status_code, response.headers["location"]) == (303, "/account")
    assert (await browser.get("/account")).status_code == 200


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil", "javascript:"])
async def test_signing_in_leads_nowhere_else(rig: Rig, browser: Browser, to: str) -> None:
    secret, _ = await rig.with_password("Ana")
    rig.clock.turn(minutes=1)
    response = await by_password(browser, code=rig.code(secret), next=to)
    assert response.headers["location"] == "/"


async def test_a_code_is_good_once(rig: Rig, browser: Browser) -> None:
    secret, _ = await rig.with_password("Ana")
    assert (await by_password(browser, code=rig.code(secret))).status_code == 400
    rig.clock.turn(minutes=1)
    assert (await by_password(browser, code=rig.code(secret))).status_code == 303
    assert (await by_password(browser, code=rig.code(secret))).status_code == 400


async def test_unknown_people_get_the_same_words(rig: Rig, browser: Browser) -> None:
    secret, _ = await rig.with_password("Ana")
    rig.clock.turn(minutes=1)
    pages = [
        await by_password(browser, alias="Ana", password="wrong", code=rig.code(secret)),
        await by_password(browser, alias="Ana", code="000000"),
        await by_password(browser, alias="Bob", code="000000"),
    ]
    assert {page.status_code for page in pages} == {400}
    assert len({re.sub("Ana|Bob", "", page.text) for page in pages}) == 1


async def test_a_clock_that_is_off_is_told_apart_once_the_password_is_right(
    rig: Rig, browser: Browser
) -> None:
    secret, _ = await rig.with_password("Ana")
    rig.clock.turn(minutes=30)
    late = await by_password(browser, code=rig.code(secret, steps=-10))
    assert "about 5 min behind" in late.text
    guessed = await by_password(browser, password="wrong", code=rig.code(secret, steps=-10))
    assert "clock" not in guessed.text


async def test_tries_get_slower_and_never_touch_who_is_signed_in(
    rig: Rig, browser: Browser
) -> None:
    secret, new = await rig.with_password("Ana")
    rig.clock.turn(minutes=1)
    for _ in range(5):
        assert (await by_password(browser, code="000000")).status_code == 400
    refused = await by_password(browser, code=rig.code(secret))
    assert refused.status_code == 429
    assert "wait 2 seconds" in refused.text
    assert (await by_password(browser, alias="Bob", code="000000")).status_code == 400
    async with Browser(create_console(rig.desk)) as own:
        own.holds(rig.desk, new)
        assert (await own.get("/account")).status_code == 200
        assert (await own.send_form("/prove", code=rig.code(secret))).status_code == 303
    rig.clock.turn(seconds=31)
    assert (await by_password(browser, code=rig.code(secret))).status_code == 303


async def test_what_was_typed_reaches_no_log(rig: Rig, browser: Browser) -> None:
    with structlog.testing.capture_logs(processors=[guard]) as logged:
        await by_password(browser, alias="Secret Alias", password="secret words", code="123456")
    assert logged
    assert not re.search("ecret|123456", str(logged))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PUBLISHER])
async def test_a_password_does_not_let_in_who_needs_a_passkey(
    rig: Rig, browser: Browser, role: Role
) -> None:
    token = await rig.invited("Ana", role)
    account = await rig.desk.enrolment.invited(token)
    secret, sealed = rig.desk.enrolment.new_secret(account)
    fields = {"password": PASSWORD, "code": rig.code(secret), "secret": encode(sealed)}
    assert (await browser.post(f"/enrol/{token}/password", data=fields)).status_code == 400
    assert 'name="password"' not in (await browser.get(f"/enrol/{token}")).text


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PUBLISHER])
async def test_nor_does_a_password_from_before_they_had_the_role(
    rig: Rig, browser: Browser, role: Role
) -> None:
    secret, _ = await rig.with_password("Ana")
    async with rig.store.begin() as unit:
        account = await unit.staff.find("Ana")
        assert account
        raised = replace(account.staff, roles=frozenset({role}))
        await unit.staff.save(replace(account, staff=raised))
    rig.clock.turn(minutes=1)
    assert (await by_password(browser, code=rig.code(secret))).status_code == 400


# --- sessions ---------------------------------------------------------------------------------


async def test_a_session_ends_after_a_pause_but_not_while_it_is_used(
    rig: Rig, browser: Browser
) -> None:
    await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    for _ in range(3):
        rig.clock.turn(minutes=14)
        assert (await browser.get("/account")).status_code == 200
    rig.clock.turn(minutes=15, seconds=1)
    assert (await browser.get("/account")).headers["location"] == "/sign-in?next=/account"


async def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(
    rig: Rig, browser: Browser
) -> None:
    await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    rig.clock.turn(minutes=10)
    state = (await browser.get("/session")).json()
    assert state["seconds_left"] == 300
    assert state["fresh"] is False
    rig.clock.turn(minutes=6)
    refused = await browser.get("/session", headers=AGAIN)
    assert (refused.status_code, refused.json()) == (401, {"refusal": "sign_in", "to": "/sign-in"})


async def test_a_session_ends_after_ten_hours_whatever_happens(rig: Rig, browser: Browser) -> None:
    await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    for _ in range(60):
        assert (await browser.get("/account")).status_code == 200
        rig.clock.turn(minutes=10)
    assert (await browser.get("/account")).status_code == 200
    rig.clock.turn(seconds=1)
    assert (await browser.get("/account")).status_code == 303


async def test_signing_in_elsewhere_ends_the_session_here(rig: Rig, browser: Browser) -> None:
    key, new = await rig.with_passkey("Ana")
    browser.holds(rig.desk, new)
    async with Browser(create_console(rig.desk)) as other:
        await by_passkey(other, key)
        assert (await browser.get("/account")).status_code == 303
        assert (await other.get("/account")).status_code == 200


async def test_signing_out_clears_the_browser(rig: Rig, browser: Browser) -> None:
    new = await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    response = await browser.send_form("/sign-out")
    assert response.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    assert "Max-Age=0" in cookie_of(response)
    browser.holds(rig.desk, new)
    assert (await browser.get("/account")).status_code == 303
    assert await rig.desk.sessions.still(new.session.id) is None


async def test_a_page_left_open_is_told_and_keeps_its_text(rig: Rig, browser: Browser) -> None:
    await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    rig.clock.turn(minutes=20)
    as_json = await browser.post("/account/language", headers=AGAIN)
    assert (as_json.status_code, as_json.json()["refusal"]) == (401, "sign_in")
    fragment = await browser.post("/account/language", headers={"sec-fetch-mode": "cors"})
    assert (fragment.status_code, fragment.headers["x-havn-refusal"]) == (401, "sign_in")
    assert "<html" not in fragment.text
    assert "still here" in fragment.text
    page = await browser.post("/account/language")
    assert (page.status_code, page.headers["x-havn-refusal"]) == (401, "sign_in")
    assert "nothing was sent" in page.text


async def test_only_a_hash_of_the_token_is_kept(rig: Rig, browser: Browser) -> None:
    new = await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    assert new.token not in repr(rig.store._data)  # type: ignore[attr-defined]
    assert new.token not in repr(new)


# --- fresh proofs -----------------------------------------------------------------------------


async def test_what_cannot_be_undone_asks_for_a_fresh_proof(rig: Rig, browser: Browser) -> None:
    key, new = await rig.with_passkey("Ana", Role.ADMIN)
    browser.holds(rig.desk, new)
    rig.clock.turn(minutes=6)
    refused = await browser.send_form("/staff/invite", alias="Bo", role="editor")
    assert (refused.status_code, refused.headers["x-havn-refusal"]) == (403, "prove")
    assert [one.account.staff.alias for one in await rig.desk.accounts.listed()] == ["Ana"]

    proved = await prove(browser, key, new)
    assert proved.json() == {"to": "/"}
    assert cookie_of(proved).startswith("__Host-havn=")
    assert new.token not in cookie_of(proved)
    made = await browser.send_form("/staff/invite", alias="Bo", role="editor")
    assert "/enrol/" in made.text
    assert AuditEvent.PROVED_AGAIN in await rig.events()


async def test_the_old_token_is_void_after_a_proof_and_open_forms_still_work(
    rig: Rig, browser: Browser
) -> None:
    key, new = await rig.with_passkey("Ana", Role.ADMIN)
    browser.holds(rig.desk, new)
    await prove(browser, key, new)
    assert (await browser.send_form("/staff/invite", alias="Bo", role="editor")).status_code == 200
    async with Browser(create_console(rig.desk)) as thief:
        thief.holds(rig.desk, new)
        assert (await thief.get("/staff")).status_code == 303


async def test_somebody_elses_passkey_is_no_proof(rig: Rig, browser: Browser) -> None:
    _, new = await rig.with_passkey("Ana", Role.ADMIN)
    other, _ = await rig.with_passkey("Bo", Role.ADMIN)
    browser.holds(rig.desk, new)
    assert (await prove(browser, other, new)).status_code == 400


async def prove(browser: Browser, key: Authenticator, new: NewSession) -> httpx.Response:
    headers = {"x-csrf-token": token_of(new.session)}
    asked = (await browser.post("/prove/passkey/options", headers=headers)).json()
    body = {"challenge": asked["challenge"], "credential": key.get(asked["options"])}
    return await browser.post("/prove/passkey", json=body, headers=headers)


# --- forged requests --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "https://staff.example"}, 403),
        ({"origin": "https://staff.example"}, 303),
        ({"origin": "https://staff.example.evil"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_only_pages_of_the_console_may_change_something(
    rig: Rig, browser: Browser, headers: dict[str, str], status: int
) -> None:
    await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    del browser.headers["sec-fetch-site"]
    assert browser.session
    data = {"csrf": token_of(browser.session), "locale": "en"}
    response = await browser.post("/account/language", data=data, headers=headers)
    assert response.status_code == status


async def test_a_form_needs_the_token_of_its_session(rig: Rig, browser: Browser) -> None:
    _, other = await rig.with_passkey("Bo")
    await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    for data in ({}, {"csrf": ""}, {"csrf": "é"}, {"csrf": token_of(other.session)}):
        assert (await browser.post("/account/language", data=data)).status_code == 403
    assert (await browser.send_form("/account/language", locale="en")).status_code == 303


async def test_what_stands_in_the_address_or_the_cookie_is_no_field_of_a_form(
    rig: Rig, browser: Browser
) -> None:
    new = await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    token = token_of(new.session)
    refused = await browser.post(f"/account/language?csrf={token}", data={"locale": "en"})
    assert refused.status_code == 403
    browser.cookies.set("csrf", token)
    assert (await browser.post("/account/language", data={"locale": "en"})).status_code == 403


# --- the demo ---------------------------------------------------------------------------------


async def test_a_demo_link_signs_in_once_and_looking_does_not_spend_it(tmp_path: Path) -> None:
    links = DemoLinks()
    path = f"/demo/{links.make(COUNSELLOR)}"
    async with lay(tmp_path, demo=True) as rig:
        console = create_console(rig.desk, (), demo_routes(links))
        async with Browser(console) as browser:
            for _ in range(2):
                assert "Demo counsellor" in (await browser.get(path)).text
            assert (await browser.post(path)).status_code == 303
            assert (await browser.get("/account")).status_code == 200
            assert (await browser.post(path)).status_code == 404
            assert (await browser.get(path)).status_code == 404


async def test_a_console_in_earnest_knows_no_demo(tmp_path: Path) -> None:
    """Neither its links, nor a session that a demo left in the same database."""
    links = DemoLinks()
    token = links.make(COUNSELLOR)
    async with lay(tmp_path, demo=True) as rig:
        new = await links.use(token, rig.store, rig.clock, rig.desk.sessions)
        assert await rig.desk.sessions.find(new.token)
        earnest = SessionKeeper(rig.store, rig.clock)
        assert await earnest.find(new.token) is None
        assert await earnest.still(new.session.id) is None
    async with lay(tmp_path) as rig, Browser(create_console(rig.desk)) as browser:
        assert (await browser.get(f"/demo/{links.make(COUNSELLOR)}")).status_code == 404
        assert (await browser.post(f"/demo/{links.make(COUNSELLOR)}")).status_code == 404
