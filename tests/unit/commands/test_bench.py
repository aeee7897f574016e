"""The benchmarks measure what they say, and notice what they are there to notice."""

import asyncio
import json
import os
import random
import sqlite3
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.bootstrap import open_app
from bot.commands.bench import demo, nlu, receive, running, stock
from bot.commands.bench.report import Figure, Report, latencies, of_runs, percentile, scratch
from bot.domain.errors import ConfigurationError
from bot.domain.messages import Bubble, Channel, Choice, Incoming, MessageId, Sent
from bot.domain.pace import BURST, QUIET_AFTER, Pace
from bot.settings import Settings

ROOT = Path(__file__).parents[3]

Walked = tuple[receive.Crowd, Path]


# --- figures ---


def test_a_figure_over_its_bar_tells_by_how_much() -> None:
    fast, slow = Figure("rate", 750, "1/s", at_least=500), Figure("rate", 250, "1/s", at_least=500)
    assert (fast.ratio, fast.held) == (1.5, True)
    assert (slow.ratio, slow.held) == (0.5, False)


def test_a_limit_is_held_from_below() -> None:
    quick, late = Figure("p99", 25, "ms", at_most=50), Figure("p99", 100, "ms", at_most=50)
    assert (quick.ratio, quick.held) == (2.0, True)
    assert (late.ratio, late.held) == (0.5, False)


def test_nothing_lost_holds_a_bar_of_zero_and_one_lost_does_not() -> None:
    assert Figure("lost", 0, "", at_most=0).held
    assert Figure("lost", 0, "", at_most=0).ratio == 1.0
    assert not Figure("lost", 1, "", at_most=0).held


def test_a_figure_without_a_bar_says_nothing_of_one() -> None:
    assert Figure("taps", 7, "").as_dict() == {"name": "taps", "value": 7, "unit": ""}


def test_runs_are_shown_and_their_median_counts() -> None:
    figure = of_runs("rate", [900.0, 100.0, 600.0], "1/s", at_least=500)
    assert figure.value == 600
    assert figure.as_dict()["runs"] == [900, 100, 600]


def test_percentiles_of_a_hundred_values() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 100
    assert percentile([3.0], 0.99) == 3


def test_latencies_are_milliseconds_and_carry_their_bars() -> None:
    p50, p95, p99 = latencies("tap", [0.010] * 98 + [0.2] * 2, {0.99: 50.0})
    assert (p50.name, round(p50.value), p50.at_most) == ("tap_p50", 10, None)
    assert (p95.name, round(p95.value)) == ("tap_p95", 10)
    assert (p99.name, p99.held) == ("tap_p99", False)


def test_a_missed_bar_ends_with_status_1_after_the_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = Report("receive", {"cpu": "none"}, [Figure("lost", 1, "", at_most=0)])
    with pytest.raises(SystemExit) as ended:
        report.show(as_json=True)
    assert ended.value.code == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["held"] is False
    assert printed["figures"][0]["value"] == 1
    assert printed["machine"] == {"cpu": "none"}


def test_held_bars_end_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    Report("receive", {}, [Figure("lost", 0, "", at_most=0)]).show(as_json=False)
    assert "lost" in capsys.readouterr().out


def test_a_folder_that_cannot_be_made_says_which_setting_helps(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigurationError, match="HAVN_DATA_DIR"),
        scratch(Settings(data_dir=tmp_path / "file" / "below")),
    ):
        pass


# --- receive ---


@pytest.fixture
async def walked(tmp_path: Path) -> Walked:
    """Five visitors who did sixty things in a real store, closed afterwards."""
    settings = Settings(data_dir=tmp_path, root=ROOT, nlu="off", allow_drafts=True)
    visitors = [receive.Visitor(f"v{n}", random.Random(n), "en") for n in range(5)]
    async with open_app(settings) as app:
        crowd = receive.Crowd(app.reception, visitors)
        for _ in range(60):
            await crowd.tap()
    return crowd, tmp_path / "havn.db"


def counts(crowd: receive.Crowd, database: Path) -> dict[str, float]:
    return {figure.name: figure.value for figure in receive.audit(database, crowd)}


async def test_every_tap_is_answered_once_and_repeats_change_nothing(walked: Walked) -> None:
    crowd, database = walked
    assert counts(crowd, database) == {"taps": 60, "lost": 0, "doubled": 0}
    assert crowd.repeated == 2


async def test_a_lost_reply_a_lost_tap_and_an_unanswered_one_are_counted(walked: Walked) -> None:
    crowd, database = walked
    with sqlite3.connect(database) as connection:
        for condition in ("NOT incoming", "incoming"):
            connection.execute(
                f"DELETE FROM messages WHERE id = (SELECT min(id) FROM messages WHERE {condition})"
            )
        connection.execute(
            "UPDATE messages SET state = 'pending' "
            "WHERE id = (SELECT max(id) FROM messages WHERE incoming)"
        )
    connection.close()
    assert counts(crowd, database)["lost"] == 3


async def test_a_second_reply_to_one_tap_is_counted(walked: Walked) -> None:
    crowd, database = walked
    with sqlite3.connect(database) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(messages)")]
        others = ", ".join(columns[1:])
        connection.execute(
            f"INSERT INTO messages SELECT id + 1, {others} FROM messages "
            "WHERE id = (SELECT max(id) FROM messages WHERE NOT incoming)"
        )
    connection.close()
    assert counts(crowd, database)["doubled"] == 1


class Forgetful:
    """A door that answers every message anew, also a repeated one."""

    def __init__(self) -> None:
        self.said = 0

    async def converse(self, _incoming: Incoming) -> Sequence[Sent]:
        self.said += 1
        rows = ((Choice("Menu", "utter_main_menu"), Choice("Hide", "action_hide")),)
        bubble = Bubble("utter_main_menu", "en", "…", rows)
        return [Sent(MessageId(self.said), "program", datetime.now(UTC), bubble)]


async def test_a_door_that_answers_a_repeat_anew_is_caught() -> None:
    visitors = [receive.Visitor(f"v{n}", random.Random(n), "en") for n in range(5)]
    crowd = receive.Crowd(Forgetful(), visitors)
    for _ in range(50):
        await crowd.tap()
    assert crowd.answered_twice == 2


async def test_visitors_never_erase_the_evidence() -> None:
    visitor = receive.Visitor("v", random.Random(1), "en")
    visitor.hear(await Forgetful().converse(Incoming(Channel.WEB, "1", "v", receive.Start())))
    assert visitor.taps == ["utter_main_menu"]


async def test_who_would_flood_is_refused_before_answers_are_held_back(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, root=ROOT, nlu="off", allow_drafts=True)
    visitor = receive.Visitor("v", random.Random(1), "en")
    async with open_app(settings) as app:
        crowd = receive.Crowd(app.reception, [visitor])
        for _ in range(BURST - 2):
            await crowd.tap()
        with pytest.raises(ConfigurationError, match="more --conversations"):
            await crowd.tap()
    assert visitor.sent == BURST - 2
    assert crowd.unheard == 0


def test_who_sends_as_much_as_silences_answers_is_refused() -> None:
    pace = Pace()
    for tap in range(QUIET_AFTER):
        receive._keep_pace(pace, datetime.fromtimestamp(2 * tap, UTC))
    with pytest.raises(ConfigurationError):
        receive._keep_pace(pace, datetime.fromtimestamp(2 * QUIET_AFTER, UTC))


async def test_waits_count_from_when_a_tap_was_due() -> None:
    class Slow(Forgetful):
        async def converse(self, incoming: Incoming) -> Sequence[Sent]:
            await asyncio.sleep(0.05)
            return await super().converse(incoming)

    crowd = receive.Crowd(Slow(), [receive.Visitor("v", random.Random(1), "en")])
    waits = await receive._open_loop(crowd, 0.1)
    assert len(waits) == 10
    assert min(waits) >= 0.05


# --- nlu ---


def test_texts_are_training_examples_and_the_same_in_each_run(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "nlu:\n- intent: greet\n  examples: |\n    - hello\n    - hej\n", "utf-8"
    )
    texts = nlu.sample(tmp_path, 40)
    assert set(texts) == {"hello", "hej"}
    assert texts == nlu.sample(tmp_path, 40)


def test_no_examples_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no training examples"):
        nlu.sample(tmp_path, 1)


def test_the_comparison_is_a_ratio_of_medians() -> None:
    others = {"train_s": 60.0, "rss_mib": 900.0, "answered": 1.0}
    found = {f.name: f for f in nlu.compared([0.004] * 9, [0.034] * 9, others)}
    assert found["times_stock_p50"].value == pytest.approx(8.5)
    assert found["times_stock_p50"].held
    assert not nlu.compared([0.004] * 9, [0.030] * 9, others)[3].held


def test_a_missing_stock_environment_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"rasa==3\.6\.21"):
        stock.interpreter(tmp_path / "bin" / "python")


def test_the_stock_pipeline_holds_stock_parts_only() -> None:
    assert "havn" not in (stock.HERE / "config.yml").read_text("utf-8").split("pipeline:")[1]


# --- demo and processes ---


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(os.urandom(8192))
    alone = demo.size(tmp_path)
    os.link(tmp_path / "one", tmp_path / "two")
    assert demo.size(tmp_path) == alone >= 8192


def test_a_demo_hears_none_of_this_process_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAVN_TELEGRAM_TOKEN", "secret")
    environ = demo.Demo.fresh(tmp_path, ROOT).environ()
    assert "HAVN_TELEGRAM_TOKEN" not in environ
    assert environ["HAVN_DATA_DIR"] == str(tmp_path)


async def test_a_process_that_ends_too_early_is_quoted(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def never() -> bool:
        return False

    command = [sys.executable, "-c", "print('no port left')"]
    async with running.running(command, log=log, environ=os.environ, folder=tmp_path) as process:
        with pytest.raises(ConfigurationError, match="no port left"):
            await running.until(never, process, patience=30, log=log)


async def test_what_was_started_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    async with running.running(
        command, log=tmp_path / "log", environ=os.environ, folder=tmp_path
    ) as process:
        assert running.memory_mib(process.pid) > 0
    assert process.returncode is not None
