"""Translations: the list of a language, and the page on which one is written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.content import Change, Item, ItemKind, Value
from bot.domain.staff import Permission, Staff
from bot.i18n import LOCALES
from bot.i18n.texts import SOURCE
from bot.services.content import Unit, is_of, newer, screens_of, so_far, source_of, units
from bot.services.content.links import may_give
from bot.web.content.drafting import TALKING, WRITING, Sheet, sheet_of, talk, typed, write
from bot.web.content.hints import audience_of, forbidden_in, limit_of, terms_in
from bot.web.content.parts import CONTENT, content_of, differences, item_of, summary
from bot.web.content.preview import bubbles, chips
from bot.web.desk import session_of
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

TEXTS = f"{CONTENT}/texts"
_AT_ONCE = 100
# In the order of the filters: what most needs somebody comes first.
_FILTERS = ("stale", "reported", "open", "draft", "missing")


# --- the list -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A unit of the list, with what happens to it."""

    unit: Unit
    change: Change | None
    reported: bool

    def is_in(self, state: str) -> bool:
        """Tell whether a filter shows it."""
        match state:
            case "reported":
                return self.reported
            case "open":
                return self.change is not None
            case "":
                return True
            case _:
                return self.unit.status == state

    @property
    def path(self) -> str:
        """Return where it is edited."""
        item = self.unit.item
        return f"{CONTENT}/text/{item.name}" if item.locale else f"{CONTENT}/{item.name}"


def languages_of(staff: Staff) -> Sequence[str]:
    """Return the languages somebody sees: translators their own, everybody else all."""
    if staff.may(Permission.EDIT_CONTENT) or staff.may(Permission.PUBLISH):
        return list(LOCALES)
    return [locale for locale in LOCALES if locale in staff.translates]


async def texts_page(request: Request) -> Response:
    """List the texts of a language."""
    allowed = languages_of(session_of(request).staff)
    query = request.query_params
    others = [one for one in allowed if one != SOURCE]
    locale = query.get("locale") or next(iter([*others, *allowed]), "")
    if locale and locale not in allowed:
        raise HTTPException(403 if locale in LOCALES else 404)
    rows = await _rows(request, locale) if locale else []
    state = query.get("state", "")
    state = state if state in _FILTERS else ""
    words = query.get("q", "").strip()[:100]
    found = [row for row in rows if row.is_in(state) and _matches(row, words)]
    page = _page(query.get("page", ""))
    return pages_of(request).show(
        request,
        "texts.html",
        languages=allowed,
        in_locale=locale,
        state=state,
        q=words,
        counts={name: sum(row.is_in(name) for row in rows) for name in _FILTERS},
        total=len(rows),
        found=len(found),
        groups=_grouped(found[(page - 1) * _AT_ONCE : page * _AT_ONCE]),
        page=page,
        more=len(found) > page * _AT_ONCE,
    )


def _page(text: str) -> int:
    return max(1, int(text)) if re.fullmatch(r"[0-9]{1,4}", text) else 1


async def _rows(request: Request, locale: str) -> Sequence[Row]:
    content = content_of(request)
    async with content.store.begin() as unit:
        changes = {one.item: one for one in await unit.contents.every_open()}
        reported = {one.item for one in await unit.contents.reports()}
    listed = units(content.library.served, locale)
    return [Row(one, changes.get(one.item), one.item in reported) for one in listed]


def _matches(row: Row, words: str) -> bool:
    text = f"{row.unit.item.key} {row.unit.source} {row.unit.words}".casefold()
    return words.casefold() in text


def _grouped(rows: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    """Lay texts of one screen together, in the order of the deck."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.unit.context, []).append(row)
    return groups


# --- one translation ----------------------------------------------------------------------------


async def text_page(request: Request) -> Response:
    """Show a translation beside its English text."""
    sheet, source = await _opened(request)
    return _show(request, sheet, source)


async def text_step(request: Request) -> Response:
    """Do what a button of the page says."""
    form = await request.form(max_files=0)
    sheet, source = await _opened(request, typed(form, "source"))
    step = form.get("step")
    answer: Response | Sheet
    if step in WRITING:
        value = {"context": sheet.item.context, "source": source, "text": typed(form, "text")}
        answer = await write(request, sheet, value, form)
    elif step in TALKING:
        answer = await talk(request, sheet, form)
    else:
        raise HTTPException(400)
    return _show(request, answer, source) if isinstance(answer, Sheet) else answer


async def _opened(request: Request, sent: str = "") -> tuple[Sheet, str]:
    """Read the translation that the address names: 404 for none, 403 for a foreign language.

    ``sent`` is the English text a form was made from, which may have been replaced meanwhile.
    """
    item = item_of(request)
    if item.kind is not ItemKind.TEXT or item.locale not in LOCALES or item.locale == SOURCE:
        raise HTTPException(404)
    if item.locale not in languages_of(session_of(request).staff):
        raise HTTPException(403)
    sheet = await sheet_of(request, item)
    kept = [one for one in (sheet.change, *sheet.history) if one is not None]
    served = content_of(request).library.served
    source = source_of(served, item, *kept) or (sent if is_of(item, sent) else None)
    if source is None:
        raise HTTPException(404)
    if sheet.value is None:
        words = so_far(served, item.context, source, item.locale)
        sheet = replace(sheet, value=_value(item, source, words))
    return sheet, source


def _value(item: Item, source: str, text: str) -> Value:
    return {"context": item.context, "source": source, "text": text}


def _show(request: Request, sheet: Sheet, source: str) -> Response:
    content, item = content_of(request), sheet.item
    served, value = content.library.served, sheet.value or {}
    screens = sorted(screens_of(item, served))
    about = served.deck.screens.get(item.context)
    good = sheet.judgement is not None and sheet.judgement.passes
    return pages_of(request).show(
        request,
        "text.html",
        sheet.status,
        sheet=sheet,
        summary=summary,
        differences=differences,
        source=source,
        text=str(value.get("text", "")),
        of=item.locale,
        gone=served.source(item) is None,
        newer=newer(served, item, source),
        older=served.texts.older(item.context, source, item.locale),
        published=served.texts.approved(item.context, source, item.locale),
        shipped=served.texts.draft(item.context, source, item.locale),
        stands=served.texts.status(item.context, source, item.locale),
        about=about,
        audience=audience_of(served.deck, about),
        screens=screens,
        gives=may_give(session_of(request).staff),
        chips=chips(served, source, item.locale),
        limit=limit_of(content.judge.limits, item.context, served.deck),
        limits=content.judge.limits,
        forbidden=forbidden_in(content.judge, item, served.deck),
        terms=terms_in(content.judge.glossary(item.locale), item.locale, source),
        bubbles=bubbles(content, item, value, item.locale) if good else (),
    )


def text_routes() -> list[Declared]:
    """Return the routes of this module."""
    see = Permission.SEE_CONTENT
    return [
        route(TEXTS, texts_page, permission=see),
        route(f"{CONTENT}/text/{{item:path}}", text_page, permission=see),
        route(f"{CONTENT}/text/{{item:path}}", text_step, ["POST"], permission=see),
    ]
