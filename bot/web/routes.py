"""How a page of the console is declared: with who may see it. There is no other way to add one.

The guard asks in this order: does it come from here, who is it, may they, is it theirs, did they
prove it just now. What a person may not see does not exist for them (404); what their role lacks
is refused (403).
"""

import enum
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.factors import Session
from bot.domain.staff import Permission
from bot.services.content.calling import cooling
from bot.web.desk import desk_of, session_of
from bot.web.forgery import (
    SAFE_METHODS,
    check_kind,
    check_origin,
    check_reader,
    check_token,
    check_upload,
)
from bot.web.refusals import prove_first, sign_in_first

Endpoint = Callable[[Request], Awaitable[Response]]
Owns = Callable[[Request, Session], Awaitable[bool]]


class Open(enum.StrEnum):
    """Pages that ask for no permission."""

    EVERYBODY = "everybody"  # also those who are not signed in
    STAFF = "staff"  # everybody who is signed in


class Declared(Route):
    """A route with its rights, which the guard enforces and the rights matrix reads."""

    def __init__(
        self,
        path: str,
        endpoint: Endpoint,
        *,
        methods: Sequence[str],
        permission: Permission | Open,
        owns: Owns | None,
        fresh: bool,
        quiet: bool,
        upload: bool,
    ) -> None:
        self.permission = permission
        self.owns = owns
        self.fresh = fresh
        self.quiet = quiet
        self.upload = upload
        self.answer = endpoint
        super().__init__(path, self._guarded, methods=list(methods), name=endpoint.__name__)

    async def _guarded(self, request: Request) -> Response:
        try:
            return await self._answered(request)
        finally:
            if self.upload:
                await request.close()

    async def _answered(self, request: Request) -> Response:
        unsafe = request.method not in SAFE_METHODS
        if unsafe:
            check_origin(request)
            (check_upload if self.upload else check_kind)(request)
        else:
            check_reader(request)
        if self.permission is not Open.EVERYBODY:
            refused = await self._refusal(request, unsafe=unsafe)
            if refused is not None:
                return refused
            if not self.quiet:
                request.state.stoppable = await stoppable(request)
        return await self.answer(request)

    async def _refusal(self, request: Request, *, unsafe: bool) -> Response | None:
        desk = desk_of(request)
        token = desk.cookie.read(request)
        session = await desk.sessions.find(token, quiet=self.quiet) if token else None
        if session is None:
            return sign_in_first(request)
        request.state.session = session
        if unsafe:
            await check_token(request, session, files=int(self.upload))
        if isinstance(self.permission, Permission) and not session.staff.may(self.permission):
            raise HTTPException(403)
        if self.owns is not None and not await self.owns(request, session):
            raise HTTPException(404)
        if self.fresh and not session.is_fresh(desk.clock.now()):
            return prove_first(request)
        return None


async def stoppable(request: Request) -> int:
    """Return how many changes wait that whoever looks may stop: each page of theirs says so."""
    if not session_of(request).staff.may(Permission.PUBLISH):
        return 0
    desk = desk_of(request)
    async with desk.store.begin() as unit:
        return len(cooling(await unit.contents.every_open(), desk.clock.now()))


def route(
    path: str,
    endpoint: Endpoint,
    methods: Sequence[str] = ("GET",),
    *,
    permission: Permission | Open,
    owns: Owns | None = None,
    fresh: bool = False,
    quiet: bool = False,
    upload: bool = False,
) -> Declared:
    """Declare a page.

    ``owns`` tells whether what the path names belongs to the person; ``fresh`` asks for a proof of
    the last five minutes; ``quiet`` ones do not count as activity: pages ask for them;
    ``upload`` takes a form with one file.
    """
    return Declared(
        path,
        endpoint,
        methods=methods,
        permission=permission,
        owns=owns,
        fresh=fresh,
        quiet=quiet,
        upload=upload,
    )


def declared(routes: Sequence[Any]) -> Sequence[Declared]:
    """Return those of some routes that were declared here."""
    return [one for one in routes if isinstance(one, Declared)]
