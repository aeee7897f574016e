"""The program that is searched, as a process of its own: it lives, forgets, expires and is killed.

It prints a JSON line at each moment and waits for a line before it goes on. Its arguments are a
JSON object, see ``Task``.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.messages import ConversationId, MessageId
from bot.logs import configure
from tests.forensic.canaries import RETURN_CODE, SESSION, Field, Songbook
from tests.forensic.desk import Talks
from tests.forensic.faults import missing_table
from tests.forensic.house import SETTINGS, House, house, unseal
from tests.forensic.journeys import Journey, OnTelegram, OnTheWeb
from tests.support.app import Visitor
from tests.support.claims import havn, keep_house
from tests.support.fakes import FakeClock

FATES = ("forgotten", "expired", "killed")
STEPS = (
    *("forget_begun", "forget_channel_cleaned", "forget_keys_destroyed"),
    *("forget_keys_rotated", "forget_rows_erased", "forget_scrubbed"),
)
_HIDES, _RETURNS = 5, 4


@dataclass(frozen=True, slots=True)
class Task:
    """What to do. ``steps`` are the places inside forget to be killed at, one per start."""

    folder: str
    seed: str
    conversations: int
    level: str
    url: str
    sealed: bool
    nlu: bool
    steps: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "Task":
        """Undo written()."""
        raw = json.loads(text)
        return cls(**raw | {"steps": tuple(raw["steps"])})


async def live(task: Task) -> None:
    """Live through all moments up to the first kill."""
    songs, folder = Songbook(task.seed), Path(task.folder)
    async with house(folder, songs, task.url, nlu=task.nlu) as here:
        talks = Talks(here.app, songs)
        await talks.open()
        everyone = [await here.visitor(number) for number in range(task.conversations)]
        drawn: list[dict[str, Any]] = []
        for one in everyone:
            drawn += await _tell_everything(here, talks, one)
            await talks.stay()
        await _suffer(here, everyone)
        fates = {fate: [one for one in everyone if fate_of(one.number) == fate] for fate in FATES}
        ids = {f: [str(await _id(here, one)) for one in those] for f, those in fates.items()}
        _reach("live", drawn=drawn, ids=ids)

        for one in fates["expired"]:
            await talks.end(one)
        for one in everyone:
            if one.number % _HIDES == 0:
                await one.taps("action_hide")
        for one in fates["forgotten"]:
            await one.forgets()
        await here.app.reception.close()
        _reach("forgotten")

        here.clock.turn(hours=25)
        for one in fates["killed"]:
            await one.says("still here")
        await keep_house(here.app, here.clock)
        _reach("expired")
        await _die(here.app, [ConversationId(id_) for id_ in ids["killed"]], task.steps)


async def rise(task: Task) -> None:
    """Start again after a kill, finish what it cut short, and die at the next step."""
    async with havn(Path(task.folder), FakeClock(), database_url=task.url, **SETTINGS) as app:
        await app.keeper.round()
        left = list(await app.sealer.holders())
        if task.steps:
            await _die(app, left, task.steps)
        _reach("restarted", left=left)


def fate_of(number: int) -> str:
    """Return what becomes of a conversation."""
    return FATES[number % len(FATES)]


async def _tell_everything(here: House, talks: Talks, one: Journey) -> list[dict[str, Any]]:
    """Let one visitor use everything; return what Havn drew for them and they must keep."""
    text = lambda field: f"hello {here.songs.text(one.number, field)}"  # noqa: E731
    await one.arrives()
    with here.faults.deaf_unit():
        await one.says(text(Field.NLU_TIMEOUT))
    with here.faults.broken_program():
        await one.says(text(Field.HANDLER_ERROR))
    await one.says(f"I have debt {here.songs.text(one.number, Field.NLU_TEXT)}")
    await one.taps("utter_safe_word")
    await one.says(here.songs.text(one.number, Field.SAFE_WORD))
    await talks.request(one)
    drawn = await _return_code(here, one)
    await talks.talk(one)
    if isinstance(one, OnTelegram):
        here.api.fail(500, method="sendMessage", chat=one.phone.person.id)
        await talks.say(one, Field.SERVER_ERROR)
    await talks.draft(one)
    if isinstance(one, OnTheWeb):
        drawn.append(_drawn(one, SESSION, one.sender))
    return drawn


async def _return_code(here: House, one: Journey) -> list[dict[str, Any]]:
    """Give out a return code; on the web some come back with it."""
    await one.taps("action_return_code")
    id_ = await _id(here, one)
    async with here.app.store.begin() as unit:
        posts = await unit.messages.replies_after(id_, MessageId(0))
    values = [getattr(post.body, "values", {}) for post in posts]
    codes = [value["return_code"] for value in values if "return_code" in value]
    if not codes:
        return []
    if isinstance(one, OnTheWeb) and one.number % _RETURNS == 1:
        await _return(here, one, codes[-1])
    return [_drawn(one, RETURN_CODE, codes[-1])]


async def _return(here: House, one: OnTheWeb, code: str) -> None:
    """Come back in another browser; where the code was not taken, stay in the first."""
    before = one.page
    await one.returns(code)
    if await Visitor(here.app, one.channel, sender=one.sender).handover() is None:
        one.page = before


def _drawn(one: Journey, label: str, value: str) -> dict[str, Any]:
    return {"conversation": one.number, "label": label, "value": value}


async def _suffer(here: House, everyone: Sequence[Journey]) -> None:
    """Let everybody write while the database refuses, and wait until it works again."""
    with missing_table(here.url):
        for one in everyone:
            await one.suffers()
        await asyncio.sleep(0.3)
    await here.api.drained(within=30)
    await here.app.reception.close()


async def _id(here: House, one: Journey) -> ConversationId:
    async with here.app.store.begin() as unit:
        lookups = here.app.sealer.lookups(one.channel, one.sender)
        (id_,) = (await unit.conversations.find(lookups)).values()
    return id_


async def _die(app: Any, left: Sequence[ConversationId], steps: Sequence[str]) -> None:
    """Forget a share of what is left, and be killed in the middle of it."""
    share = -(-len(left) // len(steps))

    def kill(name: str) -> None:
        if name == steps[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    app.eraser._failpoint = kill
    await app.eraser.forget(list(left)[:share])


def _reach(moment: str, **facts: Any) -> None:
    """Tell that a moment is reached, and wait until it was searched."""
    print(json.dumps({"moment": moment, **facts}), flush=True)
    sys.stdin.readline()


def main() -> None:
    """Do one task."""
    task = Task.read(sys.argv[2])
    configure(task.level)
    if not task.sealed:
        unseal()
    asyncio.run(live(task) if sys.argv[1] == "live" else rise(task))


if __name__ == "__main__":
    main()
