"""Whether an answer, or the time it takes, tells a stranger what exists (B24).

Pairs of questions, one about something that is there and one about something that is not, asked in
turn: a return code that was given out, the alias of somebody of the staff, the number of a talk of
somebody else, a link. Both must be answered with the same bytes, once what differs on every page
anyway is taken out, and the medians of the processor's time may differ by less than 5 ms.

The processor's time of the whole process is compared, not the clock's: a machine that stalls, or
does something else meanwhile, adds nothing to it.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from argon2 import PasswordHasher

from bot.adapters.passwords import Argon2Hasher
from bot.domain.messages import MessageId
from bot.domain.staff import Role
from bot.web import create_console
from tests.support.app import Visitor, running
from tests.support.console import PASSWORD, Browser, Rig, make_rig
from tests.support.desk import asks, house
from tests.support.fakes import FakeClock

LARGEST_MS = 5.0
# What stands on a page by chance: tokens of forms and sessions, and the alias that was typed.
_BY_CHANCE = re.compile(rb'value="[^"]*"|[A-Za-z0-9_-]{20,}')

Ask = Callable[[], Awaitable[bytes]]


@dataclass
class Pair:
    """A question about what is there, and one about what is not."""

    name: str
    there: Ask
    absent: Ask
    took: dict[str, list[float]] = field(default_factory=lambda: {"there": [], "absent": []})
    said: dict[str, set[bytes]] = field(default_factory=lambda: {"there": set(), "absent": set()})

    async def ask(self, times: int) -> None:
        """Ask both in turn, in changing order: neither is always the one after the other."""
        order: list[tuple[str, Ask]] = [("there", self.there), ("absent", self.absent)]
        for _ in range(times):
            for side, ask in order:
                before = time.process_time()
                answer = await ask()
                self.took[side].append(time.process_time() - before)
                self.said[side].add(_BY_CHANCE.sub(b"", answer))
            order.reverse()

    @property
    def apart_ms(self) -> float:
        """Return by how much the medians differ."""
        there, absent = (median(self.took[side]) for side in ("there", "absent"))
        return abs(there - absent) * 1000

    def missed(self) -> list[str]:
        """Return what misses the bar."""
        found = []
        if self.said["there"] != self.said["absent"] or len(self.said["there"]) != 1:
            found.append(f"{self.name}: the answers are not the same")
        if self.apart_ms >= LARGEST_MS:
            found.append(f"{self.name}: {self.apart_ms:.2f} ms apart")
        return found


def carry_out(times: int) -> Mapping[str, Any]:
    """Ask every pair so many times."""
    return asyncio.run(_carry_out(times))


async def _carry_out(times: int) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        pairs = [pair async for pair in asked(Path(folder), times)]
    return {
        "rows": [
            f"{one.name:40} {times} pairs, {one.apart_ms:.3f} ms apart at p50 of"
            f" {median(one.took['absent']) * 1000:.2f} ms"
            for one in pairs
        ],
        "times": times,
        "apart_ms": {one.name: one.apart_ms for one in pairs},
        "missed": [missed for one in pairs for missed in one.missed()],
    }


async def asked(folder: Path, times: int) -> Any:
    """Yield every pair once it was asked."""
    for make in (_return_code, _alias, _other_talk, _link):
        async with AsyncExitStack() as stack:
            pair = await make(folder / make.__name__, stack)
            await pair.ask(times)
            yield pair


async def _return_code(folder: Path, stack: AsyncExitStack) -> Pair:
    """Type a code that was given out, and one that was not; both are tried too often to be right.

    A right code moves a conversation, and can be asked about once: what a stranger who guesses
    meets is the slow hash and the look-up, and these are compared.
    """
    app = await stack.enter_async_context(running(folder, return_codes=True))
    visitor = Visitor(app)
    await asks(visitor)
    await visitor.taps("action_return_code")
    async with app.store.begin() as unit:
        lookups = app.sealer.lookups(visitor.channel, visitor.sender)
        (id_,) = (await unit.conversations.find(lookups)).values()
        rows = await unit.messages.replies_after(id_, MessageId(0))
    values: list[Mapping[str, str]] = [getattr(row.body, "values", {}) for row in rows]
    (code,) = (one["return_code"] for one in values if "return_code" in one)
    wrong = " ".join(reversed(code.split()))

    async with app.store.begin() as unit:
        known = [await unit.return_codes.find(await app.sealer.stretch_code(one))
                 for one in (code, wrong)]  # fmt: skip
    if known[0] is None or known[1] is not None:
        raise RuntimeError("one code is to be there, and the other not")

    def look(words: str) -> Ask:
        async def ask() -> bytes:
            hashes = await app.sealer.stretch_code(words)
            async with app.store.begin() as unit:
                await unit.return_codes.find(hashes)
            return b"looked up"

        return ask

    return Pair("return code, given out or not", look(code), look(wrong))


async def _alias(folder: Path, stack: AsyncExitStack) -> Pair:
    """Sign in as somebody, with a wrong password, and as nobody."""
    rig = _rig(folder)
    await rig.with_password("Ana", Role.RESPONDER)
    browser = await stack.enter_async_context(Browser(create_console(rig.desk)))

    def sign_in(alias: str) -> Ask:
        async def ask() -> bytes:
            rig.clock.turn(minutes=10)  # no try is refused as one too many
            form = {"alias": alias, "password": PASSWORD[::-1], "code": "000000", "next": "/"}
            answer = await browser.post("/sign-in", data=form)
            return f"{answer.status_code} {answer.text}".encode()

        return ask

    return Pair("sign-in, somebody or nobody", sign_in("Ana"), sign_in("Eva"))


async def _other_talk(folder: Path, stack: AsyncExitStack) -> Pair:
    """Open the talk of a colleague, and one that never was."""
    home = await stack.enter_async_context(house(folder, clock=FakeClock()))
    ana, bo = await home.counsellor("Ana"), await home.counsellor("Bo")
    number = await asks(Visitor(home.app))
    await ana.takes(number)

    def open_(one: int) -> Ask:
        async def ask() -> bytes:
            answer = await bo.browser.get(f"/talk/{one}")
            return f"{answer.status_code} {answer.text}".encode()

        return ask

    return Pair("talk of a colleague or none", open_(number), open_(number + 4711))


async def _link(folder: Path, stack: AsyncExitStack) -> Pair:
    """Open an invitation that was used, and one that was never made."""
    rig = _rig(folder)
    token = await rig.invited("Ana")
    account = await rig.desk.enrolment.invited(token)
    secret, sealed = rig.desk.enrolment.new_secret(account)
    await rig.desk.enrolment.enrol_password(token, PASSWORD, sealed, rig.code(secret))
    browser = await stack.enter_async_context(Browser(create_console(rig.desk)))

    def open_(one: str) -> Ask:
        async def ask() -> bytes:
            answer = await browser.get(f"/enrol/{one}")
            return f"{answer.status_code} {answer.text}".encode()

        return ask

    return Pair("invitation, spent or never made", open_(token), open_(token[::-1]))


def _rig(folder: Path) -> Rig:
    """Lay a console whose passwords cost less than in earnest, and more than the bar."""
    folder.mkdir()
    rig = make_rig(folder)
    hasher = Argon2Hasher(PasswordHasher(time_cost=1, memory_cost=16 * 1024, parallelism=1))
    rig.desk.sign_in._hasher = rig.desk.enrolment._hasher = hasher
    return rig
