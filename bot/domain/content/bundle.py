"""What was published: every edited value over the shipped files, numbered and signed as a whole.

A bundle holds all that differs from the shipped files, so that any one of them is enough. Its
number is signed with it and channels never take a lower one: an old bundle that is shown again is
refused, and going back is a new bundle with the content of an old one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.content.change import Change
from bot.domain.content.items import Item, Value, canonical
from bot.domain.errors import BundleError, ContentError

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything published so far.

    ``values`` are by the name of their item. ``before`` leads from an English text of a context to
    the one it replaced: until the new one is translated, the old translation stays. ``back_to``
    is the number of the bundle whose content this one brings back, 0 for none. ``withdrawn`` are
    the numbers of those that were taken back: nobody brings them back alone.
    """

    number: int
    previous: str
    made_at: datetime
    values: Mapping[str, Value] = field(repr=False)
    before: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    back_to: int = 0
    withdrawn: frozenset[int] = frozenset()

    def body(self) -> bytes:
        """Return what is signed."""
        return canonical(
            {
                "format": _FORMAT,
                "number": self.number,
                "previous": self.previous,
                "made_at": self.made_at.isoformat(),
                "values": self.values,
                "before": [[*key, old] for key, old in sorted(self.before.items())],
                "back_to": self.back_to,
                "withdrawn": sorted(self.withdrawn),
            }
        )

    @classmethod
    def read(cls, body: bytes) -> "Bundle":
        """Read a body whose signature was verified; BundleError when it is none of ours."""
        try:
            data = json.loads(body)
            if data["format"] != _FORMAT:
                raise BundleError("a newer version of Havn made it")
            return cls(
                number=int(data["number"]),
                previous=str(data["previous"]),
                made_at=datetime.fromisoformat(data["made_at"]),
                values={Item.parse(name).name: dict(v) for name, v in data["values"].items()},
                before={(context, new): old for context, new, old in data["before"]},
                back_to=int(data["back_to"]),
                withdrawn=frozenset(map(int, data["withdrawn"])),
            )
        except (ValueError, KeyError, TypeError, AttributeError, ContentError) as error:
            raise BundleError("it does not hold what a bundle holds") from error

    @property
    def mark(self) -> str:
        """Return what the next bundle names as the one before it."""
        return hashlib.sha256(self.body()).hexdigest()

    def of(self, item: Item) -> Value | None:
        """Return the published value of an item, None where the shipped one stands."""
        return self.values.get(item.name)

    def after(
        self,
        changes: Sequence[Change],
        replaced: Mapping[tuple[str, str], str],
        made_at: datetime,
    ) -> "Bundle":
        """Return the bundle with some changes on top."""
        values = {change.item.name: change.value for change in changes}
        return Bundle(
            number=self.number + 1,
            previous=self.mark,
            made_at=made_at,
            values={**self.values, **values},
            before=linked(self.before, replaced),
            withdrawn=self.withdrawn,
        )

    def may_go_back(self, to: int) -> bool:
        """Tell whether one person may bring back a bundle: an earlier one, and not a withdrawn.

        Without the second they could go forward again to what was taken back.
        """
        return 0 <= to < self.number and to not in self.withdrawn

    def going_back(self, to: "Bundle", made_at: datetime) -> "Bundle":
        """Return the bundle that brings back the content of an earlier one."""
        return Bundle(
            number=self.number + 1,
            previous=self.mark,
            made_at=made_at,
            values=to.values,
            before=to.before,
            back_to=to.number,
            withdrawn=self.withdrawn.union(range(to.number + 1, self.number + 1)),
        )


NOTHING = Bundle(0, "", datetime.fromisoformat("1970-01-01T00:00:00+00:00"), {})


def linked(
    before: Mapping[tuple[str, str], str], replaced: Mapping[tuple[str, str], str]
) -> Mapping[tuple[str, str], str]:
    """Add the texts that were replaced just now; an edit that is undone leaves no circle."""
    links = dict(before)
    for (context, new), old in replaced.items():
        step = old
        while (older := links.get((context, step))) is not None:
            if older == new:
                del links[context, step]
                break
            step = older
        links[context, new] = old
    return links
