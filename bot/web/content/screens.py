"""English: screens with their buttons, and the words of the program."""

import re
from collections.abc import Mapping
from dataclasses import replace

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.content import Item, ItemKind, Value, screen
from bot.domain.errors import ContentError
from bot.domain.screens import VARIANTS
from bot.domain.staff import Permission
from bot.domain.wording import Finding
from bot.i18n.texts import SOURCE
from bot.services.content import Judgement, leading_to, made_stale, rules
from bot.web.content.buttons import moved, read_rows, rows_of, targets, written
from bot.web.content.drafting import TALKING, WRITING, Sheet, sheet_of, talk, typed, write
from bot.web.content.parts import CONTENT, content_of, differences, seen_then, summary
from bot.web.content.preview import bubbles, chips, today
from bot.web.pages import pages_of
from bot.web.routes import Declared, route

_TEXTS = ("text", *VARIANTS, "topic", "notes")
# What a form of this page never changes about a screen that is there.
_KEPT = ("audience", "intent", "in_place", "journeys")
_LONGEST_NAME = 34
# Stands for a screen that has no name yet.
_NAMELESS = "utter_new"


# --- a screen -----------------------------------------------------------------------------------


async def screen_page(request: Request) -> Response:
    """Show a screen with its buttons."""
    return _show(request, await _opened(request, ItemKind.SCREEN))


async def screen_step(request: Request) -> Response:
    """Do what a button of the page says."""
    form, sheet = await request.form(max_files=0), await _opened(request, ItemKind.SCREEN)
    step = form.get("step")
    if step in TALKING:
        return _answer(request, await talk(request, sheet, form))
    base: Value = sheet.change.value if sheet.change else sheet.live or {}
    return await _written(request, sheet, form, base)


async def new_page(request: Request) -> Response:
    """Show an empty form for a screen that is not there yet."""
    sheet = await sheet_of(request, screen(_NAMELESS))
    return _show(request, replace(sheet, value={"text": ""}), named="", fresh=True)


async def new_step(request: Request) -> Response:
    """Make a screen; its id comes from the name somebody gives it."""
    form = await request.form(max_files=0)
    name = typed(form, "name")
    id_ = f"utter_{re.sub('[^a-z0-9]+', '_', name.casefold()).strip('_')[:_LONGEST_NAME]}"
    item = screen(id_ if len(id_) > len("utter_") else _NAMELESS)
    sheet = await sheet_of(request, item)
    base = {"audience": typed(form, "audience")}
    taken = sheet.value is not None or item.key == _NAMELESS
    return await _written(request, sheet, form, base, named=name, taken=taken)


async def _written(
    request: Request,
    sheet: Sheet,
    form: FormData,
    base: Value,
    *,
    named: str | None = None,
    taken: bool = False,
) -> Response:
    """Do what the form of a screen says, be it there already or new."""
    fresh, row = named is not None, typed(form, "row")
    value = _value(form, base, moved(read_rows(form), row))
    sheet = replace(sheet, value=value)
    if row:
        shown = replace(sheet, seen=seen_then(form))
        return _show(request, shown, named=named or "", fresh=fresh, more=row == "add")
    if form.get("step") not in WRITING:
        raise HTTPException(400)
    wrong = _missing(sheet, value, taken=taken)
    if wrong is not None and form.get("step") != "undo":
        judged = replace(sheet, seen=seen_then(form), judgement=Judgement((wrong,)))
        return _show(request, judged, named=named or "", fresh=fresh)
    answer = await write(request, sheet, value, form)
    return _answer(request, answer, named=named or "", fresh=fresh)


def _missing(sheet: Sheet, value: Value, *, taken: bool) -> Finding | None:
    """Find what a new screen lacks that the rules for all screens do not ask for."""
    if taken:
        says = "choose another name, in English letters: this one is empty or taken"
        return Finding(sheet.item.key, "form", says)
    if sheet.live is None and not value.get("buttons"):
        return Finding(sheet.item.key, "button", "give it at least one button")
    return None


def _value(form: FormData, base: Value, rows: list[tuple[str, str]]) -> Value:
    """Return what stands in a form, in the shape a screen is kept in."""
    kept = {name: base[name] for name in _KEPT if base.get(name)}
    texts = {name: typed(form, name) for name in _TEXTS}
    said = {name: text for name, text in texts.items() if text or name == "text"}
    buttons = written(rows)
    return {**kept, **said, **({"buttons": buttons} if buttons else {})}


def _answer(
    request: Request, answer: Response | Sheet, *, named: str = "", fresh: bool = False
) -> Response:
    if isinstance(answer, Sheet):
        return _show(request, answer, named=named, fresh=fresh)
    return answer


def _show(
    request: Request, sheet: Sheet, *, named: str = "", fresh: bool = False, more: bool = False
) -> Response:
    content, item, value = content_of(request), sheet.item, sheet.value or {}
    served, limits = content.library.served, content.judge.limits
    rows = [*rows_of(value), *([("", "")] if more or not value.get("buttons") else [])]
    screens, actions = targets(served)
    good = sheet.judgement is not None and sheet.judgement.passes
    return pages_of(request).show(
        request,
        "screen.html",
        sheet.status,
        sheet=sheet,
        value=value,
        id=item.key,
        fresh=fresh,
        named=named,
        rows=rows,
        screens=screens,
        actions=actions,
        known={target.to for target in (*screens, *actions)},
        audiences=_audiences(served.deck.meta),
        limits=limits,
        grades={name: rules.grade(str(value.get(name, "")), limits) for name in _TEXTS[:3]},
        leading=leading_to(served, item.key),
        stale=made_stale(served, item, value) if sheet.live else (),
        live=sheet.live or {},
        facts={fact.key: today(served, fact.key, SOURCE) for fact in served.registry},
        bubbles=bubbles(content, item, value, SOURCE) if good else (),
        summary=summary,
        differences=differences,
    )


def _audiences(meta: Mapping[str, object]) -> Mapping[str, str]:
    found = meta.get("audiences")
    return found if isinstance(found, Mapping) else {}


# --- a word of the program ----------------------------------------------------------------------


async def word_page(request: Request) -> Response:
    """Show a word of the program."""
    return _show_word(request, await _opened(request, ItemKind.WORD))


async def word_step(request: Request) -> Response:
    """Do what a button of the page says."""
    form, sheet = await request.form(max_files=0), await _opened(request, ItemKind.WORD)
    if form.get("step") in TALKING:
        answer = await talk(request, sheet, form)
    elif form.get("step") in WRITING:
        answer = await write(request, sheet, {"text": typed(form, "text")}, form)
    else:
        raise HTTPException(400)
    return _show_word(request, answer) if isinstance(answer, Sheet) else answer


def _show_word(request: Request, sheet: Sheet) -> Response:
    served = content_of(request).library.served
    live = str((sheet.live or {}).get("text", ""))
    return pages_of(request).show(
        request,
        "word.html",
        sheet.status,
        sheet=sheet,
        key=sheet.item.key,
        text=str((sheet.value or {}).get("text", "")),
        live=live,
        chips=chips(served, live, SOURCE),
        stale=made_stale(served, sheet.item, sheet.value or {}),
        summary=summary,
        differences=differences,
    )


# --- both ---------------------------------------------------------------------------------------


async def _opened(request: Request, kind: ItemKind) -> Sheet:
    """Read what the address names; 404 where there is no such thing and never was."""
    try:
        item = Item.parse(f"{kind}/{request.path_params['id']}")
    except ContentError:
        raise HTTPException(404) from None
    sheet = await sheet_of(request, item)
    if sheet.value is None and not sheet.history:
        raise HTTPException(404)
    return sheet


def screen_routes() -> list[Declared]:
    """Return the routes of this module."""
    see, edit = Permission.SEE_CONTENT, Permission.EDIT_CONTENT
    return [
        route(f"{CONTENT}/screen/new", new_page, permission=edit),
        route(f"{CONTENT}/screen/new", new_step, ["POST"], permission=edit),
        route(f"{CONTENT}/screen/{{id}}", screen_page, permission=see),
        route(f"{CONTENT}/screen/{{id}}", screen_step, ["POST"], permission=see),
        route(f"{CONTENT}/word/{{id}}", word_page, permission=see),
        route(f"{CONTENT}/word/{{id}}", word_step, ["POST"], permission=see),
    ]
