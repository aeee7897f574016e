"""F23: whoever can write the database changes the audit trail; verifying it tells, every time."""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.adapters.anchor import AnchorFile
from bot.adapters.sealing import KeyRing
from bot.adapters.storage import codec
from bot.domain.audit import AuditEvent, ChainKey, Entry, Happening, append
from bot.domain.staff import StaffId
from bot.services.staff import Trail
from tests.storms.outcome import Outcome
from tests.support.fakes import FakeClock
from tests.support.stores import laid, opened

ENTRIES = 40
ANCHOR_EVERY = 10
ACTORS = ("ana", "bo", "kim")
EVENTS = [event for event in AuditEvent if event is not AuditEvent.UNREADABLE]
COLUMNS = ("number", "at", "actor", "event", "subject", "reason", "digest", "mac")
Line = tuple[Any, ...]


@dataclass
class Forger:
    """Changes rows, knowing everything but the key the trail began with.

    ``seen`` are entries that stand before the last anchor: without a key only they are held.
    """

    chance: random.Random
    rows: Sequence[Line]
    key: ChainKey

    def flip(self, most: int) -> list[Line]:
        """Change one value of one entry."""
        rows, place = list(self.rows), self.chance.randrange(most)
        column = self.chance.randrange(1, len(COLUMNS))
        value, changed = rows[place][column], None
        while changed is None or changed == value:
            changed = self._other(COLUMNS[column], value)
        rows[place] = (*rows[place][:column], changed, *rows[place][column + 1 :])
        return rows

    def delete(self, most: int) -> list[Line]:
        """Take entries out of the middle; now and then close the gap."""
        first = self.chance.randrange(most - 1)
        gone = self.chance.randint(1, min(3, most - 1 - first))
        rows = [*self.rows[:first], *self.rows[first + gone :]]
        return self._numbered(rows) if self.chance.random() < 1 / 2 else rows

    def insert(self, most: int) -> list[Line]:
        """Put an entry in, or at the end, as well made as can be."""
        place = self.chance.randrange(1, most)
        before = _entry(self.rows[place - 1])
        made = append(self._happening(), before, ChainKey(before.number + 1, self.key.key))
        return self._numbered([*self.rows[:place], _line(made), *self.rows[place:]])

    def reorder(self, most: int) -> list[Line]:
        """Let two entries change places."""
        one, two = self.chance.sample(range(most), 2)
        rows = list(self.rows)
        rows[one], rows[two] = rows[two], rows[one]
        return self._numbered(rows)

    def cut(self, most: int) -> list[Line]:
        """Cut the end off."""
        return list(self.rows[: self.chance.randrange(most)])

    def rewrite(self, most: int) -> list[Line]:
        """Change an entry and compute the rest of the chain anew, with the key there is."""
        place = self.chance.randrange(most)
        last = _entry(self.rows[place - 1]) if place else None
        made: list[Line] = []
        for number, row in enumerate(self.rows[place:], place):
            happening = self._happening() if number == place else _entry(row).happening
            last = append(happening, last, ChainKey(number, self.key.key))
            made.append(_line(last))
        return [*self.rows[:place], *made]

    def _other(self, column: str, value: Any) -> Any:
        match column:
            case "at":
                return value + self.chance.choice([-1, 1, 60_000, -(10**9)])
            case "actor":
                return self.chance.choice([*ACTORS, "", "Nobody at all", "ana|", "\0"])
            case "event":
                return self.chance.choice([*(event.value for event in EVENTS), "", "made_up"])
            case "subject" | "reason":
                return self.chance.choice(["c0ffee", "", "a|b", f"x{self.chance.randrange(99)}"])
            case _:
                raw = bytearray(value)
                raw[self.chance.randrange(len(raw))] ^= 1 << self.chance.randrange(8)
                return bytes(raw) if self.chance.randrange(9) else bytes(raw[:-1])

    def _happening(self) -> Happening:
        at = FakeClock().now() + timedelta(seconds=self.chance.randrange(10**6))
        actor = StaffId(self.chance.choice(ACTORS))
        return Happening(actor, self.chance.choice(EVENTS), at, f"f{self.chance.randrange(10**6)}")

    @staticmethod
    def _numbered(rows: Sequence[Line]) -> list[Line]:
        return [(number, *row[1:]) for number, row in enumerate(rows)]


def run(times: int, folder: Path, number: int) -> Outcome:
    """Tamper with the trail in each way in turn, with and without the key of an auditor."""
    outcome = Outcome()
    asyncio.run(_storm(times, folder, random.Random(number), outcome))
    return outcome


async def _storm(times: int, folder: Path, chance: random.Random, outcome: Outcome) -> None:
    ring, clock = KeyRing.open(folder / "keys"), FakeClock()
    async with opened(laid(folder), ring) as store:
        trail = Trail(store, clock, ring, AnchorFile(folder / "anchors"))
        first = b""
        for done in range(ENTRIES):
            clock.turn(minutes=6)
            actor, event = StaffId(chance.choice(ACTORS)), chance.choice(EVENTS)
            async with store.begin() as unit:
                await unit.audit.record(Happening(actor, event, clock.now(), f"c{done}", "mine"))
            if done % ANCHOR_EVERY == ANCHOR_EVERY - 1:
                await trail.anchor()
            first = first or await trail.hand_over_key() or b""
        with closing(sqlite3.connect(folder / "havn.db", isolation_level=None)) as file:
            whole = file.execute(f"SELECT {', '.join(COLUMNS)} FROM audit ORDER BY number")
            forger = Forger(chance, whole.fetchall(), await ring.chain_key())
            for turn in range(times):
                await _tamper(trail, file, forger, first if turn % 2 else None, turn, outcome)
    ring.close()
    shares = {name: share for name, share in outcome.figures.items() if "found" in name}
    outcome.expect(sum(shares.values()) == times, f"found {shares} of {times}")


async def _tamper(
    trail: Trail,
    file: sqlite3.Connection,
    forger: Forger,
    key: bytes | None,
    turn: int,
    outcome: Outcome,
) -> None:
    """Tamper once, verify, and put everything back."""
    ways: Sequence[Callable[[int], list[Line]]] = (
        *(forger.flip, forger.delete, forger.insert, forger.reorder, forger.cut, forger.rewrite),
    )
    way = ways[turn // 2 % len(ways)]
    rows = forger.rows
    while rows == forger.rows or (key is None and _only_macs(rows, forger.rows)):
        rows = way(ENTRIES)
    _write(file, rows)
    report = await trail.verify(key)
    outcome.count(f"{way.__name__} found", not report.sound)
    outcome.expect(not report.sound, f"{way.__name__} {'with' if key else 'without'} key: unseen")
    _write(file, forger.rows)
    if not turn % 100:
        outcome.expect((await trail.verify(key)).sound, "a whole trail is called flawed")


def _only_macs(rows: Sequence[Line], whole: Sequence[Line]) -> bool:
    """Tell whether only MACs differ, which nobody can check without the key."""
    return [row[:-1] for row in rows] == [row[:-1] for row in whole]


def _write(file: sqlite3.Connection, rows: Sequence[Line]) -> None:
    marks = ", ".join("?" * len(COLUMNS))
    file.execute("BEGIN IMMEDIATE")
    file.execute("DELETE FROM audit")
    file.executemany(f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
    file.execute("COMMIT")


def _entry(row: Line) -> Entry:
    number, at, actor, event, subject, reason, digest, mac = row
    happening = Happening(StaffId(actor), AuditEvent(event), codec.from_ms(at), subject, reason)
    return Entry(number, happening, digest, mac)


def _line(entry: Entry) -> Line:
    h = entry.happening
    facts = (codec.to_ms(h.at), h.actor, h.event.value, h.subject, h.reason)
    return (entry.number, *facts, entry.digest, entry.mac)
