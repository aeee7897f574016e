"""What everybody is shown alike is drawn once; it outlives neither its words nor its day."""

from dataclasses import replace
from datetime import date

import pytest

from bot.domain.messages import Channel, Reply
from bot.domain.screens import Button, Deck, Tap
from bot.i18n import Values
from bot.services.reply import Renderer
from tests.support import deck

MENU = "utter_main_menu"
NUMBERS = "utter_phone_numbers"
CLOSED = next(
    screen.id
    for screen in deck.deck().screens.values()
    if "web" in screen.variants and "{next_open_time}" in screen.variants["web"]
)
CODE = "utter_return_code"


class Days:
    """A calendar that can be turned."""

    def __init__(self) -> None:
        self.today = date(2026, 11, 22)

    def __call__(self) -> date:
        return self.today


@pytest.fixture
def days() -> Days:
    return Days()


@pytest.fixture
def renderer(days: Days) -> Renderer:
    shared = deck.renderer()
    return Renderer(shared.deck, shared.texts, shared.values, days)


def test_the_same_reply_is_drawn_once(renderer: Renderer) -> None:
    first = renderer.render(Reply(MENU, "en"), Channel.WEB)
    assert renderer.render(Reply(MENU, "en"), Channel.WEB).rows is first.rows


def test_each_locale_channel_and_time_has_its_own(renderer: Renderer) -> None:
    opening = {"next_open_time": "2026-11-23T08:30:00+00:00"}
    later = {"next_open_time": "2026-11-24T08:30:00+00:00"}
    shown = [
        renderer.render(Reply(CLOSED, "en", opening), Channel.WEB),
        renderer.render(Reply(CLOSED, "en", later), Channel.WEB),
        renderer.render(Reply(CLOSED, "da", opening), Channel.WEB),
        renderer.render(Reply(CLOSED, "en", opening), Channel.TELEGRAM),
    ]
    assert len({bubble.text for bubble in shown}) == len(shown)


def test_a_message_that_replaces_another_names_the_right_one(renderer: Renderer) -> None:
    for on in ("7", "8", ""):
        assert renderer.render(Reply(MENU, "en", on=on), Channel.WEB).on == on


def test_the_day_after_the_review_date_the_day_of_checking_appears(
    renderer: Renderer, days: Days
) -> None:
    in_time = renderer.render(Reply(NUMBERS, "en"), Channel.WEB).text
    days.today = date.max
    late = renderer.render(Reply(NUMBERS, "en"), Channel.WEB).text
    assert late.startswith(f"{in_time}\n\n")


def test_other_words_are_shown_as_soon_as_they_are_served(renderer: Renderer) -> None:
    renderer.render(Reply(MENU, "en"), Channel.WEB)
    old = renderer.deck
    screens = {**old.screens, MENU: replace(old[MENU], text="Other words", variants={})}
    other = Deck(screens, old.words, old.fixed_row, old.fixed_row_except, old.meta)
    values = Values(other, renderer.registry, renderer.texts, {})
    renderer.serve(other, renderer.texts, values)
    assert renderer.render(Reply(MENU, "en"), Channel.WEB).text == "Other words"


def test_nothing_of_one_visitor_is_remembered(renderer: Renderer) -> None:
    held = renderer._common.cache_info
    renderer.render(Reply(CODE, "en", {"return_code": "one two three"}), Channel.WEB)
    renderer.render(Reply("utter_human_joined", "en", {"staff_alias": "Anna"}), Channel.WEB)
    extra = (Button("Main menu", Tap(MENU)),)
    assert renderer.render(Reply(MENU, "en", extra=extra), Channel.WEB).rows
    assert held().currsize == 0
