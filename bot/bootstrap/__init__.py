"""Joins the parts: the only package that names adapters."""

from bot.bootstrap.app import (
    App,
    make_world,
    nlu_unit,
    open_app,
    open_translator,
    policy,
)
from bot.bootstrap.channels import (
    Channels,
    channels_of,
)
from bot.bootstrap.content import (
    open_content,
    open_publisher,
    watcher,
)
from bot.bootstrap.hosts import (
    anchor_file,
    console_app,
    desk,
    trail,
    web_app,
)
from bot.bootstrap.stores import (
    database_url,
    open_bus,
    open_store,
)
from bot.bootstrap.words import (
    locales_folder,
    make_renderer,
)

__all__ = [
    "App",
    "Channels",
    "anchor_file",
    "channels_of",
    "console_app",
    "database_url",
    "desk",
    "locales_folder",
    "make_renderer",
    "make_world",
    "nlu_unit",
    "open_app",
    "open_bus",
    "open_content",
    "open_publisher",
    "open_store",
    "open_translator",
    "policy",
    "trail",
    "watcher",
    "web_app",
]
