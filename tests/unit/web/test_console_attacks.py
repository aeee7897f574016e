"""Attacks on the console: forged and foreign requests, stolen time, stale tabs, races.

Each begins from something that works for whoever may do it, so that a refusal means something.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.errors import NothingToTransferError
from bot.domain.handover import Outcome, Referral, State, Topic
from bot.domain.messages import MessageId
from bot.domain.staff import Role
from bot.services.hotline.speaking import LONGEST_LINE
from bot.web import make_app
from bot.web.forgery import token_of
from bot.web.routes import Declared, Open, declared
from bot.web.security import HEADERS
from tests.support.app import Visitor, screens
from tests.support.desk import ADDRESS, Counsellor, House, asks, house, is_in_danger, request_of
from tests.support.hostile import CANARY, TEXTS, nothing_told

WORDS = "words of canaryqzx that nobody else may see"
ENDS = {"outcome": "informed", "topic": "other", "referral": "none"}
# Not numbers of a request: too large, too small, not a number, a number of another script.
NO_NUMBERS = ("0", "-1", "1.0", "1e3", "0x1", "٣", "²", "9" * 18, "9" * 19, "9" * 400, "%00",
              "a%0Ab", "%ED%A0%80", "..%2F1", "'", "1%20", "+1")  # fmt: skip
# Every field of every form.
FIELDS = ("text", "once", "screen", "note", "word", "level", "reason", "up", "to", "why", "need",
          "risk", "next", "outcome", "topic", "referral", "erase", "alias", "password", "code",
          "role", "language", "locale", "day", "passkey")  # fmt: skip
# How requests arrive that no page of this console made.
FOREIGN: Mapping[str, Mapping[str, str]] = {
    "another site": {"sec-fetch-site": "cross-site"},
    "a site of the same domain": {"sec-fetch-site": "same-site"},
    "an address bar": {"sec-fetch-site": "none"},
    "a header nobody sends": {"sec-fetch-site": "SAME-ORIGIN "},
    "nobody says": {},
    "another origin": {"origin": "https://evil.example"},
    "no origin": {"origin": "null"},
    "an origin that ends alike": {"origin": "https://evil-127.0.0.1:8081"},
    "an origin with a name before it": {"origin": "http://127.0.0.1:8081@evil.example"},
    "another port": {"origin": "http://127.0.0.1:8080"},
    "a broken origin": {"origin": "http://["},
    "a lone scheme": {"origin": "http://"},
}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as home:
        yield home


class Held:
    """A visitor, and the counsellor who holds their talk."""

    def __init__(self, ana: Counsellor, visitor: Visitor, number: int) -> None:
        self.ana = ana
        self.visitor = visitor
        self.number = number
        self.path = f"/talk/{number}"

    async def heard(self) -> list[str]:
        """Return everything the visitor was shown of a counsellor."""
        shown = await self.visitor.app.reception.shown(
            self.visitor.channel, self.visitor.sender, MessageId(0)
        )
        return [one.bubble.text for one in shown if one.author]


@pytest.fixture
async def held(home: House) -> Held:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    number = await asks(visitor, consent="all", word="Banana")
    await ana.takes(number)
    return Held(ana, visitor, number)


def routes(home: House) -> list[Declared]:
    """Return every page there is."""
    return list(declared(make_app(home.desk).routes))


def paths(home: House, number: object) -> list[tuple[str, str]]:
    """Return method and path of every route, its places filled with a number."""
    found = []
    for one in routes(home):
        method = "POST" if "POST" in (one.methods or ()) else "GET"
        found.append((method, re.sub(r"\{\w+\}", str(number), one.path)))
    return found


async def raw(person: Counsellor, method: str, path: str, **how: Any) -> httpx.Response:
    """Send a request with the person's cookie and nothing else that a browser would add."""
    cookies = "; ".join(f"{name}={value}" for name, value in person.browser.cookies.items())
    headers = {"cookie": cookies, **how.pop("headers", {})}
    transport = httpx.ASGITransport(person.house.console)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        return await client.request(method, path, headers=headers, **how)


def stay(person: Counsellor) -> dict[str, str]:
    """Return the token of a person's forms."""
    assert person.browser.session is not None
    return {"csrf": token_of(person.browser.session)}


async def state(home: House, number: int) -> object:
    async with home.app.store.begin() as unit:
        return await unit.handovers.get(number)


# --- forged -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FOREIGN)
async def test_nothing_changes_for_a_page_from_elsewhere(
    home: House, held: Held, kind: str
) -> None:
    """With cookie and even with the right token."""
    before = await state(home, held.number)
    for method, path in paths(home, held.number):
        if method == "POST":
            data = {**stay(held.ana), "text": WORDS, "note": WORDS, "once": path, "word": "x"}
            response = await raw(held.ana, method, path, headers=FOREIGN[kind], data=data)
            assert response.status_code == 403, path
    assert await state(home, held.number) == before
    assert WORDS not in await held.ana.sees(held.path)


@pytest.mark.parametrize("token", ["", "0" * 64, "x", "é", "\ufffd" * 9, None])
async def test_nothing_changes_without_the_token_of_this_session(
    home: House, held: Held, token: str | None
) -> None:
    before = await state(home, held.number)
    bo = await home.counsellor("Bo")
    others = stay(bo)["csrf"] if token is None else token
    for one in routes(home):
        if "POST" in (one.methods or ()) and one.permission is not Open.EVERYBODY:
            path = re.sub(r"\{\w+\}", str(held.number), one.path)
            # One page takes a file; the others refuse the kind of body that holds one.
            files = {"file": ("a.po", b"")} if one.upload else None
            for data in ({"csrf": others, "note": WORDS}, {"note": WORDS}):
                response = await held.ana.browser.post(path, data=data, files=files)
                assert response.status_code == 403, path
    assert await state(home, held.number) == before


async def test_a_browser_that_names_only_its_origin_can_work(held: Held) -> None:
    headers = {"origin": ADDRESS}
    data = {**stay(held.ana), "text": "Hello", "once": "1"}
    response = await raw(held.ana, "POST", f"{held.path}/say", headers=headers, data=data)
    assert response.status_code == 303
    assert "Hello" in await held.heard()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_other_sites_load_nothing_unseen_and_use_up_no_stream(
    home: House, held: Held, site: str
) -> None:
    """The chat of visitors can stand on the same domain: its pages carry the cookie along."""
    for one in routes(home):
        path = re.sub(r"\{\w+\}", str(held.number), one.path)
        if "GET" not in (one.methods or ()):
            continue
        for mode, dest in (("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe")):
            odd = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
            assert (await raw(held.ana, "GET", path, headers=odd)).status_code == 403, path
    link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert (await raw(held.ana, "GET", "/queue", headers=link)).status_code == 200


async def test_no_page_that_changes_things_can_be_asked_for_by_a_link(
    home: House, held: Held
) -> None:
    before = await state(home, held.number)
    both = {one.path for one in routes(home) if "GET" in (one.methods or ())}
    for one in routes(home):
        if one.path not in both:
            path = re.sub(r"\{\w+\}", str(held.number), one.path)
            for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
                response = await held.ana.browser.request(method, path)
                assert response.status_code == 405, (method, path)
    assert await state(home, held.number) == before


# --- ids that are not one's own ---------------------------------------------------------------


async def test_foreign_closed_forgotten_and_unknown_talks_look_the_same(
    home: House, held: Held
) -> None:
    """The same bytes, but for the address that was asked for, which stands nowhere on them."""
    bo = await home.counsellor("Bo")
    over, erased = Visitor(home.app), Visitor(home.app)
    numbers = [await asks(over), await asks(erased)]
    for number, erase in zip(numbers, ("", "1"), strict=True):
        await bo.takes(number)
        assert (await bo.sends(f"/talk/{number}/close", **ENDS, erase=erase)).status_code == 303
    for what in ("", "/now", "/say", "/ready", "/note", "/draft", "/level", "/word", "/hand",
                 "/transfer", "/transfer/back", "/park", "/close"):  # fmt: skip
        answers = set()
        for number in (held.number, *numbers, 4711):
            path = f"/talk/{number}{what}"
            asked = bo.browser.get(path) if what in ("", "/now") else bo.sends(path, note=WORDS)
            response = await asked
            assert response.status_code == 404, path
            answers.add(response.text)
        assert len(answers) == 1, what
    assert (await held.ana.browser.get(held.path)).status_code == 200


async def test_what_is_no_number_names_nothing(home: House, held: Held) -> None:
    """Nor does the number of a talk with anything behind it."""
    for one in (*NO_NUMBERS, *(f"{held.number:019}{tail}" for tail in ("0", "999", "9" * 400))):
        for method, path in paths(home, one):
            if path.startswith(("/talk/", "/queue/")) and one in path:
                response = await held.ana.browser.request(method, path, data=stay(held.ana))
                assert response.status_code in (404, 405, 409), path
                assert response.status_code != 409 or path.endswith("/take"), path


async def test_words_of_danger_without_consent_cannot_be_taken(home: House) -> None:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    await visitor.starts()
    await visitor.taps("utter_danger_now")
    number = (await request_of(visitor)).id or 0
    for path in (f"/queue/{number}/take", "/queue/next"):
        assert (await ana.sends(path)).status_code in (200, 409)
    assert (await request_of(visitor)).state is State.OFFERED
    assert (await ana.browser.get(f"/talk/{number}")).status_code == 404


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR, Role.EDITOR, Role.TRANSLATOR,
                                  Role.PUBLISHER])  # fmt: skip
async def test_who_is_no_counsellor_gets_near_no_talk_even_when_it_is_offered_to_all(
    home: House, held: Held, role: Role
) -> None:
    nosy = await home.counsellor("Nosy", role, on_shift=False)
    await held.visitor.says(WORDS)
    await held.ana.sends(f"{held.path}/transfer", to="", why="transfer_shift")
    offer = {"to": "nosy", "why": "transfer_shift"}
    assert (await held.ana.sends(f"{held.path}/transfer", **offer)).status_code == 400
    before = await state(home, held.number)
    for method, path in paths(home, held.number):
        if path.startswith(("/talk/", "/queue", "/shift", "/events")):
            response = await nosy.browser.request(method, path, data=stay(nosy))
            assert response.status_code == 403, path
            assert CANARY not in response.text
    assert await state(home, held.number) == before


# --- sessions ---------------------------------------------------------------------------------


async def test_a_stolen_cookie_is_worth_nothing_once_its_owner_signs_out(held: Held) -> None:
    assert (await raw(held.ana, "GET", held.path)).status_code == 200
    cookies = dict(held.ana.browser.cookies)
    response = await held.ana.sends("/sign-out")
    assert response.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    held.ana.browser.cookies.update(cookies)
    for path in (held.path, "/queue", "/events", "/session"):
        response = await raw(held.ana, "GET", path)
        assert response.headers["x-havn-refusal"] == "sign_in", path


async def test_whoever_ends_all_their_sessions_leaves_nothing_in_the_browser(held: Held) -> None:
    response = await held.ana.sends("/account/end-sessions")
    assert response.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    assert 'havn=""' in response.headers["set-cookie"]


async def test_a_second_session_ends_the_first(home: House, held: Held) -> None:
    async with home.app.store.begin() as unit:
        await home.desk.sessions.begin(unit, held.ana.staff, "test")
    response = await held.ana.browser.get(held.path)
    assert response.headers["x-havn-refusal"] == "sign_in"
    assert (await held.ana.sends(f"{held.path}/say", text=WORDS)).status_code == 401
    assert WORDS not in await held.heard()


async def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(home: House, held: Held) -> None:
    for _ in range(4):
        home.clock.turn(minutes=4)
        last = [(await held.ana.browser.get(path)).status_code
                for path in ("/queue/now", "/session")]  # fmt: skip
        await held.ana.sends("/shift/beat")
    assert last == [303, 303]


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(home: House) -> None:
    for https in (True, False):
        cookie = type(home.desk.cookie).of("https://desk.example" if https else ADDRESS)
        response = header_of(cookie)
        parts = {part.strip().lower() for part in response.split(";")[1:]}
        assert {"httponly", "samesite=strict", "path=/"} <= parts
        assert ("secure" in parts) is https
        assert response.startswith("__Host-" if https else "havn=")
        assert not any(part.startswith(("domain", "expires", "max-age")) for part in parts)


def header_of(cookie: Any) -> str:
    """Return the header by which a browser is given a token."""
    response = Response()
    cookie.give(response, "token")
    return response.headers["set-cookie"]


async def test_every_answer_is_kept_nowhere_and_framed_by_nobody(home: House, held: Held) -> None:
    """Pages, refusals and redirects alike; only what is the same for everybody may be kept."""
    open_ = [one.path for one in make_app(home.desk).routes if isinstance(one, Route)
             and not isinstance(one, Declared)]  # fmt: skip
    asked = 0
    for method, path in [*paths(home, held.number), ("GET", "/nothing"), ("PUT", "/queue")]:
        if path == "/events" or path in open_:
            continue
        response = await held.ana.browser.request(method, path)
        asked += 1
        assert response.headers["cache-control"] == "no-store", path
        for name, value in HEADERS.items():
            assert response.headers[name] == value, path
    assert asked > 40


ELSEWHERE = ("http://[", "//[x", "//evil.example", "/\\evil.example", "\\\\e", "/\t/evil.example",
             "https:evil.example", "javascript:alert(1)", "/\u202e", "\0", "")  # fmt: skip


async def test_the_way_back_leads_nowhere_else(home: House) -> None:
    ana = await home.counsellor("Ana")
    for path in ELSEWHERE:
        query = httpx.QueryParams({"next": path})
        door = await ana.browser.get(f"/sign-in?{query}")
        assert 'name="next" value="/"' in door.text, path
        proof = await ana.browser.get(f"/prove?{query}")
        assert '<a href="/">Back</a>' in proof.text, path
    kept = await ana.browser.get("/sign-in?next=/talk/7")
    assert 'name="next" value="/talk/7"' in kept.text


# --- what is typed ----------------------------------------------------------------------------


def in_parts(encoding: str, **fields: str) -> dict[str, Any]:
    """Return a form in parts, in an encoding of the sender's choice."""
    parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             for name, value in fields.items()]  # fmt: skip
    kind = f"multipart/form-data; boundary=B; charset={encoding}"
    return {"content": "".join([*parts, "--B--\r\n"]), "headers": {"content-type": kind}}


@pytest.mark.parametrize("encoding", ["unicode_escape", "raw_unicode_escape", "utf-7", "utf-8"])
async def test_no_encoding_of_the_senders_choice_leaves_a_page_that_cannot_be_shown(
    held: Held, encoding: str
) -> None:
    for what, field in (("say", "text"), ("note", "note"), ("draft", "text"), ("word", "word")):
        form = in_parts(encoding, **stay(held.ana), **{field: r"\ud800"})
        response = await held.ana.browser.post(f"{held.path}/{what}", **form)
        assert response.status_code == 415
    assert (await held.ana.browser.post("/sign-in", **in_parts(encoding, alias=r"\ud800"))
            ).status_code == 415  # fmt: skip
    assert (await held.ana.browser.get(held.path)).status_code == 200


async def test_a_hostile_text_in_every_field_of_every_form_breaks_nothing(
    home: House, held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is it found in a log, a header or an address."""
    posts = [path for method, path in paths(home, held.number) if method == "POST"]
    pages = [path for method, path in paths(home, held.number) if method == "GET"]
    with nothing_told(caplog):
        for hostile in TEXTS.values():
            text = hostile[:5000].encode("utf-8", "replace").decode()
            for path in posts:
                if re.search("end|out|park", path):
                    continue
                data = {**dict.fromkeys(FIELDS, text), **stay(held.ana)}
                response = await held.ana.browser.post(path, data=data)
                assert response.status_code < 500, path
                assert CANARY not in str(response.headers), path
            query = httpx.QueryParams(dict.fromkeys(("next", "pause", "day", "text"), text[:500]))
            for path in pages:
                if path != "/events":
                    response = await held.ana.browser.get(f"{path}?{query}")
                    assert response.status_code < 500, path
        odd = {"accept-language": "en;q=nan,*;q=1e999,,;q=", "cookie": "havn=\x7f", "accept": "%"}
        assert (await raw(held.ana, "GET", "/queue", headers=odd)).status_code == 303
    assert (await held.ana.browser.get(held.path)).status_code == 200


async def test_a_body_larger_than_any_form_is_refused(held: Held) -> None:
    for what in ("say", "note", "draft"):
        data = {**stay(held.ana), "text": "x" * 70_000, "note": "x" * 70_000}
        assert (await held.ana.browser.post(f"{held.path}/{what}", data=data)).status_code == 413
    deep = {"content": "[" * 50_000, "headers": {"content-type": "application/json"}}
    assert (await held.ana.browser.post("/sign-in/passkey", **deep)).status_code == 400


async def test_a_talk_is_offered_to_nobody_but_counsellors(home: House, held: Held) -> None:
    """The visitor is asked about it: a name that is nobody's would be a question for nothing."""
    for to in ("nobody", "x" * 5000, "\0", "ana\0", CANARY):
        response = await held.ana.sends(f"{held.path}/transfer", to=to, why="transfer_shift")
        assert response.status_code == 400
    assert (await request_of(held.visitor)).transfer is None
    await home.counsellor("Bo")
    await held.ana.sends(f"{held.path}/transfer", to="bo", why="transfer_shift")
    assert (await request_of(held.visitor)).transfer is not None


async def test_an_offer_to_all_is_not_ended_by_one_who_has_no_time(home: House, held: Held) -> None:
    bo, cy = await home.counsellor("Bo"), await home.counsellor("Cy")
    await held.ana.sends(f"{held.path}/transfer", to="", why="transfer_shift")
    assert (await bo.sends(f"/queue/{held.number}/decline")).status_code == 409
    await cy.sends(f"/queue/{held.number}/accept")
    assert (await request_of(held.visitor)).owner == cy.staff.id


# --- a note never reaches the visitor ---------------------------------------------------------


@pytest.mark.parametrize("way", ["note", "draft", "word", "transfer", "level", "hand"])
async def test_only_say_and_ready_can_reach_a_visitor(home: House, held: Held, way: str) -> None:
    """Whatever the field is called, and also when the talk is passed on, ended and read again."""
    fields = ("note", "text", "word", "need", "risk", "next", "screen", "once", "reason", "line")
    data = {**dict.fromkeys(fields, WORDS), "to": "", "why": "transfer_shift", "up": "1"}
    if way == "level":
        data |= {"level": "ORANGE", "reason": ""}
    response = await held.ana.sends(f"{held.path}/{way}", **data)
    assert response.status_code < 500
    bo = await home.counsellor("Bo")
    await held.ana.sends(f"{held.path}/transfer", to="", why="transfer_shift", need=WORDS)
    await bo.sends(f"/queue/{held.number}/accept")
    await bo.sends(f"{held.path}/close", **ENDS)
    await held.visitor.taps("action_pull")
    shown = await held.heard()
    assert shown
    assert WORDS not in "".join(shown)


async def test_a_note_sent_where_lines_go_is_no_line(held: Held) -> None:
    """And a line where notes go is kept nowhere: each form has its own field and its own place."""
    response = await held.ana.sends(f"{held.path}/say", note=WORDS, once="1")
    assert response.status_code == 400
    await held.ana.sends(f"{held.path}/note", text=WORDS, once="2")
    assert WORDS not in "".join(await held.heard())
    assert WORDS not in await held.ana.sees(held.path)


async def test_a_draft_of_any_length_stays_a_draft(held: Held) -> None:
    await held.ana.sends(f"{held.path}/draft", text=CANARY * 900)
    for tap in ("action_pull", "utter_main_menu", "action_resend"):
        await held.visitor.taps(tap)
    assert CANARY not in "".join(await held.heard())
    assert len(CANARY * 900) > LONGEST_LINE


# --- races ------------------------------------------------------------------------------------


async def at_once(*requests: Any) -> Counter[int]:
    """Send requests at once; return how often each status was answered."""
    return Counter(response.status_code for response in await asyncio.gather(*requests))


async def test_many_take_one_and_exactly_one_has_them(home: House) -> None:
    people = [await home.counsellor(f"Ana{n}") for n in range(5)]
    visitor = Visitor(home.app)
    number = await asks(visitor)
    told = await at_once(*(one.browser.send_form(f"/queue/{number}/take") for one in people))
    assert told == {303: 1, 409: 4}
    opened = [(await one.browser.get(f"/talk/{number}")).status_code for one in people]
    assert sorted(opened) == [200, 404, 404, 404, 404]


async def test_a_double_click_on_take_leads_into_the_talk_both_times(home: House) -> None:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    number = await asks(visitor)
    path = f"/queue/{number}/take"
    assert await at_once(*(ana.browser.send_form(path) for _ in range(2))) == {303: 2}
    response = await ana.sends(path)
    assert response.headers["location"] == f"/talk/{number}"
    joined = await home.app.reception.shown(visitor.channel, visitor.sender, MessageId(0))
    assert screens(joined).count("utter_human_joined") == 1


async def test_a_double_click_on_take_next_takes_one_visitor(home: House) -> None:
    ana = await home.counsellor("Ana")
    numbers = [await asks(Visitor(home.app)) for _ in range(2)]
    presses = [ana.browser.send_form("/queue/next", once="press") for _ in range(2)]
    led = {one.headers["location"] for one in await asyncio.gather(*presses)}
    assert led == {f"/talk/{numbers[0]}"}
    states = [getattr(await state(home, one), "state", None) for one in numbers]
    assert states == [State.ACTIVE, State.WAITING]


async def test_a_double_click_on_take_next_takes_one_visitor_in_danger(home: House) -> None:
    """The first press fills the counsellor's places; the second must not be told only that."""
    ana = await home.counsellor("Ana")
    number = await is_in_danger(Visitor(home.app))
    presses = [ana.browser.send_form("/queue/next", once="press") for _ in range(2)]
    led = [one.headers.get("location") for one in await asyncio.gather(*presses)]
    assert led == [f"/talk/{number}"] * 2


async def test_a_double_click_on_send_is_one_line(held: Held) -> None:
    form = {"text": "once only", "once": "press"}
    sends = [held.ana.browser.send_form(f"{held.path}/say", **form) for _ in range(4)]
    assert await at_once(*sends) == {303: 4}
    assert (await held.heard()).count("once only") == 1


async def test_two_tabs_end_a_talk_once(home: House, held: Held) -> None:
    ends = [{**ENDS, "outcome": one} for one in ("informed", "referred", "misuse")]
    closes = [held.ana.browser.send_form(f"{held.path}/close", **one) for one in ends]
    assert await at_once(*closes) == {303: 1, 404: 2}
    found = await state(home, held.number)
    assert getattr(found, "state", None) is State.CLOSED
    shown = await home.app.reception.shown(held.visitor.channel, held.visitor.sender, MessageId(0))
    assert screens(shown).count("utter_human_ended") == 1


async def test_two_who_accept_one_offer_do_not_both_hold_the_talk(home: House, held: Held) -> None:
    others = [await home.counsellor(alias) for alias in ("Bo", "Cy")]
    await held.ana.sends(f"{held.path}/transfer", to="", why="transfer_shift")
    path = f"/queue/{held.number}/accept"
    told = await at_once(*(one.browser.send_form(path) for one in others))
    assert told[303] == 1
    assert set(told) <= {303, 404, 409}
    opened = [(await one.browser.get(held.path)).status_code for one in (*others, held.ana)]
    assert sorted(opened) == [200, 404, 404]


async def test_an_offer_is_taken_and_taken_back_at_once(home: House, held: Held) -> None:
    bo = await home.counsellor("Bo")
    await held.ana.sends(f"{held.path}/transfer", to="bo", why="transfer_shift")
    told = await at_once(
        bo.browser.send_form(f"/queue/{held.number}/accept"),
        bo.browser.send_form(f"/queue/{held.number}/decline"),
        held.ana.browser.send_form(f"{held.path}/transfer/back"),
    )
    assert set(told) <= {303, 404, 409}
    assert (await request_of(held.visitor)).owner in (bo.staff.id, held.ana.staff.id)


async def test_an_offer_that_went_between_look_and_press_is_told_kindly(
    home: House, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard saw the offer; before the step was carried out it was gone."""
    bo = await home.counsellor("Bo")
    await held.ana.sends(f"{held.path}/transfer", to="bo", why="transfer_shift")
    drop = type(home.app.hotline).drop_transfer

    async def faster(hotline: Any, staff: Any, number: int) -> None:
        await drop(hotline, staff, number)
        raise NothingToTransferError("somebody was faster")

    monkeypatch.setattr(type(home.app.hotline), "drop_transfer", faster)
    assert (await bo.sends(f"/queue/{held.number}/decline")).status_code == 409
    assert (await held.ana.sends(f"{held.path}/transfer/back")).status_code == 404


async def test_nothing_is_said_after_the_lease_is_over(home: House, held: Held) -> None:
    home.clock.turn(minutes=3)
    for script in (True, False):
        response = await held.ana.sends(f"{held.path}/say", script=script, text=WORDS, once="1")
        assert response.status_code == 404
    assert WORDS not in "".join(await held.heard())


async def test_a_line_and_a_goodbye_at_once_end_in_one_of_two_orders(
    home: House, held: Held
) -> None:
    """Either the line was before the end, or it is refused; it never follows the goodbye."""
    said, _ = await asyncio.gather(
        held.ana.browser.send_form(f"{held.path}/say", text=WORDS, once="1"),
        held.visitor.taps("action_leave_human"),
    )
    assert said.status_code in (303, 404)
    shown = await home.app.reception.shown(held.visitor.channel, held.visitor.sender, MessageId(0))
    assert (WORDS in [one.bubble.text for one in shown]) <= (said.status_code == 303)
    again = await held.ana.sends(f"{held.path}/say", text=WORDS, once="2")
    assert again.status_code == 404
    after = await held.visitor.taps("utter_main_menu")
    assert screens(after) == ["utter_main_menu"]


async def test_a_hidden_chat_is_not_written_to(home: House, held: Held) -> None:
    """A line waits unseen until the visitor comes back by themselves."""
    await held.visitor.taps("action_hide")
    found = await request_of(held.visitor)
    await held.ana.sends(f"{held.path}/say", text=WORDS, once="1")
    assert found is not None
    assert WORDS not in "".join(await held.heard())


async def test_a_closed_talk_of_danger_is_reopened_by_nobody(home: House) -> None:
    ana, visitor = await home.counsellor("Ana"), Visitor(home.app)
    number = await is_in_danger(visitor)
    await ana.takes(number)
    await ana.sends(f"/talk/{number}/close", **ENDS)
    for path in (f"/queue/{number}/take", f"/queue/{number}/accept", f"/talk/{number}/park"):
        assert (await ana.sends(path)).status_code in (404, 409), path
    found = await state(home, number)
    assert getattr(found, "close", None) is not None
    assert found.close.outcome is Outcome.INFORMED  # type: ignore[attr-defined]
    assert (found.close.referral, found.close.topic) == (Referral.NONE, Topic.OTHER)  # type: ignore[attr-defined]
