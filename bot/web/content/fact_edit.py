"""The editor of a fact: type, look at what visitors would see, send to review."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.content import Change, Item, Value
from bot.domain.errors import ChangedError
from bot.domain.facts import Fact, Kind
from bot.domain.messages import Bubble, Channel, Reply
from bot.domain.staff import Permission
from bot.domain.wording import RUNTIME, Finding
from bot.i18n.values import COPENHAGEN
from bot.services.content import Judgement, NotGoodError, Seen, screens_of
from bot.services.content.facts import called, reads, source_of, stale_after
from bot.services.reply import Renderer
from bot.web.answers import send_on
from bot.web.content.fact_form import (
    LONGEST,
    Reading,
    Typed,
    beside,
    filled,
    merged,
    read,
    typed,
)
from bot.web.content.facts import FACTS, fact_in, names
from bot.web.content.parts import CONTENT, content_of, seen_now, seen_then, summary
from bot.web.content.week import GRID
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

# What an editor looks at unless they choose others: their own, one that runs right to left, and
# one in letters that are neither.
_LOCALES = ("en", "ar", "th")
_SCREENS = 3
_CHECK, _SAVE, _SUBMIT = "check", "save", "submit"
_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Preview:
    """What visitors of a locale would read: the value, and messages on Telegram and on the web."""

    locale: str
    says: str
    bubbles: Sequence[tuple[str, Bubble, Bubble]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form is about: the open change and the live value, and what that adds up to."""

    item: Item
    opened: Change | None
    live: Value
    seen: Seen

    @property
    def base(self) -> Value:
        """Return the value that is edited further."""
        return self.opened.value if self.opened else self.live


async def edit_page(request: Request) -> Response:
    """Show the form."""
    draft = await _draft(request)
    fact = Fact.read(draft.item.key, draft.base)
    given = filled(fact, _today(request), draft=draft.opened is not None)
    return await _form(request, draft, given, locales=_LOCALES)


async def edit(request: Request) -> Response:
    """Look at what was typed, keep it as a draft, or send it to review."""
    form = await request.form(max_files=0)
    step, given, draft = form.get("step"), typed(form), await _draft(request)
    if step not in (_CHECK, _SAVE, _SUBMIT):
        raise HTTPException(400)
    locales = _chosen(request, form)
    if seen_then(form) != draft.seen:
        return await _merge(request, given, locales)
    reading = read(given, draft.base, draft.live, _today(request))
    if reading.errors:
        return await _form(request, draft, given, reading, locales=locales)
    if step == _CHECK:
        judgement = await content_of(request).judge_now(draft.item, reading.entry)
        return await _form(request, draft, given, reading, judgement, locales)
    try:
        change = await _store(request, draft, reading.entry, send=step == _SUBMIT)
    except ChangedError:
        return await _merge(request, given, locales)
    except NotGoodError as error:
        return await _form(request, draft, given, reading, error.judgement, locales)
    return send_on(request, f"{CONTENT}/change/{change.id}")


async def _store(request: Request, draft: Draft, entry: Value, *, send: bool) -> Change:
    content, by = content_of(request), session_of(request).staff
    change = await content.edit(draft.item, entry, draft.seen, by)
    return await content.submit(change.id, change.version, by) if send else change


async def _draft(request: Request) -> Draft:
    item, content = fact_in(request), content_of(request)
    async with content.store.begin() as unit:
        opened = await unit.contents.open_for(item)
    live = content.library.served.registry[item.key].written()
    return Draft(item, opened, live, seen_now(opened, item, content))


def _today(request: Request) -> date:
    return desk_of(request).clock.now().astimezone(COPENHAGEN).date()


def _chosen(request: Request, form: FormData) -> Sequence[str]:
    known = content_of(request).library.served.texts.locales
    wanted = [str(one) for one in form.getlist("locale") if one in known][: len(_LOCALES)]
    return [*wanted, *(one for one in _LOCALES[len(wanted) :] if one in known)]


async def _merge(request: Request, given: Typed, locales: Sequence[str]) -> Response:
    """Show what somebody else wrote beside what was typed, which stays in the form."""
    draft = await _draft(request)
    return await _form(request, draft, merged(given, draft.base), locales=locales, theirs=True)


async def _form(
    request: Request,
    draft: Draft,
    given: Typed,
    reading: Reading | None = None,
    judgement: Judgement | None = None,
    locales: Sequence[str] = _LOCALES,
    *,
    theirs: bool = False,
) -> Response:
    content, item = content_of(request), draft.item
    served = content.library.served
    fact = Fact.read(item.key, draft.base)
    found: Sequence[Finding] = judgement.errors if judgement else ()
    errors = {**(reading.errors if reading else {}), **beside(found)}
    known = await names(request)
    good = judgement is not None and judgement.passes and reading is not None
    entry = reading.entry if reading else {}
    return pages_of(request).show(
        request,
        "fact_edit.html",
        _status(errors, found, theirs=theirs),
        item=item,
        fact=fact,
        title=called(item.key),
        called=called,
        back=f"{FACTS}/{item.key}",
        given=given,
        seen=draft.seen,
        opened=draft.opened,
        people=", ".join(sorted(known.get(a, a) for a in draft.opened.authors))
        if draft.opened
        else "",
        theirs=source_of(content.judge, served, item, draft.base) if theirs else "",
        errors=errors,
        found=summary(found),
        hints=summary(judgement.hints) if judgement else (),
        guarded=good and judgement is not None and judgement.guarded,
        stale=list(stale_after(served, item, entry)) if good else None,
        previews=_previews(request, item, entry, locales) if good else (),
        chosen=locales,
        served=served.texts.locales,
        names=sorted(one.key for one in served.registry) if fact.kind is Kind.SENTENCE else (),
        longest=LONGEST,
        days=GRID,
        today=_today(request),
    )


def _status(errors: Mapping[str, str], found: Sequence[Finding], *, theirs: bool) -> int:
    if theirs:
        return _CONFLICT
    return 400 if errors or found else 200


def _previews(
    request: Request, item: Item, entry: Value, locales: Sequence[str]
) -> Sequence[Preview]:
    """Return messages as visitors would read them with a value that passes."""
    content = content_of(request)
    after = content.judge.with_value(item, entry, content.library.served)
    renderer = Renderer(after.deck, after.texts, after.values, lambda: _today(request))
    screens = sorted(screens_of(item, after))[:_SCREENS]

    def shown(screen: str, locale: str, channel: Channel) -> Bubble:
        return renderer.render(Reply(screen, locale, values=RUNTIME), channel)

    return [
        Preview(
            locale,
            reads(after, after.registry[item.key], locale),
            [
                (one, shown(one, locale, Channel.TELEGRAM), shown(one, locale, Channel.WEB))
                for one in screens
            ],
        )
        for locale in dict.fromkeys(locales)
    ]


def fact_edit_routes() -> list[Declared]:
    """Return the routes of this module."""
    return [
        route(f"{FACTS}/{{key}}/edit", edit_page, permission=Permission.EDIT_CONTENT),
        route(f"{FACTS}/{{key}}/edit", edit, ["POST"], permission=Permission.EDIT_CONTENT),
    ]
