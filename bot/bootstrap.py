"""Joins the parts: the only module that names adapters. From Settings to a running App."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from bot.adapters import catalog
from bot.adapters.ballast import Ballast
from bot.adapters.clock import SystemClock
from bot.adapters.holidays import is_danish_holiday
from bot.adapters.nlu import NluUnit, NoDialogue, SocketDialogue
from bot.adapters.sealing import KeyRing
from bot.adapters.storage import SqlStore
from bot.adapters.webchat import create_app, screen_links
from bot.domain import turn
from bot.domain.errors import ConfigurationError, DeckError, FactError
from bot.domain.hours import WeekHours
from bot.domain.messages import Channel, Reply
from bot.domain.retention import Policy
from bot.domain.triage import CARE, DANGER, Lexicon, assess
from bot.i18n import Texts, Values
from bot.logs import logger
from bot.ports import ChannelPort, Clock, Dialogue, Store
from bot.services.answer import Answers
from bot.services.deliver import Deliverer
from bot.services.erase import Eraser
from bot.services.ids import MessageIds
from bot.services.keep import Keeper
from bot.services.privacy import privacy_page
from bot.services.receive import Reception
from bot.services.reply import Renderer
from bot.settings import Settings
from bot.web.app import create_console
from bot.web.health import health_routes

if TYPE_CHECKING:
    from bot.adapters.telegram import Client, Intake

log = logger(__name__)

# Screens the program shows by itself: a deck without one of them would fail when it matters.
_NEEDED = frozenset(
    {
        *(turn.MENU, turn.SAFE, turn.LANGUAGES, DANGER, CARE, turn.CONSENT),
        *(turn.CODE_WORD, turn.OFF_HOURS, turn.FALLBACK, turn.GIVE_UP, *turn.BRANCHES.values()),
        *("utter_error", "utter_hide_done", "utter_forget_done", "utter_phone_numbers"),
        *("utter_nlu_off", "utter_return_neutral", "utter_media_received", "utter_minor_limits"),
        *("utter_queue_wait", "utter_queue_kept", "utter_queue_still_waiting"),
        *("utter_human_cancelled", "utter_human_notify", "utter_language_missing"),
        *("utter_suicide_again", "utter_translation_unreviewed", "utter_police_card"),
        *("utter_autoclean_on", "utter_autoclean_off", "utter_minor_check"),
        *("utter_check_some_signs", "utter_check_no_signs"),
        *("utter_web_interruption", "utter_web_session_closed", "utter_web_not_sent"),
    }
)
# Something for every placeholder that is only known at run time.
_SAMPLES = {
    "wait_estimate": "10-20",
    "next_open_time": "2026-01-05T08:00:00+00:00",
    "staff_alias": "A",
    "transfer_reason": "A",
    "option_1": turn.MENU,
    "option_2": turn.MENU,
}


@dataclass(slots=True)
class App:
    """A running Havn without its channels."""

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


def locales_folder(settings: Settings) -> Path:
    """Return the folder of words; ConfigurationError when Havn runs outside its own folder."""
    folder = settings.root / "locales"
    if not (folder / "deck.yml").is_file():
        raise ConfigurationError(
            f"{folder} holds no deck.yml: run havn from its own folder, or set HAVN_ROOT to it"
        )
    return folder


def make_renderer(settings: Settings) -> tuple[Renderer, tuple[Lexicon, ...]]:
    """Read the shipped words and facts."""
    folder = locales_folder(settings)
    shipped = catalog.read(folder)
    texts = Texts.load(folder, allow_drafts=settings.allow_drafts)
    values = Values(shipped.deck, shipped.registry, texts, settings.said())
    renderer = Renderer(shipped.deck, texts, values)
    _refuse_what_cannot_be_shown(renderer)
    return renderer, shipped.lexicons


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


def policy(settings: Settings) -> Policy:
    """Return how long things are kept."""
    return Policy(
        idle=timedelta(hours=settings.retention_idle_hours),
        web=timedelta(minutes=settings.web_idle_minutes),
        closed=timedelta(days=settings.retention_closed_days),
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
        renderer, lexicons = words or make_renderer(settings)
        # Slow the first time only; the first visitor in danger must not wait for it.
        is_danish_holiday(clock.now().date())
        assess("", lexicons)
        _make_folder(settings.data_dir)
        sealer = KeyRing.open(settings.keys_folder)
        stack.callback(sealer.close)
        store = await SqlStore.open(database_url(settings), sealer)
        stack.push_async_callback(store.close)
        dialogue = dialogue or await _dialogue(settings, stack)
        deliverers = {
            name: Deliverer(store=store, clock=clock, renderer=renderer, channel=channel)
            for name, channel in channels.items()
        }
        app = _wire(
            settings, clock, store, sealer, dialogue, renderer, lexicons, channels, deliverers
        )
        stack.push_async_callback(app.eraser.close)
        stack.push_async_callback(app.reception.close)
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
) -> App:
    posted, ids = _waker(deliverers), MessageIds()
    ballast = Ballast(settings.data_dir / "ballast")
    eraser = Eraser(
        store=store,
        sealer=sealer,
        clock=clock,
        renderer=renderer,
        channels=channels,
        make_room=ballast.release,
    )
    answers = Answers(
        store=store,
        sealer=sealer,
        clock=clock,
        dialogue=dialogue,
        renderer=renderer,
        lexicons=lexicons,
        eraser=eraser,
        ids=ids,
        is_holiday=is_danish_holiday,
        posted=posted,
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
    )
    keeper = Keeper(
        store=store,
        sealer=sealer,
        clock=clock,
        eraser=eraser,
        policy=policy(settings),
        ids=ids,
        resume=reception.resume,
        posted=posted,
    )
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
    """Publish the profile, then poll; with a webhook, register it and leave the rest to it."""
    from bot.adapters.telegram import Poller, Profile, register_webhook  # noqa: PLC0415

    renderer, settings = app.renderer, app.settings
    profile = Profile(client, renderer.deck, renderer.values, lambda: renderer.texts.locales)
    publishing = asyncio.create_task(profile.publish())
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


def web_app(app: App, channels: Channels) -> ASGIApp:
    """Return the visitors' web host: the chat, and the webhook where one is set."""
    renderer = app.renderer
    return create_app(
        app.reception,
        word=renderer.values.word,
        locales=lambda: renderer.texts.locales,
        links=partial(screen_links, renderer.deck, renderer.registry, app.settings.said()),
        privacy=partial(privacy_page, renderer.values, telegram=bool(app.settings.telegram_token)),
        settings=app.settings,
        routes=[*_health(app), *channels.routes(app)],
        # The clock that dates messages, so that the page and the store agree on a pause.
        now=lambda: app.clock.now().timestamp(),
    )


def console_app(app: App) -> ASGIApp:
    """Return the staff host."""
    return create_console(_health(app), https=app.settings.chat_address.startswith("https:"))


def _health(app: App) -> Sequence[BaseRoute]:
    return health_routes(app.store, app.dialogue, app.renderer)
