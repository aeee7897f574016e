from pathlib import Path

import pytest

from bot.domain.errors import ConfigurationError
from bot.settings import Settings


def test_defaults_work_and_keep_drafts_off() -> None:
    settings = Settings.load({})
    assert not settings.allow_drafts
    assert settings.keys_folder == Path("var/keys")
    assert (settings.chat_host, settings.console_host) == ("127.0.0.1", "127.0.0.1")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "havn.toml"
    file.write_text('chat_port = 9000\noperator_name = "Home"\n')
    settings = Settings.load({"HAVN_CONFIG": str(file), "HAVN_CHAT_PORT": "9001"})
    assert (settings.chat_port, settings.operator_name) == (9001, "Home")


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"HAVN_CHAT_PORT": "secret-value"}, "HAVN_CHAT_PORT"),
        ({"HAVN_NLU": "maybe"}, "HAVN_NLU"),
        ({"HAVN_ALLOW_DRAFTS": "perhaps"}, "HAVN_ALLOW_DRAFTS"),
        ({"HAVN_RETENTION_IDLE_HOURS": "0"}, "HAVN_RETENTION_IDLE_HOURS"),
        ({"HAVN_COLOUR": "blue"}, "HAVN_COLOUR"),
        (
            {"HAVN_TELEGRAM_WEBHOOK_URL": "https://x.dk/secret-value"},
            "HAVN_TELEGRAM_WEBHOOK_SECRET",
        ),
        ({"HAVN_NEUTRAL_SITE": "javascript:secret-value"}, "HAVN_NEUTRAL_SITE"),
        ({"HAVN_DATABASE_URL": "mysql://secret-value"}, "HAVN_DATABASE_URL"),
        ({"HAVN_TRANSLATOR_URL": "http://secret-value.dk"}, "HAVN_TRANSLATOR_URL"),
        ({"HAVN_TRANSLATOR_URL": "https://secret-value@x.dk"}, "HAVN_TRANSLATOR_URL"),
        ({"HAVN_TRANSLATOR_URL": "https://x.dk/?q=secret-value"}, "HAVN_TRANSLATOR_URL"),
        ({"HAVN_TRANSLATOR_URL": "https://x.dk/#secret-value"}, "HAVN_TRANSLATOR_URL"),
        ({"HAVN_TRANSLATOR_URL": "https://x.dk:secret-value"}, "HAVN_TRANSLATOR_URL"),
        ({"HAVN_TRANSLATOR_URL": "https:///secret-value"}, "HAVN_TRANSLATOR_URL"),
        ({"HAVN_TRANSLATOR_URL": "http://127.0.0.1.secret-value.dk"}, "HAVN_TRANSLATOR_URL"),
        ({"HAVN_TRANSLATOR_URL": "ftp://localhost/secret-value"}, "HAVN_TRANSLATOR_URL"),
        ({"HAVN_TRANSLATOR_KEY": "secret-value"}, "HAVN_TRANSLATOR_URL"),
        ({"HAVN_PUSH_SUBJECT": "secret-value"}, "HAVN_PUSH_SUBJECT"),
        ({"HAVN_PUSH_SUBJECT": "mailto:secret-value"}, "HAVN_PUSH_SUBJECT"),
        ({"HAVN_PUSH_SUBJECT": "http://secret-value.dk"}, "HAVN_PUSH_SUBJECT"),
        ({"HAVN_PUSH_SERVICES": "secret-value.dk"}, "HAVN_PUSH_SUBJECT"),
        *(
            (
                {"HAVN_PUSH_SUBJECT": "https://x.dk", "HAVN_PUSH_SERVICES": f"push.x.dk,{host}"},
                "HAVN_PUSH_SERVICES",
            )
            for host in (
                *("localhost", "127.0.0.1", "10.0.0.7", "::1", "2130706433", "0x7f.1"),
                *("secret-value", "secret-value.local", "secret-value.internal", "*.x.dk"),
                *("https://secret-value.dk", "secret-value.dk/a", "secret-value.dk:8443"),
            )
        ),
        ({"HAVN_CONFIG": "/nowhere/havn.toml"}, "/nowhere/havn.toml"),
    ],
)
def test_a_damaged_setting_is_named_and_its_value_is_not_shown(
    environ: dict[str, str], names: str
) -> None:
    with pytest.raises(ConfigurationError, match=names) as caught:
        Settings.load(environ)
    assert "secret-value" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        *("https://translate.example.dk", "https://10.0.0.7:8443/api", "http://localhost:5000"),
        *("http://127.0.0.1:5000", "http://[::1]:5000/", "http://127.9.9.9"),
    ],
)
def test_a_translator_is_reached_by_https_or_on_this_machine(address: str) -> None:
    assert Settings.load({"HAVN_TRANSLATOR_URL": address}).translator_url == address


@pytest.mark.parametrize(
    "address",
    [
        *(
            "postgresql:///havn",
            "postgresql://havn@localhost/havn",
            "postgresql://127.0.0.1:5433/x",
        ),
        *("postgresql:///havn?host=/run/postgresql&user=havn", "postgresql://a:b@[::1]/havn"),
        "postgresql://havn@db.example.dk/havn?sslmode=verify-full",
        "postgresql:///havn?host=db.example.dk&sslmode=verify-full",
    ],
)
def test_a_database_is_reached_on_this_machine_or_by_checked_tls(address: str) -> None:
    assert Settings.load({"HAVN_DATABASE_URL": address}).database_url == address


@pytest.mark.parametrize(
    "address",
    [
        *("postgresql://havn@secret-value.dk/havn", "postgresql://secret-value,localhost/havn"),
        "postgresql://secret-value.dk/havn?sslmode=require",
        "postgresql://secret-value.dk/havn?sslmode=verify-full&sslmode=disable",
        "postgresql:///havn?host=/run/postgresql,secret-value.dk",
        "postgresql:///havn?hostaddr=192.0.2.7&user=secret-value",
        *("postgresql+psycopg://secret-value.dk/havn", "postgresql:///havn?service=secret-value"),
        "postgresql://[secret-value/havn",
    ],
)
def test_a_database_that_others_could_listen_to_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="sslmode=verify-full") as caught:
        Settings.load({"HAVN_DATABASE_URL": address})
    assert "secret-value" not in str(caught.value)


def test_secrets_are_not_in_the_repr() -> None:
    settings = Settings.load(
        {
            "HAVN_TELEGRAM_TOKEN": "1:secret",
            "HAVN_DATABASE_URL": "sqlite:///s3",
            "HAVN_TRANSLATOR_URL": "https://translate.example.dk",
            "HAVN_TRANSLATOR_KEY": "secret",
        }
    )
    assert "secret" not in repr(settings)
    assert "s3" not in repr(settings)


def test_what_the_screens_say_follows_the_settings() -> None:
    said = Settings.load({"HAVN_RETENTION_IDLE_HOURS": "12", "HAVN_WEB_IDLE_MINUTES": "5"}).said()
    assert (said["idle_hours"], said["web_idle_minutes"]) == ("12", "5")
