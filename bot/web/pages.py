"""Shows pages: templates with the words, the person and the links that every page has."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.domain.factors import Session
from bot.domain.staff import Permission
from bot.i18n import direction, own_name
from bot.web.answers import encode
from bot.web.desk import Desk
from bot.web.forgery import token_of
from bot.web.marks import pieces
from bot.web.words import _, day, hour, language_tag, lasted, moment

_FOREVER = "public, max-age=31536000, immutable"
_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_FILES = (
    "console.css",
    "passkey.js",
    "desk.css",
    "desk.js",
    "alerts.js",
    "board.css",
    "content.css",
    "editor.js",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A page that everybody with a permission finds in the navigation."""

    path: str
    label: str
    permission: Permission


# In the order of the navigation; the first one that a person may see is where they arrive.
PLACES: Sequence[Place] = (
    Place("/queue", _("Queue"), Permission.TAKE_CONVERSATIONS),
    Place("/board", _("Board"), Permission.SUPERVISE),
    Place("/practice", _("Practice"), Permission.TAKE_CONVERSATIONS),
    Place("/content", _("Texts and facts"), Permission.SEE_CONTENT),
    Place("/staff", _("Staff"), Permission.MANAGE_STAFF),
    Place("/figures", _("Figures"), Permission.SEE_FIGURES),
    Place("/audit", _("Audit trail"), Permission.READ_AUDIT),
)


def places_of(session: Session) -> Sequence[Place]:
    """Return where a person may go."""
    return [place for place in PLACES if session.staff.may(place.permission)]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file for browsers, under an address that changes with it and can be kept for ever."""

    name: str
    path: str
    content: bytes

    def response(self) -> Response:
        """Return the file."""
        kind = _KINDS[self.name.rpartition(".")[2]]
        return Response(self.content, headers={"cache-control": _FOREVER}, media_type=kind)


def assets() -> Sequence[Asset]:
    """Read the files for browsers."""
    found = []
    for name in _FILES:
        content = files("bot.web").joinpath("static", name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        found.append(Asset(name, f"/a/{digest}.{name.rpartition('.')[2]}", content))
    return found


class Pages:
    """Shows the pages of one console."""

    def __init__(self, desk: Desk, shipped: Sequence[Asset]) -> None:
        self._desk = desk
        self._templates = Environment(
            loader=PackageLoader("bot.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "token": encode,
            "pieces": pieces,
            "lasted": lasted,
            "hour": hour,
            "own_name": own_name,
            "direction": direction,
            "tag": language_tag,
        }
        self._assets = {asset.name: asset.path for asset in shipped}

    def show(
        self, request: Request, template: str, status: int = 200, **values: object
    ) -> HTMLResponse:
        """Return a page in the language of whoever asked."""
        stoppable = getattr(request.state, "stoppable", 0)
        values = {"path": request.url.path, "stoppable": stoppable, **values}
        text = self.render(template, self.locale(request), _session(request), values)
        return HTMLResponse(text, status)

    def locale(self, request: Request) -> str:
        """Return the language of whoever asked."""
        session = _session(request)
        own = session.staff.locale if session else ""
        return self._desk.words.choose(own, request.headers.get("accept-language", ""))

    def render(
        self, template: str, locale: str, session: Session | None, values: Mapping[str, object]
    ) -> str:
        """Return the text of a page."""
        always = {
            "_": self._desk.words.say(locale),
            "assets": self._assets,
            "csrf": token_of(session) if session else "",
            "day": partial(day, locale=locale),
            "locale": locale,
            "locales": self._desk.words.locales,
            "me": session.staff if session else None,
            "moment": partial(moment, locale=locale),
            "places": places_of(session) if session else (),
        }
        return self._templates.get_template(template).render({**always, **values})


def _session(request: Request) -> Session | None:
    return cast("Session | None", getattr(request.state, "session", None))


def pages_of(request: Request) -> Pages:
    """Return what shows the pages of the console that a request came to."""
    return cast("Pages", request.app.state.pages)
