"""Havn itself: ``havn serve`` with all its parts, as an operator runs it."""

import asyncio
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.adapters.nlu import SocketDialogue
from bot.bootstrap import desk, open_app
from bot.commands.bench.running import free_port, until
from bot.domain.errors import ConfigurationError, DialogueUnavailableError
from bot.domain.factors import Account
from bot.domain.staff import Role, Staff, StaffId
from bot.settings import Settings
from bot.web.forgery import FIELD, token_of
from tests.peers.product import Product
from tests.support.deck import ROOT
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_chats import Visitor

# From the consent to the queue.
_WAY_IN = (
    "utter_human_consent",
    "utter_human_notify consent=all",
    "utter_human_code_word notify=pull",
    "action_queue_open",
)
_TAKE = re.compile(r'action="/queue/(\d+)/take"')
_PATIENCE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Seat:
    """A counsellor who is signed in: their cookie, and what their forms carry."""

    cookies: Mapping[str, str]
    form: str


@dataclass
class Havn(Product):
    """With ``models``, free text is on and the trained model is taken from that folder."""

    python: str
    models: Path | None = None
    console_port: int = field(default_factory=free_port)
    chat_port: int = field(default_factory=free_port)
    seats: list[Seat] = field(default_factory=list)

    name = "Havn"

    def __post_init__(self) -> None:
        self.understands = self.models is not None

    @property
    def where(self) -> Path:
        return ROOT

    @property
    def data(self) -> Path:
        return self.folder / "var"

    def command(self, api: TelegramApi) -> Sequence[str]:
        return [self.python, "-m", "bot", "serve"]

    def own_environ(self, api: TelegramApi) -> Mapping[str, str]:
        return {
            **self._settings,
            "HAVN_TELEGRAM_TOKEN": api.token,
            "HAVN_TELEGRAM_API_URL": api.base_url.removesuffix("/bot"),
        }

    @property
    def _settings(self) -> Mapping[str, str]:
        return {
            "HAVN_DATA_DIR": str(self.data),
            "HAVN_ALLOW_DRAFTS": "true",
            "HAVN_NLU": "auto" if self.models else "off",
            "HAVN_CHAT_PORT": str(self.chat_port),
            "HAVN_CONSOLE_PORT": str(self.console_port),
        }

    async def prepare(self) -> None:
        """Lay the model ready, and make two counsellors who are signed in."""
        self.data.mkdir(mode=0o700)
        if self.models:
            shutil.copytree(self.models, self.data / "models")
        settings = Settings.load({**self._settings, "HAVN_NLU": "off", "HAVN_ROOT": str(ROOT)})
        async with open_app(settings) as app:
            sessions, cookie = desk(app).sessions, desk(app).cookie.name
            for alias in ("Alba", "Birk"):
                roles = frozenset({Role.RESPONDER})
                staff = Staff(StaffId(alias.lower()), alias, roles, app.clock.now())
                async with app.store.begin() as unit:
                    await unit.staff.add(Account(staff))
                    new = await sessions.begin(unit, staff, "peers")
                self.seats.append(Seat({cookie: new.token}, token_of(new.session)))

    async def ready(self, process: asyncio.subprocess.Process) -> None:
        """Wait until free text is understood; a model that is not up to date is trained first."""
        if not self.models:
            return
        dialogue = SocketDialogue(self.data / "nlu.sock", deadline=2.0)
        try:
            await until(
                lambda: understands(dialogue), process, patience=_PATIENCE_SECONDS, log=self.log
            )
        finally:
            await dialogue.close()

    async def contest(self, api: TelegramApi, visitors: Sequence[Visitor]) -> int:
        async with _console(self) as alba, _console(self, 1) as birk:
            for seat, console in zip(self.seats, (alba, birk), strict=True):
                form = {FIELD: seat.form, "language": "en"}
                await console.post("/shift/start", data=form)
            for visitor in visitors:
                await _ask_for_a_person(api, visitor)
            waiting = set(_TAKE.findall((await alba.get("/queue")).text))
            if len(waiting) != len(visitors):
                raise ConfigurationError("the visitors do not reach Havn's queue")
            return sum([await self._both(alba, birk, number) for number in sorted(waiting)])

    async def _both(self, alba: httpx.AsyncClient, birk: httpx.AsyncClient, number: str) -> bool:
        answers = await asyncio.gather(
            *(
                console.post(f"/queue/{number}/take", data={FIELD: seat.form})
                for seat, console in zip(self.seats, (alba, birk), strict=True)
            )
        )
        statuses = sorted(answer.status_code for answer in answers)
        if statuses not in ([303, 303], [303, 409]):
            raise ConfigurationError(f"Havn's console answered {statuses}")
        return statuses == [303, 303]


def _console(havn: Havn, seat: int = 0) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{havn.console_port}",
        cookies=dict(havn.seats[seat].cookies),
        headers={"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"},
        timeout=30,
        trust_env=False,
    )


async def _ask_for_a_person(api: TelegramApi, visitor: Visitor) -> None:
    for tap in _WAY_IN:
        heard = len(visitor.heard)
        api.tap(visitor, visitor.person, visitor.heard[-1], tap)
        await api.wait_for(lambda heard=heard: len(visitor.heard) > heard or None, 15)


async def understands(dialogue: SocketDialogue) -> bool:
    """Tell whether an NLU unit answers."""
    if not dialogue.ready:
        return False
    try:
        await dialogue.health()
    except DialogueUnavailableError:
        return False
    return True
