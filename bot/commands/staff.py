"""``havn staff``: accounts from the command line, also when no admin is there to make them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import click
from rich.console import Console
from rich.table import Table

from bot.adapters.clock import SystemClock
from bot.bootstrap import open_store
from bot.domain.audit import OPERATOR
from bot.domain.staff import INVITATION, Role, needs_passkey
from bot.services.staff import Accounts
from bot.services.staff.accounts import Listed
from bot.settings import Settings


@asynccontextmanager
async def _accounts(settings: Settings) -> AsyncIterator[Accounts]:
    async with open_store(settings) as (store, _):
        yield Accounts(store, SystemClock())


async def invite(
    settings: Settings, alias: str, roles: Sequence[str], locales: Sequence[str] = ()
) -> None:
    """Make an account and print its link."""
    chosen = {Role.RESPONDER if role == "counsellor" else Role(role) for role in roles}
    async with _accounts(settings) as accounts:
        token = await accounts.invite(alias, chosen, OPERATOR, locales)
    _print_link(settings, token, passkey=needs_passkey(chosen))


async def show(settings: Settings, console: Console) -> None:
    """Print everybody."""
    async with _accounts(settings) as accounts:
        listed = await accounts.listed()
    if not listed:
        console.print("Nobody has an account. Begin with: havn staff invite --role admin --alias …")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Alias", "Roles", "State", "Signs in with"):
        table.add_column(column)
    for one in listed:
        staff = one.account.staff
        roles = ", ".join(sorted(staff.roles))
        if staff.translates:
            roles += f": {', '.join(sorted(staff.translates))}"
        table.add_row(staff.alias, roles, _state(one), _ways(one))
    console.print(table)


async def disable(settings: Settings, alias: str) -> None:
    """Switch somebody off."""
    async with _accounts(settings) as accounts:
        staff = await accounts.find(alias)
        await accounts.disable(staff.id, OPERATOR)
    click.echo(f"{staff.alias} is switched off; every session ended.")


async def reset(settings: Settings, alias: str) -> None:
    """Void what somebody signed in with and print a new link."""
    async with _accounts(settings) as accounts:
        staff = await accounts.find(alias)
        token = await accounts.reset(staff.id, OPERATOR)
    click.echo(f"Everything {staff.alias} signed in with is void; every session ended.")
    _print_link(settings, token, passkey=needs_passkey(staff.roles))


def _print_link(settings: Settings, token: str, *, passkey: bool) -> None:
    """Print a link on a line of its own, so that scripts find it; what it means goes beside."""
    click.echo(f"{settings.console_address.rstrip('/')}/enrol/{token}")
    hours = int(INVITATION.total_seconds() // 3600)
    click.echo(f"It works once, within {hours} hours. Hand it over in person.", err=True)
    if passkey:
        click.echo(
            "These roles enrol with a passkey: a phone, a computer with a fingerprint reader, or a "
            "security key.",
            err=True,
        )


def _state(one: Listed) -> str:
    if one.account.staff.disabled:
        return "switched off"
    if one.account.active:
        return "active"
    if one.invited_until:
        return f"invited until {_written(one.invited_until)}"
    return "invitation expired: havn staff reset"


def _ways(one: Listed) -> str:
    factors = one.account.factors
    ways = ["passkey"] * bool(factors.passkeys) + ["password and codes"] * bool(factors.password)
    return ", ".join(ways) or "–"


def _written(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
