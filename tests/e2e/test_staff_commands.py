"""Accounts from the command line; the first in a process of its own."""

import re
from pathlib import Path

from tests.support.commands import Done, havn, havn_here

LINK = re.compile(r"http://localhost:8081/enrol/[\w-]{43}")


def staff(tmp_path: Path, *arguments: str) -> Done:
    return havn_here(tmp_path, "staff", *arguments)


def test_inviting_prints_a_link_alone_on_its_line(tmp_path: Path) -> None:
    roles = ("--role", "counsellor", "--role", "editor")
    result = havn(tmp_path, "staff", "invite", *roles, "--alias", "Ana")
    assert result.returncode == 0, result.stderr
    assert LINK.fullmatch(result.stdout.strip())
    assert "24 hours" in result.stderr
    assert "passkey" not in result.stderr
    listed = staff(tmp_path, "list").stdout
    assert re.search(r"Ana +editor, responder +invited until 20", listed)


def test_an_invitation_says_that_a_passkey_is_needed(tmp_path: Path) -> None:
    result = staff(tmp_path, "invite", "--role", "admin", "--alias", "Root")
    assert "passkey" in result.stderr


def test_a_translator_has_languages(tmp_path: Path) -> None:
    alone = staff(tmp_path, "invite", "--role", "translator", "--alias", "Mali")
    assert (alone.returncode, "language" in alone.stderr) == (1, True)
    both = ("--locale", "th", "--locale", "ro")
    staff(tmp_path, "invite", "--role", "translator", *both, "--alias", "Mali")
    assert re.search(r"Mali +translator: ro, th ", staff(tmp_path, "list").stdout)


def test_what_cannot_be_is_one_line(tmp_path: Path) -> None:
    staff(tmp_path, "invite", "--role", "editor", "--alias", "Ana")
    for arguments, says in (
        (["invite", "--role", "editor", "--alias", "ANA"], "somebody has this alias"),
        (["invite", "--role", "editor", "--alias", "<b>"], "24 letters or digits"),
        (["invite", "--role", "admin", "--role", "responder", "--alias", "Bo"], "combined"),
        (["disable", "--alias", "Nobody"], "nobody has this alias"),
        (["reset", "--alias", "Nobody"], "nobody has this alias"),
    ):
        result = staff(tmp_path, *arguments)
        assert result.returncode == 1
        assert says in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert staff(tmp_path, "invite", "--role", "king", "--alias", "Bo").returncode == 2


def test_disabling_and_a_new_link(tmp_path: Path) -> None:
    first = staff(tmp_path, "invite", "--role", "editor", "--alias", "Ana").stdout
    assert "switched off" in staff(tmp_path, "disable", "--alias", "ana").stdout
    assert "switched off" in staff(tmp_path, "list").stdout
    again = LINK.search(staff(tmp_path, "reset", "--alias", "Ana").stdout)
    assert again
    assert again.group() not in first
    assert "invited until" in staff(tmp_path, "list").stdout


def test_nobody_at_all_says_how_to_begin(tmp_path: Path) -> None:
    assert "havn staff invite --role admin" in staff(tmp_path, "list").stdout
