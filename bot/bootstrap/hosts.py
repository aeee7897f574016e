"""The two hosts: the visitors' and the staff's."""

from collections.abc import Sequence

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from bot.adapters.anchor import AnchorFile
from bot.adapters.passkeys import WebAuthn
from bot.adapters.passwords import Argon2Hasher
from bot.adapters.webchat import FactBook, create_app, screen_links
from bot.bootstrap.app import App
from bot.bootstrap.channels import Channels
from bot.bootstrap.words import locales_folder
from bot.i18n import Texts
from bot.services.content.links import TextLinks
from bot.services.privacy import privacy_page
from bot.services.staff import Accounts, Challenges, Enrolment, SessionKeeper, SignIn, Trail
from bot.services.staff.demo import DemoLinks
from bot.settings import Settings
from bot.web import Desk, Words, create_console, health_routes
from bot.web.demo import demo_routes


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
