"""The audit trail: whatever is done to it afterwards shows."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.audit import (
    Anchor,
    AuditEvent,
    ChainKey,
    Entry,
    Finding,
    Flaw,
    Happening,
    Report,
    Verification,
    append,
)
from bot.domain.staff import StaffId

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FIRST = ChainKey(0, b"k" * 32)
LENGTH = 8


def happening(n: int, actor: str = "ana") -> Happening:
    at = NOW + timedelta(seconds=n)
    return Happening(StaffId(actor), AuditEvent.CONVERSATION_OPENED, at, "c0ffee", "mine")


def written(count: int, first: ChainKey = FIRST, actor: str = "ana") -> list[Entry]:
    entries: list[Entry] = []
    for n in range(count):
        entries.append(append(happening(n, actor), entries[-1] if entries else None, first.at(n)))
    return entries


TRAIL = written(LENGTH)
ANCHORS = [Anchor(NOW, TRAIL[n].number, TRAIL[n].digest) for n in (2, LENGTH - 1)]
CURRENT = FIRST.at(LENGTH)


def verify(
    entries: Sequence[Entry],
    key: bytes | None = FIRST.key,
    current: ChainKey | None = CURRENT,
    anchors: Sequence[Anchor] = ANCHORS,
) -> Report:
    verification = Verification(anchors, key)
    for entry in entries:
        verification.take(entry)
    return verification.finish(current)


def flaws(report: Report) -> set[tuple[Flaw, int]]:
    return {(finding.flaw, finding.number) for finding in report.findings}


def with_another_actor(entries: list[Entry], at: int) -> list[Entry]:
    forged = replace(entries[at].happening, actor=StaffId("bo"))
    return [*entries[:at], replace(entries[at], happening=forged), *entries[at + 1 :]]


def computed_anew(entries: list[Entry], at: int) -> list[Entry]:
    """Change an entry and write the rest of the chain anew, with the only key there still is."""
    kept = entries[:at]
    for old in with_another_actor(entries, at)[at:]:
        last = kept[-1] if kept else None
        kept.append(replace(append(old.happening, last, ChainKey(old.number, CURRENT.key))))
    return kept


@pytest.mark.parametrize("key", [FIRST.key, None])
def test_a_trail_nobody_touched_is_sound(key: bytes | None) -> None:
    report = verify(TRAIL, key)
    assert report == Report(LENGTH, 2, key is not None, ())
    assert report.sound


def test_an_empty_trail_is_sound() -> None:
    assert verify([], current=FIRST, anchors=[]).sound


@pytest.mark.parametrize("key", [FIRST.key, None])
@pytest.mark.parametrize("at", [0, 3, LENGTH - 1])
def test_a_changed_entry_shows(key: bytes | None, at: int) -> None:
    assert flaws(verify(with_another_actor(TRAIL, at), key)) == {(Flaw.CHANGED, at)}


CHANGES: list[Callable[[Happening], Happening]] = [
    lambda h: replace(h, actor=StaffId("bo")),
    lambda h: replace(h, event=AuditEvent.SIGNED_IN),
    lambda h: replace(h, at=h.at + timedelta(milliseconds=1)),
    lambda h: replace(h, subject="other"),
    lambda h: replace(h, reason=""),
    lambda h: replace(h, subject=h.reason, reason=h.subject),
]


@pytest.mark.parametrize("change", CHANGES)
def test_no_part_of_an_entry_can_be_changed(change: Callable[[Happening], Happening]) -> None:
    forged = replace(TRAIL[4], happening=change(TRAIL[4].happening))
    assert not verify([*TRAIL[:4], forged, *TRAIL[5:]]).sound


@pytest.mark.parametrize("key", [FIRST.key, None])
@pytest.mark.parametrize("at", [0, 3, LENGTH - 2])
def test_a_removed_entry_shows(key: bytes | None, at: int) -> None:
    report = verify([*TRAIL[:at], *TRAIL[at + 1 :]], key)
    assert (Flaw.REMOVED, at) in flaws(report)


def test_a_removed_entry_does_not_speak_against_the_others() -> None:
    assert flaws(verify([*TRAIL[:3], *TRAIL[4:]])) == {(Flaw.REMOVED, 3)}


@pytest.mark.parametrize("key", [FIRST.key, None])
@pytest.mark.parametrize("cut", [1, LENGTH])
def test_a_cut_tail_shows_by_the_anchors(key: bytes | None, cut: int) -> None:
    report = verify(TRAIL[: LENGTH - cut], key, current=None)
    assert flaws(report) == {(Flaw.CUT, LENGTH - cut)}


def test_a_cut_tail_shows_by_the_key_store_before_the_next_anchor() -> None:
    assert flaws(verify(TRAIL[:-1], anchors=ANCHORS[:1])) == {(Flaw.CUT, LENGTH - 1)}


def test_a_key_store_turned_back_with_a_cut_tail_shows_by_the_key() -> None:
    turned_back = ChainKey(LENGTH - 1, b"x" * 32)
    report = verify(TRAIL[:-1], current=turned_back, anchors=ANCHORS[:1])
    assert flaws(report) == {(Flaw.WRONG_KEY, LENGTH - 1)}


@pytest.mark.parametrize("at", [1, 5])
def test_a_chain_computed_anew_shows_by_its_macs(at: int) -> None:
    report = verify(computed_anew(TRAIL, at), anchors=[])
    assert (Flaw.CHANGED, at) in flaws(report)


def test_without_the_key_a_chain_computed_anew_shows_by_the_anchors() -> None:
    report = verify(computed_anew(TRAIL, 1), None)
    assert flaws(report) == {(Flaw.REWRITTEN, 2), (Flaw.REWRITTEN, LENGTH - 1)}
    assert verify(computed_anew(TRAIL, 1), None, anchors=[]).sound, "why the key is kept elsewhere"


def test_a_trail_written_anew_from_the_beginning_shows_by_the_key() -> None:
    other = ChainKey(0, b"o" * 32)
    report = verify(written(LENGTH, other, "bo"), current=other.at(LENGTH), anchors=[])
    assert (Flaw.WRONG_KEY, 0) in flaws(report)


def test_two_anchors_that_differ_cannot_both_be_right() -> None:
    other = Anchor(NOW, 2, hashlib.sha256().digest())
    assert flaws(verify(TRAIL, anchors=[*ANCHORS, other])) == {(Flaw.REWRITTEN, 2)}


def test_a_trail_goes_on_with_a_gap_after_a_backup_was_brought_back() -> None:
    """The entries after the gap prove themselves; the gap stays."""
    restored = TRAIL[:5]
    restored.append(append(happening(9), restored[-1], CURRENT))
    assert restored[-1].number == LENGTH
    report = verify(restored, current=FIRST.at(LENGTH + 1), anchors=[])
    assert report.findings == (Finding(Flaw.REMOVED, 5),)


def test_a_kill_before_the_key_was_erased_is_no_flaw() -> None:
    assert verify(TRAIL, current=FIRST.at(LENGTH - 1)).sound


def test_keys_go_forward_only() -> None:
    assert FIRST.at(5) == FIRST.at(2).at(5)
    with pytest.raises(ValueError, match="erased"):
        FIRST.at(5).at(4)
