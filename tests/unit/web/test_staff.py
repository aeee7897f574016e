"""What admins do with accounts, and what auditors see of it."""

import re
from dataclasses import replace

import pytest

from bot.domain.audit import AuditEvent
from bot.domain.staff import Role
from bot.web import create_console
from bot.web.trail import EVENTS
from tests.support.console import Authenticator, Browser, Rig, signed_in
from tests.unit.web.test_enrolling import make_passkey
from tests.unit.web.test_signing import by_passkey


@pytest.fixture
async def admin(rig: Rig, browser: Browser) -> Browser:
    await signed_in(rig, browser, "Root", {Role.ADMIN})
    return browser


def link_on(page: str) -> str:
    (found,) = re.findall(r"<code>https://staff\.example/enrol/([\w-]{43})</code>", page)
    return found


async def test_an_invitation_is_shown_once_and_works(rig: Rig, admin: Browser) -> None:
    page = await admin.send_form("/staff/invite", alias="Ana", role=["responder", "editor"])
    token = link_on(page.text)
    assert token not in (await admin.get("/staff")).text
    async with Browser(create_console(rig.desk)) as ana:
        assert (await make_passkey(ana, token, Authenticator())).status_code == 200
        assert "Counsellor" in (await ana.get("/account")).text
    assert "Active" in (await admin.get("/staff")).text


@pytest.mark.parametrize(
    ("alias", "roles", "wrong"),
    [
        ("", ["editor"], "alias-error"),
        ("root", ["editor"], "alias-error"),
        ("<script>", ["editor"], "alias-error"),
        ("Ana", [], "roles-error"),
        ("Ana", ["nonsense"], "roles-error"),
        ("Ana", ["admin", "responder"], "roles-error"),
    ],
)
async def test_an_invitation_that_cannot_be_says_why_and_keeps_what_was_typed(
    rig: Rig, admin: Browser, alias: str, roles: list[str], wrong: str
) -> None:
    page = await admin.send_form("/staff/invite", alias=alias, role=roles)
    assert page.status_code == 400
    assert f'id="{wrong}"' in page.text
    assert "<script>" not in page.text
    assert page.text.count(" checked") == len(set(roles) & set(Role))
    assert len(await rig.desk.accounts.listed()) == 1


async def test_a_translator_is_invited_with_languages(rig: Rig, admin: Browser) -> None:
    said = {"alias": "Mali", "role": ["translator"], "language": ["th", "pt_BR"]}
    page = await admin.send_form("/staff/invite", **said)
    assert link_on(page.text)
    assert 'lang="pt-BR">Português (Brasil)</span>' in page.text
    assert (await rig.desk.accounts.find("Mali")).translates == {"th", "pt_BR"}


@pytest.mark.parametrize(
    ("roles", "languages"),
    [
        (["translator"], []),
        (["translator"], ["en"]),
        (["translator"], ["xx", "th"]),
        (["editor"], ["th"]),
    ],
)
async def test_languages_that_cannot_be_say_why(
    rig: Rig, admin: Browser, roles: list[str], languages: list[str]
) -> None:
    page = await admin.send_form("/staff/invite", alias="Mali", role=roles, language=languages)
    assert page.status_code == 400
    assert 'id="languages-error"' in page.text
    assert page.text.count(" checked") == 1 + ("th" in languages)
    assert len(await rig.desk.accounts.listed()) == 1


async def test_a_new_link_voids_what_was_there(rig: Rig, admin: Browser) -> None:
    key, new = await rig.with_passkey("Ana")
    id_ = new.session.staff.id
    token = link_on((await admin.send_form(f"/staff/{id_}/reset")).text)
    async with Browser(create_console(rig.desk)) as ana:
        ana.holds(rig.desk, new)
        assert (await ana.get("/account")).status_code == 303
        assert (await by_passkey(ana, key)).status_code == 400
        assert (await make_passkey(ana, token, Authenticator())).status_code == 200


async def test_switched_off_is_off_at_once(rig: Rig, admin: Browser) -> None:
    key, new = await rig.with_passkey("Ana")
    waiting = await rig.invited("Bo")
    bo = await rig.desk.accounts.find("Bo")
    for id_ in (new.session.staff.id, bo.id):
        assert (await admin.send_form(f"/staff/{id_}/disable")).status_code == 303
    async with Browser(create_console(rig.desk)) as ana:
        ana.holds(rig.desk, new)
        assert (await ana.get("/account")).status_code == 303
        assert (await by_passkey(ana, key)).status_code == 400
        assert (await ana.get(f"/enrol/{waiting}")).status_code == 404
    assert (await admin.get("/staff")).text.count("Switched off") == 2


async def test_nobody_switches_themselves_off(rig: Rig, admin: Browser) -> None:
    assert admin.session
    own = admin.session.staff.id
    assert (await admin.send_form(f"/staff/{own}/disable")).status_code == 400
    assert (await admin.get("/staff")).status_code == 200


@pytest.mark.parametrize("id_", ["nobody", "%00", "A" * 40, "..", "a%2Fb"])
async def test_who_is_not_there_cannot_be_named(admin: Browser, id_: str) -> None:
    for what in ("reset", "disable", "end-sessions"):
        assert (await admin.send_form(f"/staff/{id_}/{what}")).status_code == 404


async def test_ending_sessions_of_one_and_of_everybody(rig: Rig, admin: Browser) -> None:
    _, ana = await rig.with_passkey("Ana")
    _, bo = await rig.with_passkey("Bo")
    await admin.send_form(f"/staff/{ana.session.staff.id}/end-sessions")
    assert await rig.desk.sessions.find(ana.token) is None
    assert await rig.desk.sessions.find(bo.token)
    await admin.send_form("/staff/end-sessions")
    assert await rig.desk.sessions.find(bo.token) is None
    assert (await admin.get("/staff")).status_code == 303


async def test_an_alias_cannot_break_out_of_a_page(rig: Rig, admin: Browser) -> None:
    """Aliases are checked at the door; a row that was written past it is still only text."""
    await rig.invited("Ana")
    async with rig.store.begin() as unit:
        (ana,) = [a for a in await unit.staff.all() if a.staff.alias == "Ana"]
        hostile = replace(ana.staff, alias='"><img src=x onerror=alert(1)>')
        await unit.staff.save(replace(ana, staff=hostile))
    assert "<img" not in (await admin.get("/staff")).text


# --- the trail --------------------------------------------------------------------------------


@pytest.fixture
async def auditor(rig: Rig, browser: Browser) -> Browser:
    await signed_in(rig, browser, "Audit", {Role.AUDITOR})
    return browser


async def test_the_trail_shows_a_day_and_that_it_was_read(rig: Rig, auditor: Browser) -> None:
    page = (await auditor.get("/audit")).text
    assert "Invited somebody" in page
    assert "Operator" in page
    assert AuditEvent.AUDIT_READ in await rig.events()
    assert "Nothing happened" in (await auditor.get("/audit?day=2026-11-23")).text


@pytest.mark.parametrize("day", ["", "x", "9999-12-31", "0001-01-01", "2026-13-01", "<b>"])
async def test_a_day_that_is_none_is_today(auditor: Browser, day: str) -> None:
    page = await auditor.get("/audit", params={"day": day})
    assert (page.status_code, "<b>" in page.text) == (200, False)
    assert 'value="2026-11-24"' in page.text


async def test_a_day_is_one_in_copenhagen(rig: Rig, auditor: Browser) -> None:
    rig.clock.turn(hours=14, minutes=30)
    await signed_in(rig, auditor, "Night", {Role.AUDITOR})
    assert 'value="2026-11-25"' in (await auditor.get("/audit")).text


async def test_verifying_says_that_the_trail_is_whole(rig: Rig, auditor: Browser) -> None:
    await rig.desk.trail.anchor()
    page = (await auditor.send_form("/audit/verify")).text
    assert "Nothing was changed, removed or cut" in page
    assert "anchors: 1" in page
    assert "full proof" not in page, "the key is still here"
    await rig.desk.trail.hand_over_key()
    assert "full proof" in (await auditor.send_form("/audit/verify")).text


async def test_verifying_says_what_is_wrong(rig: Rig, auditor: Browser) -> None:
    await rig.desk.trail.anchor()
    data = rig.store._data  # type: ignore[attr-defined]
    forged = replace(data.audit[1].happening, event=AuditEvent.AUDIT_READ)
    data.audit[1] = replace(data.audit[1], happening=forged)
    page = (await auditor.send_form("/audit/verify")).text
    assert "The trail is not whole" in page
    assert "Entry 1 was changed" in page
    assert AuditEvent.AUDIT_VERIFIED in await rig.events()


def test_every_event_has_words() -> None:
    assert EVENTS.keys() == set(AuditEvent)
