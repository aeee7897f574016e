"""Roles and rights, aliases, and the wait between tries."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import AliasError, RolesConflictError
from bot.domain.staff import (
    Permission,
    Role,
    Staff,
    StaffId,
    alias_key,
    can,
    check_alias,
    check_roles,
    needs_passkey,
)
from bot.domain.tries import LONGEST_WAIT, Tries

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_who_may_do_what() -> None:
    """Written out once more by hand: a change of the table must be meant."""
    allowed = {
        Permission.TAKE_CONVERSATIONS: {Role.RESPONDER, Role.SUPERVISOR},
        Permission.READ_OWN_CONVERSATION: {Role.RESPONDER, Role.SUPERVISOR},
        Permission.BE_RUNG: {Role.RESPONDER, Role.SUPERVISOR, Role.EDITOR, Role.PUBLISHER},
        Permission.SUPERVISE: {Role.SUPERVISOR},
        Permission.SEE_FIGURES: {Role.SUPERVISOR, Role.ADMIN},
        Permission.SEE_CONTENT: {Role.EDITOR, Role.TRANSLATOR, Role.PUBLISHER},
        Permission.EDIT_CONTENT: {Role.EDITOR},
        Permission.TRANSLATE: {Role.TRANSLATOR},
        Permission.PUBLISH: {Role.PUBLISHER},
        Permission.MANAGE_STAFF: {Role.ADMIN},
        Permission.READ_AUDIT: {Role.AUDITOR},
    }
    assert allowed.keys() == set(Permission)
    for permission, roles in allowed.items():
        assert {role for role in Role if can({role}, permission)} == roles


def test_somebody_without_a_role_may_nothing() -> None:
    assert not any(can((), permission) for permission in Permission)


def test_roles_add_up() -> None:
    assert can({Role.EDITOR, Role.PUBLISHER}, Permission.PUBLISH)
    assert can({Role.EDITOR, Role.PUBLISHER}, Permission.EDIT_CONTENT)


def test_who_is_switched_off_may_nothing() -> None:
    ana = Staff(StaffId("ana"), "Ana", frozenset(Role), NOW, disabled=True)
    assert not any(ana.may(permission) for permission in Permission)


@pytest.mark.parametrize(
    "roles",
    [
        set(),
        {Role.ADMIN, Role.RESPONDER},
        {Role.ADMIN, Role.SUPERVISOR},
        {Role.AUDITOR, Role.RESPONDER},
        {Role.AUDITOR, Role.ADMIN},
    ],
)
def test_roles_that_exclude_one_another(roles: set[Role]) -> None:
    with pytest.raises(RolesConflictError):
        check_roles(roles)


@pytest.mark.parametrize(
    "roles",
    [{Role.RESPONDER, Role.SUPERVISOR, Role.EDITOR, Role.PUBLISHER}, {Role.ADMIN, Role.PUBLISHER}],
)
def test_roles_that_go_together(roles: set[Role]) -> None:
    assert check_roles(roles) == roles


def test_admins_and_publishers_need_a_passkey() -> None:
    assert {role for role in Role if needs_passkey({role})} == {Role.ADMIN, Role.PUBLISHER}
    assert needs_passkey({Role.RESPONDER, Role.PUBLISHER})


@pytest.mark.parametrize("alias", ["Ana", "  Ana ", "Bo 2", "Søren", "Mary-Ann", "O'Hara", "ไทย"])
def test_aliases(alias: str) -> None:
    assert check_alias(alias) == alias.strip()


@pytest.mark.parametrize(
    "alias", ["", " ", "-", "a" * 25, "<b>", "a\u202eb", "a\u200bb", "a_b", "Ana!", "a--b", "1,2"]
)
def test_what_is_no_alias(alias: str) -> None:
    with pytest.raises(AliasError):
        check_alias(alias)


def test_an_alias_is_the_same_in_any_case() -> None:
    assert alias_key(" ANA  maria ") == alias_key("ana Maria")


# --- tries ------------------------------------------------------------------------------------


def waits(tries: Tries, times: int, *, apart: timedelta = timedelta(0)) -> list[float]:
    """Fail some times and return the wait after each."""
    found = []
    for n in range(times):
        tries.failed("ana", NOW + n * apart)
        found.append(tries.wait("ana", NOW + n * apart).total_seconds())
    return found


def test_the_wait_doubles_from_the_fifth_try_on_and_has_an_end() -> None:
    assert waits(Tries(), 9) == [0, 0, 0, 0, 2, 4, 8, 16, 32]
    assert waits(Tries(), 2000)[-1] == LONGEST_WAIT.total_seconds()


def test_the_wait_runs_out() -> None:
    tries = Tries()
    waits(tries, 6)
    assert tries.wait("ana", NOW + timedelta(seconds=3)) == timedelta(seconds=1)
    assert tries.wait("ana", NOW + timedelta(seconds=4)) == timedelta(0)


def test_tries_far_apart_never_add_up() -> None:
    assert set(waits(Tries(), 50, apart=MINUTE)) == {0}


def test_a_guesser_who_keeps_on_is_not_forgiven() -> None:
    tries = Tries()
    waits(tries, 12)
    later = NOW + LONGEST_WAIT
    tries.failed("ana", later)
    assert tries.wait("ana", later) == LONGEST_WAIT


def test_others_do_not_wait_and_success_forgives() -> None:
    tries = Tries()
    waits(tries, 6)
    assert tries.wait("bo", NOW) == timedelta(0)
    tries.succeeded("ana")
    assert tries.wait("ana", NOW) == timedelta(0)
