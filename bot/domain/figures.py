"""Counters."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.handover import Handover


def week_of(moment: datetime) -> str:
    """Return the week."""
    year, week, _ = moment.astimezone(ZoneInfo("Europe/Copenhagen")).isocalendar()
    return f"{year}-W{week:02}"


def counted(handover: Handover) -> Mapping[str, str]:
    """Return counters."""
    return {"locale": handover.locale}
