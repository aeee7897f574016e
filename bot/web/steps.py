"""What a counsellor does with a talk besides writing: judge it, pass it on, end it."""

from enum import StrEnum
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.errors import NotYoursError, ReasonMissingError
from bot.domain.handover import Close, LevelReason, Referral, Topic
from bot.domain.staff import Permission, StaffId
from bot.domain.triage import Level
from bot.web.answers import fields, send_on
from bot.web.desk import Desk, floor_of, session_of
from bot.web.queue import QUEUE, number_in
from bot.web.routes import Declared
from bot.web.talk import OUTCOMES, REASONS, done, of_holder, show_talk

Choice = TypeVar("Choice", bound=StrEnum)


async def set_level(request: Request) -> Response:
    """Set the level; without a reason it is only raised."""
    name, why = await fields(request, "level", "reason")
    floor, staff = floor_of(request), session_of(request).staff
    if name not in Level.__members__:
        raise HTTPException(400)
    reason = chosen(LevelReason, why) if why else None
    try:
        await floor.hotline.set_level(staff.id, number_in(request, "held"), Level[name], reason)
    except ReasonMissingError:
        return await show_talk(request, "reason")
    return await done(request)


async def check_word(request: Request) -> Response:
    """Compare a word with the code word of the visitor, and show the result."""
    (word,) = await fields(request, "word")
    floor, staff = floor_of(request), session_of(request).staff
    number = number_in(request, "held")
    if not word.strip():
        return await show_talk(request, "word")
    talk = await floor.reader.reread(staff.id, number)
    if not talk.card.handover.code_word:
        return await show_talk(request, word="none")
    fits = await floor.hotline.check_word(staff.id, number, word.strip())
    return await show_talk(request, word="fits" if fits else "differs")


async def raise_hand(request: Request) -> Response:
    """Ask a supervisor to read along, or take that back."""
    (up,) = await fields(request, "up")
    floor, staff = floor_of(request), session_of(request).staff
    await floor.hotline.raise_hand(staff.id, number_in(request, "held"), up=up == "1")
    return await done(request)


async def offer_transfer(request: Request) -> Response:
    """Ask a colleague, or whoever is free, to take over."""
    to, why, *lines = await fields(request, "to", "why", "need", "risk", "next")
    floor, staff = floor_of(request), session_of(request).staff
    if why not in REASONS:
        raise HTTPException(400)
    text = "\n".join(line.strip() for line in lines if line.strip())
    colleague = StaffId(to) if to else None
    if colleague == staff.id:
        raise NotYoursError("a transfer goes to somebody else")
    if colleague and not await _may_take(floor, colleague):
        raise HTTPException(400)
    number = number_in(request, "held")
    await floor.hotline.offer_transfer(staff.id, staff.alias, number, colleague, text, why)
    return await done(request)


async def _may_take(floor: Desk, colleague: StaffId) -> bool:
    """Tell whether a conversation can be offered to somebody: visitors are asked about it."""
    staff = [one.account.staff for one in await floor.accounts.listed()]
    return any(one.id == colleague and one.may(Permission.TAKE_CONVERSATIONS) for one in staff)


async def take_back(request: Request) -> Response:
    """Take back the offer to a colleague."""
    await floor_of(request).hotline.drop_transfer(
        session_of(request).staff.id, number_in(request, "held")
    )
    return await done(request)


async def park(request: Request) -> Response:
    """Give the talk back and keep the visitor's place."""
    floor = floor_of(request)
    await floor.hotline.park(session_of(request).staff.id, number_in(request, "held"))
    return send_on(request, floor.path + QUEUE)


async def close(request: Request) -> Response:
    """End the talk; after somebody in danger a break is offered."""
    outcome, referral, topic, erase = await fields(request, "outcome", "referral", "topic", "erase")
    floor, staff = floor_of(request), session_of(request).staff
    number = number_in(request, "held")
    if outcome not in OUTCOMES or topic not in set(Topic):
        return await show_talk(request, "close")
    how = Close(
        next(one for one in OUTCOMES if one == outcome),
        chosen(Referral, referral or Referral.NONE),
        chosen(Topic, topic),
    )
    talk = await floor.reader.reread(staff.id, number)
    await floor.hotline.close(staff.id, number, how, erase=erase == "1")
    pause = "?pause" if talk.card.handover.level is Level.RED else ""
    return send_on(request, floor.path + QUEUE + pause)


def chosen(kind: type[Choice], value: str) -> Choice:
    """Return a member of a closed list; 400 for anything else."""
    try:
        return kind(value)
    except ValueError:
        raise HTTPException(400) from None


def step_routes(at: str = "") -> list[Declared]:
    """Return the routes of this module, below an address."""
    here = f"{at}/talk/{{held}}"
    return [
        of_holder(f"{here}/level", set_level, "POST"),
        of_holder(f"{here}/word", check_word, "POST"),
        of_holder(f"{here}/hand", raise_hand, "POST"),
        of_holder(f"{here}/transfer", offer_transfer, "POST"),
        of_holder(f"{here}/transfer/back", take_back, "POST"),
        of_holder(f"{here}/park", park, "POST"),
        of_holder(f"{here}/close", close, "POST"),
    ]
