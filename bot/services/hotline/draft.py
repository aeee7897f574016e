"""What a counsellor is typing in a talk: kept sealed, as one text for each talk and counsellor."""

from dataclasses import dataclass, field
from typing import Self

# Unicode's own sign between records; nobody types it.
_BETWEEN = "\x1e"


@dataclass(frozen=True, slots=True)
class Draft:
    """The unsent reply, and the three lines of a hand-over that was not offered yet."""

    reply: str = field(default="", repr=False)
    need: str = field(default="", repr=False)
    risk: str = field(default="", repr=False)
    next: str = field(default="", repr=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """Undo written(); a text of a reply alone is that reply."""
        reply, need, risk, next_ = [*text.split(_BETWEEN), "", "", ""][:4]
        return cls(reply, need, risk, next_)

    def written(self) -> str:
        """Return all of it as one text, empty when there is nothing."""
        parts = (self.reply, self.need, self.risk, self.next)
        return _BETWEEN.join(part.replace(_BETWEEN, "") for part in parts).rstrip(_BETWEEN)

    @property
    def passes_on(self) -> bool:
        """Tell whether a hand-over was begun."""
        return bool(self.need or self.risk or self.next)
