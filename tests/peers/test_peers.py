"""The comparison finds a careless program out, and finds nothing wrong with Havn."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.peers.havn import Havn
from tests.peers.measure import Size, Speed, busiest, measure
from tests.peers.mishaps import Outcome, Trials, suffer
from tests.peers.product import Product
from tests.peers.report import Side, Told, rows
from tests.peers.turns import Turns
from tests.support.telegram_api import TelegramApi

pytestmark = pytest.mark.enable_socket
QUICK = {"repeats": 2, "refusals": 1, "contests": 1, "refused": 5.0}
SPEED = Speed(1.0, 2.0, [0.01, 0.02, 0.03], 0, 0.004, 30.0, 0, 25, 160.0)


class Careless(Product):
    name = "careless"

    def command(self, api: TelegramApi) -> Sequence[str]:
        script = Path(__file__).parent / "launch" / "careless.py"
        return [sys.executable, str(script), api.base_url, api.token]

    def own_environ(self, api: TelegramApi) -> Mapping[str, str]:
        return {}


async def test_a_careless_program_is_found_out_and_havn_is_not(tmp_path: Path) -> None:
    """All at once: each of them mostly waits."""
    folders = [tmp_path / name for name in ("careless", "fast", "havn")]
    for folder in folders:
        folder.mkdir()
    havn = Havn(folders[2], sys.executable)
    await havn.prepare()
    careless, speed, outcome = await asyncio.gather(
        suffer(Careless(folders[0]), Trials(**QUICK, kills=20, echo=1.0, after_kill=0.5)),
        measure(Careless(folders[1]), Size(visitors=4, rate=50), ["hello"] * 8),
        suffer(havn, Trials(**QUICK, kills=1, echo=0.2)),
    )

    assert (careless.repeats_answered_twice, careless.refused_lost) == (2, 1)
    assert 0 < careless.lost == careless.unstored < 20
    assert (careless.doubled, careless.contests_with_two) == (0, None)
    labels = {"text", "first name", "last name", "username", "Telegram id"}
    assert careless.found == {label: ["talks.txt"] for label in labels}

    assert (len(speed.waits), speed.unanswered, speed.crowd_unanswered) == (4, 0, 0)
    assert 0 < speed.start <= (speed.understands or 0)
    assert min(speed.waits) > 0
    assert 1 <= speed.busiest <= 4
    assert speed.crowd > 0
    assert speed.memory_mib > 5

    assert (outcome.repeats_answered_twice, outcome.refused_lost) == (0, 0)
    assert (outcome.contests_with_two, outcome.lost) == (0, 0)
    assert outcome.found == {}


def test_the_busiest_second_is_any_second() -> None:
    assert busiest([5.0, 0.0, 0.5, 0.9, 1.1, 1.5]) == 3


@pytest.mark.parametrize(("times", "held"), [(7.9, False), (8.1, True)])
def test_the_bar_is_eight_times_stock_rasa(*, times: float, held: bool) -> None:
    turns = Turns(own=[0.002], whole=[], rest=[0.002 * times], parse=[0.009])
    side = Side(Size(3, 5), Trials(), {}, turns=turns)
    assert side.held is held
    assert side.as_json()["turns"]["stock Rasa, REST"]["times_own"] == times


def test_every_program_is_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(2, 1, None, {"text": ["talks.txt"]}, lost=4, unstored=3, doubled=0)
    side = Side(Size(3, 5), Trials(), {}, told=[Told("a", SPEED, outcome)] * 2)
    assert {len(cells) for _, cells in rows(side)} == {2}
    side.show()
    assert "talks.txt" in capsys.readouterr().out
    assert json.loads(json.dumps(side.as_json()))["held"] is True
