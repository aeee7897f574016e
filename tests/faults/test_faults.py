"""Faults in a size for every change; ``python -m tests.faults`` is the full one."""

import secrets
from pathlib import Path

import pytest

from bot.adapters.sealing import KeyRing
from bot.adapters.storage import messages
from bot.adapters.storage.messages import SqlMessages
from bot.ports import Arrival
from bot.services.deliver import Deliverer
from bot.services.receive import Reception
from tests.faults import full, kills, lives, outages, twice
from tests.faults.forgets import Trial
from tests.faults.ledger import Ledger
from tests.support.postgres import shared_cluster

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


def test_a_kill_at_any_point_loses_nothing_and_doubles_nothing() -> None:
    tally = kills.carry_out(kills.Plan(24))
    assert tally.failures == []
    assert len(tally.kills) >= 20


def test_kills_at_random_times_lose_nothing_and_double_nothing() -> None:
    assert kills.carry_out(kills.Plan(4, randomly=True)).failures == []


def test_a_kill_inside_forget_ends_forgotten_and_nothing_opens() -> None:
    steps = ("commit of forgetting", "Sealer.destroy_keys", "secret file.write_secret")
    result = Trial(1, steps=tuple(f"after {step}" for step in steps)).carry_out()
    assert result.failures == []


@pytest.mark.skipif(not full.can_mount(), reason="no process may have a small disk of its own here")
def test_on_a_full_disk_nothing_is_lost_and_forgetting_works() -> None:
    assert full.carry_out(range(0, 12, 5)).failures == []


@pytest.mark.parametrize("seconds", [0.1, 1.5])
async def test_a_lock_is_not_noticed_or_admitted(seconds: float) -> None:
    assert (await outages.lock(seconds, patience=0.3)).failures == []


@pytest.mark.postgres
async def test_cut_connections_and_a_dying_server_lose_nothing_and_double_nothing() -> None:
    cuts = outages.Cuts(1, every=0.2, deaths=4)
    assert (await outages.connections(shared_cluster(), cuts)).failures == []


@pytest.mark.parametrize("database", DATABASES)
def test_two_processes_by_mistake_double_nothing(database: str) -> None:
    url = shared_cluster().create("twice") if database == "postgres" else ""
    assert twice.carry_out(4, url).failures == []


def test_half_a_fact_of_somebody_who_was_killed_is_none(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "ledger")
    first.tell("came", id="1")
    first.close()
    with (tmp_path / "ledger").open("ab") as file:
        file.write(b'{"what": "acknowledged", "id')
    second = Ledger(tmp_path / "ledger")
    second.tell("done", key="2")
    assert [fact["what"] for fact in second.read().facts] == ["came", "done"]
    second.close()


# --- what is broken is found ------------------------------------------------------------------


async def nothing(*_args: object, **_kwargs: object) -> None:
    """Do nothing, and say that it was done."""


async def never_mark(deliverer: Deliverer) -> None:
    deliverer._unmarked = ()


def never_seen(arrival: Arrival) -> tuple[str, bytes]:
    return arrival.incoming.channel.value, secrets.token_bytes(32)


@pytest.mark.parametrize(
    ("owner", "name", "broken", "scene", "fault"),
    [
        (Reception, "accept", nothing, "hide", "is lost"),
        (SqlMessages, "settle", nothing, "chat", "wait for an answer"),
        (Deliverer, "_mark", never_mark, "chat", "has not arrived"),
        (messages, "_receipt", never_seen, "chat", "has 2 answers"),
        (KeyRing, "destroy_keys", nothing, "forget", "was forgotten and has a key"),
    ],
)
def test_what_is_broken_is_found(
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    broken: object,
    scene: str,
    fault: str,
) -> None:
    lives.warm_up()
    told: list[str] = []

    def course(home: Path) -> lives.Course:
        for number in range(4):
            life = lives.Life(home, number, f"life{number}", scene)
            end = yield life, 0
            if end.status:
                told.extend(kills.told(life, end.status))
                return

    monkeypatch.setattr(owner, name, broken)  # children are born with it
    with lives.fresh_folder() as folder:
        lives.run_all(iter([course(folder)]), 1)
    assert fault in " ".join(told)
