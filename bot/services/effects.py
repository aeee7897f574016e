"""What a turn does besides showing screens, carried out in the turn's own transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.content_ports import Remark
from bot.domain import handover as handovers
from bot.domain import queue
from bot.domain import turn as turns
from bot.domain.content import Item
from bot.domain.conversation import Conversation
from bot.domain.figures import counted, week_of
from bot.domain.handover import Handover, Outcome, State
from bot.domain.messages import Channel, ConversationId, Line, MessageId, Reply
from bot.domain.return_code import NewCode
from bot.domain.triage import Level
from bot.ports import Deletion, Delivery, Outgoing, Sealer, Timer, UnitOfWork
from bot.services.ids import MessageIds
from bot.services.timers import AUTOCLEAN, LEASE, TRANSFER, UNANSWERED
from bot.settings import AUTO_DELETE_HOURS, DELETE_WINDOW_HOURS

# Channels that are sent to; the others fetch what they show.
PUSHED = frozenset({Channel.TELEGRAM})

# What is edited to mend the text of a screen in a locale on a channel.
ItemOf = Callable[[str, str, Channel], Item]

# Telegram refuses a whole batch with one message over its limit, so stay clear of it.
DELETABLE = timedelta(hours=DELETE_WINDOW_HOURS, minutes=-10)
# A counsellor writes no more than this to somebody who is away.
_UNSEEN = 200
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


@dataclass(slots=True)
class Applied:
    """What came of effects: messages to post before the turn's replies, and the request.

    ``touched`` are requests that changed, ``heard`` those in which something was only written.
    """

    handover: Handover | None
    posts: list[Outgoing] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    heard: set[int] = field(default_factory=set)


class Effects:
    """Carries the effects of one turn out, in the turn's own transaction."""

    def __init__(
        self,
        unit: UnitOfWork,
        conversation: Conversation,
        handover: Handover | None,
        *,
        sealer: Sealer,
        ids: MessageIds,
        now: datetime,
        staffed: bool,
        item: ItemOf,
        code: NewCode | None = None,
    ) -> None:
        self._unit = unit
        self._conversation = conversation
        self._sealer = sealer
        self._ids = ids
        self._now = now
        self._staffed = staffed
        self._item = item
        self._code = code
        self._up_to = MessageId(0)
        self._applied = Applied(handover)

    async def apply(self, effects: Sequence[tuple[MessageId, turns.Effect]]) -> Applied:
        """Carry effects out in order, each with the id of the message it came of."""
        for self._up_to, effect in effects:
            await self._apply(effect)
        return self._applied

    async def _apply(self, effect: turns.Effect) -> None:  # noqa: C901 -- one line for each
        unit, conversation, now = self._unit, self._conversation, self._now
        match effect:
            case turns.Offer(level=level):
                await self._offer(level)
            case turns.Ask():
                await self._ask(effect)
            case turns.Withdraw():
                await self._withdraw(Outcome.LEFT)
            case turns.Heard(level=level):
                await self._hear(level)
            case turns.Release():
                await self._release()
            case turns.AnswerTransfer(agreed=agreed):
                await self._change(lambda h: handovers.answered_transfer(h, agreed=agreed))
            case turns.Autoclean(on=on):
                await set_autoclean(unit, conversation.id, now, on=on)
            case turns.Redact(screen=screen):
                self._applied.posts += await self._redact(screen)
            case turns.IssueCode():
                await self._issue_code()
            case turns.Report(screen=screen, locale=locale):
                item = self._item(screen, locale, conversation.channel)
                await unit.contents.report_once(Remark.of_visitors(item, now))
            case turns.Hide(then=then):
                await self._change(lambda h: replace(h, hidden=True))
                # Lines that were released a moment ago are hidden with the rest.
                self._applied.posts = [
                    *(post for post in self._applied.posts if isinstance(post.body, Deletion)),
                    *await hide(unit, conversation, self._ids, now, up_to=self._up_to, then=then),
                ]
            case turns.Forget():
                await self._withdraw(Outcome.FORGOTTEN)
                await unit.conversations.begin_forgetting([conversation.id], now)

    async def _change(self, change: Callable[[Handover], Handover]) -> None:
        """Save what becomes of the request, where there is one and it becomes something else."""
        before = self._applied.handover
        if before is not None and (after := change(before)) != before:
            await self._save(after)

    async def _save(self, handover: Handover) -> Handover:
        saved = await self._unit.handovers.save(handover)
        self._applied.handover = None if saved.state is State.CLOSED else saved
        self._applied.touched.add(saved.id or 0)
        return saved

    async def _offer(self, level: Level) -> None:
        locale = self._conversation.memory.locale or "en"
        handover = self._applied.handover
        if handover is None:
            handover = handovers.offer(self._conversation.id, level, locale, self._now)
        elif handover.state is State.OFFERED:
            handover = replace(handover, offered_at=self._now)
        saved = await self._save(handovers.raised(handover, level))
        if saved.level > handover.level:
            await self._promise(saved)

    async def _ask(self, ask: turns.Ask) -> None:
        """Enter the queue; while nobody can write, only a kept place enters it."""
        conversation, now = self._conversation, self._now
        locale = conversation.memory.locale or "en"
        handover = self._applied.handover
        handover = handover or handovers.offer(conversation.id, ask.level, locale, now)
        word = handover.code_word
        if ask.code_word:
            word = self._sealer.hash_word(conversation.id, ask.code_word)
        handover = handovers.prepared(
            handovers.raised(handover, ask.level),
            consent=ask.consent,
            notify=ask.notify,
            minor=ask.minor,
            code_word=word,
            newest=self._up_to,
        )
        if self._staffed or ask.keep:
            handover = handovers.asked(handover, now, staffed=self._staffed)
        await self._promise(await self._save(handover))

    async def _promise(self, handover: Handover) -> None:
        """See to it that who waits is told when nobody comes in the time of their level."""
        if handover.state is State.WAITING:
            due = self._now + queue.honest_after(handover.level)
            await self._unit.timers.set(Timer(handover.conversation, UNANSWERED, due))

    async def _withdraw(self, outcome: Outcome) -> None:
        """End the request: nothing a counsellor wrote is shown any more."""
        handover = self._applied.handover
        if handover is None:
            return
        id_ = self._conversation.id
        if handover.state is not State.OFFERED:
            ended = handovers.withdrawn(handover, self._now, outcome)
            await self._unit.figures.count(week_of(self._now), counted(ended))
        for kind in (LEASE, TRANSFER, UNANSWERED):
            await self._unit.timers.cancel(id_, kind)
        await self._unit.messages.drop(id_, human=True)
        await self._save(handovers.withdrawn(handover, self._now, outcome))

    async def _hear(self, level: Level) -> None:
        """Tell the counsellor that there is something to read."""
        await self._change(lambda h: replace(handovers.raised(h, level), pinged=False))
        if self._applied.handover is not None:
            self._applied.heard.add(self._applied.handover.id or 0)

    async def _release(self) -> None:
        """Show what was held back; who looks is here, and waits again if their place was kept."""

        def here(handover: Handover) -> Handover:
            back = handovers.returned(handover) if self._staffed else handover
            return replace(back, hidden=False, pinged=False)

        kept = self._applied.handover
        await self._change(here)
        waits = self._applied.handover
        if kept is not None and waits is not None and kept.state is not waits.state:
            await self._promise(waits)
        self._applied.posts += await release(
            self._unit, self._conversation, ids=self._ids, now=self._now
        )

    async def _issue_code(self) -> None:
        """Show a new code; the one before it opens nothing any more.

        The words are in this one message, which goes with the next answer.
        """
        if self._code is None:
            return
        conversation, now = self._conversation, self._now
        await self._unit.return_codes.set(conversation.id, self._code.hashed)
        values = {"return_code": self._code.words}
        reply = Reply(turns.RETURN_CODE, conversation.memory.locale or "en", values)
        self._applied.posts.append(outgoing(conversation, reply, id_=self._ids.next(now), now=now))

    async def _redact(self, screen: str) -> Sequence[Outgoing]:
        """Delete the question for a secret word and everything since from the visitor's side."""
        conversation = self._conversation
        asked = [
            row
            for row in await self._unit.messages.replies_after(conversation.id, MessageId(0))
            if isinstance(row.body, Reply) and row.body.screen == screen
        ]
        since = asked[-1].at if asked else self._now
        references = await self._unit.messages.references(conversation.id, since)
        if screen == turns.RETURN_CODE:
            await self._unit.messages.remove([row.id for row in asked])
        if not asked or conversation.channel not in PUSHED:
            return []
        deletion = Deletion(tuple(references))
        return [outgoing(conversation, deletion, id_=self._ids.next(self._now), now=self._now)]


async def release(
    unit: UnitOfWork, conversation: Conversation, *, ids: MessageIds, now: datetime
) -> list[Outgoing]:
    """Return what was held back, oldest first, ready to be posted under new ids."""
    held = await unit.messages.release(conversation.id)
    state = Delivery.PENDING if conversation.channel in PUSHED else Delivery.SENT
    return [
        replace(one, id=ids.next(now), channel=conversation.channel, due_at=now, state=state)
        for one in held
    ]


async def hold(unit: UnitOfWork, conversation: ConversationId) -> Sequence[MessageId]:
    """Hold back what a counsellor wrote and has not arrived; return all that is held.

    What is on its way is held as well, and taken back once it is there (deliver.py): better shown
    twice than never, or to somebody else.
    """
    thread = await unit.messages.thread(conversation, MessageId(0), _UNSEEN)
    waiting = (Delivery.PENDING, Delivery.SENDING, Delivery.HELD)
    unseen = [
        one for one in thread if isinstance(one, Outgoing) and one.human and one.state in waiting
    ]
    await unit.messages.mark([replace(one, state=Delivery.HELD) for one in unseen])
    return [one.id for one in unseen]


async def set_autoclean(
    unit: UnitOfWork, conversation: ConversationId, now: datetime, *, on: bool
) -> None:
    """Set or cancel the daily cleaning of a chat."""
    if on:
        due = now + timedelta(hours=AUTO_DELETE_HOURS)
        await unit.timers.set(Timer(conversation, AUTOCLEAN, due))
    else:
        await unit.timers.cancel(conversation, AUTOCLEAN)


async def traces(unit: UnitOfWork, conversation: ConversationId, now: datetime) -> Sequence[str]:
    """Return the references of all that can be deleted on the visitor's side.

    Those of an earlier hiding that was not carried out yet are known to nothing but its own wish.
    """
    rows = await unit.messages.replies_after(conversation, MessageId(0))
    unfinished = (Delivery.PENDING, Delivery.SENDING)
    owed = [
        reference
        for row in rows
        if isinstance(row.body, Deletion) and row.state in unfinished
        for reference in row.body.references
    ]
    known = await unit.messages.references(conversation, now - DELETABLE)
    return list(dict.fromkeys([*owed, *known]))


async def hide(
    unit: UnitOfWork,
    conversation: Conversation,
    ids: MessageIds,
    now: datetime,
    *,
    up_to: MessageId,
    then: str = "utter_hide_done",
) -> Sequence[Outgoing]:
    """Delete the messages on both sides and in the store; an empty ``then`` leaves no word.

    What a counsellor wrote and the visitor has not seen is held back and stays.
    """
    references = await traces(unit, conversation.id, now)
    unseen = await hold(unit, conversation.id)
    await unit.messages.erase(conversation.id, up_to=up_to, but=unseen)
    word = Reply(then, conversation.memory.locale or "en") if then else None
    if conversation.channel in PUSHED:
        deletion = Deletion(tuple(references), word)
        return [outgoing(conversation, deletion, id_=ids.next(now), now=now)]
    return [outgoing(conversation, word, id_=ids.next(now), now=now)] if word else []
