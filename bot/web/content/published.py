"""What was published, whether it is live everywhere, and the way back to an earlier version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from bot.content_ports import Signed
from bot.domain.content import NOTHING, Bundle, Change, Item, ItemKind, State
from bot.domain.errors import BundleError, ChangedError, ContentError
from bot.domain.staff import Permission
from bot.ports import UnitOfWork
from bot.services.content import SILENT, Library
from bot.services.content.live import ON_ITS_WAY, LiveCheck, live_check
from bot.services.content.watching import differing
from bot.web.answers import fields, send_on
from bot.web.content.naming import Named, named
from bot.web.content.parts import CONTENT, content_of
from bot.web.desk import desk_of, session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

PUBLISHED = f"{CONTENT}/published"
# Versions on the page, and changes named under each.
_LISTED = 30
_NAMED = 12


@dataclass(frozen=True, slots=True)
class Version:
    """A bundle on the page; ``bundle`` is None where its signature does not stand."""

    number: int
    bundle: Bundle | None
    changed: Sequence[Named]
    more: int = 0
    live: bool = False


async def published_page(request: Request) -> Response:
    """Show every version, newest first."""
    return await _page(request)


async def bring_back(request: Request) -> Response:
    """Ask for an earlier version, which takes one publisher and no second person."""
    (number,) = await fields(request, "number")
    content = content_of(request)
    if not number.isdecimal() or len(number) > 9:  # noqa: PLR2004 -- digits of a bundle's name
        return await _page(request, problem="none")
    try:
        await content.go_back(int(number), session_of(request).staff)
    except ChangedError:
        return await _page(request, problem="asked")
    except ContentError:
        return await _page(request, problem="none")
    return send_on(request, PUBLISHED)


async def check_of(unit: UnitOfWork, request: Request) -> LiveCheck:
    """Return whether the newest version is live everywhere."""
    library, now = content_of(request).library, desk_of(request).clock.now()
    newest = _newest(await unit.contents.after(library.bundle.number), library)
    servings = await unit.contents.servings(now - SILENT)
    locales = library.served.texts.locales
    return live_check(servings, newest.number, newest.made_at, locales, now)


def live_by(change: Change) -> datetime | None:
    """Return when a change that nobody stops is live at the latest; None before its approval."""
    return change.live_from + ON_ITS_WAY if change.live_from else None


def _newest(above: Sequence[Signed], library: Library) -> Bundle:
    """Return the newest bundle that the signer signed; this process may not have taken it yet."""
    newest = library.bundle
    for signed in above:
        found = _verified(signed, library)
        newest = found if found is not None else newest
    return newest


async def _page(request: Request, *, problem: str = "") -> Response:
    desk, library = desk_of(request), content_of(request).library
    async with desk.store.begin() as unit:
        stored = await unit.contents.bundles(_LISTED + 1)
        check = await check_of(unit, request)
        wishes = [
            change
            for change in await unit.contents.every_open()
            if change.item.kind is ItemKind.BUNDLE and change.state is State.APPROVED
        ]
    return pages_of(request).show(
        request,
        "published.html",
        409 if problem else 200,
        versions=_versions(stored, library, request),
        check=check,
        live=library.bundle,
        wishes=[named(wish.item, request).title for wish in wishes],
        may=session_of(request).staff.may(Permission.PUBLISH),
        problem=problem,
        more=len(stored) > _LISTED,
    )


def _versions(stored: Sequence[Signed], library: Library, request: Request) -> Sequence[Version]:
    bundles = [(signed.number, _verified(signed, library)) for signed in stored]
    versions = []
    for place, (number, bundle) in enumerate(bundles[:_LISTED]):
        earlier = (found for _, found in bundles[place + 1 :] if found is not None)
        before = next(earlier, NOTHING)
        items = list(differing(before, bundle)) if bundle else []
        versions.append(_version(number, bundle, items, library, request))
    return versions


def _version(
    number: int, bundle: Bundle | None, items: Sequence[Item], library: Library, request: Request
) -> Version:
    shown = [named(item, request) for item in items[:_NAMED]]
    live = bundle is not None and number == library.bundle.number
    return Version(number, bundle, shown, len(items) - len(shown), live)


def _verified(signed: Signed, library: Library) -> Bundle | None:
    try:
        return library.read(signed)
    except BundleError:
        return None


def published_routes() -> list[Declared]:
    """Return the routes of this module."""
    publish = Permission.PUBLISH
    return [
        route(PUBLISHED, published_page, permission=Permission.SEE_CONTENT),
        route(f"{PUBLISHED}/back", bring_back, ["POST"], permission=publish, fresh=True),
    ]
