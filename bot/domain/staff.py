"""Who works at the console and what each may do: one table, and no exception to it anywhere else.

Staff appear under an alias, which colleagues and visitors see; Havn never asks for a real name.
"""

import enum
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from bot.domain.errors import AliasError, LanguagesError, RolesConflictError

StaffId = NewType("StaffId", str)

# How long an invitation, or a link to enrol anew, can be used.
INVITATION = timedelta(hours=24)
_LONGEST_ALIAS = 24
_ALIAS = re.compile(r"[^\W_](?:[ .'-]?[^\W_]){0,23}")


class Role(enum.StrEnum):
    """What somebody does here; a person may hold several."""

    RESPONDER = "responder"
    SUPERVISOR = "supervisor"
    EDITOR = "editor"
    TRANSLATOR = "translator"
    PUBLISHER = "publisher"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Permission(enum.StrEnum):
    """One thing that may be done."""

    TAKE_CONVERSATIONS = "take_conversations"
    READ_OWN_CONVERSATION = "read_own_conversation"
    BE_RUNG = "be_rung"
    SUPERVISE = "supervise"
    SEE_FIGURES = "see_figures"
    SEE_CONTENT = "see_content"
    EDIT_CONTENT = "edit_content"
    TRANSLATE = "translate"
    PUBLISH = "publish"
    MANAGE_STAFF = "manage_staff"
    READ_AUDIT = "read_audit"


_CONVERSATIONS = frozenset({Permission.TAKE_CONVERSATIONS, Permission.READ_OWN_CONVERSATION})
_GRANTED: Mapping[Role, frozenset[Permission]] = {
    Role.RESPONDER: _CONVERSATIONS | {Permission.BE_RUNG},
    Role.SUPERVISOR: _CONVERSATIONS
    | {Permission.BE_RUNG, Permission.SUPERVISE, Permission.SEE_FIGURES},
    Role.EDITOR: frozenset({Permission.SEE_CONTENT, Permission.EDIT_CONTENT, Permission.BE_RUNG}),
    Role.TRANSLATOR: frozenset({Permission.SEE_CONTENT, Permission.TRANSLATE}),
    Role.PUBLISHER: frozenset({Permission.SEE_CONTENT, Permission.PUBLISH, Permission.BE_RUNG}),
    Role.ADMIN: frozenset({Permission.MANAGE_STAFF, Permission.SEE_FIGURES}),
    Role.AUDITOR: frozenset({Permission.READ_AUDIT}),
}
# Who lets people in, and who watches, stands apart: from conversations, and from one another.
_APART = (Role.ADMIN, Role.AUDITOR)
_WITHHELD: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: _CONVERSATIONS | {Permission.SUPERVISE, Permission.READ_AUDIT},
    Role.AUDITOR: _CONVERSATIONS | {Permission.SUPERVISE, Permission.MANAGE_STAFF},
}
# What they could do would reach every visitor: a password that was read over a shoulder must not
# be enough (OWASP ASVS 5.0, 6.3.3).
_NEEDS_PASSKEY = frozenset({Role.ADMIN, Role.PUBLISHER})
_ANSWERING = frozenset({Role.RESPONDER, Role.SUPERVISOR})


def can(roles: Collection[Role], permission: Permission) -> bool:
    """Tell whether somebody with these roles may do something; what is withheld wins."""
    granted = any(permission in _GRANTED[role] for role in roles)
    return granted and not any(permission in _WITHHELD.get(role, ()) for role in roles)


def needs_passkey(roles: Collection[Role]) -> bool:
    """Tell whether a password and a code are not enough for these roles."""
    return not _NEEDS_PASSKEY.isdisjoint(roles)


def can_answer(roles: Collection[Role]) -> bool:
    """Tell whether somebody with these roles answers visitors."""
    return not _ANSWERING.isdisjoint(roles)


def check_roles(roles: Collection[Role]) -> frozenset[Role]:
    """Return the roles of one person; RolesConflictError for none, or for two that exclude."""
    chosen = frozenset(roles)
    if not chosen:
        raise RolesConflictError("choose at least one role")
    for role in _APART:
        others = chosen & (_ANSWERING | {*_APART}) - {role}
        if role in chosen and others:
            raise RolesConflictError(
                f"{role} cannot be combined with {', '.join(sorted(others))}: "
                "give each to a different person"
            )
    return chosen


def check_languages(
    roles: Collection[Role], chosen: Collection[str], offered: Collection[str]
) -> frozenset[str]:
    """Return the languages of a translator; LanguagesError for none, and for those of others."""
    languages = frozenset(chosen)
    if languages - frozenset(offered):
        raise LanguagesError(f"choose languages among {', '.join(sorted(offered))}")
    if (Role.TRANSLATOR in roles) != bool(languages):
        raise LanguagesError("a translator has at least one language, and only translators have")
    return languages


def check_alias(alias: str) -> str:
    """Return an alias without spaces around it; AliasError unless it is 1 to 24 letters or digits.

    Single spaces, dots, hyphens and apostrophes may stand between them.
    """
    plain = " ".join(alias.split())
    if not _ALIAS.fullmatch(plain) or len(plain) > _LONGEST_ALIAS:
        raise AliasError(f"an alias has 1 to {_LONGEST_ALIAS} letters or digits, such as Ana")
    return plain


def alias_key(alias: str) -> str:
    """Return the form under which an alias is unique, whatever its case.

    Anything may have been typed; a NUL, which no alias has, is more than a database takes.
    """
    return " ".join(alias.replace("\0", "").split()).casefold()


@dataclass(frozen=True, slots=True)
class Staff:
    """A person with an account. ``demo`` ones exist on a demo only and have no factor at all.

    ``locale`` is the language of their console, ``translates`` those they may translate into.
    """

    id: StaffId
    alias: str
    roles: frozenset[Role]
    created_at: datetime
    locale: str = ""
    translates: frozenset[str] = frozenset()
    disabled: bool = False
    demo: bool = False

    def may(self, permission: Permission) -> bool:
        """Tell whether this person may do something now."""
        return not self.disabled and can(self.roles, permission)
