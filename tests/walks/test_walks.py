"""Every journey, walked line by line: every channel, English and Danish, with and without NLU."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from bot import bootstrap
from bot.adapters.nlu import NoDialogue, SocketDialogue
from bot.adapters.storage import unit_of_work
from bot.adapters.telegram import Profile
from bot.domain.handover import Handover
from bot.domain.messages import Channel
from bot.domain.triage import Level, Lexicon
from bot.ports import Dialogue
from bot.services import erase
from bot.services.reply import Renderer
from bot.settings import Settings
from tests.support.stores import laid
from tests.support.translated_walks import locales, translated
from tests.support.walkers import House, Walker, open_house
from tests.support.walks import (
    ACTS,
    FOLDER,
    MOMENTS,
    NOTICE,
    Count,
    LateError,
    Screens,
    Shown,
    Step,
    Walk,
    check_limit,
    check_seen,
    for_channel,
    pause,
    plain,
    read,
)

# After these nothing else may be on the display.
_EMPTY = ("utter_hide_done", "utter_forget_done", "utter_web_session_closed")
# A unit on a busy machine may be late; that is measured elsewhere.
_DEADLINE = 5.0
# A machine with other work stalls for a second now and then; a slow program is late every time.
_ATTEMPTS = 3


@cache
def words() -> tuple[Renderer, tuple[Lexicon, ...]]:
    """Read deck, facts and translations once for all walks."""
    return bootstrap.make_renderer(Settings(allow_drafts=True))


@cache
def screens() -> Screens:
    return Screens(words()[0])


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave out what takes time and is tested elsewhere: migrating and publishing."""

    async def nothing(*_: object) -> int:
        return 0

    # The file that all are copied from is migrated at the first copy.
    laid(tmp_path / "0")
    monkeypatch.setattr(unit_of_work, "_migrate", nothing)
    monkeypatch.setattr(Profile, "publish", nothing)
    monkeypatch.setattr(erase, "LAST_WORD_SECONDS", 0.01)


def all_walks() -> Iterator[Any]:
    """Yield each walk on each channel it is meant for, with free text and without."""
    for path in sorted(FOLDER.glob("*.jsonl")):
        for walk in read(path):
            for channel in Channel:
                for nlu in (False, True):
                    if is_meant(walk, channel, nlu=nlu):
                        name = f"{path.stem}-{channel}-{'nlu' if nlu else 'buttons'}-{walk.name}"
                        marks = [pytest.mark.nlu] if nlu else []
                        yield pytest.param(walk, channel, nlu, id=name, marks=marks)


def translated_walks() -> Iterator[Any]:
    """Yield the walks of the languages without files of their own, each on one channel."""
    renderer, _ = words()
    for locale, channel in zip(locales(), cycle(Channel), strict=False):
        for path, walk in translated(locale, renderer):
            for nlu in (False, True):
                if is_meant(walk, channel, nlu=nlu):
                    journey = path.name.split(".")[0]
                    way = f"{channel}-{'nlu' if nlu else 'buttons'}"
                    marks = [pytest.mark.nlu] if nlu else []
                    name = f"{journey}.{locale}-{way}-{walk.name}"
                    yield pytest.param(walk, channel, nlu, id=name, marks=marks)


def is_meant(walk: Walk, channel: Channel, *, nlu: bool) -> bool:
    """Tell whether to walk it: with NLU only where words are typed, since no tap needs it."""
    steps = for_channel(walk, channel, nlu=nlu).steps
    return walk.head.applies(channel, nlu=nlu) and (
        not nlu or any("text" in step.says for step in steps)
    )


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize(("walk", "channel", "nlu"), [*all_walks(), *translated_walks()])
async def test_walk(
    walk: Walk,
    channel: Channel,
    nlu: bool,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    assert walk.locale in words()[0].texts.locales, f"{walk.locale} is not served"
    dialogue: Dialogue = NoDialogue()
    async with AsyncExitStack() as stack:
        if nlu:
            unit = SocketDialogue(request.getfixturevalue("nlu_socket"), deadline=_DEADLINE)
            stack.push_async_callback(unit.close)
            dialogue = unit
        late = ""
        for attempt in range(_ATTEMPTS):
            folder = tmp_path / str(attempt)
            laid(folder)
            async with open_house(channel, folder, walk.begins, dialogue, words()) as house:
                try:
                    await _Replay(for_channel(walk, channel, nlu=nlu), house).run()
                except LateError as error:
                    late = str(error)
                else:
                    return
        pytest.fail(late, pytrace=False)


class _Replay:
    """One walk under way."""

    def __init__(self, walk: Walk, house: House) -> None:
        self._walk = walk
        self._house = house
        self._people: dict[str, Walker] = {}
        self._walker: Walker
        self._unread: list[Shown] = []
        self._count = Count()
        self._seconds = 0.0

    async def run(self) -> None:
        await self._become("visitor")
        for step in self._walk.steps:
            try:
                await self._do(step)
                await self._check(step)
            except LateError as error:
                raise LateError(f"{step.where}: {error}") from None
            except (AssertionError, LookupError) as error:
                failure = f"{step.where}: {error}"
            else:
                continue
            pytest.fail(failure, pytrace=False)
        self._nothing_unread(self._walk.head)

    async def _do(self, step: Step) -> None:
        says = step.says
        if "wait" in says:
            self._house.clock.turn(pause(says["wait"]))
            await self._house.purge()
        if "clock" in says:
            self._house.clock.at = MOMENTS[says["clock"]]
            await self._house.staff()
        if "counsellor" in says:
            self._house.clock.turn()
            await self._house.counsel(self._walker.sender, says["counsellor"])
            self._unread += await self._walker.notice()
        if "visitor" in says:
            await self._become(says["visitor"])
        for name in ACTS & says.keys():
            self._nothing_unread(step)
            self._house.clock.turn()
            self._count.taps += name in ("tap", "text")
            act = getattr(self._walker, name)
            began = time.perf_counter()
            self._unread += await act(says[name])
            self._seconds = time.perf_counter() - began

    async def _check(self, step: Step) -> None:
        says = step.says
        drafts = words()[0].texts.drafts
        locale = says.get("in", self._walk.locale)
        if "expect" in says and not (says.get("draft") and locale not in drafts):
            self._expect(step)
        if "left" in says:
            await self._see_only(says["left"], step)
        if {"seen", "unseen"} & says.keys():
            seen = " ".join(plain(shown.text) for shown in await self._walker.display())
            assert all(words in seen for words in says.get("seen", ())), seen
            assert not any(words in seen for words in says.get("unseen", ())), seen
        if "queue" in says:
            await self._queue(says["queue"])
        if "reported" in says:
            item, channel = words()[0].item, self._house.channel
            wanted = {item(screen, locale, channel) for screen in says["reported"]}
            assert set(await self._house.reported()) == wanted
        if "rows" in says:
            rows = self._house.rows()
            assert sum(rows.values()) == says["rows"], rows
        if "cleans" in says:
            assert ("autoclean" in self._house.timers()) == says["cleans"]

    def _expect(self, step: Step) -> None:
        if self._walk.translated and step.says["expect"] != NOTICE:
            self._unread = [shown for shown in self._unread if not self._is_notice(shown.text)]
        assert self._unread, f"expected {step.says['expect']}, but nothing more was shown"
        channel = self._house.channel
        check_seen(step, self._unread.pop(0), screens(), self._walk.locale, channel)
        self._count.see(step.says["expect"])
        if "within" in step.says:
            check_limit(step.says["within"], self._count, self._seconds)

    async def _see_only(self, wanted: Sequence[str], step: Step) -> None:
        """Fail unless the display holds these screens and nothing else at all."""
        channel, locale = self._house.channel, step.says.get("in", self._walk.locale)
        seen = [shown.text for shown in await self._walker.display()]
        if self._walk.translated:
            seen = [text for text in seen if not self._is_notice(text)]
            # A screen above the notice is no longer the last one, and not written over.
            seen = seen if wanted[0] in _EMPTY else seen[-len(wanted) :]
        alike = len(seen) == len(wanted) and all(
            screens().is_screen(text, screen, locale, channel)
            for text, screen in zip(seen, wanted, strict=True)
        )
        assert alike, f"the display holds {seen}"

    def _is_notice(self, text: str) -> bool:
        return screens().is_screen(text, NOTICE, self._walk.locale, self._house.channel)

    async def _queue(self, wanted: Any) -> None:
        handover = await self._house.handover(self._walker.sender)
        if wanted == "nobody":
            assert handover is None, handover
            return
        assert handover is not None, "no handover"
        found = _described(handover)
        if wanted == "signal":
            wanted = {"state": "offered", "level": "red", "consent": None, "age": False}
        assert {**found, **wanted} == found, f"wanted {wanted}, found {found}"

    async def _become(self, name: str) -> None:
        """Go on as somebody, who opens the chat if they are new."""
        if name in self._people:
            self._walker = self._people[name]
            return
        self._walker = self._people[name] = await self._house.visitor(self._walk.app)
        self._house.clock.turn()
        self._unread = list(await self._walker.start(self._walk.link))
        self._count = Count()

    def _nothing_unread(self, step: Step) -> None:
        seen = [screens().named(shown.text, self._house.channel) for shown in self._unread]
        if seen:
            pytest.fail(f"{step.where}: shown, but not expected: {seen}", pytrace=False)


def _described(handover: Handover) -> dict[str, Any]:
    """Return a handover in the words of the walks."""
    return {
        "state": handover.state.value,
        "level": Level(handover.level).name.lower(),
        "consent": handover.consent.value if handover.consent else None,
        "notify": handover.notify.value,
        "minor": handover.minor,
        "code_word": bool(handover.code_word),
        "age": handover.asked_at is not None,
        "locale": handover.locale,
    }
