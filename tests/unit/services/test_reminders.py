"""Who is reminded of which fact, and when."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.domain.facts import Registry
from bot.services.content.reminders import due
from tests.support import deck

TODAY = date(2026, 12, 1)


def registry(days: int, *, safety: bool) -> Registry:
    fact = replace(
        deck.renderer().registry["cmm_phone"],
        review_by=TODAY + timedelta(days=days),
        safety=safety,
    )
    return Registry({fact.key: fact})


@pytest.mark.parametrize(
    ("days", "of_safety", "of_others"),
    [
        (31, False, False),
        (30, True, True),
        (29, False, False),
        (8, False, False),
        (7, True, True),
        (6, False, False),
        (0, False, False),
        (-1, True, False),
        (-2, True, False),
        (-400, True, False),
    ],
)
def test_on_which_days(days: int, of_safety: bool, of_others: bool) -> None:
    for safety, wanted in ((True, of_safety), (False, of_others)):
        found = due(registry(days, safety=safety), TODAY)
        assert [(one.days, one.safety) for one in found] == ([(days, safety)] if wanted else [])


def test_the_longest_overdue_comes_first() -> None:
    facts = {
        key: replace(fact, key=key, safety=True)
        for key, fact in {
            "late": registry(-1, safety=True).facts["cmm_phone"],
            "later": registry(-9, safety=True).facts["cmm_phone"],
            "soon": registry(7, safety=True).facts["cmm_phone"],
        }.items()
    }
    assert [one.key for one in due(Registry(facts), TODAY)] == ["later", "late", "soon"]


def test_nothing_is_due_on_the_day_the_facts_were_shipped() -> None:
    assert not due(deck.renderer().registry, date(2026, 11, 24))
