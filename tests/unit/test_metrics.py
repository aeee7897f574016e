"""Figures about the program that cannot carry anything about a person."""

import enum
from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import metrics
from bot.domain.messages import Channel
from bot.ports import Delivery, Refusal


class Why(enum.StrEnum):
    FROM_A_BOT = "from_a_bot"


def figure(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("count", "name", "labels"),
    [
        (lambda: metrics.received(Channel.TELEGRAM), "havn_messages_received_total",
         {"channel": "telegram"}),
        (lambda: metrics.asked(metrics.Asked.LATE), "havn_nlu_asked_total", {"result": "late"}),
        (lambda: metrics.delivered(Channel.TELEGRAM, Delivery.SENT), "havn_deliveries_total",
         {"channel": "telegram", "result": "sent"}),
        (lambda: metrics.delivered(Channel.TELEGRAM, Refusal.LATER), "havn_deliveries_total",
         {"channel": "telegram", "result": "later"}),
        (lambda: metrics.refused(Channel.TELEGRAM, Why.FROM_A_BOT), "havn_updates_refused_total",
         {"channel": "telegram", "why": "from_a_bot"}),
        (lambda: metrics.answered(Channel.WEB, timedelta(seconds=0.3)), "havn_answer_seconds_count",
         {"channel": "web"}),
        (lambda: metrics.forgotten(1), "havn_forgotten_total", {}),
    ],
)  # fmt: skip
def test_each_call_counts_one(count: Callable[[], None], name: str, labels: dict[str, str]) -> None:
    before = figure(name, **labels)
    count()
    assert figure(name, **labels) == before + 1


def test_an_answer_falls_into_its_second() -> None:
    labels = {"channel": "terminal"}
    below = figure("havn_answer_seconds_bucket", **labels, le="1.0")
    above = figure("havn_answer_seconds_bucket", **labels, le="1.5")
    metrics.answered(Channel.TERMINAL, timedelta(seconds=1.2))
    assert figure("havn_answer_seconds_bucket", **labels, le="1.0") == below
    assert figure("havn_answer_seconds_bucket", **labels, le="1.5") == above + 1


def test_a_clock_set_back_makes_no_negative_wait() -> None:
    before = figure("havn_answer_seconds_sum", channel="telegram")
    metrics.answered(Channel.TELEGRAM, timedelta(seconds=-3600))
    assert figure("havn_answer_seconds_sum", channel="telegram") == before


def test_the_age_of_the_inbox_is_set_and_not_added_up() -> None:
    metrics.inbox_age(600)
    metrics.inbox_age(60)
    assert figure("havn_inbox_age_seconds") == 60


def test_a_label_is_never_a_text() -> None:
    with pytest.raises(TypeError):
        metrics.received("a word of a visitor")  # type: ignore[arg-type]
    assert "a word of a visitor" not in metrics.exposition().decode()


def test_nothing_tells_when_something_was_first_counted() -> None:
    metrics.received(Channel.TELEGRAM)
    assert "_created" not in metrics.exposition().decode()


def test_labels_are_a_short_closed_list() -> None:
    """A language or a topic as a label would single out visitors where few write."""
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            assert set(sample.labels) <= {"channel", "result", "why", "le"}
