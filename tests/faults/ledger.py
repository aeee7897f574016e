"""What happened outside the program, in a file that outlives it: what came, what was seen, and when
the program was killed.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

Fact = dict[str, Any]


class Ledger:
    """Appends facts, one write() each: what is written stays, whenever the writer is killed.

    A kill can cut a write in two where a page of the file ends. Who died in the middle of telling
    did nothing afterwards, so half a fact is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._file, b"\n")  # after half a line of somebody who was killed

    def tell(self, what: str, **facts: Any) -> None:
        os.write(self._file, json.dumps({"what": what, **facts}).encode() + b"\n")

    def read(self) -> "Story":
        facts = map(_whole, self.path.read_bytes().splitlines())
        return Story([fact for fact in facts if fact is not None])

    def close(self) -> None:
        os.close(self._file)


def _whole(line: bytes) -> Fact | None:
    try:
        fact: Fact = json.loads(line)
    except ValueError:
        return None
    return fact


@dataclass(frozen=True, slots=True)
class Message:
    """Something a visitor sent: ``does`` is what kind of thing, ``what`` a screen, tap or text."""

    id: str
    sender: str
    channel: str
    does: str
    what: str


@dataclass(frozen=True)
class Story:
    """All facts so far, in order."""

    facts: list[Fact] = field(repr=False)

    def all(self, what: str) -> Iterator[Fact]:
        return (fact for fact in self.facts if fact["what"] == what)

    @cached_property
    def messages(self) -> list[Message]:
        """Return everything that visitors sent, each once, in order."""
        came = {f["id"]: f for f in self.all("came")}.values()
        return [Message(f["id"], f["sender"], f["channel"], f["does"], f["of"]) for f in came]

    @cached_property
    def acknowledged(self) -> set[str]:
        """Return the ids of messages a channel was told to have arrived."""
        return {fact["id"] for fact in self.all("acknowledged")}

    def senders(self, does: str) -> set[str]:
        """Return the visitors who did a thing, acknowledged or not."""
        return self._senders[does]

    def of(self, sender: str) -> list[Message]:
        """Return what one visitor sent."""
        return self._of[sender]

    @cached_property
    def _senders(self) -> defaultdict[str, set[str]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for message in self.messages:
            found[message.does].add(message.sender)
        return found

    @cached_property
    def _of(self) -> defaultdict[str, list[Message]]:
        found: defaultdict[str, list[Message]] = defaultdict(list)
        for message in self.messages:
            found[message.sender].append(message)
        return found

    @cached_property
    def shown(self) -> Counter[tuple[str, str]]:
        """Return how often each thing was seen in each chat."""
        return Counter((fact["chat"], fact["key"]) for fact in self.all("shown"))

    @cached_property
    def ambiguous(self) -> list[Fact]:
        """Return what was shown without the program having noted it before it died."""
        marked = {reference for fact in self.all("marked") for reference in fact["references"]}
        return [fact for fact in self.all("shown") if fact["reference"] not in marked]

    def wanted(self, step: str) -> list[Fact]:
        """Return what staff set out to do, each once, in order."""
        return list({f["key"]: f for f in self.all("wants") if f["step"] == step}.values())

    @cached_property
    def done(self) -> set[str]:
        """Return the keys of what staff were told is done."""
        return {fact["key"] for fact in self.all("done")}
