"""Translations that leave for agencies and come back: what changed goes to review."""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.content import Change, Item, ItemKind, Value, digest, translation
from bot.domain.errors import ChangedError, ContentError, NotNowError, NotYoursError
from bot.domain.staff import Staff
from bot.domain.wording import Finding
from bot.i18n.exchange import Unit
from bot.i18n.texts import Status
from bot.services.content.assembly import Served, has_words, sources
from bot.services.content.desk import ContentDesk, NotGoodError, Seen, may_edit

_LABELS = ("button", "topic")


class Outcome(enum.StrEnum):
    """What became of one text of a file."""

    TAKEN = "taken"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Row:
    """One text of a file and what became of it; ``why`` it was refused, by rule and in words."""

    outcome: Outcome
    context: str
    source: str
    text: str = field(default="", repr=False)
    item: Item | None = None
    why: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """What leaves and what comes back."""

    desk: ContentDesk

    async def units(self, locale: str, *, only_open: bool) -> list[Unit]:
        """Return the texts of a locale, or those that are missing, stale or drafts."""
        served = self.desk.library.served
        proposed = await self._proposed()
        found = (self._unit(served, c, s, locale, proposed) for c, s in _wanted(served))
        return [unit for unit in found if not only_open or unit.status is not Status.LIVE]

    async def take(self, locale: str, units: Iterable[Unit], by: Staff) -> Sequence[Row]:
        """Propose every changed text of a file; NotYoursError for a language of somebody else."""
        if not may_edit(by, Item(ItemKind.TEXT, "", locale)):
            raise NotYoursError("this person may not translate into this language")
        wanted = set(_wanted(self.desk.library.served))
        proposed = await self._proposed()
        rows, seen = [], set()
        for unit in units:
            key = unit.context, unit.source
            if key in seen:
                continue
            seen.add(key)
            rows.append(await self._taken(unit, locale, by, proposed, known=key in wanted))
        return rows

    # --- parts ---

    async def _taken(
        self,
        unit: Unit,
        locale: str,
        by: Staff,
        proposed: Mapping[Item, Change],
        *,
        known: bool,
    ) -> Row:
        item = translation(locale, unit.context, unit.source)
        row = Row(Outcome.UNCHANGED, unit.context, unit.source, unit.text, item)
        open_ = proposed.get(item)
        if not unit.text.strip() or (known and self._is_unchanged(unit, locale, open_)):
            return row
        if not known:
            says = "the English text has changed, or is not one of ours"
            return _refused(row, Finding(item.name, "stale", says))
        try:
            await self._propose(item, unit, by, open_)
        except NotGoodError as error:
            return _refused(row, *error.judgement.errors)
        except (ChangedError, NotNowError):
            says = "somebody else is changing this text: look at it at the desk"
            return _refused(row, Finding(item.name, "changed", says))
        except ContentError as error:
            return _refused(row, Finding(item.name, "form", str(error)))
        return Row(Outcome.TAKEN, unit.context, unit.source, unit.text, item)

    def _is_unchanged(self, unit: Unit, locale: str, open_: Change | None) -> bool:
        """Tell whether a text says what is live, proposed or drafted already.

        A draft that came back as finished was confirmed by whoever sent it: that is new.
        """
        texts = self.desk.library.served.texts
        live = texts.approved(unit.context, unit.source, locale)
        if unit.text == live or (open_ is not None and unit.text == open_.value["text"]):
            return True
        drafts = {
            texts.draft(unit.context, unit.source, locale),
            texts.older(unit.context, unit.source, locale)[1],
        }
        return not unit.confirmed and unit.text in drafts

    async def _propose(self, item: Item, unit: Unit, by: Staff, open_: Change | None) -> None:
        """Send a text to review; ChangedError over the words of anybody else."""
        if open_ is not None and open_.authors != {by.id}:
            raise ChangedError("somebody else changed this text")
        base = digest(self.desk.library.served.value(item))
        seen = Seen(open_.id, open_.version, base) if open_ else Seen(None, 0, base)
        value: Value = {"context": unit.context, "source": unit.source, "text": unit.text}
        change = await self.desk.edit(item, value, seen, by)
        await self.desk.submit(change.id, change.version, by)

    async def _proposed(self) -> Mapping[Item, Change]:
        return {change.item: change for change in await self.desk.waiting()}

    def _unit(
        self,
        served: Served,
        context: str,
        source: str,
        locale: str,
        proposed: Mapping[Item, Change],
    ) -> Unit:
        texts, status = served.texts, served.texts.status(context, source, locale)
        open_ = proposed.get(translation(locale, context, source))
        text = (
            str(open_.value["text"])
            if open_
            else texts.approved(context, source, locale)
            or texts.draft(context, source, locale)
            or texts.older(context, source, locale)[1]
        )
        return Unit(
            context,
            source,
            text,
            Status.DRAFT if open_ else status,
            note=note_of(context, served),
            longest=self._longest(context, served),
        )

    def _longest(self, context: str, served: Served) -> int:
        limits = self.desk.judge.limits
        if context in _LABELS:
            return limits.label
        return limits.template if context in served.deck else 0


def note_of(context: str, served: Served) -> str:
    """Return what a translator should know of a text that stands in a context."""
    if context in served.deck:
        return served.deck[context].notes
    if context.startswith("fact:"):
        return served.registry[context.removeprefix("fact:")].meaning
    return {"button": "A button.", "topic": "A button that names a topic."}.get(context, "")


def _wanted(served: Served) -> Iterator[tuple[str, str]]:
    """Yield what is to be translated, each once."""
    return iter(dict.fromkeys(filter(has_words, sources(served))))


def _refused(row: Row, *why: Finding) -> Row:
    return Row(Outcome.REFUSED, row.context, row.source, row.text, row.item, why)
