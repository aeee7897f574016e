"""The views of the web chat: read a form, ask the door, show what it says."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.adapters.webchat.crowd import Crowd
from bot.adapters.webchat.drawing import Drawing
from bot.adapters.webchat.form import (
    MalformedError,
    Submission,
    TooLargeError,
    read_submission,
)
from bot.adapters.webchat.headers import CLEAR_SITE_DATA, is_cross_site
from bot.adapters.webchat.language import Wanted, negotiated
from bot.adapters.webchat.pages import Pages, Word
from bot.adapters.webchat.session import Departures, NewSecret, external_id, is_idle
from bot.adapters.webchat.view import (
    CLOSED,
    HIDDEN,
    HIDE,
    INTERRUPTION,
    PHONE,
    READ_AGAIN,
    Said,
    View,
)
from bot.domain.errors import InvalidTapError
from bot.domain.messages import Channel, Event, Incoming, MessageId, Sent, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.logs import error_class, logger
from bot.ports import Door

# What the script of the page asks for; anything else gets whole pages.
FRAGMENT = "text/vnd.havn.fragment"
_WEB = Channel.WEB
_MENU = "utter_main_menu"
# Shown before a chat is started without beginning one: nothing is stored for them.
_BEFORE_START = frozenset({PHONE, "utter_phone_more", "utter_safety_tips"})
_log = logger(__name__)


class Chat:
    """Answers the requests of visitors. Nothing of a visit is kept here but who left just now."""

    def __init__(
        self,
        door: Door,
        pages: Pages,
        word: Word,
        locales: Callable[[], Sequence[str]],
        *,
        neutral_site: str,
        idle_minutes: int,
        crowd: Crowd,
        secret: NewSecret,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._door = door
        self._pages = pages
        self._locales = locales
        self._neutral_site = neutral_site
        self._idle_minutes = idle_minutes
        self._crowd = crowd
        self._now = now
        self._departed = Departures()
        self._drawing = Drawing(door, word, locales, secret=secret, now=now)

    # --- requests -----------------------------------------------------------------------------

    async def opening(self, request: Request) -> Response:
        """GET /: the short page before the chat."""
        return self._show(request, self._drawing.fresh(self._wanted(request), INTERRUPTION))

    async def closed(self, request: Request) -> Response:
        """GET /closed: where a chat ends that was left alone."""
        return self._show(request, self._drawing.fresh(self._wanted(request), CLOSED))

    async def submit(self, request: Request) -> Response:
        """POST /: a pressed button or a sent text."""
        if is_cross_site(request.headers):
            return self.refuse(request, 403)
        try:
            form = await read_submission(request)
        except TooLargeError:
            return self._too_large(request)
        except MalformedError:
            return self.refuse(request, 400)
        if not form.is_genuine:
            return self.refuse(request, 400)
        form = replace(form, locale=self._page_locale(request, form))
        try:
            return await self._answer(request, form)
        except Exception as error:  # noqa: BLE001 -- whatever broke, the visitor gets the numbers
            _log.error("web_turn_failed", error=error_class(error))
            return self._broken(request, form)

    async def leave(self, request: Request) -> Response:
        """POST /exit: end the chat for good and go to the neutral site, whatever else is broken."""
        if is_cross_site(request.headers):
            return self.refuse(request, 403)
        try:
            token = (await read_submission(request)).token
            if token:
                self._departed.note(token)
                await self._door.leave(_WEB, token)
        except (TooLargeError, MalformedError):
            pass
        except Exception as error:  # noqa: BLE001 -- leaving the page must work without the store
            _log.error("web_leave_failed", error=error_class(error))
        response = self._pages.leaving()
        response.headers["clear-site-data"] = CLEAR_SITE_DATA
        return response

    async def follow_exit(self, _request: Request) -> Response:
        """GET /exit: a link that leaves at once; it cannot know whose chat to end."""
        headers = {"clear-site-data": CLEAR_SITE_DATA}
        return RedirectResponse(self._neutral_site, status_code=303, headers=headers)

    def out_of_order(self) -> View:
        """Return the page for an error that nothing else caught, in English and from memory."""
        return self._drawing.fresh(Wanted("en"), "utter_error")

    def refuse(self, request: Request, status: int) -> Response:
        """Show the closed screen where there is nothing else to show."""
        view = self._drawing.fresh(self._wanted(request), CLOSED)
        return self._show(request, view, status)

    async def not_found(self, request: Request, error: Exception) -> Response:
        """Answer a path or method that does not exist; a wrong path quotes nothing."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        view = self._drawing.fresh(self._wanted(request), PHONE, note="web_not_found")
        response = self._show(request, view, status)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    # --- turns --------------------------------------------------------------------------------

    async def _answer(self, request: Request, form: Submission) -> Response:
        if form.token in self._departed:
            return self.refuse(request, 410)
        if form.watch or not form.begun:
            return await (self._watch(form) if form.watch else self._begin(request, form))
        before = await self._thread(request, form)
        if not before or await self._is_left_alone(form, before[-1].at.timestamp()):
            return self.refuse(request, 410)
        said = [Said.of(sent) for sent in before]
        if not (form.tap or form.text):
            return self._show(request, self._drawing.looked(form, said))
        return await self._converse(request, form, _event(form), said)

    async def _is_left_alone(self, form: Submission, shown_at: float) -> bool:
        """Tell whether nothing happened for too long; who waits for a person is not left alone.

        Nothing is erased here, for this clock may have jumped; the keeper compares two.
        """
        idle = is_idle(self._now(), form.at, shown_at, self._idle_minutes)
        return idle and not await self._door.stay(_WEB, form.token)

    async def _watch(self, form: Submission) -> Response:
        """Answer the script that looks by itself: what came, nothing yet, or no more of it."""
        said = await self._door.watch(_WEB, form.token, MessageId(form.last))
        if said is None:
            # The script asks for a document: one without a type would be read as XML, and fail.
            return Response(status_code=410, media_type="text/html")
        if not said:
            return Response(status_code=204, media_type="text/html")
        return self._pages.fragment(self._drawing.watched(form, [Said.of(sent) for sent in said]))

    async def _begin(self, request: Request, form: Submission) -> Response:
        """Answer on a page behind which no conversation stands yet."""
        if form.pick in self._locales():
            wanted = Wanted(form.pick, chosen=True)
            return self._show(request, self._drawing.fresh(wanted, INTERRUPTION, form.token))
        screen = _before_start(form)
        if screen:
            wanted = Wanted(form.locale, chosen=form.chosen)
            return self._show(request, self._drawing.fresh(wanted, screen, form.token))
        await self._crowd.arrive(request.client.host if request.client else "")
        start = Start(form.locale if form.chosen else "")
        return await self._converse(request, form, start if form.tap else Text(form.text), ())

    async def _converse(
        self, request: Request, form: Submission, event: Event, before: Sequence[Said]
    ) -> Response:
        sent = await self._door.converse(self._incoming(request, form, event))
        if form.token in self._departed:
            # The visitor left while this was under way; the answer must not bring them back.
            await self._door.leave(_WEB, form.token)
            return self.refuse(request, 410)
        view = self._drawing.turn(form, [Said.of(s) for s in sent], before)
        return self._show(request, view)

    async def _thread(self, request: Request, form: Submission) -> Sequence[Sent]:
        """Return what this visitor was shown; empty if Havn does not know the token.

        It begins with the last message of the page. A page without script repeats earlier ones.
        """
        on_page = MessageId(max(0, form.last - 1))
        least = 1 if _wants_fragment(request) else READ_AGAIN
        return await self._door.shown(_WEB, form.token, on_page, least=least)

    def _incoming(self, request: Request, form: Submission, event: Event) -> Incoming:
        content = form.tap if isinstance(event, Tapped) else form.text
        return Incoming(
            channel=_WEB,
            external_id=external_id(form.token, form.nonce, type(event).__name__, content),
            sender=form.token,
            event=event,
            on=str(form.last) if isinstance(event, Tapped) and form.last else "",
            hint=form.locale if form.begun or form.chosen else self._wanted(request).hint,
        )

    def _too_large(self, request: Request) -> Response:
        """Show the numbers and how to go on. The form is unknown: it was never read."""
        view = self._drawing.fresh(self._wanted(request), PHONE, note="web_too_large")
        return self._show(request, view, 413)

    def _broken(self, request: Request, form: Submission) -> Response:
        """Show the numbers and keep what was written."""
        numbers = self._door.emergency(self._incoming(request, form, _event(form)))
        return self._show(request, self._drawing.broken(form, numbers), 503)

    def _show(self, request: Request, view: View, status: int = 200) -> Response:
        if _wants_fragment(request):
            return self._pages.fragment(view, status)
        return self._pages.page(view, status)

    def _wanted(self, request: Request) -> Wanted:
        """Return the locale the browser asks for; it is used for this answer and not kept."""
        return Wanted(negotiated(request.headers, self._locales()))

    def _page_locale(self, request: Request, form: Submission) -> str:
        return form.locale if form.locale in self._locales() else self._wanted(request).code


def _event(form: Submission) -> Event:
    """Return what the visitor did, where they pressed or wrote something."""
    return Tapped(_tap(form.tap)) if form.tap else Text(form.text)


def _tap(data: str) -> Tap:
    """Read a button; one that Havn did not make leads to the menu, as any old button does."""
    try:
        return Tap.decode(data)
    except InvalidTapError:
        return Tap(_MENU)


def _before_start(form: Submission) -> str:
    """Return the screen that answers a form without a conversation; "" if one must begin."""
    if not form.tap:
        return "" if form.text else INTERRUPTION
    target = _tap(form.tap).to
    if target == HIDE:
        return HIDDEN
    return target if target in _BEFORE_START else ""


def _wants_fragment(request: Request) -> bool:
    return FRAGMENT in request.headers.get("accept", "")
