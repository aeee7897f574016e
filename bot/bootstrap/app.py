"""From Settings to a running App."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.adapters.ballast import Ballast
from bot.adapters.bus import MemoryBus
from bot.adapters.clock import SystemClock
from bot.adapters.code_words import read_code_words
from bot.adapters.holidays import is_danish_holiday
from bot.adapters.nlu import NluUnit, NoDialogue, SocketDialogue
from bot.adapters.push import NoAlerts
from bot.adapters.scenarios import read_scenarios
from bot.adapters.sealing import EphemeralKeys, KeyRing
from bot.adapters.storage import MemoryStore
from bot.adapters.translator import NoTranslator
from bot.bootstrap.stores import database_url, open_bus, open_store
from bot.bootstrap.words import locales_folder, make_judge, make_lasting_renderer, open_library
from bot.domain.messages import Channel
from bot.domain.retention import Policy
from bot.domain.triage import Lexicon, assess
from bot.ports import Bus, ChannelPort, Clock, Dialogue, Store, Translator
from bot.services.answer import Answers
from bot.services.content import ContentDesk, Library
from bot.services.decide import Decider
from bot.services.deliver import Deliverer
from bot.services.erase import Eraser
from bot.services.hotline import Hotline, Ladder, Reader, Ringer
from bot.services.ids import MessageIds
from bot.services.keep import Keeper
from bot.services.practice import Rooms, World
from bot.services.receive import Reception
from bot.services.reply import Renderer
from bot.services.return_code import ReturnCodes
from bot.settings import Settings
from bot.staff_ports import Alerts, Vault


@dataclass(slots=True, repr=False)
class App:
    """A running Havn without its channels. It holds too much to be written out, and secrets."""

    settings: Settings
    clock: Clock
    store: Store
    sealer: KeyRing
    dialogue: Dialogue
    renderer: Renderer
    lexicons: tuple[Lexicon, ...]
    reception: Reception
    answers: Answers
    eraser: Eraser
    keeper: Keeper
    deliverers: dict[Channel, Deliverer]
    ballast: Ballast
    bus: Bus
    hotline: Hotline
    reader: Reader
    rooms: Rooms
    translator: Translator
    alerts: Alerts
    library: Library
    content: ContentDesk

    @property
    def ringer(self) -> Ringer:
        """Return what rings browsers that are closed."""
        facts = lambda: self.library.served.registry  # noqa: E731
        return Ringer(store=self.store, clock=self.clock, alerts=self.alerts, facts=facts)


def policy(settings: Settings) -> Policy:
    """Return how long things are kept."""
    return Policy(
        idle=timedelta(hours=settings.retention_idle_hours),
        web=timedelta(minutes=settings.web_idle_minutes),
        cap=timedelta(days=settings.retention_cap_days),
        receipts=timedelta(days=settings.retention_receipts_days),
    )


def nlu_unit(settings: Settings) -> NluUnit:
    """Return the NLU unit of this installation, not started."""
    return NluUnit(
        settings.root.resolve(),
        python=settings.nlu_python,
        models=(settings.data_dir / "models").resolve(),
        socket=settings.socket,
    )


@asynccontextmanager
async def open_translator(settings: Settings) -> AsyncIterator[Translator]:
    """Open machine translation for counsellors; off unless its address is set."""
    if not settings.translator_url:
        yield NoTranslator()
        return
    # An HTTP client that a start without one need not wait for.
    from bot.adapters.translator.libre import open_libre_translator  # noqa: PLC0415

    url, key = settings.translator_url, settings.translator_key
    async with open_libre_translator(url, key) as translator:
        yield translator


@asynccontextmanager
async def open_alerts(settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Alerts]:
    """Open alerts for browsers that are closed; off unless somebody to answer for them is named."""
    if not settings.push_subject:
        yield NoAlerts()
        return
    # An HTTP client that a start without one need not wait for.
    from bot.adapters.push.web import open_web_alerts  # noqa: PLC0415

    secret, hosts = await vault.alert_key(), settings.push_hosts
    async with open_web_alerts(secret, settings.push_subject, clock, more=hosts) as alerts:
        yield alerts


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    channels: dict[Channel, ChannelPort] | None = None,
    clock: Clock | None = None,
    dialogue: Dialogue | None = None,
    words: tuple[Renderer, tuple[Lexicon, ...]] | None = None,
) -> AsyncIterator[App]:
    """Open store, keys and use cases; close them in the opposite order."""
    clock = clock or SystemClock()
    channels = channels or {}
    async with AsyncExitStack() as stack:
        renderer, lexicons = words or make_lasting_renderer(settings, clock)
        # Slow the first time only; the first visitor in danger must not wait for it.
        is_danish_holiday(clock.now().date())
        assess("", lexicons)
        store, sealer = await stack.enter_async_context(open_store(settings))
        library = open_library(settings, renderer)
        dialogue = dialogue or await _dialogue(settings, stack)
        ids = MessageIds()
        deliverers = {
            name: Deliverer(store=store, clock=clock, renderer=renderer, channel=channel, ids=ids)
            for name, channel in channels.items()
        }
        bus = await stack.enter_async_context(open_bus(database_url(settings)))
        translator = await stack.enter_async_context(open_translator(settings))
        alerts = await stack.enter_async_context(open_alerts(settings, sealer, clock))
        app = _wire(
            settings,
            clock,
            store,
            sealer,
            dialogue,
            renderer,
            lexicons,
            channels,
            deliverers,
            ids,
            bus,
            translator,
            alerts,
            library,
        )
        stack.push_async_callback(app.eraser.close)
        stack.push_async_callback(app.reception.close)
        stack.push_async_callback(app.rooms.close)
        yield app


def _wire(
    settings: Settings,
    clock: Clock,
    store: Store,
    sealer: KeyRing,
    dialogue: Dialogue,
    renderer: Renderer,
    lexicons: tuple[Lexicon, ...],
    channels: dict[Channel, ChannelPort],
    deliverers: dict[Channel, Deliverer],
    ids: MessageIds,
    bus: Bus,
    translator: Translator,
    alerts: Alerts,
    library: Library,
) -> App:
    posted = _waker(deliverers)
    ballast = Ballast(settings.data_dir / "ballast")
    eraser = Eraser(
        store=store,
        sealer=sealer,
        clock=clock,
        renderer=renderer,
        channels=channels,
        make_room=ballast.release,
        publish=bus.publish,
    )
    codes = None
    if settings.return_codes:
        codes = ReturnCodes(
            read_code_words(),
            store=store,
            sealer=sealer,
            clock=clock,
            lexicons=lexicons,
            eraser=eraser,
            ids=ids,
            publish=bus.publish,
        )
    answers = Answers(
        store=store,
        sealer=sealer,
        clock=clock,
        decider=Decider(
            sealer=sealer,
            clock=clock,
            dialogue=dialogue,
            renderer=renderer,
            lexicons=lexicons,
            codes=codes,
        ),
        renderer=renderer,
        eraser=eraser,
        ids=ids,
        is_holiday=is_danish_holiday,
        posted=posted,
        publish=bus.publish,
        codes=codes,
        make_room=ballast.release,
    )
    reception = Reception(
        store=store,
        sealer=sealer,
        clock=clock,
        answers=answers,
        eraser=eraser,
        renderer=renderer,
        lexicons=lexicons,
        ids=ids,
        make_room=ballast.release,
    )
    ladder = Ladder(store=store, clock=clock, ids=ids, publish=bus.publish, posted=posted)
    keeper = Keeper(
        store=store,
        sealer=sealer,
        clock=clock,
        eraser=eraser,
        policy=policy(settings),
        ids=ids,
        resume=reception.resume,
        ladder=ladder.run,
        posted=posted,
    )
    hotline = Hotline(
        store=store,
        sealer=sealer,
        clock=clock,
        ids=ids,
        eraser=eraser,
        publish=bus.publish,
        posted=posted,
    )
    reader = Reader(store=store, clock=clock, renderer=renderer, ids=ids)
    return App(
        settings,
        clock,
        store,
        sealer,
        dialogue,
        renderer,
        lexicons,
        reception,
        answers,
        eraser,
        keeper,
        deliverers,
        ballast,
        bus,
        hotline,
        reader,
        Rooms(partial(make_world, settings, clock, renderer), clock),
        translator,
        alerts,
        library,
        ContentDesk(store, clock, library, make_judge(settings, library)),
    )


def make_world(settings: Settings, clock: Clock, renderer: Renderer, locale: str) -> World:
    """Make the world of one practice; nothing of it is shared with what is real."""
    sealer = EphemeralKeys()
    scenarios, whisper = read_scenarios(locales_folder(settings), locale)
    return World(
        store=MemoryStore(sealer),
        sealer=sealer,
        clock=clock,
        bus=MemoryBus(),
        renderer=renderer,
        scenarios=scenarios,
        whisper=whisper,
        locale=locale,
    )


def _waker(deliverers: dict[Channel, Deliverer]) -> Callable[[Channel], None]:
    def posted(channel: Channel) -> None:
        if channel in deliverers:
            deliverers[channel].wake()

    return posted


async def _dialogue(settings: Settings, stack: AsyncExitStack) -> Dialogue:
    if settings.nlu == "off":
        return NoDialogue()
    dialogue = SocketDialogue(settings.socket, deadline=settings.nlu_deadline_ms / 1000)
    stack.push_async_callback(dialogue.close)
    return dialogue
