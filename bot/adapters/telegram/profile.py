"""What people see of the bot before they write: name, descriptions and commands, in each locale."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telegram import BotCommand, BotCommandScopeAllPrivateChats
from telegram.error import TelegramError

from bot.adapters.backoff import Backoff
from bot.adapters.telegram.client import Client, PausedError
from bot.domain.screens import Deck
from bot.i18n import Values
from bot.logs import error_class, logger

# Telegram's word for every app language without an entry of its own, which is shown English.
EVERYWHERE = ""
_SOURCE = "en"
_PRIVATE = BotCommandScopeAllPrivateChats()
# A longer pause is left to the next start; nobody waits for a description.
_LONGEST_PAUSE = 60.0

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing to compare and, where it differs, to set."""

    wanted: object
    read: Callable[[], Awaitable[object]]
    write: Callable[[], Awaitable[bool]]


class Profile:
    """Writes the bot's profile from the deck; ``locales`` returns those served at present.

    It is the same for everybody: a menu for one chat would show a language its visitor hid
    (docs/decisions/0015).
    """

    def __init__(
        self, client: Client, deck: Deck, values: Values, locales: Callable[[], Sequence[str]]
    ) -> None:
        self._client = client
        self._values = values
        self._locales = locales
        profile = deck.meta.get("channel_profile")
        self._profile: Mapping[str, Any] = profile if isinstance(profile, Mapping) else {}

    async def publish(self, backoff: Backoff | None = None) -> int:
        """Set what differs from what Telegram shows; return how many things were changed.

        A failure is logged and the rest goes on. It makes three requests for each locale.
        """
        backoff = backoff or Backoff()
        changed = 0
        for step in self._steps():
            try:
                changed += await _patiently(step, backoff)
            except PausedError as error:
                log.warning("telegram_profile_postponed", seconds=error.seconds)
                break
            except TelegramError as error:
                log.warning("telegram_profile_failed", error=error_class(error))
        log.info("telegram_profile_published", changed=changed)
        return changed

    def _steps(self) -> Iterator[_Step]:
        if name := self._profile.get("name"):
            yield self._name(self._values.fill(name, _SOURCE, {}))
        for code, locale in self._languages().items():
            if key := self._profile.get("description"):
                yield self._description(self._values.word(key, locale), code)
            if key := self._profile.get("short_description"):
                yield self._short_description(self._values.word(key, locale), code)
            yield self._menu(self._commands(locale), code)

    def _languages(self) -> dict[str, str]:
        """Return our locale for each of Telegram's two-letter codes, and for all others."""
        return {EVERYWHERE: _SOURCE} | {locale.split("_")[0]: locale for locale in self._locales()}

    def _commands(self, locale: str) -> tuple[BotCommand, ...]:
        return tuple(
            BotCommand(entry["command"], self._values.word(entry["description"], locale))
            for entry in self._profile.get("commands", ())
        )

    def _name(self, wanted: str) -> _Step:
        async def read() -> object:
            return (await self._client.get_my_name()).name

        return _Step(wanted, read, lambda: self._client.set_my_name(wanted))

    def _description(self, wanted: str, code: str) -> _Step:
        async def read() -> object:
            return (await self._client.get_my_description(code)).description

        return _Step(wanted, read, lambda: self._client.set_my_description(wanted, code))

    def _short_description(self, wanted: str, code: str) -> _Step:
        async def read() -> object:
            return (await self._client.get_my_short_description(code)).short_description

        return _Step(wanted, read, lambda: self._client.set_my_short_description(wanted, code))

    def _menu(self, wanted: tuple[BotCommand, ...], code: str) -> _Step:
        async def read() -> object:
            return await self._client.get_my_commands(_PRIVATE, code)

        return _Step(wanted, read, lambda: self._client.set_my_commands(wanted, _PRIVATE, code))


async def _patiently(step: _Step, backoff: Backoff) -> bool:
    """Apply a step, once more after a short pause if Telegram asks for one."""
    try:
        return await _apply(step)
    except PausedError as error:
        if error.seconds > _LONGEST_PAUSE:
            raise
        await backoff.rest(error.seconds)
    return await _apply(step)


async def _apply(step: _Step) -> bool:
    """Set one thing where it differs: Telegram allows a bot few changes of name a day."""
    if await step.read() == step.wanted:
        return False
    await step.write()
    return True
