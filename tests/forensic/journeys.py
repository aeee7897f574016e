"""What visitors do: every feature of each channel, with a canary in every field."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.adapters.terminal import TerminalChat
from bot.bootstrap import App
from bot.domain.errors import StoreUnavailableError
from bot.domain.messages import Channel
from tests.forensic.canaries import Field, Songbook
from tests.forensic.faults import Faults
from tests.support.claims import Browser, Phone
from tests.support.telegram_payloads import Person

ASK = ("utter_human_notify consent={consent}", "utter_human_code_word notify={notify}")
CONSENTS = (("all", "push"), ("new", "pull"))
_MEDIA = ("contact", "location", "venue", "poll", "voice", "sticker")


class Journey(Protocol):
    """Somebody on a channel. ``number`` is their place in the songbook."""

    number: int
    channel: Channel

    @property
    def sender(self) -> str:
        """Return whom the channel knows them as."""

    async def arrives(self) -> None:
        """Say and send everything there is before a person is asked for."""

    async def says(self, text: str) -> None:
        """Write a text."""

    async def taps(self, to: str) -> None:
        """Press a button, whether or not it is there."""

    async def listens(self) -> None:
        """Look for what was written meanwhile."""

    async def suffers(self) -> None:
        """Write while the database refuses."""

    async def forgets(self) -> None:
        """Ask for everything to be erased."""


@dataclass
class OnTelegram:
    """A chat with the bot; python-telegram-bot and the Bot API are between them."""

    number: int
    phone: Phone
    songs: Songbook
    faults: Faults
    channel = Channel.TELEGRAM

    @property
    def sender(self) -> str:
        return str(self.phone.person.id)

    def _sung(self, field: Field) -> str:
        return self.songs.text(self.number, field)

    async def arrives(self) -> None:
        phone, person = self.phone, self.phone.person
        await person.sends(f"/start en-{self._sung(Field.START)}")
        first = await person.sends(f"please read {self._sung(Field.TEXT)}")
        await phone.settle()
        await person.edits(first, f"I meant {self._sung(Field.EDITED)}")
        other = Person.invented(7, first_name=self._sung(Field.FORWARDER))
        await person.sends(f"he wrote {self._sung(Field.FORWARDED)}", forwarded_from=other)
        name = {"file_id": "a", "file_unique_id": "b", "file_name": self._sung(Field.FILE_NAME)}
        await person.sends(kind="document", caption=self._sung(Field.CAPTION), document=name)
        for kind in _MEDIA:
            await person.sends(kind=kind)
        await person.sends(f"/menu {self._sung(Field.COMMAND)}")
        phone.api.inject(
            {"message": {"chat": person.payload, "text": [self._sung(Field.MALFORMED)]}}
        )
        phone.api.inject({self._sung(Field.UNKNOWN_KIND): person.person.user()})
        await phone.settle()
        self.phone.api.tap(
            person, person.person, person.chat[-1], f"utter_debt x={self._sung(Field.CALLBACK)}"
        )
        await phone.settle()

    async def says(self, text: str) -> None:
        await self.phone.sends(text)

    async def taps(self, to: str) -> None:
        person = self.phone.person
        self.phone.api.tap(person, person.person, person.chat[-1], to)
        await self.phone.settle()

    async def listens(self) -> None:
        await self.phone.settle()
        await self.taps("action_pull")

    async def suffers(self) -> None:
        await self.phone.person.sends(f"hello {self._sung(Field.DATABASE_ERROR)}")

    async def forgets(self) -> None:
        await self.says("/forget")
        await self.taps("action_forget")


@dataclass
class OnTheWeb:
    """A browser without script, in front of the visitors' ASGI app."""

    number: int
    app: App
    page: Browser
    fresh: Callable[[], Awaitable[Browser]]
    songs: Songbook
    faults: Faults
    channel = Channel.WEB

    @property
    def sender(self) -> str:
        return self.page.fields["token"]

    def _sung(self, field: Field) -> str:
        return self.songs.text(self.number, field)

    async def arrives(self) -> None:
        page = self.page
        await page.client.get("/", params={"q": self._sung(Field.QUERY)}, headers=page.headers)
        await page.client.get(f"/{self._sung(Field.PATH)}", headers=page.headers)
        await page.begins()
        await page.send(text=f"please read {self._sung(Field.TEXT)}")
        await page.send(extra=self._sung(Field.EXTRA_FIELD))
        upload = (self._sung(Field.UPLOAD_NAME), self._sung(Field.UPLOAD).encode() * 400)
        await page.client.post("/", files={"file": upload}, headers=page.headers)
        with self.faults.broken_door(self.app):
            await page.send(text=f"hello {self._sung(Field.PAGE_ERROR)}")
        await self.taps(f"utter_debt x={self._sung(Field.CALLBACK)}")

    async def says(self, text: str) -> None:
        await self.page.send(text=text)

    async def taps(self, to: str) -> None:
        await self.page.send(tap=to)

    async def listens(self) -> None:
        await self.taps("action_pull")

    async def suffers(self) -> None:
        await self.page.send(text=f"hello {self._sung(Field.DATABASE_ERROR)}")

    async def forgets(self) -> None:
        if self.number % 2:
            # The page after hiding has no button: it takes words first.
            await self.says("hello again")
            await self.taps("action_forget")
        else:
            await self.page.send("/exit")

    async def returns(self, code: str) -> None:
        """Come back in another browser, with a return code."""
        self.page = await self.fresh()
        await self.page.begins()
        await self.says(code)
        await self.listens()


@dataclass
class OnATerminal:
    """A conversation at ``havn chat``."""

    number: int
    chat: TerminalChat
    songs: Songbook
    channel = Channel.TERMINAL

    @property
    def sender(self) -> str:
        return self.chat._sender

    async def arrives(self) -> None:
        await self.chat.start()
        await self.says(f"please read {self.songs.text(self.number, Field.TEXT)}")
        await self.taps(f"utter_debt x={self.songs.text(self.number, Field.CALLBACK)}")

    async def says(self, text: str) -> None:
        await self.chat.type(text)

    async def taps(self, to: str) -> None:
        await self.chat.tap(to)

    async def listens(self) -> None:
        await self.taps("action_pull")

    async def suffers(self) -> None:
        try:
            await self.says(f"hello {self.songs.text(self.number, Field.DATABASE_ERROR)}")
        except StoreUnavailableError:
            return

    async def forgets(self) -> None:
        if self.number % 2:
            await self.taps("action_forget")
        else:
            await self.chat.leave()
