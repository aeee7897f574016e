"""What the pages of the content desk share: what a form was made from, findings, refusals."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from bot.domain.content import Change, ChangeId, Item, digest
from bot.domain.errors import ContentError
from bot.domain.factors import Account
from bot.domain.wording import Finding
from bot.services.content import ContentDesk, Seen
from bot.web.desk import desk_of, session_of
from bot.web.words import _

CONTENT = "/content"
# In digits; nobody writes a change more often.
_LONGEST_VERSION = 9
# What each rule says to an editor; the finding's own words follow where they add something.
RULES: Mapping[str, str] = {
    "audience": _("Who the screen is for"),
    "button": _("A button leads nowhere"),
    "checked on": _("The day it was checked"),
    "digits": _("A typed number"),
    "email": _("E-mail address"),
    "forbidden word": _("A word that must not stand here"),
    "form": _("Not complete"),
    "glossary": _("Glossary"),
    "invisible": _("An invisible character"),
    "kind": _("Kind of fact"),
    "label length": _("The button is too long"),
    "length": _("Too long"),
    "markup": _("Plain text only"),
    "numbers": _("No phone number near"),
    "phone": _("Phone number"),
    "placeholder": _("A placeholder"),
    "reach": _("No way to this screen yet"),
    "reading grade": _("Too hard to read"),
    "rendered length": _("Too long with its facts"),
    "review": _("Review date"),
    "same": _("Same as English"),
    "sentence": _("A long sentence"),
    "source": _("Source"),
    "stale": _("The English text has changed"),
    "template length": _("Too long"),
    "text": _("No text"),
    "url": _("Web address"),
}


def item_of(request: Request) -> Item:
    """Return what the address names; 404 for nothing there could be."""
    try:
        return Item.parse(request.path_params["item"])
    except ContentError:
        raise HTTPException(404) from None


def content_of(request: Request) -> ContentDesk:
    """Return the use cases of the content desk."""
    return desk_of(request).content


async def account_of(request: Request) -> Account:
    """Return the account of whoever is signed in, with what they prove themselves with."""
    return await desk_of(request).accounts.get(session_of(request).staff.id)


def seen_now(change: Change | None, item: Item, content: ContentDesk) -> Seen:
    """Return what a form is made from, to be sent along with it."""
    base = digest(content.library.served.value(item))
    return Seen(change.id, change.version, base) if change else Seen(None, 0, base)


def seen_then(form: FormData) -> Seen:
    """Read back what a form was made from; 400 for anything else."""
    change, version, base = (str(form.get(name, "")) for name in ("change", "version", "base"))
    if not (version.isascii() and version.isdecimal() and len(version) <= _LONGEST_VERSION):
        raise HTTPException(400)
    return Seen(ChangeId(change) if change else None, int(version), base)


def summary(findings: Sequence[Finding]) -> Sequence[tuple[str, str]]:
    """Return each finding as a heading to be translated and the words that follow."""
    return [(RULES.get(one.rule, one.rule), one.says) for one in findings]


def differences(old: str, new: str) -> Sequence[tuple[str, str]]:
    """Return a text as pieces that are kept, gone or new (``keep``, ``del``, ``ins``), by words."""
    before, after = _pieces(old), _pieces(new)
    found: list[tuple[str, str]] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("keep", "".join(before[a:b])))
            continue
        if a < b:
            found.append(("del", "".join(before[a:b])))
        if c < d:
            found.append(("ins", "".join(after[c:d])))
    return found


def _pieces(text: str) -> list[str]:
    """Cut a text at its spaces, which stay; Thai, which has none, into its letters."""
    words = text.replace(" ", " \0").split("\0")
    return words if len(words) > 1 or len(text) < 12 else list(text)  # noqa: PLR2004 -- a word
