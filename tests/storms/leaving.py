"""B3: people wish to be forgotten while Telegram is out of order and the NLU unit is down."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bot.adapters.nlu import SocketDialogue
from bot.bootstrap import App
from bot.domain.messages import Channel, ConversationId
from tests.storms.listening import listening
from tests.storms.outcome import Outcome
from tests.storms.sending import SCREENS, begin, deliver, incoming, on_telegram, tapped
from tests.support.fakes import FakeClock
from tests.support.telegram_api import TelegramApi
from tests.support.telegram_chats import Visitor

# What is wrong with Telegram meanwhile.
WAYS: Mapping[str, Callable[[TelegramApi], object]] = {
    "out of reach": lambda api: api.cut_off(),
    "hangs": lambda api: api.hold(times=math.inf),
    "breaks off": lambda api: api.drop("half", times=math.inf),
    "fails": lambda api: api.fail(500, times=math.inf),
    "too many": lambda api: api.fail(429, retry_after=600, times=math.inf),
    "talks garbage": lambda api: api.garble(times=math.inf),
    "refuses": lambda api: api.fail(403, times=math.inf),
}
# In seconds: keys are renewed within a minute of any forgetting (design.md 6).
FORGOTTEN_IN = 60.0


def leaving(times: int, folder: Path, _number: int) -> Outcome:
    """Have so many visitors forgotten, a share of them in each kind of trouble, all at once."""
    outcome, clock = Outcome(), FakeClock()
    each = math.ceil(times / len(WAYS))

    async def storm() -> None:
        nobody = SocketDialogue(folder / "no-unit.sock", deadline=0.2)
        async with on_telegram(folder, clock, nobody) as (app, api):
            for way, break_ in WAYS.items():
                visitors = [api.visitor(language_code="en") for _ in range(each)]
                await begin(app, clock, folder, visitors)
                await app.reception.accept([incoming(v, tapped(SCREENS[0])) for v in visitors])
                await app.reception.close()
                await deliver(app, clock, folder)
                ids = await known(app, visitors)
                outcome.expect(len(ids) == each, f"{way}: {len(ids)} of {each} were there at all")
                break_(api)
                seconds = await forget(app, visitors, ids)
                outcome.expect(seconds < FORGOTTEN_IN, f"{way}: took longer than {seconds:.0f} s")
                outcome.count("forgotten", each)
                outcome.figures["longest s"] = max(
                    outcome.figures.get("longest s", 0), round(seconds, 1)
                )
                api.heal()

    with listening():
        asyncio.run(storm())
    outcome.figures["ways"] = len(WAYS)
    return outcome


async def forget(app: App, visitors: Sequence[Visitor], ids: set[ConversationId]) -> float:
    """Have visitors wish it, until no row and no key of theirs is left; return the seconds."""
    began = time.monotonic()
    await app.reception.accept([incoming(v, tapped("action_forget")) for v in visitors])
    while (seconds := time.monotonic() - began) < FORGOTTEN_IN:
        if not await known(app, visitors) and not ids & set(await app.sealer.holders()):
            break
        await asyncio.sleep(0.1)
    return seconds


async def known(app: App, visitors: Sequence[Visitor]) -> set[ConversationId]:
    """Return the conversations of visitors that there are."""
    lookups = [one for v in visitors for one in app.sealer.lookups(Channel.TELEGRAM, str(v.id))]
    async with app.store.begin() as unit:
        return set((await unit.conversations.find(lookups)).values())
