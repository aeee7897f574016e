"""A Door in memory for the web chat: the real deck, words and dialogue rules, without store or NLU.

It keeps the promises of bot.ports.Door that the web chat relies on: a repeat of an external id is
answered as the first time, an unknown visitor was shown nothing, leaving forgets everything.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from bot.adapters import catalog
from bot.adapters.webchat import FactBook, create_app, screen_links
from bot.domain.conversation import Conversation
from bot.domain.facts import Registry
from bot.domain.messages import (
    Bubble,
    Channel,
    ConversationId,
    Incoming,
    MessageId,
    Reply,
    Sent,
    Text,
)
from bot.domain.screens import Deck
from bot.domain.triage import Understanding, assess
from bot.domain.turn import Ask, Forget, Hide, Situation, Withdraw, respond
from bot.i18n import Texts, Values
from bot.services.reply import Renderer
from bot.settings import Settings
from tests.support.fakes import OPEN

LOCALES = Path(__file__).parents[2] / "locales"
BEGINNING = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)

# Stand-ins for a few Arabic texts, so that right-to-left pages can be looked at before any
# translation exists. They say what the English says, in simple words.
ARABIC: Mapping[str, str] = {
    "utter_safe_to_talk": "أنا برنامج كمبيوتر. لا أسأل عن اسمك. هل أنت وحدك الآن؟",
    "utter_main_menu": "كيف أساعد؟ يمكنك الاتصال على {cmm_phone}. في خطر: {emergency_phone}.",
    "utter_danger_now": "إذا كنت تستطيع، اتصل الآن على {emergency_phone}.",
    "Yes, I am alone": "نعم، أنا وحدي",
    "No": "لا",
    "Not sure": "لست متأكدا",
    "Phone": "هاتف",
    "Person": "شخص",
    "Hide": "إخفاء",
    "Language": "اللغة",
    "Start": "ابدأ",
    "I am in danger": "أنا في خطر",
    "I want to go home": "أريد العودة إلى البيت",
    "Police and papers": "الشرطة والأوراق",
    "Work and money": "العمل والمال",
    "Talk to a person": "التحدث مع شخص",
    "More": "المزيد",
    "Exit": "خروج",
    "Chat": "محادثة",
    "Write here": "اكتب هنا",
}


class ArabicTexts(Texts):
    """Texts with the Arabic stand-ins added."""

    @property
    def locales(self) -> tuple[str, ...]:
        return (*super().locales, *(["ar"] if "ar" not in super().locales else []))

    def get(self, context: str, source: str, locale: str) -> str:
        if locale == "ar":
            found = ARABIC.get(context) or ARABIC.get(source)
            if found:
                return found
        return super().get(context, source, locale)


class TurningClock:
    """A clock that stands still until it is turned."""

    def __init__(self, at: datetime = BEGINNING) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def unix(self) -> float:
        return self.at.timestamp()

    def turn(self, **delta: float) -> None:
        self.at += timedelta(**delta)


class WallClock(TurningClock):
    """The real time, for pages that count minutes themselves."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def unix(self) -> float:
        return self.now().timestamp()


@dataclass
class _Visitor:
    conversation: Conversation
    sent: list[Sent] = field(default_factory=list)
    answered: dict[str, Sequence[Sent]] = field(default_factory=dict)
    waiting: bool = False


class MemoryDoor:
    """See the module. ``broken`` makes the next calls fail; ``seen`` is everything that came in.

    ``read`` counts the messages it returned from the past, ``watched`` how often a script looked by
    itself. With ``hold`` set, an answer waits for it and says so by ``held``.
    """

    def __init__(self, renderer: Renderer, clock: TurningClock | None = None) -> None:
        self.renderer = renderer
        self.clock = clock or TurningClock()
        self.visitors: dict[str, _Visitor] = {}
        self.seen: list[Incoming] = []
        self.left: list[str] = []
        self.broken: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.held: asyncio.Event | None = None
        self.silent = False
        self.read = 0
        self.watched = 0
        self._ids = 1_000

    async def accept(
        self, incoming: Sequence[Incoming], *, mark: tuple[str, int] | None = None
    ) -> None:
        raise NotImplementedError

    async def mark(self, name: str) -> int | None:
        raise NotImplementedError

    async def converse(self, incoming: Incoming) -> Sequence[Sent]:
        if self.broken:
            raise self.broken
        visitor = self.visitors.get(incoming.sender) or self._meet(incoming)
        if incoming.external_id in visitor.answered:
            return visitor.answered[incoming.external_id]
        self.seen.append(incoming)
        if self.hold and self.held:
            self.held.set()
            await self.hold.wait()
        said = [] if self.silent else self._answer(visitor, incoming)
        visitor.answered[incoming.external_id] = said
        return said

    async def shown(
        self, channel: Channel, sender: str, after: MessageId, *, least: int = 0
    ) -> Sequence[Sent]:
        if self.broken:
            raise self.broken
        visitor = self.visitors.get(sender)
        said = visitor.sent if visitor else []
        new = sum(sent.id > after for sent in said)
        found = said[max(0, len(said) - max(new, least)) :]
        self.read += len(found)
        return found

    async def watch(self, channel: Channel, sender: str, after: MessageId) -> Sequence[Sent] | None:
        self.watched += 1
        if self.broken:
            raise self.broken
        visitor = self.visitors.get(sender)
        if visitor is None or not visitor.waiting:
            return None
        return [sent for sent in visitor.sent if sent.id > after]

    async def stay(self, channel: Channel, sender: str) -> bool:
        if self.broken:
            raise self.broken
        visitor = self.visitors.get(sender)
        return visitor is not None and visitor.waiting

    async def leave(self, channel: Channel, sender: str) -> None:
        if self.broken:
            raise self.broken
        self.left.append(sender)
        self.visitors.pop(sender, None)

    def greet(self, channel: Channel, screen: str, locale: str) -> Bubble:
        return self.renderer.render(Reply(screen, locale), channel)

    def emergency(self, incoming: Incoming) -> Bubble:
        return self.greet(incoming.channel, "utter_error", incoming.hint or "en")

    def write_as_person(self, sender: str, name: str, text: str) -> None:
        """Let a counsellor write to a visitor."""
        bubble = Bubble("", "en", text, ())
        self.visitors[sender].sent.append(Sent(self._next(), name, self.clock.now(), bubble))

    def _meet(self, incoming: Incoming) -> _Visitor:
        now = self.clock.now()
        conversation = Conversation(ConversationId(incoming.sender), Channel.WEB, now, now)
        self.visitors[incoming.sender] = _Visitor(conversation)
        return self.visitors[incoming.sender]

    def _answer(self, visitor: _Visitor, incoming: Incoming) -> list[Sent]:
        now = self.clock.now()
        event = incoming.event
        words = Understanding(assess(event.text, ())) if isinstance(event, Text) else None
        situation = Situation(
            deck=self.renderer.deck,
            now=now,
            locales=self.renderer.texts.locales,
            staffed=True,
            wait="10-20",
            hint=incoming.hint,
            on=incoming.on,
        )
        turn = respond(visitor.conversation, event, words, situation)
        visitor.conversation = replace(
            visitor.conversation,
            memory=turn.memory,
            version=visitor.conversation.version + 1,
            last_seen_at=now,
        )
        for effect in turn.effects:
            if isinstance(effect, Ask | Withdraw):
                visitor.waiting = isinstance(effect, Ask)
        replies = list(turn.replies)
        locale = turn.memory.locale or "en"
        if any(isinstance(e, Hide) for e in turn.effects):
            visitor.sent.clear()
            replies = [Reply("utter_hide_done", locale)]
        if any(isinstance(e, Forget) for e in turn.effects):
            self.visitors.pop(incoming.sender, None)
            replies = [Reply("utter_forget_done", locale)]
        said = [
            Sent(self._next(), "program", now, self.renderer.render(reply, Channel.WEB))
            for reply in replies
        ]
        visitor.sent += said
        return said

    def _next(self) -> MessageId:
        self._ids += 1
        return MessageId(self._ids)


def make_renderer(*, arabic: bool = False, settings: Settings | None = None) -> Renderer:
    """Return a renderer over the shipped deck and facts, with drafts."""
    deck, registry = _shipped()
    loaded = Texts.load(LOCALES, allow_drafts=True)
    texts = ArabicTexts(loaded._words, allow_drafts=True) if arabic else loaded
    said = (settings or Settings()).said()
    values = Values(deck, registry, texts, said)
    return Renderer(deck, texts, values, OPEN.date)


@cache
def _shipped() -> tuple[Deck, Registry]:
    return catalog.read_deck(LOCALES / "deck.yml"), catalog.read_facts(LOCALES / "facts.yml")


def make_app(door: MemoryDoor, settings: Settings | None = None, **options: Any) -> ASGIApp:
    """Return the web chat in front of a door, joined as the composition joins it."""
    settings = settings or Settings()
    renderer = door.renderer
    keys = [key for key in renderer.deck.words if key.startswith("privacy_")]
    return create_app(
        door,
        word=renderer.values.word,
        locales=lambda: renderer.texts.locales,
        links=lambda screen: screen_links(
            renderer.deck, renderer.registry, settings.said(), screen
        ),
        privacy=lambda locale: [renderer.values.word(key, locale) for key in keys],
        facts=FactBook(lambda: (renderer.deck, renderer.texts, renderer.values)),
        settings=settings,
        now=door.clock.unix,
        **options,
    )
