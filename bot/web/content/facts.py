"""The fact registry: the list of facts, and the card of each one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.content_ports import LONGEST_REMARK, VISITOR, Remark
from bot.domain.content import Change, ChangeId, Item, State, Value, digest
from bot.domain.content.guard import is_guarded
from bot.domain.errors import ChangedError, ContentError
from bot.domain.staff import Permission, StaffId
from bot.i18n.values import COPENHAGEN
from bot.services.content import NotGoodError, Seen, may_edit, screens_of
from bot.services.content.facts import Standing, called, reads, rows, source_of
from bot.web.answers import fields, send_on
from bot.web.content.parts import CONTENT, content_of, differences, summary
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.queue import aliases
from bot.web.routes import Declared, route
from bot.web.words import Say

FACTS = f"{CONTENT}/facts"
# In characters; more is no search.
_LONGEST_SEARCH = 100
_HISTORY = 20
# Names the value that came with Havn where an earlier change would be named.
SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a fact's history: what it said then, and how that differs from what was before."""

    change: Change
    people: str
    approved_by: str
    says: str
    pieces: Sequence[tuple[str, str]]
    other: bool


async def facts_page(request: Request) -> Response:
    """Show the facts, all of them or some."""
    content = content_of(request)
    today = content.clock.now().astimezone(COPENHAGEN).date()
    found = rows(content.library.served, await content.waiting(), today)
    wanted, words = request.query_params.get("show", ""), request.query_params.get("q", "")
    standing = Standing(wanted) if wanted in set(Standing) else None
    words = words[:_LONGEST_SEARCH].strip()
    return pages_of(request).show(
        request,
        "facts.html",
        rows=[
            one
            for one in found
            if (standing is None or one.stands(standing)) and (not words or one.has(words))
        ],
        every=len(found),
        counts={one: sum(row.stands(one) for row in found) for one in Standing},
        standing=standing or "",
        words=words,
        called=called,
    )


async def fact_page(request: Request) -> Response:
    """Show one fact with all that is known about it."""
    return await _card(request)


async def remark(request: Request) -> Response:
    """Say something about a fact, or report it."""
    item = fact_in(request)
    text, report = await fields(request, "text", "report")
    try:
        by = session_of(request).staff.id
        await content_of(request).remark(item, by, text, report=report == "1")
    except ContentError as error:
        return await _card(request, error=str(error), typed=text[: LONGEST_REMARK * 2])
    return send_on(request, f"{FACTS}/{item.key}#remarks")


async def settle(request: Request) -> Response:
    """Settle what was reported about a fact."""
    item = fact_in(request)
    await content_of(request).settle(item, session_of(request).staff)
    return send_on(request, f"{FACTS}/{item.key}#remarks")


async def undo(request: Request) -> Response:
    """Propose an earlier value again; it needs approval as any other."""
    item = fact_in(request)
    (former,) = await fields(request, "former")
    content, by = content_of(request), session_of(request).staff
    try:
        if former == SHIPPED:
            value = content.library.shipped.registry[item.key].written()
            base = digest(content.library.served.value(item))
            change = await content.edit(item, value, Seen(None, 0, base), by)
        else:
            change = await content.undo(item, ChangeId(former), by)
    except ChangedError:
        return await _card(request, error="open")
    except NotGoodError as error:
        return await _card(request, findings=summary(error.judgement.errors))
    except ContentError:
        raise HTTPException(404) from None
    return send_on(request, f"{CONTENT}/change/{change.id}")


def fact_in(request: Request) -> Item:
    """Return the fact that the address names; 404 for none."""
    try:
        item = Item.parse(f"fact/{request.path_params['key']}")
    except ContentError:
        raise HTTPException(404) from None
    if item.key not in content_of(request).library.served.registry:
        raise HTTPException(404)
    return item


async def names(request: Request) -> Mapping[StaffId, str]:
    """Return the aliases of staff, and what a visitor is called."""
    say = _words(request)
    return {**await aliases(desk_of(request)), VISITOR: say("A visitor")}


def _words(request: Request) -> Say:
    return desk_of(request).words.say(pages_of(request).locale(request))


async def _card(
    request: Request,
    *,
    error: str = "",
    typed: str = "",
    findings: Sequence[tuple[str, str]] = (),
) -> Response:
    item, content = fact_in(request), content_of(request)
    served = content.library.served
    live = served.registry[item.key]
    async with content.store.begin() as unit:
        history = await unit.contents.history(item, _HISTORY)
        remarks: Sequence[Remark] = await unit.contents.remarks(item)
        opened = await unit.contents.open_for(item)
    today = content.clock.now().astimezone(COPENHAGEN).date()
    known = await names(request)
    return pages_of(request).show(
        request,
        "fact.html",
        400 if error or findings else 200,
        item=item,
        fact=live,
        title=called(item.key),
        called=called,
        reads=reads(served, live),
        guarded=is_guarded(item, live.written(), served.deck, served.registry),
        overdue=live.is_overdue(today),
        today=today,
        screens=sorted(screens_of(item, served)),
        opened=opened,
        steps=_steps(request, item, history, known),
        shipped=_shipped(request, item),
        remarks=[(one, known.get(one.by, one.by)) for one in remarks],
        reported=any(one.report and not one.settled for one in remarks),
        edits=may_edit(session_of(request).staff, item),
        longest=LONGEST_REMARK,
        error=error,
        typed=typed,
        findings=findings,
    )


def _steps(
    request: Request, item: Item, history: Sequence[Change], known: Mapping[StaffId, str]
) -> Sequence[Step]:
    """Return the history, newest first, each step against what was live before it."""
    content = content_of(request)
    served, live = content.library.served, content.library.served.value(item)
    found: list[Step] = []
    before = _shipped_value(request, item)
    for change in reversed(history):
        old, new = (source_of(content.judge, served, item, v) for v in (before, change.value))
        found.append(
            Step(
                change,
                people=", ".join(sorted(known.get(one, one) for one in change.authors)),
                approved_by=known.get(change.approved_by, "") if change.approved_by else "",
                says=new,
                pieces=differences(old, new),
                other=change.state in (State.LIVE, State.DROPPED) and change.value != live,
            )
        )
        if change.state is State.LIVE:
            before = change.value
    return found[::-1]


def _shipped_value(request: Request, item: Item) -> Value:
    registry = content_of(request).library.shipped.registry
    return registry[item.key].written() if item.key in registry else {}


def _shipped(request: Request, item: Item) -> str:
    """Return the value that came with Havn where another one is live now, else ""."""
    content, value = content_of(request), _shipped_value(request, item)
    if not value or value == content.library.served.value(item):
        return ""
    return source_of(content.judge, content.library.served, item, value)


def fact_routes() -> list[Declared]:
    """Return the routes of this module."""
    see, edit = Permission.SEE_CONTENT, Permission.EDIT_CONTENT
    return [
        route(FACTS, facts_page, permission=see),
        route(f"{FACTS}/{{key}}", fact_page, permission=see),
        route(f"{FACTS}/{{key}}/remark", remark, ["POST"], permission=see),
        route(f"{FACTS}/{{key}}/settle", settle, ["POST"], permission=edit),
        route(f"{FACTS}/{{key}}/undo", undo, ["POST"], permission=edit),
    ]
