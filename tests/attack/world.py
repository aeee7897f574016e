"""A whole Havn under attack: who works there, and every way in by which hostile words come.

Words go through the doors that people have: the visitors' page in a browser, the emulated Telegram,
the forms of the console. Where a door refuses what is hostile (an alias, a text with markup), it is
also laid behind the door, as if the rule were broken, for the pages must bear it all the same.
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Page

from bot.bootstrap import desk
from bot.domain.content import (
    Change,
    ChangeId,
    Item,
    State,
    digest,
    fact,
    screen,
    translation,
    word,
)
from bot.domain.errors import StoreUnavailableError
from bot.domain.factors import Account
from bot.domain.messages import Channel
from bot.domain.staff import Role, Staff, StaffId
from bot.services.hotline.speaking import LONGEST_LINE
from bot.web import Desk
from bot.web.forgery import token_of
from tests.attack.corpora import packed
from tests.browser.desk import Harbour, harbour
from tests.browser.site import press, visit, wait_for_answer
from tests.support.app import Visitor
from tests.support.telegram_chats import Visitor as Phone

# In characters: what Telegram, a remark and a callback query can hold, and what is enough in one.
_MESSAGE, _REMARK, _CALLBACK, _ALIAS, _DRAFT = 4000, 480, 60, 1500, 16_000
# A talk on the screen shows 200 messages; those of the program are among them.
_IN_A_TALK = 180
ANA, ROOT, AUDITOR = StaffId("ana"), StaffId("root"), StaffId("auditor")
_ROLES: Mapping[StaffId, Sequence[Role]] = {
    ANA: (Role.RESPONDER, Role.SUPERVISOR, Role.EDITOR, Role.PUBLISHER),
    ROOT: (Role.ADMIN,),
    AUDITOR: (Role.AUDITOR,),
}
FACT, SCREEN, WORD, CANNED = "union_name", "utter_thanks", "command_menu", "utter_canned_hello"
_TO_A_PERSON = ("Yes, I am alone", "Person", "All of this chat", "No, I will look", "Skip")
_CSRF = re.compile(r'name="csrf" value="([^"]*)"')


@dataclass
class Person:
    """Somebody of the staff: signed in in a browser and, for what nobody need see, without one."""

    id: StaffId
    page: Page
    client: httpx.Client
    csrf: str

    def sends(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form of the console."""
        response = self.client.post(path, data={"csrf": self.csrf, **fields})
        assert response.status_code < 500, path
        return response


@dataclass
class Talk:
    """A conversation that Ana holds; ``message`` is one of the visitor's."""

    number: int
    message: int = 0


@dataclass
class World:
    """Everything there is to attack, and to look at afterwards."""

    haven: Harbour
    desk: Desk
    chat: Page
    ana: Person
    root: Person
    auditor: Person
    watch: Callable[[str, Page], None] = lambda _at, _page: None
    alias: str = ""
    talks: list[Talk] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    enrol: str = ""
    link: str = ""
    waiting: int = 0
    offered: int = 0
    sent: dict[str, int] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def fill(self, payloads: Sequence[str], *, apart: bool, narrow: int) -> None:
        """Send payloads through every door, and so many of them through those that take little.

        ``apart`` gives each a Telegram message of its own.
        """
        few = payloads[:narrow]
        self.talks, self.changes, self.texts = [], [], []
        self._hire(payloads)
        self.ana.sends("/shift/start", language=["en", "ro"])
        messages = list(packed(payloads, 1 if apart else _MESSAGE))
        for at in range(0, len(messages), _IN_A_TALK):
            self._telegram(messages[at : at + _IN_A_TALK])
        self._count("text on Telegram", payloads)
        self._on_telegram_besides(few)
        self._web(payloads, few)
        self._staff(payloads)
        self._content(payloads, few)
        self._others()

    # --- who works here -----------------------------------------------------------------------

    def _hire(self, payloads: Sequence[str]) -> None:
        """Give everybody an alias that no form would let pass, and a session."""
        aliases = list(packed(payloads, _ALIAS))
        for number, alias in enumerate(aliases):
            self.haven.run(_hired(self, StaffId(f"p{number}"), alias, (Role.RESPONDER,)))
            self.haven.run(_on_shift(self.haven, StaffId(f"p{number}")))
        self.alias = aliases[0]
        for person in (self.ana, self.root, self.auditor):
            self.sign_in(person)
        self._count("alias of staff", payloads)

    def sign_in(self, person: Person) -> None:
        """Give somebody a session that has just begun."""
        hired = _hired(self, person.id, self.alias, _ROLES[person.id])
        token, csrf, name = self.haven.run(hired)
        person.client.cookies.set(name, token, domain="127.0.0.1")
        cookie: Any = {"name": name, "value": token, "url": self.haven.console}
        person.page.context.add_cookies([cookie])
        person.csrf = csrf

    # --- visitors -----------------------------------------------------------------------------

    def _telegram(self, messages: Sequence[str]) -> None:
        """Have somebody on Telegram talk with Ana; what is open shows it as it comes in."""
        assert self.haven.telegram
        phone = self.haven.telegram.visitor(language_code="en")
        self.haven.run(_asks(phone))
        sender = str(phone.person.id)
        number = self._claimed(Visitor(self.haven.app, Channel.TELEGRAM, sender=sender))
        self.ana.page.goto(f"{self.haven.console}/talk/{number}")
        for text in messages:
            self.haven.run(phone.sends(text))
        self.haven.run(self.haven.telegram.drained(within=25))
        self.talks.append(Talk(number))
        self.ana.page.locator(".said.visitor").nth(len(messages) - 1).wait_for()
        self.watch("a talk while it comes in", self.ana.page)
        self.ana.page.goto(f"{self.haven.console}/account")  # where nothing goes on by itself

    def _on_telegram_besides(self, payloads: Sequence[str]) -> None:
        """Send callback data, deep links, and return codes that are none."""
        assert self.haven.telegram
        api, phone = self.haven.telegram, self.haven.telegram.visitor(language_code="en")
        self.haven.run(_asks(phone, ()))
        button = next(one for one in phone.chat if one.from_bot)
        for text in packed(payloads, _CALLBACK):
            data = text.encode()[:64].decode(errors="ignore")
            self.haven.run(_tap(api, phone, button, data))
            self.haven.run(phone.sends(f"/start {text}"))
        for text in packed(payloads, _MESSAGE):
            self.haven.run(_tap(api, phone, button, "utter_return_code_ask"))
            self.haven.run(phone.sends(text))
        self.haven.run(api.drained(within=60))
        self._count("callback data", payloads)
        self._count("deep link", payloads)
        self._count("return code", payloads)

    def _web(self, payloads: Sequence[str], few: Sequence[str]) -> None:
        """Write on the visitors' own page, and have Ana answer there."""
        self.chat.goto(self.haven.chat)
        press(self.chat, "Start")
        press(self.chat, "Yes, I am alone")
        for to in ("utter_human_consent", "utter_human_notify consent=all"):
            self._presses(to)
        self._presses("utter_human_code_word notify=pull")
        self._writes(next(packed(payloads, 60)))
        self._count("code word", payloads[:1])
        token = self.chat.locator("#answers [name=token]").input_value()
        number = self._claimed(Visitor(self.haven.app, Channel.WEB, sender=token))
        self.talks.append(Talk(number))
        for text in packed(payloads, _MESSAGE):
            self._writes(text)
        self._count("text on the web", payloads)
        for text in packed(few, 300):
            self._forged(text)
        self._count("forged fields on the web", few)

    def _presses(self, to: str) -> None:
        before = self.chat.locator("#answers [name=nonce]").input_value()
        self.chat.locator(f'[name=tap][value^="{to}"]').first.click()
        wait_for_answer(self.chat, before)

    def _writes(self, text: str) -> None:
        before = self.chat.locator("#answers [name=nonce]").input_value()
        self.chat.locator("#text").fill(text)
        self.chat.locator("#send").click()
        wait_for_answer(self.chat, before)

    def _forged(self, text: str) -> None:
        """Send the web chat a form whose every field is hostile."""
        fields = ("token", "nonce", "last", "at", "begun", "lang", "chosen", "pick", "tap")
        response = httpx.post(f"{self.haven.chat}/", data=dict.fromkeys(fields, text))
        assert response.status_code < 500

    def _claimed(self, visitor: Visitor) -> int:
        """Have Ana take whoever waits."""
        request = self.haven.run(visitor.handover())
        assert request is not None
        assert request.id is not None
        self.haven.run(_takes(self.haven, request.id))
        return request.id

    # --- staff --------------------------------------------------------------------------------

    def _staff(self, payloads: Sequence[str]) -> None:
        """Write in every box that a talk has."""
        talk = self.talks[-1]
        here = f"/talk/{talk.number}"
        texts = list(packed(payloads, LONGEST_LINE - 10))
        for text in texts:
            self.ana.sends(f"{here}/say", text=text, once=str(next(self._numbers)))
            self.ana.sends(f"{here}/note", note=text)
            self.ana.sends(f"{here}/draft", text=text, need=text, risk=text, next=text)
            self.ana.sends(f"{here}/word", word=text)
        self.chat.locator("#log").get_by_text(texts[-1].split()[0]).first.wait_for()
        self.watch("the visitors' page while a line comes in", self.chat)
        self.ana.sends(f"{here}/hand", up="1")
        for text in texts:
            self.ana.sends(f"/board/{talk.number}/whisper", text=text)
        for door in ("line", "note", "draft", "whisper", "word to compare"):
            self._count(door, payloads)
        for text in texts:
            why = {"to": "p0", "why": "transfer_shift"}
            self.ana.sends(f"{here}/transfer", need=text, risk=text, next=text, **why)
            self.ana.sends(f"{here}/transfer/back")
        self._count("note of a hand-over", payloads)

    # --- content ------------------------------------------------------------------------------

    def _content(self, payloads: Sequence[str], few: Sequence[str]) -> None:
        """Lay drafts of every kind where the pages of the desk find them, and say things."""
        self.lay(payloads)
        thai = self.texts[0]
        for text in packed(few, _REMARK):
            self.ana.sends(f"/content/facts/{FACT}/remark", text=text, report="1")
            self.ana.sends(f"/content/text/{thai}", step="remark", note=text)
            self.ana.sends(f"/content/change/{self.changes[-1]}/remark", text=text)
            self.ana.sends("/content/report", item=screen(CANNED).name, note=text)
        for door in ("draft of a text", "draft of a fact and its source"):
            self._count(door, payloads)
        for door in ("comment", "report"):
            self._count(door, few)

    def lay(self, payloads: Sequence[str]) -> None:
        """Lay drafts that no form would let pass, one after the other."""
        app = self.haven.app
        served = app.library.served
        says = served.deck[SCREEN].text
        thai, arabic = (translation(locale, SCREEN, says) for locale in ("th", "ar"))
        self.texts = [thai.name, arabic.name]
        for text in packed(payloads, _DRAFT):
            source = {"url": text, "says": text, "seen": text}
            odd: list[tuple[Item, Mapping[str, Any]]] = [
                *((one, {"context": one.context, "source": says, "text": text})
                  for one in (thai, arabic)),
                (word(WORD), {"text": text}),
                (screen(SCREEN), {"text": text, "notes": text, "buttons": _labelled(app, text)}),
                (fact(FACT), {"value": text, "owner": text, "conflicts": text,
                              "sources": [source]}),
            ]  # fmt: skip
            for item, value in odd:
                self.changes.append(self.haven.run(_laid(self.haven, item, value)))

    # --- what else the pages need ---------------------------------------------------------------

    def _others(self) -> None:
        """Have somebody wait, somebody be offered, a link and an invitation open."""
        self.waiting = self.haven.asks(self.haven.visitor())
        link = self.ana.sends("/content/link", item=self.texts[0]).text
        self.link = unescape(re.findall(r"/t/([^<\"\s]+)", link)[0])
        alias = f"New{next(self._numbers)}"
        invited = self.root.sends("/staff/invite", alias=alias, role="responder").text
        self.enrol = unescape(re.findall(r"/enrol/([^<\"\s]+)", invited)[0])
        for talk in self.talks:
            talk.message = self.haven.run(_message(self.haven, talk.number))
            self.ana.sends(f"/talk/{talk.number}/hand", up="1")
        self.ana.sends("/practice/begin", language="en")

    def _count(self, door: str, payloads: Sequence[str]) -> None:
        self.sent[door] = self.sent.get(door, 0) + len(payloads)


# --- in the program's own loop --------------------------------------------------------------------


async def _hired(
    world: World, id_: StaffId, alias: str, roles: Sequence[Role]
) -> tuple[str, str, str]:
    """Return the token of a fresh session, of its forms, and the name of the cookie."""
    own, now = world.desk, world.haven.clock.now()
    async with world.haven.app.store.begin() as unit:
        known = await unit.staff.get(id_)
        staff = Staff(id_, f"{id_} {alias}", frozenset(roles), now, locale="en")
        if known is None:
            await unit.staff.add(Account(staff))
        else:
            await unit.staff.save(replace(known, staff=staff))
        new = await own.sessions.begin(unit, staff, "test")
    return new.token, token_of(new.session), own.cookie.name


async def _stays(haven: Harbour) -> None:
    """Keep every talk in Ana's hands, however long it takes to look."""
    while True:
        await asyncio.sleep(20)
        with suppress(StoreUnavailableError):
            await haven.app.hotline.beat(ANA)


async def _on_shift(haven: Harbour, id_: StaffId) -> None:
    await haven.app.hotline.start_shift(id_, frozenset({"en"}))


async def _asks(phone: Phone, labels: Sequence[str] = _TO_A_PERSON) -> None:
    """Begin on Telegram, and press as far as wanted on the way to a person."""
    await phone.sends("/start")
    for label in labels:
        shown = await phone.expect(lambda one, label=label: label in one.labels, within=20)
        await phone.taps(label, shown)
    await phone.expect(within=20)


async def _tap(api: Any, phone: Phone, button: Any, data: str) -> None:
    api.tap(phone, phone.person, button, data)


async def _takes(haven: Harbour, number: int) -> None:
    """Have Ana hold a talk, however many she holds; without a first line it would go back."""
    await haven.app.hotline.take(ANA, "Ana", number)
    await haven.app.hotline.say(ANA, "Ana", number, "take your time", f"first in {number}")


async def _message(haven: Harbour, number: int) -> int:
    talk = await haven.app.reader.reread(ANA, number)
    return next((int(one.id) for one in talk.said if one.author == "visitor"), 0)


async def _laid(haven: Harbour, item: Item, value: Mapping[str, Any]) -> str:
    """Lay a change with a value that no form lets pass, for review; earlier ones are given up."""
    app = haven.app
    live = app.library.served.value(item) or {}
    id_ = ChangeId(secrets.token_hex(8))
    value, base, now = {**live, **value}, digest(live), haven.clock.now()
    change = Change(id_, item, value, base, frozenset({ANA}), now, State.IN_REVIEW)
    async with app.store.begin() as unit:
        if found := await unit.contents.open_for(item):
            await unit.contents.save(replace(found, state=State.DROPPED))
        await unit.contents.add(change)
    return id_


def _labelled(app: Any, text: str) -> list[dict[str, Any]]:
    buttons = (app.library.served.value(screen(SCREEN)) or {}).get("buttons", [])
    return [{**one, "label": text} for one in buttons]


# --- the stage ----------------------------------------------------------------------------------


@contextmanager
def world(browser: Browser, folder: Path) -> Iterator[World]:
    """Run everything until the block ends."""
    with harbour(folder, telegram=True, translated=True, alerts=True, return_codes=True) as haven:
        contexts: list[BrowserContext] = [visit(browser)]
        people = []
        for id_ in _ROLES:
            context = browser.new_context(locale="en-GB")
            contexts.append(context)
            headers = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}
            client = httpx.Client(base_url=haven.console, headers=headers, timeout=60)
            people.append(Person(id_, context.new_page(), client, ""))
        staying = asyncio.run_coroutine_threadsafe(_stays(haven), haven.loop)
        chat = contexts[0].new_page()
        for page in (chat, *(one.page for one in people)):
            page.set_default_timeout(60_000)
        try:
            yield World(haven, desk(haven.app), chat, *people)
        finally:
            staying.cancel()
            for one in people:
                one.client.close()
            for context in contexts:
                context.close()
