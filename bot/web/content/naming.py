"""What things and people are called on the pages of the content desk, and where each is edited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from bot.content_ports import VISITOR
from bot.domain.content import Item, ItemKind
from bot.domain.facts import Fact
from bot.domain.staff import StaffId
from bot.i18n import own_name
from bot.ports import UnitOfWork
from bot.services.content import Served
from bot.services.content.facts import called
from bot.web.content.parts import CONTENT, content_of
from bot.web.desk import desk_of
from bot.web.pages import pages_of
from bot.web.words import Say, _


@dataclass(frozen=True, slots=True)
class Named:
    """An item as people know it; ``path`` is where it is edited."""

    kind: str
    title: str
    path: str


_KINDS: Mapping[ItemKind, str] = {
    ItemKind.FACT: _("Fact"),
    ItemKind.SCREEN: _("Screen"),
    ItemKind.WORD: _("Word"),
    ItemKind.TEXT: _("Translation"),
    ItemKind.BUNDLE: _("Earlier version"),
}


def say_of(request: Request) -> Say:
    """Return ``_()`` in the language of whoever reads the page."""
    return desk_of(request).words.say(pages_of(request).locale(request))


def named(item: Item, request: Request) -> Named:
    """Return what an item is called."""
    served, say = content_of(request).library.served, say_of(request)
    return Named(say(_KINDS[item.kind]), _title(item, served, say), path_of(item))


def path_of(item: Item) -> str:
    """Return the page on which an item is edited; an earlier version stands in the list of all."""
    match item.kind:
        case ItemKind.FACT:
            return f"{CONTENT}/facts/{item.key}"
        case ItemKind.TEXT:
            return f"{CONTENT}/text/{item.name}"
        case ItemKind.BUNDLE:
            return f"{CONTENT}/published"
        case _:
            return f"{CONTENT}/{item.name}"


def _title(item: Item, served: Served, say: Say) -> str:
    match item.kind:
        case ItemKind.FACT if item.key in served.registry:
            return _fact_title(served.registry[item.key])
        case ItemKind.BUNDLE if item.key == "0":
            return say(_("What came with the program"))
        case ItemKind.BUNDLE:
            return say(_("Version {number}"), number=item.key)
        case ItemKind.TEXT:
            return f"{own_name(item.locale)}: {item.context}"
        case _:
            return item.key


def _fact_title(fact: Fact) -> str:
    """Return its name as its own page has it, and what it is, without what was added to that."""
    return f"{called(fact.key)}: {fact.meaning.partition(';')[0]}"


@dataclass(frozen=True, slots=True)
class People:
    """Aliases of everybody who may have written something."""

    by_id: Mapping[StaffId, str]
    visitor: str
    gone: str

    def one(self, id_: StaffId | None) -> str:
        """Return what somebody is called."""
        if id_ == VISITOR:
            return self.visitor
        return self.by_id.get(id_, self.gone) if id_ else self.gone

    def all(self, ids: frozenset[StaffId]) -> Sequence[str]:
        """Return what some people are called, in order."""
        return sorted(self.one(id_) for id_ in ids)


async def people(unit: UnitOfWork, request: Request) -> People:
    """Return what everybody is called."""
    say = say_of(request)
    found = {account.staff.id: account.staff.alias for account in await unit.staff.all()}
    return People(found, say(_("A visitor")), say(_("Somebody who has left")))
