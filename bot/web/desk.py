"""What the console's pages are given: use cases, words and the way to show a page."""

from dataclasses import dataclass, field
from typing import cast

from starlette.requests import HTTPConnection

from bot.domain.factors import Session
from bot.domain.tries import Tries
from bot.ports import Bus, Clock, Store, Translator
from bot.services.content import ContentDesk
from bot.services.content.links import TextLinks
from bot.services.hotline import Hotline, Reader
from bot.services.practice import Rooms
from bot.services.reply import Renderer
from bot.services.staff import Accounts, Enrolment, SessionKeeper, SignIn, Trail
from bot.staff_ports import Alerts
from bot.web.cookie import Cookie
from bot.web.words import Words


@dataclass(frozen=True, slots=True, repr=False)
class Desk:
    """Everything a page may use; ``address`` is the console's own.

    ``path`` is where its queue and talks stand, without a slash at its end.
    """

    address: str
    store: Store
    clock: Clock
    words: Words
    sessions: SessionKeeper
    sign_in: SignIn
    enrolment: Enrolment
    accounts: Accounts
    trail: Trail
    hotline: Hotline
    reader: Reader
    bus: Bus
    renderer: Renderer
    rooms: Rooms
    translator: Translator
    alerts: Alerts
    content: ContentDesk
    links: TextLinks
    tries: Tries = field(default_factory=Tries)
    path: str = ""

    @property
    def cookie(self) -> Cookie:
        """Return the cookie that holds sessions here."""
        return Cookie.of(self.address)

    def link(self, path: str) -> str:
        """Return the full address of a page."""
        return f"{self.address.rstrip('/')}{path}"


def desk_of(request: HTTPConnection) -> Desk:
    """Return the desk of the console that a request came to."""
    return cast("Desk", request.app.state.desk)


def floor_of(request: HTTPConnection) -> Desk:
    """Return the desk whose queue and talks a page shows: the console's own, or a practice's."""
    return cast("Desk", getattr(request.state, "floor", None) or desk_of(request))


def session_of(request: HTTPConnection) -> Session:
    """Return who is signed in; only behind a route that asks for it."""
    return cast("Session", request.state.session)
