"""What rests on a fact past its review date says when it was checked (ux.md bar 22)."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from bot.domain.messages import Channel, Reply
from bot.domain.wording import RUNTIME
from bot.i18n.values import write_date
from bot.services.reply import Renderer
from tests.support import deck

NUMBERS = "utter_phone_numbers"
WITH_A_DATE = "utter_press_numbers"


def renderer(today: Callable[[], date]) -> Renderer:
    shared = deck.renderer()
    return Renderer(shared.deck, shared.texts, shared.values, today)


def said(on: Renderer, screen: str, locale: str, channel: Channel) -> str:
    return on.render(Reply(screen, locale, values=RUNTIME), channel).text


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("locale", ["en", "ar", "th"])
def test_the_day_stands_below_from_the_day_after(locale: str, channel: Channel) -> None:
    facts = deck.renderer().registry
    source = deck.deck()[NUMBERS].source(channel)
    first = min(facts[key].review_by for key in facts.used_by(source))
    checked = write_date(date(2026, 11, 22), locale)
    in_time = said(renderer(lambda: first), NUMBERS, locale, channel)
    late = said(renderer(lambda: first + timedelta(days=1)), NUMBERS, locale, channel)
    assert checked not in in_time
    assert late.startswith(f"{in_time}\n\n")
    assert checked in late.removeprefix(in_time)


def test_arabic_keeps_its_direction() -> None:
    late = said(renderer(lambda: date.max), NUMBERS, "ar", Channel.WEB)
    day = write_date(date(2026, 11, 22), "ar")
    assert late.startswith("\u200f")
    assert late.rpartition("\n\n")[2] == f"تاريخ المراجعة: {day}."


def test_no_fact_past_its_review_date_is_shown_without_its_date() -> None:
    late = renderer(lambda: date.max)
    for screen in late.deck.screens.values():
        for channel in Channel:
            if not late.registry.used_by(screen.source(channel)):
                continue
            for locale in ("en", "ar"):
                day = late.registry.reviewed_on(screen.source(channel))
                assert day
                shown = said(late, screen.id, locale, channel)
                assert shown.count(write_date(day, locale)) == 1, screen.id


def test_what_rests_on_no_fact_shows_no_day() -> None:
    plain = next(
        s.id for s in deck.deck().screens.values() if not any("{" in text for text in s.sources())
    )
    on = renderer(lambda: date.max)
    assert said(on, plain, "en", Channel.WEB) == deck.deck()[plain].text


def test_a_text_that_names_the_day_itself_names_it_once() -> None:
    late = said(renderer(lambda: date.max), WITH_A_DATE, "en", Channel.WEB)
    assert late.count("22 November 2026") == 1
    assert "Checked on" not in late
