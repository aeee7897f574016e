"""What a turn does besides showing screens, carried out in the turn's own transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import handover as handovers
from bot.domain import turn as turns
from bot.domain.conversation import Conversation
from bot.domain.handover import Handover
from bot.domain.messages import Channel, ConversationId, Line, MessageId, Reply
from bot.domain.triage import Level
from bot.ports import Deletion, Delivery, Outgoing, Sealer, Timer, UnitOfWork
from bot.services.ids import MessageIds
from bot.services.timers import AUTOCLEAN
from bot.settings import AUTO_DELETE_HOURS, DELETE_WINDOW_HOURS

# Channels that are sent to; the others fetch what they show.
PUSHED = frozenset({Channel.TELEGRAM})

# Telegram refuses a whole batch with one message over its limit, so stay clear of it.
DELETABLE = timedelta(hours=DELETE_WINDOW_HOURS, minutes=-10)
_URGENT = ("utter_danger", "utter_suicide", "utter_queue", "utter_phone", "utter_minor")


def outgoing(
    conversation: Conversation, body: Reply | Line | Deletion, *, id_: MessageId, now: datetime
) -> Outgoing:
    """Return a message to post: pending where a channel is sent to, done where it fetches."""
    urgent = isinstance(body, Deletion) or (
        isinstance(body, Reply) and body.screen.startswith(_URGENT)
    )
    state = Delivery.PENDING if conversation.channel in PUSHED else Delivery.SENT
    return Outgoing(
        id_, conversation.id, conversation.channel, body, now, now, urgent=urgent, state=state
    )


async def apply(
    effects: Sequence[turns.Effect],
    conversation: Conversation,
    handover: Handover | None,
    *,
    unit: UnitOfWork,
    sealer: Sealer,
    ids: MessageIds,
    now: datetime,
    staffed: bool,
    up_to: MessageId,
) -> Sequence[Outgoing]:
    """Carry out effects in order; return messages to post before the turn's replies."""
    posts: list[Outgoing] = []
    for effect in effects:
        match effect:
            case turns.Offer(level=level):
                handover = await _offer(unit, conversation, handover, level, now)
            case turns.Ask():
                handover = await _ask(
                    unit,
                    sealer,
                    conversation,
                    handover,
                    effect,
                    now=now,
                    staffed=staffed,
                    up_to=up_to,
                )
            case turns.Withdraw():
                handover = await _withdraw(unit, handover, now)
            case turns.Autoclean(on=on):
                await set_autoclean(unit, conversation.id, now, on=on)
            case turns.RedactCodeWord():
                posts += await _redact(unit, conversation, ids, now)
            case turns.Hide():
                posts += await hide(unit, conversation, ids, now, up_to=up_to)
            case turns.Forget():
                await unit.conversations.begin_forgetting([conversation.id], now)
    return posts


async def _offer(
    unit: UnitOfWork,
    conversation: Conversation,
    handover: Handover | None,
    level: Level,
    now: datetime,
) -> Handover:
    locale = conversation.memory.locale or "en"
    if handover is None:
        return await unit.handovers.save(handovers.offer(conversation.id, level, locale, now))
    if handover.state is handovers.State.OFFERED:
        handover = replace(handover, offered_at=now)
    return await unit.handovers.save(handovers.raised(handover, level))


async def _ask(
    unit: UnitOfWork,
    sealer: Sealer,
    conversation: Conversation,
    handover: Handover | None,
    ask: turns.Ask,
    *,
    now: datetime,
    staffed: bool,
    up_to: MessageId,
) -> Handover:
    """Enter the queue; while nobody can write, only a kept place enters it."""
    locale = conversation.memory.locale or "en"
    handover = handover or handovers.offer(conversation.id, ask.level, locale, now)
    word = sealer.hash_word(conversation.id, ask.code_word) if ask.code_word else handover.code_word
    handover = handovers.prepared(
        handovers.raised(handover, ask.level),
        consent=ask.consent,
        notify=ask.notify,
        minor=ask.minor,
        code_word=word,
        newest=up_to,
    )
    if staffed or ask.keep:
        handover = handovers.asked(handover, now, staffed=staffed)
    return await unit.handovers.save(handover)


async def _withdraw(unit: UnitOfWork, handover: Handover | None, now: datetime) -> Handover | None:
    if handover is not None:
        await unit.handovers.save(handovers.withdrawn(handover, now))
    return None


async def set_autoclean(
    unit: UnitOfWork, conversation: ConversationId, now: datetime, *, on: bool
) -> None:
    """Set or cancel the daily cleaning of a chat."""
    if on:
        due = now + timedelta(hours=AUTO_DELETE_HOURS)
        await unit.timers.set(Timer(conversation, AUTOCLEAN, due))
    else:
        await unit.timers.cancel(conversation, AUTOCLEAN)


async def _redact(
    unit: UnitOfWork, conversation: Conversation, ids: MessageIds, now: datetime
) -> Sequence[Outgoing]:
    """Delete the question for a code word and everything since from the visitor's side."""
    asked = [
        row
        for row in await unit.messages.replies_after(conversation.id, MessageId(0))
        if isinstance(row.body, Reply) and row.body.screen == turns.CODE_WORD
    ]
    if not asked or conversation.channel not in PUSHED:
        return []
    references = await unit.messages.references(conversation.id, asked[-1].at)
    deletion = Deletion(tuple(references))
    return [outgoing(conversation, deletion, id_=ids.next(now), now=now)]


async def hide(
    unit: UnitOfWork,
    conversation: Conversation,
    ids: MessageIds,
    now: datetime,
    *,
    up_to: MessageId,
    quiet: bool = False,
) -> Sequence[Outgoing]:
    """Delete the messages on both sides and in the store; ``quiet`` leaves no word behind."""
    references = await unit.messages.references(conversation.id, now - DELETABLE)
    await unit.messages.erase(conversation.id, up_to=up_to)
    word = None if quiet else Reply("utter_hide_done", conversation.memory.locale or "en")
    if conversation.channel in PUSHED:
        deletion = Deletion(tuple(references), word)
        return [outgoing(conversation, deletion, id_=ids.next(now), now=now)]
    return [outgoing(conversation, word, id_=ids.next(now), now=now)] if word else []
