"""What the use cases need from the outside, as protocols; each adapter keeps one of these promises.

Ids, keys and times are passed in, so a test decides them. No port takes or returns a database row,
a Telegram object or an HTTP request.
"""

import enum
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType, Protocol

from bot.content_ports import Contents
from bot.domain.conversation import Conversation
from bot.domain.handover import Handover
from bot.domain.messages import (
    Bubble,
    Channel,
    ConversationId,
    Incoming,
    Line,
    MessageId,
    Reply,
    Sent,
)
from bot.domain.staff import StaffId
from bot.staff_ports import AuditTrail, Sessions, StaffAccounts, Subscriptions, Vault

Lookup = NewType("Lookup", bytes)


# --- time and secrets -------------------------------------------------------------------------


class Clock(Protocol):
    """Tells the time; injected so that tests can turn it."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""


class Sealer(Vault, Protocol):
    """Encrypts fields under the key of their conversation, and recognises visitors by a keyed hash.

    Every sealed value is bound to its conversation, row and field, so that none can be moved.
    """

    def lookups(self, channel: Channel, sender: str) -> Sequence[Lookup]:
        """Return the keyed hashes a visitor may be stored under: the current pepper's first."""

    def hash_word(self, conversation: ConversationId, word: str) -> str:
        """Return a keyed hash of a code word, tolerant to case, accents and spaces."""

    async def create_keys(self, conversations: Collection[ConversationId]) -> None:
        """Make one data key for each conversation and store them durably before returning."""

    async def load_keys(self, conversations: Collection[ConversationId]) -> None:
        """Make the keys ready for seal() and open_sealed(); absent ones are skipped."""

    async def holders(self) -> Collection[ConversationId]:
        """Return everything that has a key, also where no conversation was stored in the end."""

    def has_key(self, conversation: ConversationId) -> bool:
        """Tell whether a key is ready."""

    def seal(self, conversation: ConversationId, row: str, field: str, plain: bytes) -> bytes:
        """Encrypt; KeyUnavailableError when the conversation has no key."""

    def open_sealed(
        self, conversation: ConversationId, row: str, field: str, sealed: bytes
    ) -> bytes:
        """Decrypt; KeyUnavailableError when the key is gone or the value was tampered with."""

    async def stretch_code(self, code: str) -> Sequence[bytes]:
        """Return the keyed, slow hashes of a return code: the current pepper's first."""

    async def destroy_keys(self, conversations: Collection[ConversationId]) -> None:
        """Delete data keys. What they sealed is unreadable once rotate() has run as well."""

    async def rotate(self) -> int:
        """Wrap every live data key under a new key-encryption key and destroy the old one.

        Returns the new epoch. Safe to repeat after a kill at any point.
        """


# --- the store --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrival:
    """An incoming message with its place in a conversation."""

    id: MessageId
    conversation: ConversationId
    incoming: Incoming = field(repr=False)
    at: datetime


class Delivery(enum.StrEnum):
    """Where an outgoing message stands."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    HELD = "held"  # a counsellor's line that waits until the visitor looks for it
    DROPPED = "dropped"  # overtaken by a claim or by the visitor's own word: never shown


@dataclass(frozen=True, slots=True)
class Deletion:
    """A wish to delete messages from the visitor's side of a channel, by their references.

    ``then`` is the one reply left behind, sent after the deletion.
    """

    references: tuple[str, ...] = field(repr=False)
    then: Reply | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Something to do on a channel: show a reply or a counsellor's line, or delete messages.

    ``human`` tells that a counsellor says it, be it in a canned reply. ``urgent`` ones (danger,
    numbers, handover) go before others. ``reference`` is the channel's id of the message once it
    was sent. ``address`` is filled in when the row is read for delivery.
    """

    id: MessageId
    conversation: ConversationId
    channel: Channel
    body: Reply | Line | Deletion = field(repr=False)
    at: datetime
    due_at: datetime
    human: bool = False
    urgent: bool = False
    state: Delivery = Delivery.PENDING
    attempts: int = 0
    reference: str = field(default="", repr=False)
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to do for a conversation at a time; one of each kind per conversation."""

    conversation: ConversationId
    kind: str
    due_at: datetime


class Conversations(Protocol):
    """Conversations by keyed hash and by id."""

    async def find(self, lookups: Collection[Lookup]) -> Mapping[Lookup, ConversationId]:
        """Return the conversations known under these hashes; unknown hashes are absent."""

    async def unknown(self, ids: Collection[ConversationId]) -> Collection[ConversationId]:
        """Return the ids no conversation is stored under, be it one that is being forgotten."""

    async def add(self, new: Mapping[Lookup, Conversation]) -> None:
        """Store new conversations under their hash; their keys exist already."""

    async def rekey(self, lookups: Mapping[ConversationId, Lookup]) -> None:
        """Store conversations under a new hash, after the pepper changed."""

    async def move(self, begun: ConversationId, to: Conversation, at: datetime) -> None:
        """Let a conversation be found where the one just begun was, which begins to be forgotten.

        Channel and address of ``to`` are written, its memory is not. Both are locked.
        """

    async def load(
        self, ids: Collection[ConversationId], *, lock: bool = False, forgetting: bool = False
    ) -> Mapping[ConversationId, Conversation]:
        """Read conversations; those forgotten are absent, as are those being forgotten by default.

        With ``lock``, rows another process is changing are absent too.
        """

    async def save(self, conversations: Sequence[Conversation]) -> None:
        """Write memory and last_seen_at, and count ``version`` up by one.

        The caller read them with ``lock`` in this transaction.
        """

    async def idle_since(
        self,
        before: datetime,
        limit: int,
        channel: Channel | None = None,
        *,
        waiting: bool = False,
    ) -> Sequence[ConversationId]:
        """Return conversations last seen before a moment, oldest first.

        Those in which somebody waits for a counsellor are left out unless ``waiting`` is set.
        """

    async def older_than(self, before: datetime, limit: int) -> Sequence[ConversationId]:
        """Return conversations created before a moment, whatever their state."""

    async def count(self) -> int:
        """Return how many conversations are stored."""

    async def begin_forgetting(self, ids: Collection[ConversationId], at: datetime) -> None:
        """Mark conversations as being forgotten, so that a kill cannot stop it half-way."""

    async def forgetting(self) -> Sequence[ConversationId]:
        """Return conversations whose forgetting has begun."""

    async def erase(self, ids: Collection[ConversationId]) -> None:
        """Delete the conversations and every row that belongs to them."""


class Messages(Protocol):
    """What came in and what goes out, in the order of their ids."""

    async def accept(self, arrivals: Sequence[Arrival]) -> frozenset[MessageId]:
        """Store the arrivals whose (channel, external id) was never seen; return the ids stored."""

    async def unanswered(
        self, ids: Collection[ConversationId]
    ) -> Mapping[ConversationId, Sequence[Arrival]]:
        """Return the arrivals of these conversations that await an answer, in order."""

    async def with_unanswered(self, before: datetime, limit: int) -> Sequence[ConversationId]:
        """Return conversations with an unanswered arrival older than ``before``, oldest first."""

    async def settle(self, answered: Sequence[Arrival], *, wipe: Collection[MessageId]) -> None:
        """Mark arrivals as answered; the content of those in ``wipe`` is overwritten."""

    async def post(self, outgoing: Sequence[Outgoing]) -> None:
        """Store outgoing messages, pending."""

    async def due(self, channel: Channel, now: datetime, limit: int) -> Sequence[Outgoing]:
        """Return outgoing messages to send now, urgent ones first, then by id.

        For each conversation only its earliest unfinished message is returned, with its address. It
        is urgent if it is itself, or if one that waits behind it is.
        """

    async def mark(self, outgoing: Sequence[Outgoing]) -> Collection[MessageId]:
        """Write state, attempts, due_at and reference; return the ids of those that do not stand.

        Gone, held back or given to another channel meanwhile: nothing is written of them. Those of
        a conversation that is being forgotten are among the returned ids as well.
        """

    async def replies_after(
        self, conversation: ConversationId, after: MessageId, *, least: int = 0
    ) -> Sequence[Outgoing]:
        """Return the outgoing messages of a conversation after an id, in order.

        Where these are fewer than ``least``, the latest before them come too, up to that many.
        What is held back or was dropped is not among them.
        """

    async def thread(
        self, conversation: ConversationId, after: MessageId, limit: int
    ) -> Sequence[Arrival | Outgoing]:
        """Return the newest messages of both sides after an id, in order; wiped ones are absent."""

    async def newest(self, conversation: ConversationId) -> MessageId:
        """Return the id of the last message of either side, 0 if there is none."""

    async def release(self, conversation: ConversationId) -> Sequence[Outgoing]:
        """Take what is held back out of the store and return it, oldest first."""

    async def held(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, int]:
        """Return how many messages are held back in each conversation that has any."""

    async def drop(self, conversation: ConversationId, *, human: bool) -> int:
        """Drop what has not arrived, of counsellors or of the program; return how many.

        What is on its way may still arrive, and is marked so; when it is refused it stays dropped.
        Deletions and urgent messages of the program stay: numbers are never taken back.
        """

    async def move(self, conversation: ConversationId, channel: Channel) -> None:
        """Give all messages to another channel: what was not sent is dropped, references go.

        What is held back stays held.
        """

    async def remove(self, ids: Collection[MessageId]) -> None:
        """Delete messages by their ids."""

    async def once(self, name: str, at: datetime) -> bool:
        """Remember a name in the register of seen ids; False if it was there already."""

    async def is_known(self, name: str) -> bool:
        """Tell whether once() has remembered a name."""

    async def references(self, conversation: ConversationId, since: datetime) -> Sequence[str]:
        """Return the channel's ids of all messages of both sides since a moment, oldest first.

        A mark() under way is waited for, so that it either is seen or finds what became of its row.
        """

    async def erase(
        self, conversation: ConversationId, *, up_to: MessageId, but: Collection[MessageId] = ()
    ) -> None:
        """Delete what came in up to an id, answered or not, and all that went out, but for some."""

    async def forget_receipts(self, before: datetime) -> int:
        """Drop the register of seen external ids from before a moment; return how many."""


class Handovers(Protocol):
    """Requests for a counsellor; at most one open per conversation."""

    async def open_for(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Handover]:
        """Return the open handover of each conversation that has one."""

    async def save(self, handover: Handover) -> Handover:
        """Insert it (id None) or update it under its version; return it with id and new version.

        ChangedError when the version has changed or another one is open.
        """

    async def get(self, handover: int) -> Handover | None:
        """Return a handover by its number, None when it is gone."""

    async def every_open(self) -> Sequence[Handover]:
        """Return all open handovers, oldest first; those whose key is gone are absent."""

    async def renew(self, handover: Handover) -> None:
        """Write only the lease of an active handover, for the owner it names; its version stays.

        Without effect when it has changed hands meanwhile.
        """

    async def waiting_ahead(self, asking: Sequence[Handover]) -> Sequence[int]:
        """Return for each how many others wait and come first: `queue.place`."""


class Timers(Protocol):
    """Things to do later; rows, so that a restart forgets none."""

    async def set(self, timer: Timer) -> None:
        """Store a timer, replacing the one of its kind."""

    async def cancel(self, conversation: ConversationId, kind: str) -> None:
        """Remove a timer if there is one."""

    async def take(self, timer: Timer) -> bool:
        """Remove a timer whose time has come; False when it is gone, or was set anew since."""

    async def due(self, now: datetime, limit: int) -> Sequence[Timer]:
        """Return timers whose time has come, oldest first."""


class ReturnCodes(Protocol):
    """Hashes of return codes, at most one per conversation; they go with it."""

    async def set(self, conversation: ConversationId, hashed: bytes) -> None:
        """Store the code of a conversation in place of an earlier one."""

    async def find(self, hashes: Collection[bytes]) -> ConversationId | None:
        """Return whose code has one of these hashes."""

    async def spend(self, conversation: ConversationId) -> None:
        """Delete the code of a conversation; none is no error."""


class Marks(Protocol):
    """Small named numbers, such as the offset of a channel's update queue."""

    async def get(self, name: str) -> int | None:
        """Return a mark, None if it was never set."""

    async def set(self, name: str, value: int) -> None:
        """Store a mark."""


class NoteKind(enum.StrEnum):
    """What a note is."""

    NOTE = "note"
    WHISPER = "whisper"  # from a supervisor to the counsellor
    TRANSFER = "transfer"  # need, risk now, promised next step
    READ = "read"  # a supervisor reads along; no words


@dataclass(frozen=True, slots=True)
class Note:
    """What staff write for staff; never sent, sealed, and gone with the conversation."""

    id: MessageId
    conversation: ConversationId
    author: StaffId
    kind: NoteKind
    at: datetime
    text: str = field(repr=False)


class Notes(Protocol):
    """Notes and unsent drafts of counsellors."""

    async def add(self, note: Note) -> None:
        """Store a note."""

    async def of(self, conversation: ConversationId) -> Sequence[Note]:
        """Return the notes of a conversation, oldest first."""

    async def keep_draft(self, conversation: ConversationId, staff: StaffId, text: str) -> None:
        """Store what a counsellor is typing, replacing what they typed before; empty removes it."""

    async def draft(self, conversation: ConversationId, staff: StaffId) -> str:
        """Return what a counsellor was typing, empty if nothing."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A counsellor at work: since when, last sign of life, and the locales they write."""

    staff: StaffId
    since: datetime
    beat_at: datetime
    languages: frozenset[str] = frozenset()


class Shifts(Protocol):
    """Who is on shift."""

    async def begin(self, shift: Shift) -> None:
        """Start a shift, or start it anew."""

    async def beat(self, staff: StaffId, at: datetime) -> bool:
        """Note a sign of life; False when this person is not on shift."""

    async def end(self, staff: StaffId) -> None:
        """End a shift; ending none is no error. Its times are gone, its languages are kept."""

    async def languages(self, staff: StaffId) -> frozenset[str] | None:
        """Return the locales of somebody's last shift, under way or over; None before the first."""

    async def since(self, moment: datetime) -> Sequence[Shift]:
        """Return the shifts with a sign of life since a moment, longest at work first."""


class Figures(Protocol):
    """Counters, never rows about anybody (security-reliability.md 2.4)."""

    async def count(self, week: str, values: Mapping[str, str]) -> None:
        """Add one to the counter of each (kind, value) in a week such as ``2026-W47``."""

    async def between(self, first: str, last: str) -> Mapping[tuple[str, str, str], int]:
        """Return the counters of the weeks from first to last, by (week, kind, value)."""


class UnitOfWork(Protocol):
    """One transaction and what can be reached in it."""

    conversations: Conversations
    messages: Messages
    handovers: Handovers
    notes: Notes
    shifts: Shifts
    figures: Figures
    timers: Timers
    return_codes: ReturnCodes
    marks: Marks
    staff: StaffAccounts
    sessions: Sessions
    subscriptions: Subscriptions
    audit: AuditTrail
    contents: Contents


class Store(Protocol):
    """The durable store. StoreUnavailableError from any of it: the promise could not be kept."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a write transaction: durable at the end of the block, undone on an error."""

    async def scrub(self) -> None:
        """Truncate journals and free pages, so that erased rows leave the files."""

    async def check(self) -> None:
        """Raise StoreUnavailableError unless the store can be written to right now."""


# --- dialogue and channels --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the NLU unit makes of a text on a screen.

    ``ranking`` holds intents with confidence from 0 to 1, best first; ``outcomes`` are ids of
    screens and actions; ``locale`` is the language the text seems to be written in. ``danger`` and
    ``self_harm`` are the chances that the text tells of a danger, or of an act of self-harm, that
    is now; ``danger_words`` tells whether it holds a word that people use for such things.
    """

    intent: str
    confidence: float
    ranking: tuple[tuple[str, float], ...]
    outcomes: tuple[str, ...]
    locale: str = ""
    locale_confidence: float = 0.0
    danger: float = 0.0
    self_harm: float = 0.0
    danger_words: bool = False


class Dialogue(Protocol):
    """The NLU unit: a pure function from text, screen and language to meaning."""

    async def interpret(self, text: str, screen: str, locale: str = "") -> Meaning:
        """Return the meaning; DialogueUnavailableError when it is off, late (800 ms) or broken.

        ``locale`` is the language of the conversation so far: some short words mean one thing in
        one language and another in the next.
        """

    @property
    def ready(self) -> bool:
        """Tell whether free text is understood at present."""


class Refusal(enum.StrEnum):
    """Why a channel did not take a message."""

    UNREACHABLE = "unreachable"  # the visitor blocked or left the chat: do not try again
    LATER = "later"  # the channel asked to wait, or failed in a way that may pass
    REJECTED = "rejected"  # this message will never be taken


class DeliveryError(Exception):
    """A channel did not take a message; ``wait`` is in seconds and only meant for this chat."""

    def __init__(self, refusal: Refusal, wait: float = 0.0, *, everywhere: bool = False) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.wait = wait
        self.everywhere = everywhere


class ChannelPort(Protocol):
    """A channel that is pushed to, such as Telegram."""

    name: Channel

    async def show(self, address: str, bubble: Bubble) -> str:
        """Send a bubble, or replace the message ``bubble.on``; return its reference.

        DeliveryError when the channel did not take it.
        """

    async def delete(self, address: str, references: Sequence[str]) -> None:
        """Delete messages of both sides as far as the channel allows; missing ones are no error."""


# --- the way in -------------------------------------------------------------------------------


class Door(Protocol):
    """What every channel is given: the one way in. Nothing else of the use cases is known to it."""

    async def accept(
        self, incoming: Sequence[Incoming], *, mark: tuple[str, int] | None = None
    ) -> None:
        """Store messages durably, then let them be answered in the background.

        Only when this returns may the channel be told that they arrived. ``mark`` is stored in the
        same transaction. Repeats have no effect. StoreUnavailableError when nothing was stored.
        """

    async def mark(self, name: str) -> int | None:
        """Return a mark stored with accept(), None at the very first start."""

    async def converse(self, incoming: Incoming) -> Sequence[Sent]:
        """Store one message, answer it, and return what Havn shows in return, oldest first.

        A repeat returns what was shown the first time. StoreUnavailableError as accept() does.
        """

    async def shown(
        self, channel: Channel, sender: str, after: MessageId, *, least: int = 0
    ) -> Sequence[Sent]:
        """Return what was shown to a visitor after a message id; empty for an unknown visitor.

        Where this is less than ``least`` messages, the latest before come too, up to that many.
        """

    async def watch(self, channel: Channel, sender: str, after: MessageId) -> Sequence[Sent] | None:
        """Return what appears by itself after a message id, on a page that nobody touches.

        None when nothing will, so that the page need not ask again. To watch is no sign of life:
        what a counsellor writes waits once the visitor was inactive for too long, and only the
        neutral hello comes, where they agreed to it.
        """

    async def stay(self, channel: Channel, sender: str) -> bool:
        """Tell whether a visitor waits for a counsellor or writes with one, and note they are here.

        For these visitors coming back to an old page counts as writing does.
        """

    async def leave(self, channel: Channel, sender: str) -> None:
        """Erase everything about a visitor at once, as the exit does. Unknown is no error."""

    def greet(self, channel: Channel, screen: str, locale: str) -> Bubble:
        """Render a screen that needs no conversation, from memory only."""

    def emergency(self, incoming: Incoming) -> Bubble:
        """Render what a visitor gets when nothing could be stored, from memory only.

        Words of danger get the emergency numbers, everything else the message that something is
        broken, which holds the numbers too.
        """


# --- what changed -----------------------------------------------------------------------------


class Bus(Protocol):
    """Tells every process which things changed, by topic (domain/topics.py); never what they say.

    It may repeat a topic and may bring two in another order, and it replaces what it could not
    bring by ``queue``, which means "refresh all you show". So nothing is missed that a refresh
    would not show, and nothing but a refresh may depend on it.
    """

    def publish(self, topic: str) -> None:
        """Tell all subscribers; after the commit, or they would read what was there before.

        Neither waits nor fails when others cannot be reached. ValueError when it is no topic.
        """

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Listen from the start of the block to its end; the iterator ends when the bus closes."""


# --- machine translation ----------------------------------------------------------------------

# In characters; the length of the longest message on Telegram.
LONGEST_TRANSLATION = 4096


class Translator(Protocol):
    """Turns what a visitor or a counsellor wrote into another language, by machine.

    What it returns may be wrong and is untrusted: whoever shows it marks it as machine text beside
    the original, and no level and no decision of the program rests on it.
    """

    @property
    def ready(self) -> bool:
        """Tell whether a translation can be offered at all."""

    async def translate(self, text: str, source: str, target: str, *, detect: bool = False) -> str:
        """Return a text of at most LONGEST_TRANSLATION characters in another locale's language.

        With ``detect`` the language of the text is whatever the translator is sure of, and
        ``source`` only where it is not sure.
        TranslatorUnavailableError when it is off, late or broken, or the text is longer; also when
        nothing is sure and both languages are the same.
        """
