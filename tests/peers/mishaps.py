"""What a program does when things go wrong: real faults of Telegram and of the machine.

Nothing is timed here, so that several programs can go through it at once.
"""

import asyncio
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.forensic.canaries import Canary, Kind, Stay
from tests.forensic.search import Search
from tests.peers.measure import opened
from tests.peers.product import Product, kill
from tests.peers.talk import ask, hears
from tests.support.telegram_api import Pending, TelegramApi
from tests.support.telegram_chats import Visitor

# Models are made before anybody writes; looking into them takes minutes.
_MODELS = frozenset({"models"})


@dataclass(frozen=True, slots=True)
class Trials:
    """How many visitors go through what, and for how many seconds they listen.

    ``echo`` is what a second answer may take to come. What Havn was about to send when it was
    killed it tries again after 60 s (services/deliver.py, LEASE): so long is ``after_kill``.
    """

    repeats: int = 20
    refusals: int = 5
    contests: int = 5
    kills: int = 20
    echo: float = 3.0
    refused: float = 10.0
    after_kill: float = 75.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of visitors; ``contests_with_two`` is None where there are no staff.

    ``found`` tells for each kind of canary in which files it stands, ``unstored`` how many of those
    ``lost`` after the kill stand in none.
    """

    repeats_answered_twice: int
    refused_lost: int
    contests_with_two: int | None
    found: Mapping[str, Sequence[str]]
    lost: int
    unstored: int
    doubled: int


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody whose name, account and words can be found again."""

    visitor: Visitor
    text: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def of(cls, api: TelegramApi) -> Self:
        """Let a new one exist."""
        name, surname, username = (secrets.token_hex(8) for _ in range(3))
        return cls(api.visitor(first_name=name, last_name=surname, username=username))

    def canaries(self) -> list[Canary]:
        """Return what to look for."""
        person = self.visitor.person
        named = {"text": self.text, "first name": person.first_name}
        named |= {"last name": person.last_name or "", "username": person.username or ""}
        return [
            *(_canary(label, Kind.PLAIN, value) for label, value in named.items()),
            _canary("Telegram id", Kind.NUMBER, person.id),
        ]


async def suffer(product: Product, trials: Trials) -> Outcome:
    """Put a prepared program through all of it, and start it once more after a kill."""
    since = time.time()
    async with await TelegramApi.start() as api:
        first = api.visitor()
        await first.sends(product.opening)
        async with product.alive(api) as process:
            await product.first_answer(api, first, process)
            await product.ready(process)
            witness = Witness.of(api)
            repeated = await _repeats(product, api, trials, witness)
            refused = await _refusals(product, api, trials)
            both = await product.contest(
                api, await opened(product, api, trials.contests, pause=trials.echo)
            )
            found = await asyncio.to_thread(_found, product.folder, since, witness.canaries())
            visitors = await opened(product, api, trials.kills, pause=trials.echo)
            told = await _killed_in_between(api, visitors, process)
        again = api.visitor()
        await again.sends(product.opening)
        async with product.alive(api) as process:
            await product.first_answer(api, again, process)
            lost = await _waits_in_vain(api, told, trials)
            files = await asyncio.to_thread(_found, product.folder, since, [*map(_text, lost)])
    return Outcome(
        repeats_answered_twice=repeated,
        refused_lost=refused,
        contests_with_two=both,
        found=found,
        lost=len(lost),
        unstored=len(lost) - len(files),
        doubled=sum(_same_twice(*place) for place in told.values()),
    )


async def _repeats(product: Product, api: TelegramApi, trials: Trials, witness: Witness) -> int:
    """Hand over updates that were answered a second time; return how many were answered again.

    Telegram does so when the confirmation was lost. The words of the witness are among them, since
    what a program does not expect tends to reach its log.
    """
    later, *others = await opened(product, api, trials.repeats, pause=trials.echo)
    await ask(api, witness.visitor, product.opening)
    visitors = [*others, witness.visitor]
    items = []
    heard = [len(visitor.heard) for visitor in visitors]
    for visitor in visitors:
        await visitor.sends(f"My boss took my passport {witness.text}")
        items.append(api.pending[-1])
    await asyncio.gather(
        *(hears(api, *both, within=30) for both in zip(visitors, heard, strict=True))
    )
    await api.drained(within=30)
    await asyncio.sleep(trials.echo)
    before = [_messages(visitor) for visitor in visitors]
    await _hand_over(api, items)
    # Whoever answers what came again has begun with it before this.
    await ask(api, later, "What help can I get?")
    await asyncio.sleep(trials.echo)
    return sum(_messages(one) > had for one, had in zip(visitors, before, strict=True))


async def _hand_over(api: TelegramApi, items: Sequence[Pending]) -> None:
    if api.webhook_info()["url"]:
        await asyncio.gather(*(api.post(item.update) for item in items))
        return
    # Only a poll that waits already is past its confirmation of what came before.
    await api.wait_for(lambda: not api.calls_of("getUpdates")[-1].status or None, 30)
    api.pending.extend(items)
    api.notify()
    await api.drained(within=30)


async def _refusals(product: Product, api: TelegramApi, trials: Trials) -> int:
    """Refuse the next message to each visitor for a second (429); return who never got it."""
    visitors = await opened(product, api, trials.refusals, pause=trials.echo)
    for visitor in visitors:
        api.fail(429, retry_after=1, method="sendMessage", chat=visitor.id)
    waits = await asyncio.gather(
        *(ask(api, one, "What help can I get?", within=trials.refused) for one in visitors)
    )
    api.heal()
    return waits.count(None)


def _found(folder: Path, since: float, canaries: Sequence[Canary]) -> Mapping[str, Sequence[str]]:
    """Return for each canary that stands somewhere the files it stands in."""
    search = Search(canaries)
    found: dict[str, list[str]] = defaultdict(list)
    for path in _written(folder, since):
        for label in sorted({hit.canary.label for hit in search.hits(path.read_bytes())}):
            found[label].append(str(path.relative_to(folder)))
    return found


def _written(folder: Path, since: float) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _MODELS & set(path.parts) and path.stat().st_ctime >= since:
            yield path


async def _killed_in_between(
    api: TelegramApi, visitors: Sequence[Visitor], process: asyncio.subprocess.Process
) -> Mapping[str, tuple[Visitor, int]]:
    """Let all write at once, and kill the program at the first answer; return what each wrote."""
    told = {secrets.token_hex(8): (one, len(one.heard)) for one in visitors}
    for text, (visitor, _) in told.items():
        await visitor.sends(f"What help can I get? {text}")
    await asyncio.wait(
        [asyncio.create_task(hears(api, *place, within=30)) for place in told.values()],
        return_when=asyncio.FIRST_COMPLETED,
    )
    await kill(process)
    return told


async def _waits_in_vain(
    api: TelegramApi, told: Mapping[str, tuple[Visitor, int]], trials: Trials
) -> Sequence[str]:
    """Return what was written and never answered."""
    heard = await asyncio.gather(
        *(hears(api, *place, within=trials.after_kill) for place in told.values())
    )
    await asyncio.sleep(trials.echo)
    return [text for text, answered in zip(told, heard, strict=True) if not answered]


def _messages(visitor: Visitor) -> int:
    """Return how many messages of the bot somebody got; an edited one counts once."""
    return len({message.id for message in visitor.heard})


def _same_twice(visitor: Visitor, since: int) -> bool:
    """Tell whether somebody got the same words in two messages."""
    texts = Counter({message.id: message.text for message in visitor.heard[since:]}.values())
    return any(times > 1 for times in texts.values())


def _text(value: str) -> Canary:
    return _canary(value, Kind.PLAIN, value)


def _canary(label: str, kind: Kind, value: str | int) -> Canary:
    return Canary(0, label, kind, Stay.NEVER, value)
