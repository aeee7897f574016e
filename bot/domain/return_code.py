"""The return code: seven words that bring a visitor who waits back on another channel.

2,048 words to choose from make 77 bits (security-reliability.md 2.1).
"""

from collections import OrderedDict, deque
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.handover import State
from bot.domain.messages import ConversationId
from bot.domain.screens import RETURN_CODE_ASK, Button, Tap

WORDS = 7
# What stands between the words when they were copied from a list.
_OUTER = ".,;:!?"
_MENU_MORE = "utter_menu_more"
_HIDE_MENU = "utter_hide_menu"
_GET = Button("Code to come back", Tap("action_return_code"))
_ENTER = Button("I have a code", Tap(RETURN_CODE_ASK))
AWAITED = frozenset({State.WAITING, State.LEFT_MESSAGE, State.ACTIVE})

LONGEST_WAIT = timedelta(seconds=60)
AT_ONCE = 5
_AT_ONCE_WITHIN = timedelta(seconds=1)
_MOST_DOUBLINGS = 6
# Somebody who begins very many chats loses the count of the first; the overall limit stays.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class NewCode:
    """The words of a return code, for one message to the visitor, and what is kept of them."""

    words: str = field(repr=False)
    hashed: bytes = field(repr=False)


def read_code(text: str, words: Container[str]) -> str:
    """Return a typed code in its one form, "" where the text is anything else."""
    typed = [word.strip(_OUTER) for word in text.casefold().split()]
    if len(typed) != WORDS or any(word not in words for word in typed):
        return ""
    return " ".join(typed)


def code_buttons(screen: str, state: State | None) -> tuple[Button, ...]:
    """Return the buttons that a screen has where codes are on."""
    if screen == _MENU_MORE:
        return (_ENTER,)
    return (_GET,) if screen == _HIDE_MENU and state in AWAITED else ()


class Brake:
    """Slows guessing: 1, 2, 4 ... 60 s after wrong tries in a chat, and five a second in all."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[ConversationId, tuple[int, datetime]] = OrderedDict()
        self._recent: deque[datetime] = deque()

    def passes(self, conversation: ConversationId, now: datetime) -> bool:
        """Tell whether a try may be looked at now, and count it."""
        count, at = self._wrong.get(conversation, (0, now))
        if count and now < at + _wait(count):
            return False
        while self._recent and now - self._recent[0] >= _AT_ONCE_WITHIN:
            self._recent.popleft()
        if len(self._recent) >= AT_ONCE:
            return False
        self._recent.append(now)
        return True

    def forgive(self) -> None:
        """Take one try out of the overall count: that of a right code, which is no guess."""
        if self._recent:
            self._recent.pop()

    def wrong(self, conversation: ConversationId, now: datetime) -> None:
        """Count a wrong try."""
        count, _ = self._wrong.pop(conversation, (0, now))
        self._wrong[conversation] = (count + 1, now)
        while len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)


def _wait(count: int) -> timedelta:
    return min(timedelta(seconds=1 << min(count - 1, _MOST_DOUBLINGS)), LONGEST_WAIT)
