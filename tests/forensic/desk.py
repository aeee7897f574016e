"""What staff do in a talk: every way to write something down."""

from dataclasses import dataclass
from itertools import count

from bot.bootstrap import App
from bot.domain.handover import Close, Handover, Outcome, State
from bot.domain.staff import StaffId
from bot.services.hotline.draft import Draft
from tests.forensic.canaries import Field, Songbook
from tests.forensic.journeys import ASK, CONSENTS, Journey
from tests.support.app import Visitor, on_shift

ANA, BO = StaffId("a1"), StaffId("b2")


@dataclass
class Talks:
    """The desk of one app."""

    app: App
    songs: Songbook
    _press = count(1)

    async def open(self) -> None:
        """Begin the shifts."""
        for staff in (ANA, BO):
            await on_shift(self.app, staff)

    async def request(self, of: Journey, *, word: bool = True) -> None:
        """Let a visitor ask for a person; every second one shares the whole chat."""
        consent, notify = CONSENTS[of.number // 3 % 2]
        for step in ASK:
            await of.taps(step.format(consent=consent, notify=notify))
        if word:
            await of.says(self.songs.text(of.number, Field.CODE_WORD))
        else:
            await of.taps("action_queue_open")

    async def talk(self, to: Journey) -> None:
        """Take a conversation and write into every field there is."""
        app, hotline = self.app, self.app.hotline
        # By chance a canary reads like other words: who was led away by one asks anew without a
        # code word, which may be the one, and who is in danger asks in one step.
        if await self._open(to) is None:
            await self.request(to, word=False)
        if (await self._request(to)).state is State.OFFERED:
            await to.taps("action_queue_urgent")
        number = await self.number(to, waiting=True)
        alias = self.songs.text(to.number, Field.CANNED_ALIAS)
        await hotline.take(ANA, alias, number)
        await hotline.say_canned(ANA, alias, number, "utter_canned_hello", self._once())
        await hotline.check_word(ANA, number, self.songs.text(to.number, Field.CODE_WORD))
        await hotline.note(ANA, number, self.songs.text(to.number, Field.NOTE), whisper=False)
        await hotline.note(BO, number, self.songs.text(to.number, Field.WHISPER), whisper=True)
        await app.reader.open(ANA, number)
        await self.say(to, Field.LINE)

    async def draft(self, to: Journey) -> None:
        """Begin a line; the next one that is sent ends it."""
        draft = Draft(reply=self.songs.text(to.number, Field.DRAFT))
        await self.app.hotline.keep_draft(ANA, await self.number(to), draft)

    async def say(self, to: Journey, field: Field) -> None:
        """Write a line, and let the visitor look for it."""
        text = f"I answer: {self.songs.text(to.number, field)}"
        await self.app.hotline.say(ANA, "Ana", await self.number(to), text, self._once())
        await to.listens()

    async def stay(self) -> None:
        """Give a sign of life, as an open console does: who falls silent loses what they took."""
        await self.app.hotline.beat(ANA)

    async def end(self, of: Journey) -> None:
        """Close a talk, so that time alone erases the conversation."""
        await self.stay()
        await self.app.hotline.close(ANA, await self.number(of), Close(Outcome.INFORMED))

    async def number(self, of: Journey, *, waiting: bool = False) -> int:
        """Return the number of somebody's request; RuntimeError where it does not stand so."""
        found = await self._request(of)
        if waiting and found.state is not State.WAITING:
            raise RuntimeError(f"visitor {of.number} on {of.channel}: {found.state}, not waiting")
        return found.id or 0

    async def _request(self, of: Journey) -> Handover:
        found = await self._open(of)
        if found is None:
            raise RuntimeError(f"visitor {of.number} on {of.channel} waits for nobody")
        return found

    async def _open(self, of: Journey) -> Handover | None:
        return await Visitor(self.app, of.channel, sender=of.sender).handover()

    def _once(self) -> str:
        return str(next(self._press))
