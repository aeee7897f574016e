"""Every route of the content desk."""

from bot.web.content.by_link import link_routes
from bot.web.content.changes import change_routes
from bot.web.content.coverage import coverage_routes
from bot.web.content.exchange import exchange_routes
from bot.web.content.fact_edit import fact_edit_routes
from bot.web.content.facts import fact_routes
from bot.web.content.published import published_routes
from bot.web.content.reports import report_routes
from bot.web.content.screens import screen_routes
from bot.web.content.texts import text_routes
from bot.web.content.todo import todo_routes
from bot.web.routes import Declared


def content_routes() -> list[Declared]:
    """Return the routes of the content desk."""
    return [
        *todo_routes(),
        *fact_routes(),
        *fact_edit_routes(),
        *text_routes(),
        *screen_routes(),
        *report_routes(),
        *change_routes(),
        *published_routes(),
        *coverage_routes(),
        *exchange_routes(),
        *link_routes(),
    ]
