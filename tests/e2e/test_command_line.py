"""The commands as a person runs them: a few in a process of their own, their cases in this one."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.support.commands import havn, havn_here
from tests.support.deck import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("arguments", [[], ["demo"], ["chat"], ["nlu", "evaluate"], ["keys"]])
def test_help_is_worth_reading(tmp_path: Path, arguments: list[str]) -> None:
    result = (havn_here if arguments else havn)(tmp_path, *arguments, "--help")
    assert result.returncode == 0
    assert "Usage: " in result.stdout
    assert len(result.stdout.splitlines()) > 5


def test_a_scripted_chat_prints_a_json_line_for_each_reply(tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text('{"tap": "Yes, I am alone"}\n{"tap": "utter_danger_now"}\n{"text": "hide"}\n')
    result = havn(tmp_path, "chat", "--locale", "en", "--script", str(script), "--json")
    assert result.returncode == 0, result.stderr
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["screen"] for one in said] == [
        "utter_safe_to_talk",
        "utter_main_menu",
        "utter_danger_now",
        "utter_hide_done",
    ]
    assert "112" in said[2]["text"]
    assert {"label": "I cannot call", "to": "utter_danger_cannot_call"} in said[2]["buttons"]


@pytest.mark.parametrize(
    ("line", "says"),
    [("{", "not JSON"), ("[]", "not a JSON object"), ('{"say": "x"}', "must be"),
     ('{"tap": "nothing like it"}', "a button that is not there")],
)  # fmt: skip
def test_a_damaged_script_is_refused_in_one_line(tmp_path: Path, line: str, says: str) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(line)
    result = havn_here(tmp_path, "chat", "--script", str(script))
    assert result.returncode == 1
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_check_passes_on_what_is_shipped(tmp_path: Path) -> None:
    result = havn_here(tmp_path, "check", "--json")
    assert result.returncode == 0, result.stdout[-2000:]
    assert json.loads(result.stdout)["errors"] == []


def test_forget_purge_and_rotate_say_what_they_did(tmp_path: Path) -> None:
    assert "Erased 0 idle" in havn_here(tmp_path, "purge").stdout
    assert "epoch 1" in havn_here(tmp_path, "keys", "rotate").stdout
    unknown = havn(tmp_path, "forget", "--conversation", "0" * 32)
    assert (unknown.returncode, unknown.stderr) == (
        1,
        "havn: there is no conversation with this id\n",
    )


def test_a_data_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = havn_here(tmp_path, "purge", HAVN_DATA_DIR=str(tmp_path / "file" / "var"))
    assert result.returncode == 1
    assert "HAVN_DATA_DIR" in result.stderr


class TestDemo:
    def start(self, tmp_path: Path, port: int, console: int) -> subprocess.Popen[str]:
        environ = {**os.environ, "HAVN_DATA_DIR": str(tmp_path / "var")}
        command = [sys.executable, "-m", "bot", "demo", "--no-nlu"]
        return subprocess.Popen(
            [*command, "--port", str(port), "--console-port", str(console)],
            cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def page(self, port: int) -> str:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    return str(answer.read().decode())
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the demo does not answer")

    def test_it_serves_both_hosts_prints_them_and_stops_cleanly(self, tmp_path: Path) -> None:
        port, console = free_port(), free_port()
        process = self.start(tmp_path, port, console)
        try:
            assert "<form" in self.page(port)
            assert "console" in self.page(console).lower()
        finally:
            process.send_signal(signal.SIGTERM)
            printed, _ = process.communicate(timeout=20)
        assert process.returncode == 0, printed
        for told in (f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{console}/", "havn chat"):
            assert told in printed
        assert "Traceback" not in printed

    def test_a_port_in_use_is_one_clear_line(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            process = self.start(tmp_path, int(taken.getsockname()[1]), free_port())
            printed, _ = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "HAVN_CHAT_PORT" in printed
        assert "Traceback" not in printed
