"""What the bus speaks of: that something changed, by id; never what it says.

Whoever is told a topic reads the thing anew and asks again whether they may. ``queue`` stands for
everything: it is also what a listener gets who missed topics, so it means "refresh all you show".
"""

import re
from typing import Final

from bot.domain.staff import StaffId

QUEUE: Final = "queue"
# A topic crosses process borders in clear, so nothing fits in but numbers and ids of our own.
_TOPIC = re.compile(r"queue|handover [1-9][0-9]{0,18}|staff [A-Za-z0-9_-]{1,64}")


def handover_topic(number: int) -> str:
    """Return the topic of one handover."""
    return checked(f"handover {number}")


def staff_topic(staff: StaffId) -> str:
    """Return the topic of one person at the console."""
    return checked(f"staff {staff}")


def is_topic(text: str) -> bool:
    """Tell whether a text is one of the topics."""
    return _TOPIC.fullmatch(text) is not None


def checked(topic: str) -> str:
    """Return the topic; ValueError, which does not quote it, when it is none."""
    if not is_topic(topic):
        raise ValueError("a topic is queue, a handover's number or a staff id")
    return topic
