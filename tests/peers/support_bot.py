"""telegram-support-bot by Kamilfo-Developer: python-telegram-bot and SQLAlchemy, on SQLite."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.commands.bench.running import finish
from bot.domain.errors import ConfigurationError
from tests.peers.product import Product
from tests.peers.talk import ask, settled
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_chats import Visitor

COMMIT = "a7e8379"  # the one after it, the last, does not import
HOW = (
    "check out github.com/Kamilfo-Developer/telegram-support-bot at "
    f"{COMMIT} (--support-bot), and make an environment of CPython 3.11 with the versions of its "
    "poetry.lock: python-telegram-bot==20.1 alembic==1.10.2 SQLAlchemy==2.0.5.post1 "
    "SQLAlchemy-Utils==0.40.0 python-dotenv==1.0.0 aiosqlite==0.18.0 pytz==2022.7.1 tzlocal==4.2 "
    "(--support-bot-python)"
)
_LAUNCH = Path(__file__).parent / "launch" / "support_bot.py"
_STAFF = "volunteer"


def require(checkout: Path, python: Path) -> None:
    """Raise ConfigurationError with what to install unless the bot is there."""
    if not ((checkout / "bot" / "bot.py").is_file() and python.is_file()):
        raise ConfigurationError(f"telegram-support-bot is not there: {HOW}")


@dataclass
class SupportBot(Product):
    """``checkout`` and ``python``: see HOW."""

    checkout: Path
    python: Path
    password: str = field(default_factory=lambda: secrets.token_hex(8))

    name = "telegram-support-bot"
    understands = False

    def command(self, api: TelegramApi) -> Sequence[str]:
        return [str(self.python.absolute()), str(_LAUNCH), api.base_url]

    def own_environ(self, api: TelegramApi) -> Mapping[str, str]:
        return {**self._settings, "BOT_TOKEN": api.token}

    @property
    def _settings(self) -> Mapping[str, str]:
        return {
            "PYTHONPATH": str(self.checkout.resolve()),
            "SQLITE_DB_FILE_PATH": str(self.folder / "data.db"),
            "OWNER_PASSWORD": self.password,
            "BOT_TOKEN": "1:none",
        }

    async def prepare(self) -> None:
        """Lay the tables, as its manual says."""
        await finish(
            [str(self.python.absolute()), "-m", "alembic", "upgrade", "head"],
            log=self.folder / "migrations.log",
            environ=self._settings,
            folder=self.checkout.resolve() / "bot" / "db" / "migrations",
        )

    async def contest(self, api: TelegramApi, visitors: Sequence[Visitor]) -> int:
        """Count who hears two answers: both of the staff bind the question and both answer."""
        owner, helper = await self._staff(api)
        doubled = 0
        for visitor in visitors:
            question = await visitor.sends("Can somebody help me?")
            await settled(visitor, 1.0)
            heard = len(visitor.heard)
            bind = f"/bind {question.id}"
            await asyncio.gather(ask(api, owner, bind), ask(api, helper, bind))
            await asyncio.gather(ask(api, owner, "I am here"), ask(api, helper, "I am here"))
            await settled(visitor, 1.0)
            doubled += len(visitor.heard) - heard > 1
        return doubled

    async def _staff(self, api: TelegramApi) -> tuple[Visitor, Visitor]:
        owner, helper = api.visitor(), api.visitor()
        for one in (owner, helper):
            await ask(api, one, self.opening)
        await ask(api, owner, f"/initowner {self.password}")
        await ask(api, owner, f"/addrole {_STAFF} 1 0")
        await ask(api, owner, f"/addsupuser {helper.id} 1 {_STAFF}")
        return owner, helper
