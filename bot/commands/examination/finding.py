"""One thing that was looked at: what was found, and what to do about it."""

import enum
from dataclasses import dataclass


class Mark(enum.StrEnum):
    """How a finding stands. Only STOP keeps Havn from running."""

    FINE = "fine"
    LOOK = "look"
    UNKNOWN = "unknown"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Finding:
    """``do`` is one line for the operator, empty where there is nothing to do.

    Nothing in it is ever a secret: no token, no address of a database, no path of a webhook.
    """

    area: str
    what: str
    mark: Mark
    found: str
    do: str = ""
