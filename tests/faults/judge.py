"""What must be true when everything has come to rest, whatever was killed before."""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bot.bootstrap import anchor_file
from bot.domain.audit import AuditEvent
from bot.domain.messages import Channel, ConversationId, Line, MessageId, Text
from bot.ports import Arrival, Outgoing, UnitOfWork
from bot.services.staff import Trail
from tests.faults.ledger import Message, Story
from tests.faults.town import LINES, Town, line_of

_MANY = 100_000
_STILL = ("utter_queue_still_waiting", "utter_queue_red_unanswered")


async def judge(town: Town) -> list[str]:
    """Return what is wrong, in words; nothing of it may be."""
    story = town.ledger.read()
    found = await town.ids(sorted({message.sender for message in story.messages}))
    for sender, id_ in found.items():
        if not any(fact["id"] == id_ for fact in story.all("known")):
            town.ledger.tell("known", sender=sender, id=id_)
    faults = [*_unbrought(story)]
    if town.points.watched:
        faults += _unmarked(story, town.life)
    async with town.app.store.begin() as unit:
        await town.app.sealer.load_keys(list(found.values()))
        for sender, id_ in found.items():
            faults += await _visitor(unit, story, sender, id_)
    faults += _lost(story, found)
    faults += await _forgotten(town, story, found)
    faults += await _staff(town, story)
    faults += _files(town)
    return faults


def _unbrought(story: Story) -> Iterator[str]:
    for message in story.messages:
        if message.id not in story.acknowledged:
            yield f"{message.id} ({message.does}) was never acknowledged"


def _unmarked(story: Story, life: str) -> Iterator[str]:
    """Find what this life sent and did not note: it would be sent again without need."""
    asked = {message.what for message in story.messages}
    for fact in story.ambiguous:
        if fact["reference"].startswith(f"{life}.") and fact["key"] in asked:
            yield f"{fact['key']} was sent to {fact['chat']} and never marked"


def _lost(story: Story, found: Mapping[str, ConversationId]) -> Iterator[str]:
    """Find visitors who are gone and never asked for it."""
    gone = {m.sender for m in story.messages} - found.keys() - story.senders("forgets")
    yield from (f"all of {sender} is lost" for sender in sorted(gone))


async def _visitor(unit: UnitOfWork, story: Story, sender: str, id_: ConversationId) -> list[str]:
    """Compare what one visitor sent with what became of it."""
    if sender in story.senders("forgets"):
        return [f"{sender} asked to be forgotten and is there"]
    if waiting := await unit.messages.unanswered([id_]):
        return [f"{sender}: {len(waiting[id_])} messages wait for an answer"]
    thread = await unit.messages.thread(id_, MessageId(0), _MANY)
    answers = await unit.messages.replies_after(id_, MessageId(0))
    if sender in story.senders("hides"):
        return list(_hidden(story, sender))
    screens = Counter(str(getattr(one.body, "screen", "")) for one in answers)
    mine = story.of(sender)
    return [
        *_answers(story, mine, screens),
        *_words(story, mine, thread),
        *_told_in_vain(screens),
    ]


def _answers(story: Story, mine: list[Message], screens: Counter[str]) -> Iterator[str]:
    """Each question has one answer, which has arrived; it may have arrived more than once."""
    for one in mine:
        if one.does not in ("reads", "says"):
            continue
        if screens[one.what] != 1:
            yield f"{one.sender}: {one.does} {one.what} has {screens[one.what]} answers"
        if one.channel == Channel.TELEGRAM and not story.shown[one.sender, one.what]:
            yield f"{one.sender}: the answer {one.what} has not arrived"


def _words(
    story: Story, mine: list[Message], thread: Iterable[Arrival | Outgoing]
) -> Iterator[str]:
    """What was written in a talk stands there once, of either side."""
    rows: Counter[str] = Counter()
    for row in thread:
        if isinstance(row, Arrival) and isinstance(row.incoming.event, Text):
            rows[row.incoming.event.text] += 1
        if isinstance(row, Outgoing) and isinstance(row.body, Line):
            rows[row.body.text] += 1
    sender = mine[0].sender
    said = [one.what for one in mine if one.does == "writes"]
    if f"{sender}/close" in {fact["key"] for fact in story.wanted("close")}:
        said += [line_of(sender, line) for line in range(1, LINES + 1)]
    for text in said:
        if rows[text] != 1:
            yield f"{sender}: the words '{text}' are there {rows[text]} times"


def _told_in_vain(screens: Counter[str]) -> Iterator[str]:
    """A timer speaks once for each time it is set: by asking, and by losing a counsellor."""
    still, lost = sum(screens[name] for name in _STILL), screens["utter_human_lost"]
    if still > 1 + lost:
        yield f"told {still} times that nobody is free, after {lost} counsellors were lost"


def _hidden(story: Story, sender: str) -> Iterator[str]:
    """Whatever the program knew to have arrived is deleted on the visitor's side."""
    deleted = {ref for fact in story.all("deleted") for ref in fact["references"]}
    ambiguous = {fact["reference"] for fact in story.ambiguous}
    for fact in story.all("shown"):
        if fact["chat"] != sender or fact["key"] == "utter_hide_done":
            continue
        if fact["reference"] not in deleted | ambiguous:
            yield f"{sender}: {fact['key']} was hidden and is still there"


async def _forgotten(town: Town, story: Story, found: Mapping[str, ConversationId]) -> list[str]:
    """Of whoever asked to be forgotten there is no row and no key."""
    asked = story.senders("forgets")
    gone = {fact["id"] for fact in story.all("known") if fact["sender"] in asked}
    faults = [
        f"{id_} was forgotten and has a key" for id_ in gone & {*await town.app.sealer.holders()}
    ]
    async with town.app.store.begin() as unit:
        left = gone - {*await unit.conversations.unknown(list(gone))} if gone else set()
    faults += [f"{id_} was forgotten and has a row" for id_ in left]
    epochs = [path.name for path in town.app.settings.keys_folder.glob("*kek*")]
    if len(epochs) != 1:
        faults.append(f"there are {len(epochs)} key-encryption keys: {epochs}")
    return faults


async def _staff(town: Town, story: Story) -> list[str]:
    """What staff did is counted and recorded once; the trail is whole."""
    app = town.app
    async with app.store.begin() as unit:
        figures = await unit.figures.between("2000-W01", "2100-W01")
        entries = await unit.audit.after(-1, _MANY)
    ended = sum(n for (_, kind, _), n in figures.items() if kind == "outcome")
    closes = len(story.wanted("close"))
    faults = [] if ended == closes else [f"{closes} talks were ended, {ended} are counted"]
    events = Counter(entry.happening.event for entry in entries)
    for step, event in (
        ("take", AuditEvent.CONVERSATION_TAKEN),
        ("close", AuditEvent.CONVERSATION_CLOSED),
    ):
        wanted = {fact["key"] for fact in story.wanted(step)}
        least = len(wanted & story.done)
        if not least <= events[event] <= len(wanted):
            faults.append(f"{events[event]} of {event} recorded, {least} to {len(wanted)} done")
    report = await Trail(app.store, town.clock, app.sealer, anchor_file(app.settings)).verify(None)
    if not report.sound:
        faults.append(f"the audit trail is not whole: {report.findings}")
    return faults


def _files(town: Town) -> Iterator[str]:
    """The files are sound."""
    folder = town.app.settings.data_dir
    for path in (folder / "havn.db", folder / "keys" / "keys.db"):
        if path.exists():
            yield from _sound(path)


def _sound(path: Path) -> Iterator[str]:
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as database:
        (answer,) = database.execute("PRAGMA integrity_check").fetchone()
        if answer != "ok":
            yield f"{path.name}: {answer}"
        if broken := database.execute("PRAGMA foreign_key_check").fetchall():
            yield f"{path.name}: {len(broken)} rows point to nothing"


def duplicates(story: Story) -> int:
    """Return how often an answer to one question arrived again."""
    asked = {(m.sender, m.what) for m in story.messages if m.does in ("reads", "says")}
    return sum(max(0, story.shown[key] - 1) for key in asked)
