from pathlib import Path

import pytest

from bot.domain.errors import ConfigurationError
from bot.settings import Settings


def test_defaults_work_and_keep_drafts_off() -> None:
    settings = Settings.load({})
    assert not settings.allow_drafts
    assert settings.keys_folder == Path("var/keys")


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
        ({"HAVN_CONFIG": "/nowhere/havn.toml"}, "/nowhere/havn.toml"),
    ],
)
def test_a_damaged_setting_is_named_and_its_value_is_not_shown(
    environ: dict[str, str], names: str
) -> None:
    with pytest.raises(ConfigurationError, match=names) as caught:
        Settings.load(environ)
    assert "secret-value" not in str(caught.value)


def test_secrets_are_not_in_the_repr() -> None:
    settings = Settings.load(
        {"HAVN_TELEGRAM_TOKEN": "1:secret", "HAVN_DATABASE_URL": "sqlite:///s3"}
    )
    assert "secret" not in repr(settings)
    assert "s3" not in repr(settings)


def test_what_the_screens_say_follows_the_settings() -> None:
    said = Settings.load({"HAVN_RETENTION_IDLE_HOURS": "12", "HAVN_WEB_IDLE_MINUTES": "5"}).said()
    assert (said["idle_hours"], said["web_idle_minutes"]) == ("12", "5")
