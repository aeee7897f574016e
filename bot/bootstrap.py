"""Joins the parts: the only module that names adapters. From Settings to a running App."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from bot.adapters import catalog
from bot.adapters.anchor import AnchorFile
from bot.adapters.ballast import Ballast
from bot.adapters.bus import MemoryBus
from bot.adapters.clock import SystemClock
from bot.adapters.code_words import read_code_words
from bot.adapters.holidays import is_danish_holiday
from bot.adapters.nlu import NluUnit, NoDialogue, SocketDialogue
from bot.adapters.passkeys import WebAuthn
from bot.adapters.passwords import Argon2Hasher
from bot.adapters.push import NoAlerts
from bot.adapters.scenarios import read_scenarios
from bot.adapters.sealing import EphemeralKeys, KeyRing, Stamp
from bot.adapters.signing import LastGoodFile, Signer, Verifier
from bot.adapters.storage import MemoryStore, SqlStore
from bot.adapters.translator import NoTranslator
from bot.adapters.webchat import FactBook, create_app, screen_links
from bot.domain import turn
from bot.domain.errors import ConfigurationError, DeckError, FactError
from bot.domain.hours import WeekHours
from bot.domain.messages import Channel, Reply
from bot.domain.retention import Policy
from bot.domain.triage import CARE, DANGER, Lexicon, assess
from bot.i18n import Texts, Values
from bot.i18n.values import COPENHAGEN
from bot.logs import logger
from bot.ports import Bus, ChannelPort, Clock, Dialogue, Store, Translator
from bot.services.answer import Answers
from bot.services.content import ContentDesk, Judge, Library, Publisher, Shipped, Watcher
from bot.services.content.links import TextLinks
from bot.services.decide import Decider
from bot.services.deliver import Deliverer
from bot.services.erase import Eraser
from bot.services.hotline import Hotline, Ladder, Reader, Ringer
from bot.services.ids import MessageIds
from bot.services.keep import Keeper
from bot.services.practice import Rooms, World
from bot.services.privacy import privacy_page
from bot.services.receive import Reception
from bot.services.reply import Renderer
from bot.services.return_code import ReturnCodes
from bot.services.staff import Accounts, Challenges, Enrolment, SessionKeeper, SignIn, Trail
from bot.services.staff.demo import DemoLinks
from bot.settings import Settings
from bot.staff_ports import Alerts, Vault
from bot.web import Desk, Words, create_console, health_routes
from bot.web.demo import demo_routes

if TYPE_CHECKING:
    from bot.adapters.telegram import Client, Intake

log = logger(__name__)

# How soon a bot's name and commands follow what was published.
_PROFILE_SECONDS = 30.0

# Screens the program shows by itself: a deck without one of them would fail when it matters.
_NEEDED = frozenset(
    {
        *(turn.MENU, turn.SAFE, turn.LANGUAGES, DANGER, CARE, turn.CONSENT),
        *(turn.CODE_WORD, turn.OFF_HOURS, turn.FALLBACK, turn.GIVE_UP, *turn.BRANCHES.values()),
        *("utter_error", "utter_hide_done", "utter_forget_done", "utter_phone_numbers"),
        *("utter_nlu_off", "utter_return_neutral", "utter_media_received", "utter_minor_limits"),
        *("utter_queue_wait", "utter_queue_kept", "utter_queue_still_waiting"),
        *("utter_queue_kept_in_hours", "utter_danger_offer_young"),
        "utter_human_parked",
        *("utter_human_cancelled", "utter_human_notify", "utter_language_missing"),
        *("utter_suicide_again", "utter_translation_unreviewed", "utter_police_card"),
        *("utter_autoclean_on", "utter_autoclean_off", "utter_minor_check"),
        *("utter_check_some_signs", "utter_check_no_signs"),
        *(turn.RETURN_CODE, turn.RETURN_CODE_ASK, turn.RETURN_CODE_WRONG),
        *("utter_web_interruption", "utter_web_session_closed", "utter_web_not_sent"),
    }
)
# Something for every placeholder that is only known at run time.
_SAMPLES = {
    "wait_estimate": "10-20",
    "next_open_time": "2026-01-05T08:00:00+00:00",
    "staff_alias": "A",
    "transfer_reason": "transfer_shift",
    "return_code": "one two three four five six seven",
    "option_1": turn.MENU,
    "option_2": turn.MENU,
}


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


def locales_folder(settings: Settings) -> Path:
    """Return the folder of words; ConfigurationError when Havn runs outside its own folder."""
    folder = settings.root / "locales"
    if not (folder / "deck.yml").is_file():
        raise ConfigurationError(
            f"{folder} holds no deck.yml: run havn from its own folder, or set HAVN_ROOT to it"
        )
    return folder


def make_renderer(
    settings: Settings, clock: Clock | None = None
) -> tuple[Renderer, tuple[Lexicon, ...]]:
    """Read the shipped words and facts; the clock tells which facts are past their review date.

    A language is offered only when its words of danger are known: whoever cries for help in it must
    be heard without the NLU unit too.
    """
    lexicons = catalog.read_lexicons(locales_folder(settings))
    heard = {lexicon.locale for lexicon in lexicons}
    return _renderer(settings, heard, clock or SystemClock()), lexicons


def _renderer(settings: Settings, heard: Collection[str], clock: Clock) -> Renderer:
    folder = locales_folder(settings)
    deck, registry = (
        catalog.read_deck(folder / "deck.yml"),
        catalog.read_facts(folder / "facts.yml"),
    )
    texts = Texts.load(folder, allow_drafts=settings.allow_drafts, among=heard)
    values = Values(deck, registry, texts, settings.said())
    renderer = Renderer(deck, texts, values, partial(_today, clock))
    _refuse_what_cannot_be_shown(renderer)
    return renderer


def _today(clock: Clock) -> date:
    return clock.now().astimezone(COPENHAGEN).date()


def _refuse_what_cannot_be_shown(renderer: Renderer) -> None:
    """Find damage at the start and not when somebody needs the screen; ConfigurationError."""
    if lost := _NEEDED - renderer.deck.screens.keys():
        raise DeckError(f"locales/deck.yml lacks {', '.join(sorted(lost))}")
    if not isinstance(renderer.registry["chat_hours"].value, WeekHours):
        raise FactError("locales/facts.yml: chat_hours must be opening hours")
    for screen in renderer.deck.screens.values():
        for channel in (Channel.TELEGRAM, *map(Channel, screen.variants)):
            try:
                renderer.render(Reply(screen.id, "en", _SAMPLES), channel)
            except FactError as error:
                raise FactError(f"{screen.id} cannot be shown: {error}") from None


def database_url(settings: Settings) -> str:
    """Return the address of the database: SQLite below the data folder unless set."""
    return settings.database_url or f"sqlite:///{settings.data_dir / 'havn.db'}"


@asynccontextmanager
async def open_bus(url: str) -> AsyncIterator[Bus]:
    """Open the bus that goes with a database: LISTEN and NOTIFY on PostgreSQL, else in memory.

    SQLite with several processes has no bus between them: what another process changed is seen
    when the console refreshes by itself, every few seconds. It does that with every database.
    """
    if url.startswith("postgresql"):
        # SQLite, the default, needs nothing of it.
        from bot.adapters.bus.postgres import open_postgres_bus  # noqa: PLC0415

        async with open_postgres_bus(url) as shared:
            yield shared
        return
    bus = MemoryBus()
    try:
        yield bus
    finally:
        bus.close()


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
        renderer, lexicons = words or _make_lasting_renderer(settings, clock)
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


def open_library(
    settings: Settings, renderer: Renderer, *, kept: str = "last-good.json"
) -> Library:
    """Return what serves published words, with the last good ones in force."""
    shipped = Shipped(renderer.deck, renderer.registry, renderer.texts, settings.said())
    folder = settings.content_folder
    library = Library(
        shipped, renderer, Verifier(folder / "signer.pub"), LastGoodFile(folder / kept)
    )
    library.open()
    return library


def make_judge(settings: Settings, library: Library) -> Judge:
    """Return what holds proposed texts and facts to the rules."""

    @cache
    def glossary() -> Mapping[str, Any]:
        return catalog.read_glossary(locales_folder(settings))

    return Judge(library.shipped, lambda locale: glossary().get(locale, {}), settings.linked_hosts)


@asynccontextmanager
async def open_publisher(settings: Settings) -> AsyncIterator[Publisher]:
    """Open what the signer's process runs: the private key, and no key of a conversation."""
    # The words of danger themselves are nothing to the signer, and take the longest to read.
    heard = {path.parent.name for path in locales_folder(settings).glob("*/triage.yml")}
    clock = SystemClock()
    renderer = _renderer(settings, heard, clock)
    signer = Signer.open(settings.signing_key_file, settings.content_folder / "signer.pub")
    library = open_library(settings, renderer, kept="last-signed.json")
    stamp = Stamp.open(settings.content_folder / "desk.key")
    store = await SqlStore.open(database_url(settings), EphemeralKeys(), stamp)
    try:
        yield Publisher(store, clock, library, make_judge(settings, library), signer)
    finally:
        await store.close()


@asynccontextmanager
async def open_content(settings: Settings) -> AsyncIterator[ContentDesk]:
    """Open the content desk at what was published last, for commands.

    BundleError when the database holds something newer that the signer did not sign.
    """
    renderer, _ = make_renderer(settings)
    library = open_library(settings, renderer, kept="last-exported.json")
    async with open_store(settings) as (store, _):
        async with store.begin() as unit:
            newest = await unit.contents.bundle(await unit.contents.latest())
        if newest is not None and newest.number > library.bundle.number:
            library.take(newest)
        yield ContentDesk(store, SystemClock(), library, make_judge(settings, library))


def watcher(app: App, role: str, channels: Sequence[Channel]) -> Watcher:
    """Return what keeps this process at the newest published words."""
    return Watcher(
        process=f"{role}-{secrets.token_hex(4)}",
        channels=channels,
        store=app.store,
        clock=app.clock,
        library=app.library,
        say=app.reception.greet,
    )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[tuple[Store, KeyRing]]:
    """Open store and keys and nothing else, for commands that need no words and no channel."""
    async with AsyncExitStack() as stack:
        _make_folder(settings.data_dir)
        sealer = KeyRing.open(settings.keys_folder)
        stack.callback(sealer.close)
        stamp = Stamp.open(settings.content_folder / "desk.key")
        store = await SqlStore.open(database_url(settings), sealer, stamp)
        stack.push_async_callback(store.close)
        yield store, sealer


def _make_lasting_renderer(
    settings: Settings, clock: Clock
) -> tuple[Renderer, tuple[Lexicon, ...]]:
    """Load the words for the life of the process.

    The garbage collector need not look at them again: each full look would stop Havn for 90 ms.
    """
    words = make_renderer(settings, clock)
    gc.freeze()
    return words


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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the data folder {folder} cannot be made: {error.strerror}; set HAVN_DATA_DIR"
        ) from error


@dataclass(slots=True)
class Channels:
    """The channels of an installation that need the network of a provider."""

    ports: dict[Channel, ChannelPort]
    client: "Client | None" = None

    def listening(self, app: App) -> list[Coroutine[Any, Any, None]]:
        """Return what runs for as long as Telegram is listened to."""
        return [_listen_to_telegram(app, self.client)] if self.client else []

    def routes(self, app: App) -> list[BaseRoute]:
        """Return the routes a provider calls on the public host."""
        settings = app.settings
        if self.client is None or not settings.telegram_webhook_url:
            return []
        from bot.adapters.telegram import webhook_route  # noqa: PLC0415 -- see channels_of

        intake = _intake(app, self.client)
        url, secret = settings.telegram_webhook_url, settings.telegram_webhook_secret
        return [webhook_route(url, secret, intake)]


@asynccontextmanager
async def channels_of(settings: Settings) -> AsyncIterator[Channels]:
    """Open the channels that are set: Telegram with a token, none without."""
    if not settings.telegram_token:
        yield Channels({})
        return
    # A third of a second of imports that a start without a token need not wait for.
    from bot.adapters.telegram import TelegramChannel, open_client  # noqa: PLC0415

    async with open_client(settings.telegram_token, settings.telegram_api_url) as client:
        yield Channels({Channel.TELEGRAM: TelegramChannel(client)}, client)


def _intake(app: App, client: "Client") -> "Intake":
    from bot.adapters.telegram import Intake, TelegramChannel  # noqa: PLC0415 -- see channels_of

    return Intake(
        client.number, TelegramChannel(client), app.reception, lambda: app.renderer.texts.locales
    )


async def _listen_to_telegram(app: App, client: "Client") -> None:
    """Keep the profile, and poll; with a webhook, register it and leave the rest to it."""
    from bot.adapters.telegram import Poller, register_webhook  # noqa: PLC0415

    settings = app.settings
    publishing = asyncio.create_task(_keep_profile(app, client))
    try:
        if settings.telegram_webhook_url:
            await register_webhook(
                client, settings.telegram_webhook_url, settings.telegram_webhook_secret
            )
            await asyncio.Event().wait()
        intake = _intake(app, client)
        try:
            await Poller(client, intake, app.reception).run()
        finally:
            await intake.close()
    finally:
        publishing.cancel()


async def _keep_profile(app: App, client: "Client") -> None:
    """Write the profile at the start, and anew after each publication."""
    from bot.adapters.telegram import Profile  # noqa: PLC0415 -- see channels_of

    renderer, written = app.renderer, -1
    while True:
        if written != app.library.bundle.number:
            written = app.library.bundle.number
            profile = Profile(
                client, renderer.deck, renderer.values, lambda: renderer.texts.locales
            )
            await profile.publish()
        await asyncio.sleep(_PROFILE_SECONDS)


def web_app(app: App, channels: Channels) -> ASGIApp:
    """Return the visitors' web host: the chat, and the webhook where one is set."""
    renderer = app.renderer
    return create_app(
        app.reception,
        word=renderer.word,
        locales=lambda: renderer.texts.locales,
        links=lambda screen: screen_links(
            renderer.deck, renderer.registry, app.settings.said(), screen
        ),
        privacy=lambda locale: privacy_page(
            renderer.values,
            locale,
            telegram=bool(app.settings.telegram_token),
            translator=app.translator.ready,
        ),
        facts=FactBook(lambda: (renderer.deck, renderer.texts, renderer.values)),
        settings=app.settings,
        routes=[*_health(app), *channels.routes(app)],
        # The clock that dates messages, so that the page and the store agree on a pause.
        now=lambda: app.clock.now().timestamp(),
    )


def desk(app: App, *, demo: bool = False) -> Desk:
    """Return what the console's pages are given; on a ``demo`` its accounts are let in."""
    store, clock, address = app.store, app.clock, app.settings.console_address
    sessions = SessionKeeper(store, clock, demo=demo)
    challenges, rites, hasher = Challenges(app.sealer), WebAuthn(address), Argon2Hasher()
    return Desk(
        address=address,
        store=store,
        clock=clock,
        words=Words(_console_texts(app.settings)),
        sessions=sessions,
        sign_in=SignIn(store, clock, challenges, rites, hasher, sessions),
        enrolment=Enrolment(store, clock, app.sealer, challenges, rites, hasher, sessions),
        accounts=Accounts(store, clock),
        trail=trail(app),
        hotline=app.hotline,
        reader=app.reader,
        bus=app.bus,
        renderer=app.renderer,
        rooms=app.rooms,
        translator=app.translator,
        alerts=app.alerts,
        content=app.content,
        links=TextLinks(app.sealer, app.content),
    )


def trail(app: App) -> Trail:
    """Return the audit trail."""
    return Trail(app.store, app.clock, app.sealer, anchor_file(app.settings))


def anchor_file(settings: Settings) -> AnchorFile:
    """Return where the heads of the audit trail are written down."""
    return AnchorFile(settings.data_dir / "audit-anchor")


def console_app(app: App, demo: DemoLinks | None = None) -> ASGIApp:
    """Return the staff host; with the links of a demo where there is one."""
    more = demo_routes(demo) if demo else ()
    return create_console(desk(app, demo=demo is not None), _health(app), more)


def _console_texts(settings: Settings) -> Texts:
    folder = locales_folder(settings)
    return Texts.load(folder, allow_drafts=settings.allow_drafts, domain="console")


def _health(app: App) -> Sequence[BaseRoute]:
    return health_routes(app.store, app.dialogue, app.renderer)
