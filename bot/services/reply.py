"""From a screen's key to the words of one message in the visitor's locale."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache

from bot.domain.content import Item, translation
from bot.domain.content import screen as screen_item
from bot.domain.facts import PLACEHOLDER, Registry
from bot.domain.messages import LINE, Bubble, Channel, Choice, Line, Reply
from bot.domain.screens import Button, Deck, Screen, Tap
from bot.i18n import LOCALES, Texts, Values, mark_start, own_name

_OPTIONS = ("option_1", "option_2")
_COPY = "action_copy_number"
_LANGUAGE = "action_set_language"
_HIDE = "action_hide"
_LONG_LABEL = 14
# The word of the deck under what rests on a fact past its review date, and what says it already.
_CHECKED = "checked_on"
_REVIEWED = "fact_reviewed_on"
# The word of the deck between a machine's translation and what was typed.
_BY_MACHINE = "line_by_machine"
# Screens that counsellors send: approved sentences in the visitor's locale.
CANNED = "utter_canned_"
_TALK = "utter_human_joined"
_PERSON = "\N{BUST IN SILHOUETTE}"
# Values that are the same for everybody at one moment: they tell of no visitor.
_COMMON = frozenset({"wait_estimate", "next_open_time"})
# How many bubbles are remembered: the screens people walk over, in the languages in use.
_REMEMBERED = 1000


class Renderer:
    """Renders replies from memory alone, so that it works when all else is down.

    ``today`` is the day in Denmark: what rests on a fact past its review date says when it was
    checked (ux.md bar 22).
    """

    def __init__(self, deck: Deck, texts: Texts, values: Values, today: Callable[[], date]) -> None:
        self.today = today
        self.serve(deck, texts, values)

    def serve(self, deck: Deck, texts: Texts, values: Values) -> None:
        """Render with these from now on; whoever holds this renderer need not be told."""
        self.deck = deck
        self.texts = texts
        self.values = values
        self._global_taps: dict[str, Mapping[str, Tap]] = {}
        self._common = lru_cache(_REMEMBERED)(self._draw_common)

    @property
    def registry(self) -> Registry:
        """Return the facts that fill the screens."""
        return self.values.registry

    def word(self, key: str, locale: str, **runtime: str) -> str:
        """Return an interface word of the deck in a locale."""
        return self.values.word(key, locale, **runtime)

    def render(self, reply: Reply, channel: Channel) -> Bubble:
        """Return the words and buttons of a reply, facts as they stand now.

        What many visitors are shown alike is remembered until other words are served or the day
        ends; what holds anything of one visitor is drawn anew.
        """
        today = self.today()
        if reply.extra or not _COMMON.issuperset(reply.values):
            bubble = self._draw(reply, channel, today)
        else:
            values = tuple(sorted(reply.values.items()))
            bubble = self._common(reply.screen, reply.locale, values, channel, today)
        return replace(bubble, on=reply.on) if self.deck[reply.screen].in_place else bubble

    def _draw_common(
        self,
        screen: str,
        locale: str,
        values: tuple[tuple[str, str], ...],
        channel: Channel,
        today: date,
    ) -> Bubble:
        return self._draw(Reply(screen, locale, dict(values)), channel, today)

    def _draw(self, reply: Reply, channel: Channel, today: date) -> Bubble:
        screen = self.deck[reply.screen]
        source = screen.source(channel)
        template = self.texts.get(screen.id, source, reply.locale)
        # Of the text that is shown: an older translation may rest on facts the English left.
        runtime = {**reply.values, **self._reviewed(template)}
        text = self.values.fill(template, reply.locale, runtime).strip()
        if f"{{{_REVIEWED}}}" not in template:
            text += self._dated(screen, source, reply.locale, today)
        own = [*screen.buttons, *reply.extra]
        rows = [*self._rows(own, reply), *self._fixed(reply)]
        return Bubble(screen.id, reply.locale, mark_start(text, reply.locale), tuple(rows))

    def show(self, body: Reply | Line, channel: Channel) -> Bubble:
        """Return a reply, or a counsellor's line with the ways out of the talk under it.

        A person's words carry their alias and a sign where the channel does not set them apart.
        """
        if isinstance(body, Reply):
            bubble = self.render(body, channel)
            alias = said_by(body)
        else:
            ways_out = self._rows(self.deck[_TALK].buttons, Reply(_TALK, body.locale))
            bubble = Bubble(LINE, body.locale, self._said(body), tuple(ways_out))
            alias = body.alias
        if not alias or channel is Channel.WEB:
            return bubble
        text = mark_start(f"{_PERSON} {alias}: {bubble.text}", body.locale)
        return replace(bubble, text=text)

    def _said(self, line: Line) -> str:
        """Return the words of a line; a machine's are marked, with what was typed below them."""
        if not line.original:
            return line.text
        return f"{line.text}\n\n{self.values.word(_BY_MACHINE, line.locale)}\n{line.original}"

    def label(self, button: Button, locale: str) -> str:
        """Return a button's label in a locale."""
        template = self.texts.get("button", button.label, locale)
        return self.values.fill(template, locale, {})

    def item(self, screen_id: str, locale: str, channel: Channel) -> Item:
        """Return what is edited to mend the text of a screen: English where that is shown."""
        source = self.deck[screen_id].source(channel)
        if self.texts.get(screen_id, source, locale) == source:
            return screen_item(screen_id)
        return translation(locale, screen_id, source)

    def taps(self, screen_id: str, locale: str) -> Mapping[str, Tap]:
        """Return what can be typed instead of pressed on a screen: label (folded) to tap.

        English labels work in every locale. A label that leads to one screen wherever it stands
        works on every screen.
        """
        buttons = self.deck[screen_id].buttons if screen_id in self.deck else ()
        own = {
            label: button.tap
            for button in buttons
            if button.tap.to != _LANGUAGE
            for label in self._typed(button, locale)
        }
        return {**self._everywhere(locale), **own}

    def _typed(self, button: Button, locale: str) -> Iterator[str]:
        if not PLACEHOLDER.search(button.label):
            yield fold(button.label)
            yield fold(self.label(button, locale))

    def _everywhere(self, locale: str) -> Mapping[str, Tap]:
        if locale not in self._global_taps:
            self._global_taps[locale] = self._unambiguous(locale)
        return self._global_taps[locale]

    def _unambiguous(self, locale: str) -> Mapping[str, Tap]:
        """Return the labels with one meaning in the whole deck, and the names of the languages."""
        meanings: dict[str, set[str]] = defaultdict(set)
        all_buttons = [b for screen in self.deck.screens.values() for b in screen.buttons]
        for button in (*all_buttons, *self.deck.fixed_row):
            for label in self._typed(button, locale):
                meanings[label].add(button.tap.to)
        found = {
            own_name(code).casefold(): Tap(_LANGUAGE, {"locale": code})
            for code in self.texts.locales
        }
        for label, targets in meanings.items():
            target = next(iter(targets))
            if len(targets) == 1 and (target in self.deck or target == _HIDE):
                found[label] = Tap(target)
        return found

    def _reviewed(self, text: str) -> dict[str, str]:
        day = self.registry.reviewed_on(text)
        return {_REVIEWED: day.isoformat()} if day else {}

    def _dated(self, screen: Screen, source: str, locale: str, today: date) -> str:
        """Return the day that a screen must show which does not name one itself, "" for none."""
        said = " ".join((source, *(button.label for button in screen.buttons)))
        day = self.registry.overdue_since(said, today)
        if day is None:
            return ""
        return f"\n\n{self.values.word(_CHECKED, locale, **{_REVIEWED: day.isoformat()})}"

    def _rows(self, buttons: Iterable[Button], reply: Reply) -> list[tuple[Choice, ...]]:
        """Lay buttons out: short ones share a row of two, long ones stand alone."""
        choices: list[Choice] = []
        for button in buttons:
            choices.extend(self._choices(button, reply))
        rows: list[tuple[Choice, ...]] = []
        for choice in choices:
            short = len(choice.label) <= _LONG_LABEL
            if short and rows and len(rows[-1]) == 1 and len(rows[-1][0].label) <= _LONG_LABEL:
                rows[-1] = (*rows[-1], choice)
            else:
                rows.append((choice,))
        return rows

    def _choices(self, button: Button, reply: Reply) -> list[Choice]:
        if button.tap.to == _LANGUAGE and "locale" not in button.tap.values:
            return self._languages(reply.locale)
        for option in _OPTIONS:
            if button.label == f"{{{option}}}":
                return self._guess(reply.values.get(option, ""), reply.locale)
        copy = str(self.registry["cmm_phone"].value) if button.tap.to == _COPY else ""
        return [Choice(self.label(button, reply.locale), button.tap.encode(), copy)]

    def _guess(self, screen_id: str, locale: str) -> list[Choice]:
        if screen_id not in self.deck:
            return []
        screen = self.deck[screen_id]
        label = self.texts.get("topic", screen.topic, locale)
        return [Choice(label, Tap(screen.id).encode())]

    def _languages(self, first: str) -> list[Choice]:
        served = [code for code in LOCALES if code in self.texts.locales]
        served.sort(key=lambda code: code != first)
        return [
            Choice(own_name(code), Tap(_LANGUAGE, {"locale": code}).encode()) for code in served
        ]

    def _fixed(self, reply: Reply) -> list[tuple[Choice, ...]]:
        row = self.deck.row_under(reply.screen)
        return (
            [tuple(Choice(self.label(b, reply.locale), b.tap.encode()) for b in row)] if row else []
        )


def said_by(body: Reply | Line) -> str:
    """Return the alias of the counsellor who says this, "" where the program speaks."""
    if isinstance(body, Line):
        return body.alias
    return body.values.get("staff_alias", "") if body.screen.startswith(CANNED) else ""


def fold(text: str) -> str:
    """Return a text as labels are compared: without case, outer punctuation and double spaces."""
    return " ".join(text.casefold().strip(" \t\n.!?…,;:'\"").split())
