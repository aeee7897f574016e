"""The views of the web chat: read a form, ask the door, show what it says."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.adapters.webchat.crowd import Crowd
from bot.adapters.webchat.form import (
    MalformedError,
    Submission,
    TooLargeError,
    read_submission,
)
from bot.adapters.webchat.headers import CLEAR_SITE_DATA, is_cross_site
from bot.adapters.webchat.pages import Pages, Word
from bot.adapters.webchat.session import Departures, NewSecret, external_id, is_idle
from bot.adapters.webchat.view import (
    CLEARING,
    CLOSED,
    FORGOTTEN,
    HIDDEN,
    HIDE,
    INTERRUPTION,
    JOINED,
    LOOK,
    PHONE,
    READ_AGAIN,
    Said,
    View,
    remaining,
)
from bot.domain.errors import InvalidTapError
from bot.domain.messages import Channel, Event, Incoming, MessageId, Start, Tapped, Text
from bot.domain.screens import Tap
from bot.i18n import LOCALES, negotiate
from bot.logs import error_class, logger
from bot.ports import Door

# What the script of the page asks for; anything else gets whole pages.
FRAGMENT = "text/vnd.havn.fragment"
_WEB = Channel.WEB
_MENU = "utter_main_menu"
_IN_DANISH = "action_show_in_danish"
# Shown before a chat is started without beginning one: nothing is stored for them.
_BEFORE_START = frozenset({PHONE, "utter_phone_more", "utter_safety_tips"})
_LANGUAGE_TAGS = 10
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
        self._word = word
        self._locales = locales
        self._neutral_site = neutral_site
        self._idle_minutes = idle_minutes
        self._crowd = crowd
        self._secret = secret
        self._now = now
        self._departed = Departures()

    # --- requests -----------------------------------------------------------------------------

    async def opening(self, request: Request) -> Response:
        """GET /: the short page before the chat."""
        return self._show(request, self._fresh(self._wanted(request), INTERRUPTION))

    async def closed(self, request: Request) -> Response:
        """GET /closed: where a chat ends that was left alone."""
        return self._show(request, self._fresh(self._wanted(request), CLOSED))

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
        return self._fresh(_Wanted("en"), "utter_error")

    def refuse(self, request: Request, status: int) -> Response:
        """Show the closed screen where there is nothing else to show."""
        view = self._fresh(self._wanted(request), CLOSED)
        return self._show(request, view, status)

    async def not_found(self, request: Request, error: Exception) -> Response:
        """Answer a path or method that does not exist; a wrong path quotes nothing."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        locale = self._wanted(request)
        view = replace(self._fresh(locale, PHONE), note=self._word("web_not_found", locale.code))
        response = self._show(request, view, status)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    # --- turns --------------------------------------------------------------------------------

    async def _answer(self, request: Request, form: Submission) -> Response:
        if form.token in self._departed:
            return self.refuse(request, 410)
        if not form.begun:
            return await self._begin(request, form)
        before = await self._thread(request, form)
        if not before:
            return self.refuse(request, 410)
        idle = is_idle(self._now(), form.at, before[-1][1], self._idle_minutes)
        waits = (idle or form.look) and await self._door.stay(_WEB, form.token)
        if idle and not waits:
            # Nothing is erased here, for this clock may have jumped; the keeper compares two.
            return self.refuse(request, 410)
        said = [message for message, _ in before]
        if form.look or not (form.tap or form.text):
            return self._show(request, self._looked(form, said))
        event = Tapped(_tap(form.tap)) if form.tap else Text(form.text)
        return await self._converse(request, form, event, said)

    async def _begin(self, request: Request, form: Submission) -> Response:
        """Answer on a page behind which no conversation stands yet."""
        if form.pick in self._locales():
            wanted = _Wanted(form.pick, chosen=True)
            return self._show(request, self._fresh(wanted, INTERRUPTION, form))
        screen = _before_start(form)
        if screen:
            wanted = _Wanted(form.locale, chosen=form.chosen)
            return self._show(request, self._fresh(wanted, screen, form))
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
        return self._show(request, self._turn(form, [Said.of(s) for s in sent], before))

    def _looked(self, form: Submission, said: Sequence[Said]) -> View:
        """Return what a person has answered since, or that there is nothing yet."""
        view = self._turn(replace(form, text=""), (), said)
        key = "web_new_answer" if view.said else "web_no_answer_yet"
        return replace(view, look=form.look, status=self._word(key, view.locale))

    async def _thread(self, request: Request, form: Submission) -> list[tuple[Said, float]]:
        """Return what this visitor was shown, with times; empty if Havn does not know the token.

        It begins with the last message of the page. A page without script repeats earlier ones.
        """
        on_page = MessageId(max(0, form.last - 1))
        least = 1 if _wants_fragment(request) else READ_AGAIN
        shown = await self._door.shown(_WEB, form.token, on_page, least=least)
        return [(Said.of(sent), sent.at.timestamp()) for sent in shown]

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

    # --- views --------------------------------------------------------------------------------

    def _turn(self, form: Submission, said: Sequence[Said], before: Sequence[Said]) -> View:
        """Return the view after a turn of a chat that was begun.

        ``before`` is what was shown until then. What the page does not hold of it is new as well:
        a person may have written in the meantime.
        """
        known = {message.id for message in before}
        answered = any(message.once for message in before if message.id >= form.last)
        # Sent again by a reload, words are not shown again: they may have been the code word.
        repeated = bool(said) and all(message.id in known for message in said)
        fresh = {message.id for message in said} | {id_ for id_ in known if id_ > form.last}
        thread = remaining([*before, *said], fresh)
        said = [message for message in thread if message.id in fresh]
        before = [message for message in thread if message.id not in fresh]
        ends = {message.bubble.screen for message in said} & CLEARING
        forgotten = FORGOTTEN in ends
        locale = self._speaking(form, said)
        silent = form.tap or answered or repeated or ends
        echo = "" if silent else form.text
        view = View(
            locale=locale,
            token=self._secret() if forgotten else form.token,
            nonce=self._secret(),
            said=said,
            before=before,
            last=max((message.id for message in thread), default=form.last),
            at=int(self._now()),
            begun=not ends,
            writable=True,
            chosen=True,
            clear=bool(ends) or not form.begun,
            echo=echo,
            keep_echo=bool(echo),
            note=self._word("web_cut", locale) if form.cut else "",
            status="" if said else self._word("web_sent", locale),
            look=_with_person(thread) or not said,
            whole=not form.begun or locale != form.locale or bool(ends),
        )
        if forgotten:
            view = replace(view, last=0, then=Said(self._door.greet(_WEB, HIDDEN, locale)))
        return view

    def _fresh(self, wanted: "_Wanted", screen: str, form: Submission | None = None) -> View:
        """Return a view that no conversation stands behind."""
        outside = screen in (INTERRUPTION, CLOSED)
        locales = self._locales() if outside else ()
        return View(
            locale=wanted.code,
            token=form.token if form else self._secret(),
            nonce=self._secret(),
            said=[Said(self._door.greet(_WEB, screen, wanted.code))],
            at=int(self._now()),
            writable=screen == HIDDEN,
            chosen=wanted.chosen,
            clear=True,
            keep_echo=False,
            languages=[(code, LOCALES[code]) for code in LOCALES if code in locales],
            whole=True,
        )

    def _broken(self, request: Request, form: Submission) -> Response:
        """Show the numbers. The form is the same again, so that trying again never counts twice."""
        event = Tapped(_tap(form.tap)) if form.tap else Text(form.text)
        bubble = self._door.emergency(self._incoming(request, form, event))
        view = View(
            locale=form.locale,
            token=form.token,
            nonce=form.nonce,
            said=[Said(bubble)],
            last=form.last,
            at=form.at or int(self._now()),
            begun=form.begun,
            writable=form.begun or bool(form.text),
            chosen=form.chosen,
            keep_echo=False,
            typed=form.text,
            status=self._word("web_not_sent", form.locale),
        )
        return self._show(request, view, 503)

    def _too_large(self, request: Request) -> Response:
        """Show the numbers and how to go on. The form is unknown: it was never read."""
        wanted = self._wanted(request)
        note = self._word("web_too_large", wanted.code)
        return self._show(request, replace(self._fresh(wanted, PHONE), note=note), 413)

    def _show(self, request: Request, view: View, status: int = 200) -> Response:
        if _wants_fragment(request):
            return self._pages.fragment(view, status)
        return self._pages.page(view, status)

    # --- languages ----------------------------------------------------------------------------

    def _wanted(self, request: Request) -> "_Wanted":
        """Return the locale the browser asks for; it is used for this answer and not kept."""
        return _Wanted(negotiated(request.headers, self._locales()))

    def _page_locale(self, request: Request, form: Submission) -> str:
        return form.locale if form.locale in self._locales() else self._wanted(request).code

    def _speaking(self, form: Submission, said: Sequence[Said]) -> str:
        """Return the locale of the page: that of the last answer, unless it only shows Danish."""
        if not said or form.tap == _IN_DANISH:
            return form.locale
        return said[-1].bubble.locale


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A locale for a page: what the browser hints at ("" if nothing fits), or what was chosen."""

    hint: str
    chosen: bool = False

    @property
    def code(self) -> str:
        return self.hint or "en"


def negotiated(headers: Headers, locales: Sequence[str]) -> str:
    """Return the first locale of Accept-Language, in order of preference, that is served."""
    ranked: list[tuple[float, str]] = []
    for part in headers.get("accept-language", "").split(",")[:_LANGUAGE_TAGS]:
        tag, _, weight = part.partition(";q=")
        try:
            ranked.append((-float(weight or 1), tag))
        except ValueError:
            continue
    ranked.sort(key=lambda pair: pair[0])
    return next((found for _, tag in ranked if (found := negotiate(tag, locales))), "")


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


def _with_person(thread: Sequence[Said]) -> bool:
    """Tell whether a person may answer now, and no button of the last message looks for it."""
    if not thread:
        return False
    last = thread[-1]
    offered = any(choice.data == LOOK for row in last.bubble.rows for choice in row)
    return not offered and (bool(last.person) or last.bubble.screen == JOINED)


def _wants_fragment(request: Request) -> bool:
    return FRAGMENT in request.headers.get("accept", "")
