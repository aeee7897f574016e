"""A talk: the page of a counsellor who holds a conversation, and what is written there.

The page refreshes parts of itself from ``/now``; what is being typed is never replaced. A form
sent by its script is answered with the page, one sent without a script is led back to it: to load
the page is to open the talk, which is recorded each time.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import wraps

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.errors import (
    ConversationGoneError,
    HavnError,
    LanguageChangedError,
    LineTooLongError,
    NothingToTransferError,
    NotYoursError,
    TranslatorUnavailableError,
    UnfaithfulError,
)
from bot.domain.factors import Session
from bot.domain.faithful import Fault
from bot.domain.handover import LevelReason, Outcome, Referral, Topic
from bot.domain.messages import Channel, MessageId, Reply
from bot.domain.staff import Permission
from bot.domain.triage import Level
from bot.services.hotline import Draft, Preview, Talk, Translated, preview
from bot.services.hotline.speaking import LONGEST_LINE
from bot.services.reply import CANNED
from bot.web.answers import fields, send_on
from bot.web.desk import Desk, floor_of, session_of
from bot.web.pages import pages_of
from bot.web.queue import aliases, colleagues, number_in, talk_path
from bot.web.routes import Declared, Endpoint, route
from bot.web.translation import show_translation, translates

_READ = Permission.READ_OWN_CONVERSATION
# What the page's script accepts: the page itself instead of a way back to it.
FRAGMENT = "text/vnd.havn.fragment"
# What a counsellor may say of an end; that a visitor left is noted by itself.
OUTCOMES = tuple(one for one in Outcome if one not in (Outcome.LEFT, Outcome.FORGOTTEN))
# Words of the deck that tell the visitor why a colleague is asked.
REASONS = ("transfer_language", "transfer_shift", "transfer_children", "transfer_experience")


@dataclass(frozen=True, slots=True)
class Ready:
    """A sentence that can be sent as it is: as the counsellor reads it, and as the visitor does."""

    screen: str
    mine: str
    theirs: str


async def talk_page(request: Request) -> Response:
    """Open a talk; that it was opened is recorded."""
    floor, staff = floor_of(request), session_of(request).staff
    talk = await floor.reader.open(staff.id, number_in(request, "held"))
    return await _show(request, talk)


async def talk_now(request: Request) -> Response:
    """Show the parts of an opened talk that change."""
    return await show_talk(request)


async def translation(request: Request) -> Response:
    """Show a line of the visitor translated by machine."""
    floor, staff = floor_of(request), session_of(request).staff
    number = number_in(request, "held")
    talk = await floor.reader.reread(staff.id, number)
    return await show_translation(request, talk, talk_path(floor, number))


async def say(request: Request) -> Response:
    """Send a line. One that is empty or too long is refused and stays in its box."""
    text, once = await fields(request, "text", "once")
    text = text.replace("\r\n", "\n").strip()
    if not text:
        return await show_talk(request, "empty")
    floor, staff = floor_of(request), session_of(request).staff
    number = number_in(request, "held")
    try:
        fresh = await floor.hotline.say(staff.id, staff.alias, number, text, once)
    except LineTooLongError:
        await _redraft(request, text)
        return await show_talk(request, "long", typed=text)
    return await done(request) if fresh else await _repeated(request, text)


async def say_preview(request: Request) -> Response:
    """Show a line translated by machine and back; it is not sent, and stays in its box."""
    (text,) = await fields(request, "text")
    text = text.replace("\r\n", "\n").strip()
    if not text:
        return await show_talk(request, "empty")
    floor, staff = floor_of(request), session_of(request).staff
    number, locale = number_in(request, "held"), pages_of(request).locale(request)
    talk = await floor.reader.reread(staff.id, number)
    if not translates(floor, talk, locale):
        raise HTTPException(404)
    await _redraft(request, text)
    try:
        ready = await preview(floor.translator, text, locale, talk.card.locale)
    except (TranslatorUnavailableError, UnfaithfulError, LineTooLongError) as error:
        return await show_talk(request, _not_translated(error), typed=text)
    return await show_talk(request, typed=text, shown=ready)


async def say_translated(request: Request) -> Response:
    """Send a line in the machine's words that were shown before: the second press approves them."""
    text, said, locale, once = await fields(request, "text", "translated", "locale", "once")
    text, said = (one.replace("\r\n", "\n").strip() for one in (text, said))
    floor, staff = floor_of(request), session_of(request).staff
    number = number_in(request, "held")
    if not floor.translator.ready:
        raise HTTPException(404)
    if not text:
        return await show_talk(request, "empty")
    line = Translated(text, said, locale)
    try:
        fresh = await floor.hotline.say_translated(staff.id, staff.alias, number, line, once)
    except (LanguageChangedError, UnfaithfulError, LineTooLongError) as error:
        await _redraft(request, text)
        return await show_talk(request, _not_translated(error), typed=text)
    return await done(request) if fresh else await _repeated(request, text)


def _not_translated(error: HavnError) -> str:
    """Return the page's word for why a line was not translated, or not sent so."""
    match error:
        case UnfaithfulError(fault=Fault.NUMBERS):
            return "numbers"
        case LanguageChangedError():
            return "language"
        case LineTooLongError():
            return "long_translated"
        case _:
            return "no_translation"


async def _repeated(request: Request, text: str) -> Response:
    """Answer a press that was there before: mostly the same line twice, then all is well.

    A page brought back by "Back" can send another line in its name; that one goes into the box.
    """
    floor, staff = floor_of(request), session_of(request).staff
    number = number_in(request, "held")
    talk = await floor.reader.reread(staff.id, number)
    if any(one.author == "staff" and text in (one.text, one.original) for one in talk.said):
        return await done(request)
    await _redraft(request, text)
    return await show_talk(request, "stale", typed=text)


async def _redraft(request: Request, reply: str) -> None:
    """Keep a reply that was not sent beside what else is being typed."""
    floor, staff = floor_of(request), session_of(request).staff
    number = number_in(request, "held")
    talk = await floor.reader.reread(staff.id, number)
    await floor.hotline.keep_draft(staff.id, number, replace(talk.draft, reply=reply))


async def say_ready(request: Request) -> Response:
    """Send an approved sentence in the visitor's language."""
    screen, once = await fields(request, "screen", "once")
    floor, staff = floor_of(request), session_of(request).staff
    if not (screen.startswith(CANNED) and screen in floor.renderer.deck):
        raise HTTPException(400)
    number = number_in(request, "held")
    await floor.hotline.say_canned(staff.id, staff.alias, number, screen, f"{once} {screen}")
    return await done(request)


async def note(request: Request) -> Response:
    """Write a note for colleagues; nothing here can reach the visitor."""
    (text,) = await fields(request, "note")
    floor, staff = floor_of(request), session_of(request).staff
    if len(text) > LONGEST_LINE:
        return await show_talk(request, "long_note", note=text)
    await floor.hotline.note(staff.id, number_in(request, "held"), text, whisper=False)
    return await done(request)


async def draft(request: Request) -> Response:
    """Keep what is being typed."""
    typed = Draft(*await fields(request, "text", "need", "risk", "next"))
    floor, staff = floor_of(request), session_of(request).staff
    await floor.hotline.keep_draft(staff.id, number_in(request, "held"), typed)
    # The script asks for a document: one without a type would be read as XML, and fail.
    return Response(status_code=204, media_type="text/html")


async def done(request: Request) -> Response:
    """Answer a form that did what it should."""
    if _by_script(request):
        return await show_talk(request)
    floor = floor_of(request)
    return send_on(request, talk_path(floor, number_in(request, "held")))


async def show_talk(
    request: Request,
    error: str = "",
    *,
    typed: str | None = None,
    note: str = "",
    word: str = "",
    shown: Preview | None = None,
) -> Response:
    """Show an opened talk; with ``error`` as a refusal, and what was typed in its box.

    ``shown`` is a translation to be read before it is sent.
    """
    floor, staff = floor_of(request), session_of(request).staff
    talk = await floor.reader.reread(staff.id, number_in(request, "held"))
    return await _show(request, talk, error, typed=typed, note=note, word=word, shown=shown)


async def _show(
    request: Request,
    talk: Talk,
    error: str = "",
    *,
    typed: str | None = None,
    note: str = "",
    word: str = "",
    shown: Preview | None = None,
) -> Response:
    floor, staff = floor_of(request), session_of(request).staff
    board = await floor.reader.board(staff.id)
    names, locale = await aliases(floor), pages_of(request).locale(request)
    return pages_of(request).show(
        request,
        "talk.html",
        400 if error else 200,
        at=floor.path,
        here=talk_path(floor, talk.card.handover.id or 0),
        talk=talk,
        board=board,
        names=names,
        colleagues=colleagues(board, names, staff.id),
        beside=beside(floor, talk, locale),
        translator=floor.translator.ready,
        translates=translates(floor, talk, locale),
        ready=_ready(floor, talk, staff.alias, locale),
        reasons={key: floor.renderer.values.word(key, locale) for key in REASONS},
        once=secrets.token_urlsafe(12),
        limit=LONGEST_LINE,
        error=error,
        typed=talk.draft.reply if typed is None else typed,
        note=note,
        word=word,
        preview=shown,
        levels=list(reversed(Level)),
        level_reasons=list(LevelReason),
        outcomes=OUTCOMES,
        referrals=list(Referral),
        topics=list(Topic),
    )


def beside(floor: Desk, talk: Talk, locale: str) -> Mapping[MessageId, str]:
    """Return approved texts in the counsellor's language, by the message they stand beside."""
    return {
        one.id: floor.renderer.render(Reply(one.screen, locale, one.values), talk.card.channel).text
        for one in talk.said
        if one.screen and one.locale != locale
    }


def _ready(floor: Desk, talk: Talk, alias: str, locale: str) -> list[Ready]:
    """Return the sentences that can be sent, in the order of the deck."""

    def words(screen: str, locale: str) -> str:
        reply = Reply(screen, locale, {"staff_alias": alias})
        return floor.renderer.render(reply, Channel.WEB).text

    return [
        Ready(screen, words(screen, locale), words(screen, talk.card.locale))
        for screen in floor.renderer.deck.screens
        if screen.startswith(CANNED)
    ]


def _by_script(request: Request) -> bool:
    return FRAGMENT in request.headers.get("accept", "")


async def holds(request: Request, session: Session) -> bool:
    """Tell whether this person holds the conversation."""
    return await floor_of(request).reader.may_read(session.staff.id, number_in(request, "held"))


def of_holder(path: str, endpoint: Endpoint, *methods: str, quiet: bool = False) -> Declared:
    """Declare a page of the counsellor who holds a talk; it is not there (404) once they do not."""

    @wraps(endpoint)
    async def unless_lost(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (NotYoursError, NothingToTransferError, ConversationGoneError):
            raise HTTPException(404) from None

    methods = methods or ("GET",)
    return route(path, unless_lost, methods, permission=_READ, owns=holds, quiet=quiet)


def talk_routes(at: str = "") -> list[Declared]:
    """Return the routes of this module, below an address."""
    here = f"{at}/talk/{{held}}"
    return [
        of_holder(here, talk_page),
        of_holder(f"{here}/now", talk_now, quiet=True),
        of_holder(f"{here}/translation/{{message}}", translation, quiet=True),
        of_holder(f"{here}/say", say, "POST"),
        of_holder(f"{here}/say/preview", say_preview, "POST"),
        of_holder(f"{here}/say/translated", say_translated, "POST"),
        of_holder(f"{here}/ready", say_ready, "POST"),
        of_holder(f"{here}/note", note, "POST"),
        of_holder(f"{here}/draft", draft, "POST"),
    ]
