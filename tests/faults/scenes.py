"""What visitors and staff do in a life. Each scene is short; chatter goes on beside it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from bot.domain.messages import Channel
from tests.faults.town import SCREENS, Stranger, Town

_BOTH = (Channel.TELEGRAM, Channel.WEB)


async def chat(town: Town) -> None:
    """A visitor reads, types, and presses two buttons at once."""
    visitor = town.stranger(town.dice.choice(_BOTH))
    one, two, three, four = town.dice.sample(SCREENS, 4)
    await visitor.does("starts")
    await visitor.does("reads", one)
    await visitor.does("says", two)
    # Of three things at once only the last would be answered.
    await town.app.reception.close()
    await visitor.does("reads", three, four)


async def hide(town: Town) -> None:
    """A visitor reads and hides the chat."""
    visitor = town.stranger(Channel.TELEGRAM)
    await visitor.does("starts")
    await visitor.does("reads", *town.dice.sample(SCREENS, 2))
    await town.deliver()
    await visitor.does("hides", "action_hide")


async def forget(town: Town) -> None:
    """A visitor reads and forgets everything."""
    visitor = town.stranger(town.dice.choice(_BOTH))
    await visitor.does("starts")
    await visitor.is_known()
    one, two, three = town.dice.sample(SCREENS, 3)
    await visitor.does("reads", one, two)
    await visitor.does("says", three)
    await town.deliver()
    await visitor.does("forgets", "action_forget")
    await town.app.reception.close()


async def talk(town: Town) -> None:
    """A visitor asks for a person, who writes with them and ends it."""
    visitor = await _asks(town)
    words = f"words of {visitor.sender}"

    async def written() -> None:
        if all(one.what != words for one in town.ledger.read().messages):
            await visitor.does("writes", words)

    await town.patiently(lambda: town.talk(visitor.sender, written))


async def wait(town: Town) -> None:
    """A visitor waits until they are told that nobody is free; a counsellor is lost."""
    visitor = await _asks(town)
    town.turn(minutes=4)
    # The answer is dropped where a counsellor is faster.
    await visitor.does("looks", town.dice.choice(SCREENS))
    town.turn(minutes=17)
    await town.patiently(town.app.keeper._run_timers)
    asked = await town.handover(visitor.sender)
    if asked is not None and asked.id is not None:
        await town.take(visitor.sender, asked.id)
        town.turn(minutes=6)
        await town.patiently(town.app.keeper._run_timers)


async def rotate(town: Town) -> None:
    """The keys are changed while somebody reads."""
    await asyncio.gather(chat(town), town.app.sealer.rotate())


async def _asks(town: Town) -> Stranger:
    visitor = town.stranger(town.dice.choice(_BOTH))
    await visitor.does("starts")
    await visitor.does("asks", "utter_human_notify consent=all")
    await visitor.does("asks", "action_queue_open")
    return visitor


SCENES: Mapping[str, Callable[[Town], Awaitable[None]]] = {
    "chat": chat,
    "hide": hide,
    "forget": forget,
    "talk": talk,
    "wait": wait,
    "rotate": rotate,
}


async def play(town: Town, scene: str) -> None:
    """Play a scene, with chatter beside it and the outbox going out."""
    over = asyncio.Event()
    delivering = asyncio.create_task(town.delivering(over))
    try:
        await asyncio.gather(SCENES[scene](town), chat(town))
    finally:
        over.set()
        await delivering
