"""The way in: store first, acknowledge then, answer after that. The whole story in one place.

accept()  →  a transaction stores the message, sealed, and answers it if it is a tap; when it
             commits, the channel may be told
answer()  →  what was typed: triage, then the NLU unit (outside any transaction), then a transaction
             stores the replies and the new memory and marks the message as answered
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot import metrics
from bot.domain import decoy
from bot.domain.conversation import Conversation, Notify
from bot.domain.errors import StoreAwayError, StoreUnavailableError
from bot.domain.handover import PRESENT, Handover, State
from bot.domain.messages import (
    Bubble,
    Channel,
    ConversationId,
    Event,
    Incoming,
    MessageId,
    Reply,
    Sent,
    Tapped,
    Text,
)
from bot.domain.screens import PING
from bot.domain.triage import Lexicon, assess
from bot.logs import error_class, logger
from bot.ports import Arrival, Clock, Deletion, Lookup, Outgoing, Sealer, Store, UnitOfWork
from bot.services.answer import NOTHING, Answered, Answers
from bot.services.batch import Batch
from bot.services.erase import Eraser
from bot.services.ids import MessageIds, conversation_id
from bot.services.reply import Renderer, said_by

log = logger(__name__)

# A text longer than this is cut: Telegram's own limit for one message.
LONGEST_TEXT = 4096
# Messages of this very millisecond count as well.
_NOW = timedelta(milliseconds=1)
_PROGRAM = "program"
# A repeated message is answered with the last things shown: at most this many.
_REPEATED = 3
_ALARM_TAPS = ("utter_danger", "utter_suicide", "utter_phone")
_FORGET = "action_forget"
_URGENT_TAPS = (
    "utter_danger",
    "utter_suicide",
    "utter_human",
    "action_queue",
    "action_hide",
    _FORGET,
)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """Messages to accept together, and the mark to store with them."""

    incoming: Sequence[Incoming]
    mark: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where an incoming message belongs; ``fresh`` when this very call stored it.

    ``said`` is its answer, None where it is still to be given, ``pause`` how long that waits.
    """

    conversation: ConversationId
    message: MessageId
    fresh: bool
    urgent: bool = False
    pause: timedelta = timedelta(0)
    said: Sequence[Outgoing] | None = None


_Answer = Callable[[UnitOfWork, Mapping[ConversationId, bool]], Awaitable[Answered]]


class _UnansweredError(Exception):
    """An answer could not be written with its message: the message is stored without."""


class Reception:
    """The Door every channel is given."""

    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        answers: Answers,
        eraser: Eraser,
        renderer: Renderer,
        lexicons: Sequence[Lexicon],
        ids: MessageIds,
        make_room: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._answers = answers
        self._eraser = eraser
        self._renderer = renderer
        self._lexicons = lexicons
        self._ids = ids
        self._make_room = make_room
        self._storing: Batch[_Delivery, Sequence[_Placed]] = Batch(self._store_all)
        self._background: set[asyncio.Task[None]] = set()

    # --- the promises of Door ---

    async def accept(
        self, incoming: Sequence[Incoming], *, mark: tuple[str, int] | None = None
    ) -> None:
        """Store messages durably, then let them be answered in the background."""
        placed = await self._storing(_Delivery([_clean(one) for one in incoming], mark))
        left = {p.conversation: p for p in placed if p.fresh and p.said is None}
        for place in left.values():
            self._later(place.conversation, place.pause, urgent=place.urgent)

    async def mark(self, name: str) -> int | None:
        """Return a mark stored with accept()."""
        async with self._store.begin() as unit:
            return await unit.marks.get(name)

    async def converse(self, incoming: Incoming) -> Sequence[Sent]:
        """Store one message, answer it, and return what is shown in return."""
        (placed,) = await self._storing(_Delivery([_clean(incoming)]))
        said = placed.said
        if said is None:
            said = await self._answers(placed.conversation, placed.pause, urgent=placed.urgent)
        if said or placed.fresh:
            return self._rendered(said)
        after = placed.message
        rows = await self._shown(incoming.channel, incoming.sender, after, least=_REPEATED)
        return self._rendered(rows)

    async def shown(
        self, channel: Channel, sender: str, after: MessageId, *, least: int = 0
    ) -> Sequence[Sent]:
        """Return what was shown to a visitor after a message, and at least so much."""
        return self._rendered(await self._shown(channel, sender, after, least=least))

    async def watch(self, channel: Channel, sender: str, after: MessageId) -> Sequence[Sent] | None:
        """Return what appears by itself, None when nothing will; it is no sign of life."""
        async with self._store.begin() as unit:
            known = set(
                (await unit.conversations.find(self._sealer.lookups(channel, sender))).values()
            )
            await self._sealer.load_keys(known)
            loaded = await unit.conversations.load(known)
            opened = await unit.handovers.open_for(set(loaded))
            for conversation in loaded.values():
                rows = await unit.messages.replies_after(conversation.id, after)
                return self._appearing(conversation, opened.get(conversation.id), rows)
        return None

    async def stay(self, channel: Channel, sender: str) -> bool:
        """Note that a visitor who agreed to a counsellor is still here; False for all others."""
        async with self._store.begin() as unit:
            known = await unit.conversations.find(self._sealer.lookups(channel, sender))
            await self._sealer.load_keys(set(known.values()))
            opened = await unit.handovers.open_for(set(known.values()))
            waiting = {id_ for id_, one in opened.items() if one.state is not State.OFFERED}
            loaded = await unit.conversations.load(waiting, lock=True)
            now = self._clock.now()
            await unit.conversations.save([replace(c, last_seen_at=now) for c in loaded.values()])
        return bool(waiting)

    async def leave(self, channel: Channel, sender: str) -> None:
        """Erase everything about a visitor."""
        async with self._store.begin() as unit:
            known = await unit.conversations.find(self._sealer.lookups(channel, sender))
        await self._eraser.forget(set(known.values()))

    def greet(self, channel: Channel, screen: str, locale: str) -> Bubble:
        """Render a screen that needs no conversation."""
        return self._renderer.render(Reply(screen, locale), channel)

    def emergency(self, incoming: Incoming) -> Bubble:
        """Render numbers from memory while the store is down."""
        screen = self._alarm(incoming.event)
        locale = incoming.hint if incoming.hint in self._renderer.texts.locales else "en"
        return self.greet(incoming.channel, screen or "utter_error", locale)

    # --- resuming ---

    async def resume(self) -> int:
        """Answer what a crash left unanswered; return how many conversations."""
        async with self._store.begin() as unit:
            left = await unit.messages.with_unanswered(self._clock.now() + _NOW, 500)
        for conversation in left:
            self._later(conversation, timedelta(0), urgent=False)
        return len(left)

    async def close(self) -> None:
        """Let answers under way finish; what does not finish is resumed at the next start."""
        if self._background:
            await asyncio.wait(self._background, timeout=5)

    # --- inside ---

    def _alarm(self, event: Event) -> str | None:
        """Return the screen that answers danger, typed or tapped; None where there is none."""
        if isinstance(event, Text):
            return assess(event.text, self._lexicons).screen
        if isinstance(event, Tapped) and event.tap.to.startswith(_ALARM_TAPS):
            return event.tap.to if event.tap.to in self._renderer.deck else None
        return None

    def _is_urgent(self, event: Event) -> bool:
        """Tell whether an event must pass at any pace."""
        if isinstance(event, Text):
            return self._alarm(event) is not None
        return isinstance(event, Tapped) and event.tap.to.startswith(_URGENT_TAPS)

    def _later(self, conversation: ConversationId, pause: timedelta, *, urgent: bool) -> None:
        task = asyncio.create_task(self._answer_quietly(conversation, pause, urgent=urgent))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _answer_quietly(
        self, conversation: ConversationId, pause: timedelta, *, urgent: bool
    ) -> None:
        try:
            await self._answers(conversation, pause, urgent=urgent)
        except Exception as error:  # noqa: BLE001 -- stays in the inbox; resume() tries again
            log.warning("answer_failed", error=error_class(error))

    async def _shown(
        self, channel: Channel, sender: str, after: MessageId, *, least: int
    ) -> Sequence[Outgoing]:
        async with self._store.begin() as unit:
            known = await unit.conversations.find(self._sealer.lookups(channel, sender))
            await self._sealer.load_keys(set(known.values()))
            for conversation in known.values():
                if self._sealer.has_key(conversation):
                    return await unit.messages.replies_after(conversation, after, least=least)
        return ()

    def _appearing(
        self, conversation: Conversation, handover: Handover | None, rows: Sequence[Outgoing]
    ) -> Sequence[Sent] | None:
        """Return what may be seen now by whoever is before the page."""
        now = self._clock.now()
        if conversation.memory.decoy:
            return None
        if handover is None or handover.state is State.OFFERED:
            # The end of a talk is still told to a visitor who is here.
            here = now - conversation.last_seen_at < PRESENT
            return (self._rendered(rows) or None) if here else None
        if handover.present(conversation.last_seen_at, now):
            return self._rendered(rows)
        hello = [row for row in rows if isinstance(row.body, Reply) and row.body.screen == PING]
        if hello or handover.notify is not Notify.PUSH:
            return self._rendered(hello[-1:]) or None
        return ()

    def _rendered(self, rows: Sequence[Outgoing]) -> Sequence[Sent]:
        return [
            Sent(
                row.id,
                said_by(row.body) or _PROGRAM,
                row.at,
                self._renderer.show(row.body, row.channel),
            )
            for row in rows
            if not isinstance(row.body, Deletion)
        ]

    async def _store_all(self, deliveries: Sequence[_Delivery]) -> Sequence[Sequence[_Placed]]:
        """Store many deliveries; on a full disk the wish to be forgotten has room in reserve."""
        try:
            return await self._store_together(deliveries)
        except StoreAwayError:
            raise  # a lock: no room would help
        except StoreUnavailableError:
            wished = any(_is_farewell(one) for each in deliveries for one in each.incoming)
            if not (wished and self._make_room()):
                raise
            return await self._store_together(deliveries)

    async def _store_together(self, deliveries: Sequence[_Delivery]) -> Sequence[Sequence[_Placed]]:
        """Store in one transaction, with the answers where these fit in.

        One fsync serves them all. What cannot be answered is stored all the same.
        """
        try:
            return await self._take_in(deliveries, self._answers.at_once)
        except _UnansweredError:
            return await self._take_in(deliveries, _leave)

    async def _take_in(
        self, deliveries: Sequence[_Delivery], answer: _Answer
    ) -> Sequence[Sequence[_Placed]]:
        everything = [one for delivery in deliveries for one in delivery.incoming]
        now = self._clock.now()
        async with self._store.begin() as unit:
            homes, begun = await self._homes(unit, everything)
            arrivals = [
                Arrival(self._ids.next(now), homes[one.channel, one.sender], one, now)
                for one in everything
            ]
            stored = await unit.messages.accept(arrivals)
            # A repeat from somebody who was forgotten since must not begin anything.
            await unit.conversations.erase(
                begun - {one.conversation for one in arrivals if one.id in stored}
            )
            for delivery in deliveries:
                if delivery.mark:
                    await unit.marks.set(*delivery.mark)
            placed = await self._place(unit, arrivals, stored)
            taps = {p.conversation: p.urgent for p in placed if p.fresh and not p.pause}
            try:
                answered = await answer(unit, taps)
            except Exception as error:
                log.warning("answer_failed", error=error_class(error))
                raise _UnansweredError from error
            again = await self._again(unit, [p for p in placed if not p.fresh])
        for arrival in arrivals:
            if arrival.id in stored:
                metrics.received(arrival.incoming.channel)
        self._answers.conclude(answered)
        said = {True: answered.posted, False: again}
        each = iter([replace(p, said=said[p.fresh].get(p.conversation)) for p in placed])
        return [[next(each) for _ in delivery.incoming] for delivery in deliveries]

    async def _again(
        self, unit: UnitOfWork, repeats: Sequence[_Placed]
    ) -> Mapping[ConversationId, Sequence[Outgoing]]:
        """Return what repeated messages are shown, but where something still waits for an answer.

        A transaction of their own for each would hold up everybody else's.
        """
        if not repeats:
            return {}
        waiting = await unit.messages.unanswered({one.conversation for one in repeats})
        return {
            one.conversation: await unit.messages.replies_after(
                one.conversation, one.message, least=_REPEATED
            )
            for one in repeats
            if one.conversation not in waiting
        }

    async def _place(
        self, unit: UnitOfWork, arrivals: Sequence[Arrival], stored: AbstractSet[MessageId]
    ) -> Sequence[_Placed]:
        """Count what is new, and tell how long the answers wait."""
        fresh = [arrival for arrival in arrivals if arrival.id in stored]
        urgent = {a.conversation for a in fresh if self._is_urgent(a.incoming.event)}
        # What comes together counts once: it is answered together.
        pauses = {
            id_: self._answers.hear(id_, urgent=id_ in urgent)
            for id_ in {arrival.conversation for arrival in fresh}
        }
        waiting = [arrival for arrival in fresh if pauses[arrival.conversation]]
        pauses |= {id_: timedelta(0) for id_ in await self._turning_away(unit, waiting)}
        return [
            _Placed(
                a.conversation,
                a.id,
                a.id in stored,
                a.conversation in urgent,
                pauses.get(a.conversation, timedelta(0)),
            )
            for a in arrivals
        ]

    async def _turning_away(
        self, unit: UnitOfWork, arrivals: Sequence[Arrival]
    ) -> AbstractSet[ConversationId]:
        """Return where a safe word came: it waits in no flood, and nothing notes it."""
        texts = [
            (arrival.conversation, arrival.incoming.event.text)
            for arrival in arrivals
            if isinstance(arrival.incoming.event, Text)
        ]
        loaded = await unit.conversations.load({conversation for conversation, _ in texts})
        return {
            id_
            for id_, text in texts
            if (found := loaded.get(id_))
            and not found.memory.decoy
            and decoy.is_in(found.memory, text, partial(self._sealer.hash_word, id_))
        }

    async def _homes(
        self, unit: UnitOfWork, incoming: Sequence[Incoming]
    ) -> tuple[Mapping[tuple[Channel, str], ConversationId], AbstractSet[ConversationId]]:
        """Find or begin the conversation of every sender; return also those that were begun."""
        senders = {(one.channel, one.sender): one for one in incoming}
        lookups = {key: self._sealer.lookups(*key) for key in senders}
        known = await unit.conversations.find({h for hashes in lookups.values() for h in hashes})
        await self._sealer.load_keys(set(known.values()))
        homes: dict[tuple[Channel, str], ConversationId] = {}
        unreadable: list[ConversationId] = []
        rekey: dict[ConversationId, Lookup] = {}
        for key, hashes in lookups.items():
            found = next((h for h in hashes if h in known), None)
            if found is None:
                continue
            if not self._sealer.has_key(known[found]):
                unreadable.append(known[found])
                continue
            homes[key] = known[found]
            if found != hashes[0]:
                rekey[known[found]] = hashes[0]
        if unreadable:
            await unit.conversations.erase(unreadable)
        await unit.conversations.rekey(rekey)
        new = {key: one for key, one in senders.items() if key not in homes}
        begun = await self._begin(unit, new, lookups)
        return {**homes, **begun}, set(begun.values())

    async def _begin(
        self,
        unit: UnitOfWork,
        new: Mapping[tuple[Channel, str], Incoming],
        lookups: Mapping[tuple[Channel, str], Sequence[Lookup]],
    ) -> Mapping[tuple[Channel, str], ConversationId]:
        """Begin conversations; their keys are durable before the first sealed byte is written."""
        ids = {key: conversation_id() for key in new}
        await self._sealer.create_keys(ids.values())
        now = self._clock.now()
        await unit.conversations.add(
            {
                lookups[key][0]: Conversation(
                    ids[key], one.channel, created_at=now, last_seen_at=now, address=one.address
                )
                for key, one in new.items()
            }
        )
        return ids


async def _leave(_unit: UnitOfWork, _ids: Mapping[ConversationId, bool]) -> Answered:
    return NOTHING


def _is_farewell(incoming: Incoming) -> bool:
    return isinstance(incoming.event, Tapped) and incoming.event.tap.to == _FORGET


def _clean(incoming: Incoming) -> Incoming:
    """Take control characters and lone surrogates out of a text, and cut it to one message."""
    if not isinstance(incoming.event, Text):
        return incoming
    text = incoming.event.text[:LONGEST_TEXT]
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = "".join(c for c in text if c.isprintable() or c in "\n\t\u200d\u200c")
    return replace(incoming, event=Text(text))
