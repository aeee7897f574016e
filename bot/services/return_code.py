"""Return codes: giving one out, and moving a conversation to the channel where it is typed."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.conversation import Conversation
from bot.domain.errors import ChangedError, StoreUnavailableError
from bot.domain.messages import ConversationId, Line, MessageId, Reply
from bot.domain.return_code import WORDS, Brake, NewCode, read_code
from bot.domain.screens import PING
from bot.domain.topics import handover_topic
from bot.domain.triage import Level, Lexicon, assess
from bot.logs import error_class, logger
from bot.ports import Arrival, Clock, Deletion, Delivery, Outgoing, Sealer, Store, UnitOfWork
from bot.services.effects import hold, outgoing
from bot.services.erase import Eraser
from bot.services.ids import MessageIds
from bot.services.news import Publish
from bot.services.timers import AUTOCLEAN

log = logger(__name__)

_UNSENT = (Delivery.PENDING, Delivery.SENDING)


class ReturnCodes:
    """Gives codes out and takes them back; exists only where HAVN_RETURN_CODES is on."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        lexicons: Sequence[Lexicon],
        eraser: Eraser,
        ids: MessageIds,
        publish: Publish,
    ) -> None:
        self._words = words
        self._known = frozenset(words)
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._lexicons = lexicons
        self._eraser = eraser
        self._ids = ids
        self._publish = publish
        self._brake = Brake()

    def read(self, text: str) -> str:
        """Return the code that a text is; "" for all others, words of danger first of all."""
        code = read_code(text, self._known)
        return code if code and self._is_calm(code) else ""

    async def draw(self) -> NewCode:
        """Draw a code. It takes its time: never in a transaction, others would wait for it."""
        words = self._draw()
        (newest, *_) = await self._sealer.stretch_code(words)
        return NewCode(words, newest)

    async def exchange(
        self, begun: Conversation, code: str, arrivals: Sequence[Arrival]
    ) -> Sequence[Outgoing] | None:
        """Bring the conversation of a code to the channel of the one just begun, and spend it.

        ``arrivals`` is all that awaits an answer there, the code last. Returns what was posted,
        None for a wrong code and for one tried too soon. The begun conversation is erased, so
        nothing may have come in it meanwhile: ChangedError then, and nothing is moved or spent.
        The same while another transaction holds one of the two.
        """
        now = self._clock.now()
        if not self._brake.passes(begun.id, now):
            return None
        hashes = await self._sealer.stretch_code(code)
        try:
            async with self._store.begin() as unit:
                found = await unit.return_codes.find(hashes)
                posts = await self._move(unit, found, begun, hashes, arrivals)
                opened = await unit.handovers.open_for([found] if found else [])
        except ChangedError:
            # It is looked at again in a moment, and no guess.
            self._brake.forgive()
            raise
        if posts is None:
            self._brake.wrong(begun.id, now)
            return None
        for handover in opened.values():
            self._publish(handover_topic(handover.id or 0))
        try:
            await self._eraser.expire({begun.id})
        except StoreUnavailableError as error:
            # The mark is committed: the next start, or the next hour, finishes it.
            log.warning("return_erasing_unfinished", error=error_class(error))
        return posts

    async def _move(
        self,
        unit: UnitOfWork,
        found: ConversationId | None,
        begun: Conversation,
        hashes: Sequence[bytes],
        arrivals: Sequence[Arrival],
    ) -> Sequence[Outgoing] | None:
        """Let the new channel replace the old one, in one transaction."""
        if found is None or found == begun.id:
            return None
        both = (found, begun.id)
        loaded = await unit.conversations.load(both, lock=True)
        if len(loaded) != len(both):
            if len(await unit.conversations.load(both)) == len(both):
                raise ChangedError("another transaction holds one of the two conversations")
            return None
        # Somebody else may have spent the code before this one had the conversation to itself.
        if await unit.return_codes.find(hashes) != found:
            return None
        if loaded[begun.id].version != begun.version:
            raise ChangedError("something was answered while the code was looked up")
        now, old = self._clock.now(), loaded[found]
        memory = replace(old.memory, screen=PING, decoy=0, autoclean=False)
        moved = replace(
            old, channel=begun.channel, address=begun.address, memory=memory, last_seen_at=now
        )
        await unit.return_codes.spend(found)
        await hold(unit, found)
        await unit.messages.move(found, begun.channel)
        await unit.timers.cancel(found, AUTOCLEAN)
        await unit.conversations.save([moved])
        await unit.conversations.move(begun.id, moved, now)
        # Not before the move, which waits for a message that is being stored at this moment.
        if await _has_more(unit, begun.id, arrivals):
            raise ChangedError("a message came while the code was looked up")
        # Numbers are never taken back: what is urgent goes to the same place, better twice.
        bodies = [*await _unsent(unit, begun.id), Reply(PING, memory.locale or "en")]
        if reference := arrivals[-1].incoming.reference:
            bodies.append(Deletion((reference,)))
        posts = [outgoing(moved, b, id_=self._ids.next(now), now=now) for b in bodies]
        await unit.messages.post(posts)
        return posts

    def _draw(self) -> str:
        """Draw a code that reads as nothing else: words of danger would be answered as such."""
        while True:
            code = " ".join(secrets.choice(self._words) for _ in range(WORDS))
            if self._is_calm(code):
                return code

    def _is_calm(self, code: str) -> bool:
        found = assess(code, self._lexicons)
        return (
            found.level is Level.GREY
            and found.screen is None
            and not found.danger_words
            and not found.self_harm_words
        )


async def _has_more(
    unit: UnitOfWork, conversation: ConversationId, arrivals: Sequence[Arrival]
) -> bool:
    """Tell whether anything but these arrivals awaits an answer in a conversation."""
    waiting = await unit.messages.unanswered([conversation])
    known = {arrival.id for arrival in arrivals}
    return any(arrival.id not in known for arrival in waiting.get(conversation, ()))


async def _unsent(unit: UnitOfWork, conversation: ConversationId) -> list[Reply | Line | Deletion]:
    """Return what is urgent in a conversation and has not arrived."""
    rows = await unit.messages.replies_after(conversation, MessageId(0))
    return [row.body for row in rows if row.urgent and row.state in _UNSENT]
