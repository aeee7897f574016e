"""Counts for the operator, about the program and never about a person.

Every label is a member of a closed enum and none is a language, a topic or an id: with few visitors
a day, a finer grid would tell who wrote and when. The figures live in memory, are those of this
process, and begin at zero when it starts.
"""

import enum
from datetime import timedelta

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from bot.domain.messages import Channel
from bot.ports import Delivery, Refusal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Steps in seconds, longest first, by which the age of the inbox is measured.
AGES = (3600, 600, 300, 60, 10)
# The bars are 0.7, 1.5, 2, 3 and 5 seconds (security-reliability goals, load).
_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 60.0)
_ONE_SECOND = timedelta(seconds=1)

# A sample that says when a counter was first used would say when somebody first wrote.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()


class Asked(enum.StrEnum):
    """What came of a question to the NLU unit."""

    OK = "ok"
    LATE = "late"  # asked in vain: too slow, or broken
    OFF = "off"  # not asked: switched off, not started, or resting after failures


_received = Counter(
    "havn_messages_received", "Messages stored, by channel", ["channel"], registry=REGISTRY
)
_answer = Histogram(
    "havn_answer_seconds",
    "From storing a message to storing its answer",
    ["channel"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
_asked = Counter("havn_nlu_asked", "Questions to the NLU unit", ["result"], registry=REGISTRY)
_delivered = Counter(
    "havn_deliveries", "Attempts to send, by channel and result", ["channel", "result"],
    registry=REGISTRY,
)  # fmt: skip
_forgotten = Counter("havn_forgotten", "Conversations erased", registry=REGISTRY)
_refused = Counter(
    "havn_updates_refused", "Updates of a channel that were not let in", ["channel", "why"],
    registry=REGISTRY,
)  # fmt: skip
_inbox_age = Gauge(
    "havn_inbox_age_seconds",
    f"How long the oldest message has waited for an answer, at least: {AGES} or 0",
    registry=REGISTRY,
)


def received(channel: Channel) -> None:
    """Count a message that was stored; repeats do not count."""
    _received.labels(_word(channel)).inc()


def answered(channel: Channel, took: timedelta) -> None:
    """Note how long a visitor waited for the answer to be stored."""
    _answer.labels(_word(channel)).observe(max(0.0, took / _ONE_SECOND))


def asked(result: Asked) -> None:
    """Count a question to the NLU unit."""
    _asked.labels(_word(result)).inc()


def delivered(channel: Channel, result: Delivery | Refusal) -> None:
    """Count an attempt to send: what became of the message, or why the channel refused it."""
    _delivered.labels(_word(channel), _word(result)).inc()


def forgotten(conversations: int) -> None:
    """Count conversations that were erased, whoever wanted it."""
    _forgotten.inc(conversations)


def refused(channel: Channel, why: enum.StrEnum) -> None:
    """Count an update that was not let in."""
    _refused.labels(_word(channel), _word(why)).inc()


def inbox_age(seconds: int) -> None:
    """Note the greatest of AGES that some unanswered message has passed, 0 for none."""
    _inbox_age.set(seconds)


def exposition() -> bytes:
    """Return all figures in Prometheus' text format."""
    return generate_latest(REGISTRY)


def _word(member: enum.Enum) -> str:
    """Return a label; TypeError for anything but a member of an enum, so that no text gets in."""
    if not isinstance(member, enum.Enum):
        raise TypeError("a label is a member of an enum")
    return str(member.value)
