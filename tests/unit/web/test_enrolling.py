"""Enrolling by a link: once, for a day, with a passkey or with a password and codes."""

import html
import re
from base64 import b32decode
from typing import Any

import httpx
import pytest

from bot.domain.audit import AuditEvent
from bot.domain.staff import Role
from bot.web.forgery import token_of
from tests.support.console import PASSWORD, Authenticator, Browser, Rig, signed_in


async def make_passkey(
    browser: Browser, token: str, key: Authenticator, **changes: Any
) -> httpx.Response:
    asked = await browser.post(f"/enrol/{token}/passkey/options")
    if asked.status_code != 200:
        return asked
    told = asked.json()
    body = {"challenge": told["challenge"], "credential": key.create(told["options"]), **changes}
    return await browser.post(f"/enrol/{token}/passkey", json=body)


def sealed_secret(page: httpx.Response) -> str:
    (found,) = re.findall(r'name="secret" value="([^"]+)"', page.text)
    return html.unescape(found)


def secret(page: httpx.Response) -> bytes:
    (found,) = re.findall(r'<p class="key"><code>([A-Z2-7 ]+)</code>', page.text)
    return b32decode(found.replace(" ", ""))


async def test_a_passkey_lets_its_owner_in_at_once(rig: Rig, browser: Browser) -> None:
    token = await rig.invited("Ana", Role.ADMIN)
    assert "Welcome, Ana" in (await browser.get(f"/enrol/{token}")).text
    response = await make_passkey(browser, token, Authenticator())
    assert response.json() == {"to": "/"}
    assert (await browser.get("/staff")).status_code == 200
    assert await rig.events() == [
        AuditEvent.STAFF_INVITED,
        AuditEvent.STAFF_ENROLLED,
        AuditEvent.SIGNED_IN,
    ]


async def test_the_browser_is_asked_for_a_discoverable_verified_passkey(
    rig: Rig, browser: Browser
) -> None:
    token = await rig.invited("Ana")
    told = (await browser.post(f"/enrol/{token}/passkey/options")).json()["options"]
    assert told["rp"] == {"name": "Havn", "id": "staff.example"}
    assert told["authenticatorSelection"]["residentKey"] == "required"
    assert told["authenticatorSelection"]["userVerification"] == "required"
    assert told["user"]["name"] == "Ana"


async def test_a_link_works_once(rig: Rig, browser: Browser) -> None:
    token = await rig.invited("Ana")
    assert (await make_passkey(browser, token, Authenticator())).status_code == 200
    assert (await browser.get(f"/enrol/{token}")).status_code == 404
    assert (await make_passkey(browser, token, Authenticator())).json() == {"refusal": "spent"}


async def test_a_link_works_for_a_day(rig: Rig, browser: Browser) -> None:
    token = await rig.invited("Ana")
    rig.clock.turn(hours=23, minutes=59)
    assert (await browser.get(f"/enrol/{token}")).status_code == 200
    rig.clock.turn(minutes=1)
    assert (await browser.get(f"/enrol/{token}")).status_code == 404


@pytest.mark.parametrize("fault", ["another origin", "no user verification", "somebody elses"])
async def test_a_passkey_that_does_not_fit_spends_nothing(
    rig: Rig, browser: Browser, fault: str
) -> None:
    token, other = await rig.invited("Ana"), await rig.invited("Bo")
    key, changes = Authenticator(), {}
    match fault:
        case "another origin":
            key.origin = "https://evil.example"
        case "no user verification":
            key.verifies_user = False
        case "somebody elses":
            told = (await browser.post(f"/enrol/{other}/passkey/options")).json()
            changes = {"challenge": told["challenge"], "credential": key.create(told["options"])}
    assert (await make_passkey(browser, token, key, **changes)).json() == {"refusal": "refused"}
    assert (await browser.get(f"/enrol/{token}")).status_code == 200


async def test_password_and_code_let_their_owner_in(rig: Rig, browser: Browser) -> None:
    path = f"/enrol/{await rig.invited('Ana')}"
    page = await browser.get(path)
    fields = {"password": PASSWORD, "secret": sealed_secret(page), "code": rig.code(secret(page))}
    assert (await browser.post(f"{path}/password", data=fields)).status_code == 303
    assert (await browser.get("/account")).status_code == 200


@pytest.mark.parametrize(
    "password", ["ab12?!", "x" * 14, "password1234567", "aaaaaaaaaaaaaaaaaaaa", "a" * 257]
)
async def test_a_password_that_would_be_guessed_is_refused(
    rig: Rig, browser: Browser, password: str
) -> None:
    path = f"/enrol/{await rig.invited('Ana')}"
    page = await browser.get(path)
    fields = {"password": password, "secret": sealed_secret(page), "code": rig.code(secret(page))}
    again = await browser.post(f"{path}/password", data=fields)
    assert again.status_code == 400
    assert 'aria-invalid="true"' in again.text
    assert 'aria-describedby="password-error password-hint"' in again.text
    assert password not in again.text
    assert secret(again) == secret(page), "the app has it already"


async def test_an_alias_is_no_password(rig: Rig, browser: Browser) -> None:
    path = f"/enrol/{await rig.invited('Wonderful Penguin')}"
    page = await browser.get(path)
    fields = {"password": "wonderful penguin", "secret": sealed_secret(page)}
    fields["code"] = rig.code(secret(page))
    assert (await browser.post(f"{path}/password", data=fields)).status_code == 400


@pytest.mark.parametrize(("steps", "words"), [(5, "ahead"), (-5, "behind"), (None, "not fit")])
async def test_a_wrong_code_says_whether_the_clock_is_off(
    rig: Rig, browser: Browser, steps: int | None, words: str
) -> None:
    path = f"/enrol/{await rig.invited('Ana')}"
    page = await browser.get(path)
    code = "000000" if steps is None else rig.code(secret(page), steps)
    fields = {"password": PASSWORD, "secret": sealed_secret(page), "code": code}
    again = await browser.post(f"{path}/password", data=fields)
    assert again.status_code == 400
    assert words in again.text


async def test_the_secret_of_somebody_else_is_refused(rig: Rig, browser: Browser) -> None:
    path, other = f"/enrol/{await rig.invited('Ana')}", f"/enrol/{await rig.invited('Bo')}"
    page = await browser.get(other)
    fields = {"password": PASSWORD, "secret": sealed_secret(page), "code": rig.code(secret(page))}
    again = await browser.post(f"{path}/password", data=fields)
    assert again.status_code == 200
    assert secret(again) != secret(page)
    assert (await browser.get("/account")).status_code == 303


async def test_two_people_who_use_one_link_at_once_are_one_too_many(
    rig: Rig, browser: Browser
) -> None:
    token = await rig.invited("Ana")
    told = [(await browser.post(f"/enrol/{token}/passkey/options")).json() for _ in range(2)]
    bodies = [
        {"challenge": one["challenge"], "credential": Authenticator().create(one["options"])}
        for one in told
    ]
    found = [await browser.post(f"/enrol/{token}/passkey", json=body) for body in bodies]
    assert [one.status_code for one in found] == [200, 404]


# --- later ------------------------------------------------------------------------------------


async def test_one_more_passkey_and_one_less(rig: Rig, browser: Browser) -> None:
    _, new = await rig.with_passkey("Ana")
    browser.holds(rig.desk, new)
    headers = {"x-csrf-token": token_of(new.session)}
    told = (await browser.post("/account/passkey/options", headers=headers)).json()
    assert len(told["options"]["excludeCredentials"]) == 1
    second = Authenticator()
    body = {"challenge": told["challenge"], "credential": second.create(told["options"])}
    added = await browser.post("/account/passkey", json=body, headers=headers)
    assert added.json() == {"to": "/account"}
    page = (await browser.get("/account")).text
    first, last = re.findall(r'name="passkey" value="([^"]+)"', page)
    for key, status in ((first, 303), (first, 303), (last, 400)):
        assert (
            await browser.send_form("/account/passkey/remove", passkey=key)
        ).status_code == status
    assert (await browser.get("/account")).text.count('name="passkey"') == 1


async def test_ending_ones_own_sessions(rig: Rig, browser: Browser) -> None:
    await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    assert (await browser.send_form("/account/end-sessions")).status_code == 303
    assert (await browser.get("/account")).status_code == 303


async def test_a_language_is_remembered(rig: Rig, browser: Browser) -> None:
    await signed_in(rig, browser, "Ana", {Role.RESPONDER})
    assert '<html lang="en"' in (await browser.get("/account")).text
    await browser.send_form("/account/language", locale="da")
    page = (await browser.get("/account", headers={"accept-language": "en"})).text
    assert '<html lang="da"' in page
    assert "Log ud" in page
    await browser.send_form("/account/language", locale="xx")
    assert '<html lang="da"' in (await browser.get("/account")).text
