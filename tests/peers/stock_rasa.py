"""Stock Rasa with its own Telegram channel: ``rasa run`` with a model of its own components."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.commands.bench import stock
from bot.commands.bench.running import free_port
from bot.domain.errors import ConfigurationError
from tests.peers.product import Product
from tests.support.telegram_api import TelegramApi

# The newest aiogram whose requirements agree with Rasa's (aiohttp>=3.9) is 2.15. Its session stays
# with the event loop of Rasa's start, which is closed by then, and every message fails.
HOW = (
    f"{stock.HOW}; then put in, without their dependencies, "
    "aiogram==2.25.2 and magic-filter==1.0.12: with the aiogram that Rasa's requirements lead to "
    "its Telegram channel answers nobody"
)
_AIOGRAM = "lib/python3*/site-packages/aiogram-2.25*.dist-info"
_LAUNCH = Path(__file__).parent / "launch" / "stock_rasa.py"
# Rasa's default keeps conversations in memory and is not meant for use (rasa.com/docs, Tracker
# Stores); like the others it gets a SQLite file.
_ENDPOINTS = """\
tracker_store:
  type: SQL
  dialect: sqlite
  db: {folder}/rasa.db
"""
_CREDENTIALS = """\
telegram:
  access_token: "{token}"
  verify: "{username}"
  webhook_url: "http://127.0.0.1:{port}/webhooks/telegram/webhook"
"""


def require(python: Path) -> Path:
    """Return the interpreter; ConfigurationError says what to install."""
    named = stock.interpreter(python)
    if not any(named.parent.parent.glob(_AIOGRAM)):
        raise ConfigurationError(f"this Rasa cannot answer on Telegram: {HOW}")
    return named


@dataclass
class StockRasa(Product):
    """``python``: the interpreter of an environment with rasa; ``model``: a trained one."""

    python: Path
    model: Path
    port: int = field(default_factory=free_port)

    name = "Rasa"
    opening = "hello"

    def command(self, api: TelegramApi) -> Sequence[str]:
        credentials, endpoints = self.folder / "credentials.yml", self.folder / "endpoints.yml"
        username = api.bot_user["username"]
        credentials.write_text(
            _CREDENTIALS.format(token=api.token, username=username, port=self.port), "utf-8"
        )
        endpoints.write_text(_ENDPOINTS.format(folder=self.folder), "utf-8")
        run = [str(self.python), str(_LAUNCH), api.base_url, "run", "-i", "127.0.0.1"]
        run += ["-p", str(self.port), "-m", str(self.model)]
        return [*run, "--credentials", str(credentials), "--endpoints", str(endpoints)]

    def own_environ(self, api: TelegramApi) -> Mapping[str, str]:
        return {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "2"}
