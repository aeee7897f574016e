"""HTML of the web chat: whole pages for browsers without script, fragments for those with it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePosixPath

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from bot.adapters.webchat.facts import Stated
from bot.adapters.webchat.links import Links, Piece, split
from bot.adapters.webchat.view import DANGER, HIDE, PERSON, PHONE, Said, View
from bot.domain.messages import Bubble
from bot.i18n import direction

Word = Callable[[str, str], str]
_KINDS: Mapping[str, str] = {
    "chat.css": "text/css; charset=utf-8",
    "facts.css": "text/css; charset=utf-8",
    "chat.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml; charset=utf-8",
}
_ICONS: Mapping[str, str] = {PHONE: "phone", PERSON: "person", HIDE: "hide", DANGER: "danger"}
# Screens on which a number is what the visitor came for.
_CALLING = ("utter_danger_now", "utter_phone_numbers", "utter_suicide_care", "utter_error")
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page under an address that changes with its content."""

    path: str
    kind: str
    body: bytes

    def response(self) -> Response:
        """Return the file, to be kept for good: it says nothing about the visitor."""
        headers = {"cache-control": _FOREVER, "content-type": self.kind, "etag": f'"{self.path}"'}
        return Response(self.body, headers=headers)


def load_assets() -> Mapping[str, Asset]:
    """Read the files of the page, by name."""
    folder = files("bot.adapters.webchat").joinpath("static")
    found: dict[str, Asset] = {}
    for name, kind in _KINDS.items():
        body = folder.joinpath(name).read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:16]
        path = f"/a/{digest}{PurePosixPath(name).suffix}"
        found[name] = Asset(path, kind, body)
    return found


class Pages:
    """Renders views. The templates escape every value; visitors' words are isolated as well."""

    def __init__(
        self,
        word: Word,
        links: Links,
        not_sent: Callable[[str], Bubble],
        *,
        neutral_site: str,
        idle_minutes: int,
    ) -> None:
        self._links = links
        self._word = word
        self._not_sent = not_sent
        self.assets = load_assets()
        self._templates = Environment(
            loader=PackageLoader("bot.adapters.webchat"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            pieces=self._pieces,
            calls=self._calls,
            icon=lambda data: _ICONS.get(data, ""),
            dir=direction,
            css=self.assets["chat.css"].path,
            js=self.assets["chat.js"].path,
            facts_css=self.assets["facts.css"].path,
            neutral_site=neutral_site,
            idle_seconds=idle_minutes * 60,
        )

    def page(self, view: View, status: int = 200) -> Response:
        """Return a whole page."""
        return self._html("page.html", view.locale, status, v=view, **self._parts(view))

    def fragment(self, view: View, status: int = 200) -> Response:
        """Return only what is new, for the script of the page."""
        parts = self._parts(view) if view.whole else {}
        return self._html("fragment.html", view.locale, status, v=view, **parts)

    def privacy(self, locale: str, title: str, paragraphs: Sequence[str]) -> Response:
        """Return the page that says what is kept."""
        return self._html("privacy.html", locale, 200, title=title, paragraphs=paragraphs)

    def facts(self, locale: str, facts: Mapping[str, Sequence[Stated]]) -> Response:
        """Return the page that says what visitors are told, and where it was read."""
        return self._html("facts.html", locale, 200, facts=facts)

    def leaving(self) -> Response:
        """Return an empty page that goes to the neutral site by itself.

        Not a redirect: form-action would stop a form there wherever the neutral site redirects on,
        and on a slow line the chat would stay on the screen until that site has answered.
        """
        return self._html("leaving.html", "en", 200)

    def _parts(self, view: View) -> Mapping[str, object]:
        return {"not_sent": Said(self._not_sent(view.locale))}

    def _html(self, template: str, locale: str, status: int, **values: object) -> Response:
        def word(key: str) -> str:
            return self._word(key, locale)

        html = self._templates.get_template(template).render(w=word, locale=locale, **values)
        return HTMLResponse(html, status)

    def _calls(self, view: View) -> Sequence[Piece]:
        """Return the numbers to press first, each once, where calling is the next step."""
        urgent = [m.bubble for m in view.said if m.bubble.screen.startswith(_CALLING)]
        phones = (piece for bubble in urgent for piece in self._pieces(bubble) if piece.is_phone)
        return list({piece.href: piece for piece in phones}.values())

    def _pieces(self, bubble: Bubble) -> Sequence[Piece]:
        return split(bubble.text, self._links(bubble.screen))
