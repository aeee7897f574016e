"""What every page on which words are written shares: what it shows, and what its buttons do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.content_ports import LONGEST_REMARK, VISITOR, Remark
from bot.domain.content import OPEN, Change, ChangeId, Item, Value, fits
from bot.domain.errors import ChangedError, ContentError, NotYoursError
from bot.domain.staff import StaffId
from bot.services.content import NotGoodError, Seen, may_edit
from bot.services.content.judging import Judgement
from bot.web.answers import send_on
from bot.web.content.parts import CONTENT, content_of, seen_now, seen_then
from bot.web.desk import desk_of, session_of
from bot.web.queue import aliases

# What the buttons under a text do; anything else a form says is refused.
WRITING = frozenset({"check", "save", "send", "undo"})
TALKING = frozenset({"remark", "report", "settle"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is known about one item, and what somebody is writing in it.

    ``value`` is what stands in the form. ``theirs`` is what somebody else wrote meanwhile: then the
    page shows both. ``wrong`` is what is wrong with a remark.
    """

    item: Item
    live: Value | None
    change: Change | None
    history: Sequence[Change]
    remarks: Sequence[Remark]
    names: Mapping[StaffId, str]
    seen: Seen
    mine: bool
    value: Value | None = None
    judgement: Judgement | None = None
    checked: bool = False
    theirs: Value | None = None
    wrong: str = ""
    note: str = ""

    @property
    def status(self) -> int:
        """Return the HTTP status of the page."""
        if self.theirs is not None:
            return 409
        refused = self.judgement is not None and not self.judgement.passes and not self.checked
        return 400 if refused or self.wrong else 200

    @property
    def reports(self) -> Sequence[Remark]:
        """Return the reports that wait for somebody."""
        return [one for one in self.remarks if one.report and not one.settled]

    @property
    def outdated(self) -> bool:
        """Tell whether something else went live since the open change was begun."""
        return self.change is not None and not fits(self.change, self.live)

    def name(self, by: StaffId) -> str:
        """Return the alias of somebody, "" for a visitor and for who is no longer here."""
        return "" if by == VISITOR else self.names.get(by, "")


async def sheet_of(request: Request, item: Item) -> Sheet:
    """Read what is known about an item, as things stand."""
    content = content_of(request)
    async with content.store.begin() as unit:
        change = await unit.contents.open_for(item)
        history = await unit.contents.history(item)
        remarks = await unit.contents.remarks(item)
    live = content.library.served.value(item)
    return Sheet(
        item,
        live,
        change,
        [one for one in history if one.state not in OPEN],
        remarks,
        await aliases(desk_of(request)),
        seen_now(change, item, content),
        may_edit(session_of(request).staff, item),
        change.value if change else live,
    )


def typed(form: FormData, name: str) -> str:
    """Return a field as it is kept: with plain line ends, without space around it."""
    return str(form.get(name, "")).replace("\r\n", "\n").strip()


async def write(request: Request, sheet: Sheet, value: Value, form: FormData) -> Response | Sheet:
    """Do what a button says: check, keep as a draft, send to review, or take an earlier text up.

    Returns where the browser goes, or the sheet to be shown again with everything that was typed.
    """
    content, by = content_of(request), session_of(request).staff
    if not sheet.mine:
        raise HTTPException(403)
    then = seen_then(form)
    sheet = replace(sheet, value=value)
    if form.get("step") == "check":
        judgement = await content.judge_now(sheet.item, value)
        return replace(sheet, seen=then, judgement=judgement, checked=True)
    try:
        if form.get("step") == "undo":
            change = await content.undo(sheet.item, ChangeId(str(form.get("former", ""))), by)
        else:
            change = await content.edit(sheet.item, value, then, by)
        if form.get("step") == "send":
            await content.submit(change.id, change.version, by)
    except NotYoursError:
        raise HTTPException(403) from None
    except NotGoodError as error:
        return replace(sheet, seen=then, judgement=error.judgement)
    except ChangedError:
        return await _beside(request, sheet, value)
    except ContentError:
        raise HTTPException(404) from None
    return send_on(request, f"{CONTENT}/change/{change.id}")


async def _beside(request: Request, sheet: Sheet, value: Value) -> Sheet:
    """Return the sheet with what somebody else wrote beside what was just typed."""
    now = await sheet_of(request, sheet.item)
    return replace(now, value=value, theirs=now.value or {})


async def talk(request: Request, sheet: Sheet, form: FormData) -> Response | Sheet:
    """Say something about an item, report it, or settle what was reported."""
    content, by, step = content_of(request), session_of(request).staff, form.get("step")
    try:
        if step == "settle":
            await content.settle(sheet.item, by)
        else:
            note = typed(form, "note")
            await content.remark(sheet.item, by.id, note, report=step == "report")
    except NotYoursError:
        raise HTTPException(403) from None
    except ContentError:
        return replace(sheet, wrong="note", note=typed(form, "note")[: LONGEST_REMARK * 2])
    return send_on(request, request.url.path)
