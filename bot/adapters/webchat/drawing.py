"""Draws the views of the web chat: after a turn, before a chat was begun, and when it is broken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.adapters.webchat.form import Submission
from bot.adapters.webchat.language import Wanted
from bot.adapters.webchat.pages import Word
from bot.adapters.webchat.session import NewSecret
from bot.adapters.webchat.view import (
    CLEARING,
    CLOSED,
    DECOYS,
    ENDING,
    FORGOTTEN,
    HIDDEN,
    INTERRUPTION,
    Said,
    View,
    remaining,
)
from bot.domain.messages import Bubble, Channel
from bot.domain.screens import PING
from bot.i18n import LOCALES
from bot.ports import Door

_IN_DANISH = "action_show_in_danish"


class Drawing:
    """Makes views; ``now`` dates them, so that an old page can be told from a fresh one."""

    def __init__(
        self,
        door: Door,
        word: Word,
        locales: Callable[[], Sequence[str]],
        *,
        secret: NewSecret,
        now: Callable[[], float],
    ) -> None:
        self._door = door
        self._word = word
        self._locales = locales
        self._secret = secret
        self._now = now

    def turn(self, form: Submission, said: Sequence[Said], before: Sequence[Said]) -> View:
        """Return the view after a turn of a chat that was begun.

        ``before`` is what was shown until then. What the page does not hold of it is new as well:
        a person may have written in the meantime.
        """
        talk = _talk(form, said, before)
        locale = _speaking(form, talk.said)
        echo = "" if talk.clears else _echo(form, said, before)
        view = View(
            locale=locale,
            token=form.token,
            nonce=self._secret(),
            said=talk.said,
            before=talk.before,
            last=max((message.id for message in talk.thread), default=form.last),
            at=int(self._now()),
            begun=not talk.ends,
            writable=True,
            chosen=True,
            clear=talk.clears or not form.begun,
            echo=echo,
            keep_echo=bool(echo),
            note=self._word("web_cut", locale) if form.cut else "",
            status="" if talk.said else self._word("web_sent", locale),
            look=_may_look(talk),
            live=any(message.looks or message.talks for message in talk.said),
            whole=not form.begun or locale != form.locale or talk.ends,
        )
        return self._forgotten(view) if talk.forgets else view

    def looked(self, form: Submission, said: Sequence[Said]) -> View:
        """Return what a person has answered since, or that there is nothing yet."""
        view = self.turn(replace(form, text=""), (), said)
        key = "web_new_answer" if view.said else "web_no_answer_yet"
        return replace(view, status=self._word(key, view.locale))

    def watched(self, form: Submission, said: Sequence[Said]) -> View:
        """Return what came by itself, for the page as it stands: nothing else of it changes.

        A hello stands in for lines that wait, so the page goes on asking for what was before it.
        """
        hello = all(message.bubble.screen == PING for message in said)
        return View(
            locale=form.locale,
            token=form.token,
            nonce=form.nonce,
            said=said,
            last=form.last if hello else max(message.id for message in said),
            at=form.at,
            begun=True,
            writable=True,
            chosen=form.chosen,
            keep_echo=False,
            live=not hello,
        )

    def fresh(self, wanted: Wanted, screen: str, token: str = "", note: str = "") -> View:
        """Return a view that no conversation stands behind."""
        outside = screen in (INTERRUPTION, CLOSED)
        locales = self._locales() if outside else ()
        return View(
            locale=wanted.code,
            token=token or self._secret(),
            nonce=self._secret(),
            said=[Said(self._door.greet(Channel.WEB, screen, wanted.code))],
            at=int(self._now()),
            writable=screen == HIDDEN,
            chosen=wanted.chosen,
            clear=True,
            keep_echo=False,
            note=self._word(note, wanted.code) if note else "",
            languages=[(code, LOCALES[code]) for code in LOCALES if code in locales],
            whole=True,
        )

    def broken(self, form: Submission, numbers: Bubble) -> View:
        """Return the numbers. The form is the same again: trying again never counts twice."""
        return View(
            locale=form.locale,
            token=form.token,
            nonce=form.nonce,
            said=[Said(numbers)],
            last=form.last,
            at=form.at or int(self._now()),
            begun=form.begun,
            writable=form.begun or bool(form.text),
            chosen=form.chosen,
            keep_echo=False,
            typed=form.text,
            status=self._word("web_not_sent", form.locale),
        )

    def _forgotten(self, view: View) -> View:
        """Return the view under a new token: whoever writes next is somebody Havn never met."""
        then = Said(self._door.greet(Channel.WEB, HIDDEN, view.locale))
        return replace(view, token=self._secret(), last=0, then=then)


@dataclass(frozen=True, slots=True)
class _Talk:
    """What a page shows of a chat: ``before`` once more, ``said`` for the first time."""

    before: Sequence[Said]
    said: Sequence[Said]

    @property
    def thread(self) -> Sequence[Said]:
        return [*self.before, *self.said]

    @property
    def ends(self) -> bool:
        """Tell whether no conversation stands behind the page any more."""
        return any(message.bubble.screen in ENDING for message in self.said)

    @property
    def clears(self) -> bool:
        """Tell whether nothing of before may be seen."""
        return any(message.bubble.screen in CLEARING for message in self.said)

    @property
    def forgets(self) -> bool:
        return any(message.bubble.screen == FORGOTTEN for message in self.said)


def _talk(form: Submission, said: Sequence[Said], before: Sequence[Said]) -> _Talk:
    """Part what remains of a chat into what the page holds and what it does not."""
    fresh = {message.id for message in said} | {m.id for m in before if m.id > form.last}
    thread = remaining([*before, *said], fresh)
    return _Talk([m for m in thread if m.id not in fresh], [m for m in thread if m.id in fresh])


def _echo(form: Submission, said: Sequence[Said], before: Sequence[Said]) -> str:
    """Return the visitor's own words where the page may repeat them; never a secret word.

    Sent again by a reload, words are not shown again, for they may have been one. The word that
    ends a decoy is one, too.
    """
    known = {message.id for message in before}
    repeated = bool(said) and all(message.id in known for message in said)
    last = [message for message in before if message.id >= form.last]
    secret = any(message.once or message.bubble.screen in DECOYS for message in last)
    return "" if form.tap or repeated or secret else form.text


def _speaking(form: Submission, said: Sequence[Said]) -> str:
    """Return the locale of the page: that of the last answer, unless it only shows Danish."""
    if not said or form.tap == _IN_DANISH:
        return form.locale
    return said[-1].bubble.locale


def _may_look(talk: _Talk) -> bool:
    """Tell whether something may come later, and no button of the last message looks for it."""
    if not talk.thread or talk.thread[-1].looks:
        return False
    return talk.thread[-1].talks or not talk.said
