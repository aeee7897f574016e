"""Settings: read once from the environment (prefix HAVN_) or a TOML file, then never again."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self, get_type_hints
from urllib.parse import parse_qs, urlsplit

from bot.domain.errors import ConfigurationError

PREFIX = "HAVN_"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
# Telegram deletes a bot's view of a chat only below this age (Bot API, deleteMessage).
DELETE_WINDOW_HOURS = 48
# Below 48 h with room for a server that was down for a while.
AUTO_DELETE_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set. Secrets are left out of the repr.

    ``retention_idle_hours``: a conversation in which nobody waits for a counsellor is erased this
    long after its last message, talk or no talk. ``retention_cap_days``:
    nothing is kept longer, whatever happens. ``data_dir`` holds the database, ``key_dir`` the keys.
    """

    data_dir: Path = Path("var")
    key_dir: Path | None = None
    database_url: str = field(default="", repr=False)
    root: Path = Path()

    operator_name: str = "Havn (demo)"
    operator_contact: str = "the person who showed you this demo"
    bot_name: str = "Havn"
    neutral_site: str = "https://www.dmi.dk"
    web_chat_url: str = ""
    privacy_url: str = ""

    allow_drafts: bool = False
    nlu: str = "auto"
    nlu_python: str = ""
    nlu_socket: Path | None = None
    nlu_deadline_ms: int = 800

    telegram_token: str = field(default="", repr=False)
    telegram_api_url: str = "https://api.telegram.org"
    telegram_webhook_url: str = field(default="", repr=False)
    telegram_webhook_secret: str = field(default="", repr=False)

    return_codes: bool = False

    signer: str = "auto"
    signing_key: Path | None = None
    content_hosts: str = ""

    translator_url: str = ""
    translator_key: str = field(default="", repr=False)

    push_subject: str = ""
    push_services: str = ""

    chat_host: str = "127.0.0.1"
    chat_port: int = 8080
    console_host: str = "127.0.0.1"
    console_port: int = 8081
    console_url: str = ""

    retention_idle_hours: int = 24
    retention_cap_days: int = 30
    retention_receipts_days: int = 7
    web_idle_minutes: int = 20

    log_level: str = "INFO"

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_addresses()
        self._check_translator()
        self._check_push()
        self._check_database()
        if self.nlu not in ("auto", "socket", "off"):
            raise ConfigurationError("HAVN_NLU must be auto, socket or off")
        if self.signer not in ("auto", "off"):
            raise ConfigurationError("HAVN_SIGNER must be auto or off")
        if bool(self.telegram_webhook_url) != bool(self.telegram_webhook_secret):
            raise ConfigurationError(
                "HAVN_TELEGRAM_WEBHOOK_URL and HAVN_TELEGRAM_WEBHOOK_SECRET go together: "
                "set both for a webhook, or neither for long polling"
            )

    def _check_numbers(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{PREFIX}{name.upper()} must be more than 0")
            if getattr(self, name) > _LARGEST:
                raise ConfigurationError(f"{PREFIX}{name.upper()} must be at most {_LARGEST}")
        for name in ("chat_port", "console_port"):
            if not 0 <= getattr(self, name) <= _LAST_PORT:
                raise ConfigurationError(f"{PREFIX}{name.upper()} must be from 0 to {_LAST_PORT}")

    def _check_addresses(self) -> None:
        if not _is_https(self.neutral_site):
            raise ConfigurationError("HAVN_NEUTRAL_SITE must be an https address")
        if self.telegram_webhook_url and not _is_https(self.telegram_webhook_url):
            raise ConfigurationError("HAVN_TELEGRAM_WEBHOOK_URL must be an https address")
        if self.console_url and not (_is_https(self.console_url) or is_local(self.console_url)):
            raise ConfigurationError(
                "HAVN_CONSOLE_URL must be an https address, or http on this machine itself"
            )

    def _check_translator(self) -> None:
        if self.translator_url and not _keeps_texts_private(self.translator_url):
            raise ConfigurationError(
                "HAVN_TRANSLATOR_URL must be an https address, or an http one of this machine, "
                "without user, password, question mark or #"
            )
        if self.translator_key and not self.translator_url:
            raise ConfigurationError("HAVN_TRANSLATOR_KEY needs HAVN_TRANSLATOR_URL")

    def _check_push(self) -> None:
        if self.push_subject and not _names_somebody(self.push_subject):
            raise ConfigurationError(
                "HAVN_PUSH_SUBJECT must be mailto: with an address, or an https address"
            )
        if self.push_services and not self.push_subject:
            raise ConfigurationError("HAVN_PUSH_SERVICES needs HAVN_PUSH_SUBJECT")
        if not all(_is_public_name(host) for host in self.push_hosts):
            raise ConfigurationError(
                "HAVN_PUSH_SERVICES must be names of hosts, such as push.example.org, "
                "with commas between them; no addresses in numbers"
            )

    def _check_database(self) -> None:
        if self.database_url and not self.database_url.startswith(("sqlite", "postgresql")):
            raise ConfigurationError("HAVN_DATABASE_URL must begin with sqlite or postgresql")
        if self.database_url.startswith("postgresql") and not _keeps_rows_private(
            self.database_url
        ):
            raise ConfigurationError(
                "HAVN_DATABASE_URL must name a server of this machine, or end with "
                "?sslmode=verify-full"
            )

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read the file named by HAVN_CONFIG, then the environment; later ones win.

        ConfigurationError names an unknown or malformed setting, without showing its value.
        """
        environ = os.environ if environ is None else environ
        raw: dict[str, Any] = {}
        if path := environ.get(f"{PREFIX}CONFIG"):
            raw |= _read_file(Path(path))
        known = {f.name for f in fields(cls)}
        for name, value in environ.items():
            key = name.removeprefix(PREFIX).lower()
            if not name.startswith(PREFIX) or key == "config":
                continue
            if key not in known:
                raise ConfigurationError(f"{name} is not a setting; `havn doctor` lists them all")
            raw[key] = value
        for key in raw.keys() - known:
            raise ConfigurationError(f"{key} is not a setting; `havn doctor` lists them all")
        hints = get_type_hints(cls)
        values = {key: _convert(key, value, hints[key]) for key, value in raw.items()}
        return cls(**{**values, **overrides})

    @property
    def keys_folder(self) -> Path:
        """Return the folder of keys: its own one where set, so that backups can leave it out."""
        return self.key_dir or self.data_dir / "keys"

    @property
    def socket(self) -> Path:
        """Return the socket of the NLU unit."""
        return self.nlu_socket or self.data_dir / "nlu.sock"

    @property
    def content_folder(self) -> Path:
        """Return where the last good words are kept, and the public key they are verified with."""
        return self.data_dir / "content"

    @property
    def signing_key_file(self) -> Path:
        """Return the signer's private key: elsewhere where the web process must not read it."""
        return self.signing_key or self.data_dir / "signing" / "key"

    @property
    def linked_hosts(self) -> frozenset[str]:
        """Return the sites that facts may name besides those of the shipped ones."""
        hosts = (host.strip().lower() for host in self.content_hosts.split(","))
        return frozenset(host for host in hosts if host)

    @property
    def push_hosts(self) -> tuple[str, ...]:
        """Return the push services that are called besides those of the known browsers."""
        return tuple(host.strip().lower() for host in self.push_services.split(",") if host.strip())

    @property
    def chat_address(self) -> str:
        """Return the address of the web chat as visitors reach it."""
        return self.web_chat_url or f"http://{self.chat_host}:{self.chat_port}/"

    @property
    def console_address(self) -> str:
        """Return the address of the console as staff reach it; passkeys are bound to its host.

        Passkeys need a name, so that this machine is "localhost" and not a number.
        """
        if self.console_url:
            return self.console_url
        host = "localhost" if self.console_host in LOOPBACK else self.console_host
        return f"http://{host}:{self.console_port}/"

    def said(self) -> Mapping[str, str]:
        """Return the settings that screens speak of, by placeholder."""
        base = self.chat_address.rstrip("/")
        return {
            "operator_name": self.operator_name,
            "operator_contact": self.operator_contact,
            "bot_name": self.bot_name,
            "neutral_site": urlsplit(self.neutral_site).hostname or "",
            "web_chat_url": self.chat_address,
            "privacy_url": self.privacy_url or f"{base}/privacy",
            "retention_cap_days": str(self.retention_cap_days),
            "idle_hours": str(self.retention_idle_hours),
            "web_idle_minutes": str(self.web_idle_minutes),
            "delete_window_hours": str(DELETE_WINDOW_HOURS),
            "auto_delete_hours": str(AUTO_DELETE_HOURS),
        }


_POSITIVE = (
    "nlu_deadline_ms",
    "retention_idle_hours",
    "retention_cap_days",
    "retention_receipts_days",
    "web_idle_minutes",
)
# Of days, hours, minutes or milliseconds: still a date when they are counted back from today.
_LARGEST = 100_000
_LAST_PORT = 65_535


# Its last part has a letter: an address in numbers has none.
_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}", re.IGNORECASE)
# Names that are given out inside of networks only (RFC 6761, RFC 6762, RFC 8375).
_PRIVATE = (".localhost", ".local", ".internal", ".home.arpa")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_local(address: str) -> bool:
    """Tell whether an address is plain http on this machine itself, as a demo's is."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _names_somebody(subject: str) -> bool:
    """Tell whether a push service can reach whoever runs this (RFC 8292, 2.1)."""
    kind, _, rest = subject.partition(":")
    name, _, host = rest.partition("@")
    return _is_https(subject) or (kind == "mailto" and bool(name) and _is_public_name(host))


def _is_public_name(host: str) -> bool:
    """Tell whether a host has a name below a domain of the public kind, and is no number."""
    return bool(_HOST.fullmatch(host)) and not host.endswith(_PRIVATE)


def _keeps_rows_private(address: str) -> bool:
    """Tell whether nobody on the way to a PostgreSQL server can read or replace what is sent.

    Times, channels and levels are not sealed; and whoever plays the server decides what is read.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    asked = parse_qs(parts.query)
    if asked.get("sslmode") == ["verify-full"]:
        return True
    named = [parts.hostname or "", *asked.get("host", []), *asked.get("hostaddr", [])]
    hosts = [host for names in named for host in names.split(",")]
    # A socket is named by its folder; without any name it is the usual one.
    return "service" not in asked and all(
        not host or host.startswith("/") or _is_this_machine(host) for host in hosts
    )


def _keeps_texts_private(address: str) -> bool:
    """Tell whether nobody on the way to an address can read what is sent there."""
    try:
        parts = urlsplit(address)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not port_is_sound or parts.query or parts.fragment or "@" in parts.netloc:
        return False
    if parts.scheme == "http":
        return _is_this_machine(parts.hostname or "")
    return parts.scheme == "https" and bool(parts.hostname)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"cannot read the settings in {path}: {error}") from None


def _convert(name: str, value: Any, kind: Any) -> Any:
    """Turn a setting into its type; the error names the setting and never its value."""
    setting = f"{PREFIX}{name.upper()}"
    try:
        if kind is bool:
            return _flag(value)
        if kind is int and type(value) is int:
            return value
        if not isinstance(value, str):
            raise TypeError
        if kind is int:
            return int(value)
        if "\0" in value:
            raise ValueError
        if kind is str:
            return value.strip()
        return Path(value) if value else None
    except (TypeError, ValueError):
        raise ConfigurationError(f"{setting} does not have the right form") from None


def _flag(value: Any) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError
