"""What one answer of the web chat shows, before it becomes HTML."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from bot.domain import decoy
from bot.domain.messages import Bubble, Choice, Sent
from bot.domain.reporting import is_reportable
from bot.domain.screens import CODE_WORD, JOINED, RETURN_CODE, SAFE_WORD, SAFE_WORD_AGAIN
from bot.i18n import direction

INTERRUPTION = "utter_web_interruption"
CLOSED = "utter_web_session_closed"
NOT_SENT = "utter_web_not_sent"
HIDDEN = "utter_hide_done"
FORGOTTEN = "utter_forget_done"
DANGER = "utter_danger_now"
PHONE = "utter_phone_numbers"
PERSON = "utter_human_consent"
HIDE = "action_hide"
LOOK = "action_pull"
# After these no conversation stands behind the page.
ENDING = frozenset({HIDDEN, FORGOTTEN})
DECOYS = frozenset({*decoy.CARDS, decoy.NUMBERS})
# After these nothing of before may be seen.
CLEARING = ENDING | DECOYS
# Questions for a secret word, and the words to come back with.
_SECRET = frozenset({CODE_WORD, RETURN_CODE, SAFE_WORD, SAFE_WORD_AGAIN})
# The row of ways out keeps its place under the text field, so it is not drawn among the answers.
_ROW = (PHONE, PERSON, HIDE)
# Screens that stand beside an answer.
_NOTICES = frozenset({"utter_translation_unreviewed", "utter_suicide_again"})
# Authors of messages that no person wrote.
_PROGRAM = frozenset({"", "program"})
# Without script each answer is a new page; it repeats this many messages, so that the thread holds.
KEPT = 6
# It reads more than it repeats, for a message may have replaced others. Never the whole thread:
# that would make each answer of a long talk slower than the one before.
READ_AGAIN = 20


Rows = Sequence[Sequence[Choice]]


@dataclass(frozen=True, slots=True)
class Said:
    """One message on the page; ``person`` is a counsellor's working name, "" for the program."""

    bubble: Bubble
    id: int = 0
    person: str = ""

    @classmethod
    def of(cls, sent: Sent) -> "Said":
        """Take a message as the door returns it."""
        return cls(sent.bubble, int(sent.id), "" if sent.author in _PROGRAM else sent.author)

    @property
    def once(self) -> bool:
        """Tell whether the message leaves the page with the next answer, so nobody learns of it."""
        return self.bubble.screen in _SECRET

    @property
    def looks(self) -> bool:
        """Tell whether a button of the message looks for a person's answer."""
        return any(choice.data == LOOK for row in self.bubble.rows for choice in row)

    @property
    def talks(self) -> bool:
        """Tell whether a person says this, or has just come."""
        return bool(self.person) or self.bubble.screen == JOINED


@dataclass(frozen=True, slots=True)
class View:
    """One answer.

    ``said`` is new, ``before`` what a page without script repeats above it. ``begun`` is false as
    long as no conversation stands behind the page, ``writable`` while nothing may be typed.
    ``clear`` empties the log first. ``echo`` are the visitor's own words where the page repeats
    them, ``keep_echo`` tells the script to do so. ``typed`` stays in the text field, ``note`` is a
    line above it. ``look`` offers to look for a person's answer; ``live`` has the script look by
    itself. ``whole`` asks the script for a
    full redraw, after a start or a change of language. ``then`` replaces everything after a while.
    """

    locale: str
    token: str = field(repr=False)
    nonce: str = field(repr=False)
    said: Sequence[Said] = ()
    before: Sequence[Said] = ()
    last: int = 0
    at: int = 0
    begun: bool = False
    writable: bool = False
    chosen: bool = False
    clear: bool = False
    echo: str = field(default="", repr=False)
    keep_echo: bool = True
    typed: str = field(default="", repr=False)
    note: str = ""
    status: str = ""
    look: bool = False
    live: bool = False
    languages: Sequence[tuple[str, str]] = ()
    whole: bool = False
    then: Said | None = None

    @property
    def reportable(self) -> bool:
        """Tell whether the newest text can be reported as wrong.

        Not a question for a secret word: what is typed next is taken for that word, and the
        question would have left the page.
        """
        shown = self.said or self.before
        if not (self.begun and shown and shown[-1].id) or shown[-1].once:
            return False
        screens = [one.bubble.screen for one in shown]
        return screens[-1] not in CLEARING and is_reportable(screens)

    @property
    def direction(self) -> str:
        """Return the direction of writing of the page."""
        return direction(self.locale)

    @property
    def _rows(self) -> Sequence[Sequence[Choice]]:
        shown = self.said or self.before
        return shown[-1].bubble.rows if shown else ()

    @property
    def answers(self) -> Rows:
        """Return the buttons of this answer, each once, without the row of ways out.

        What a notice offers comes after what the answer itself offers.
        """
        offered: list[Sequence[Choice]] = []
        seen: set[str] = set()
        for bubble in sorted(self._offering, key=lambda b: b.screen in _NOTICES):
            own, _ = _parted(bubble.rows)
            for row in own:
                new = [choice for choice in row if choice.data not in seen]
                seen.update(choice.data for choice in new)
                offered += [new] if new else []
        return offered

    @property
    def row(self) -> Sequence[Choice]:
        """Return the row of ways out, of the last message that has one."""
        rows = [_parted(bubble.rows)[1] for bubble in self._offering]
        return next((row for row in reversed(rows) if row), ())

    @property
    def _offering(self) -> Sequence[Bubble]:
        """Return the messages whose buttons still count: the new ones, or else the last one."""
        return [message.bubble for message in self.said or self.before[-1:]]


def _parted(rows: Rows) -> tuple[Rows, Sequence[Choice]]:
    """Return a message's own buttons, and the row of ways out where it has one: the last row."""
    if rows and tuple(choice.data for choice in rows[-1]) == _ROW:
        return rows[:-1], rows[-1]
    return rows, ()


def remaining(said: Iterable[Said], fresh: Collection[int] = ()) -> list[Said]:
    """Return what a page still shows of a conversation.

    Nothing from before a hiding, nothing that a later message replaced, no question for a secret
    word once it was answered, and only the last few; but all of those whose id is ``fresh``.
    """
    kept: dict[int, Said] = {}
    for message in sorted(said, key=lambda m: m.id):
        if message.bubble.screen in CLEARING:
            kept.clear()
        if message.bubble.on.isdecimal():
            kept.pop(int(message.bubble.on), None)
        kept[message.id] = message
    shown = list(kept.values())
    shown = [m for m in shown if not m.once or m is shown[-1]]
    new = sum(message.id in fresh for message in shown)
    return shown[-max(KEPT, new) :]
