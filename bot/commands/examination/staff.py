"""Who could answer a visitor, who could let somebody in, and who holds the audit trail's key.

Keys are not opened for this: whoever has an account, is not switched off and has used their
invitation can sign in.
"""

import sqlite3
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

from sqlalchemy import Connection, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.adapters.sealing.own import FIRST
from bot.adapters.storage.engine import make_engine
from bot.adapters.storage.staff_tables import invitations, staff
from bot.bootstrap import database_url
from bot.commands.examination.finding import Finding, Mark
from bot.domain.errors import ConfigurationError
from bot.domain.staff import Role, can_answer
from bot.settings import Settings, is_local

AREA = "Staff"
_ACTIVE = (
    select(staff.c.roles)
    .outerjoin(invitations, invitations.c.staff_id == staff.c.id)
    .where(~staff.c.disabled, ~staff.c.demo, invitations.c.staff_id.is_(None))
)
Roles = frozenset[Role]


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Look at the accounts of the console, at its address and at the key of the trail."""
    yield _address(settings)
    try:
        active = await _active(database_url(settings))
    except (ConfigurationError, SQLAlchemyError, OSError) as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        do = "see Database above"
        yield Finding(AREA, "Accounts", Mark.UNKNOWN, f"cannot be read ({kind})", do)
    else:
        yield _answering(active)
        yield _letting_in(active)
        yield _publishing(active)
    yield _trail_key(settings.keys_folder / "keys.db")


def _address(settings: Settings) -> Finding:
    if is_local(settings.console_address):
        do = "set HAVN_CONSOLE_URL to the https address of the console before inviting anybody"
        return Finding(AREA, "Console", Mark.LOOK, "reached on this machine only", do)
    if not settings.console_url:
        do = "set HAVN_CONSOLE_URL: without https nobody can sign in"
        return Finding(AREA, "Console", Mark.LOOK, "its address is not set", do)
    return Finding(AREA, "Console", Mark.FINE, settings.console_url)


async def _active(url: str) -> Sequence[Roles]:
    """Return the roles of everybody who can sign in; nobody where there is no database yet."""
    if not _exists(url):
        return []
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_read)
    finally:
        await engine.dispose()


def _exists(url: str) -> bool:
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").exists()


def _read(connection: Connection) -> Sequence[Roles]:
    if not inspect(connection).has_table(staff.name):
        return []
    known = set(Role)
    return [
        frozenset(Role(role) for role in row.roles.split() if role in known)
        for row in connection.execute(_ACTIVE)
    ]


def _answering(active: Collection[Roles]) -> Finding:
    answering = sum(can_answer(roles) for roles in active)
    if answering:
        return Finding(AREA, "Counsellors", Mark.FINE, f"{answering} can sign in")
    do = "havn staff invite --role counsellor --alias NAME"
    return Finding(AREA, "Counsellors", Mark.LOOK, "nobody can answer a visitor", do)


def _letting_in(active: Collection[Roles]) -> Finding:
    admins = sum(Role.ADMIN in roles for roles in active)
    if admins > 1:
        return Finding(AREA, "Administrators", Mark.FINE, f"{admins} can sign in")
    says = "only one: nobody could give them a new link" if admins else "none"
    do = "havn staff invite --role admin --alias NAME"
    return Finding(AREA, "Administrators", Mark.LOOK, says, do)


def _publishing(active: Sequence[Roles]) -> Finding:
    """Tell whether two different people can bring a new text or fact to visitors."""
    editors = {i for i, roles in enumerate(active) if Role.EDITOR in roles}
    publishers = {i for i, roles in enumerate(active) if Role.PUBLISHER in roles}
    if any(one != other for one in editors for other in publishers):
        return Finding(AREA, "Editors", Mark.FINE, "two people can publish")
    do = "havn staff invite --role editor (and --role publisher, for somebody else) --alias NAME"
    return Finding(AREA, "Editors", Mark.LOOK, "nobody can publish: it takes two people", do)


def _trail_key(database: Path) -> Finding:
    what = "Key of the audit trail"
    if not database.exists():
        return Finding(AREA, what, Mark.FINE, "made with the first entry")
    try:
        here = _lies_here(database)
    except sqlite3.Error as error:
        kind = type(error).__name__
        return Finding(AREA, what, Mark.UNKNOWN, f"cannot be read ({kind})", "see Key files above")
    if here:
        do = "havn audit start, with an auditor who keeps the key elsewhere"
        return Finding(AREA, what, Mark.LOOK, "still lies on this machine", do)
    return Finding(AREA, what, Mark.FINE, "not on this machine")


def _lies_here(database: Path) -> bool:
    connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=2)
    try:
        tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'own_keys'")
        if tables.fetchone() is None:
            return False
        row = connection.execute("SELECT 1 FROM own_keys WHERE name = ?", [FIRST]).fetchone()
        return row is not None
    finally:
        connection.close()
