"""F16 and B3: the disk is full, at one write after another. Nothing acknowledged is lost, nobody is
refused who wants to be forgotten, and once there is room again everything goes on by itself.
"""

import asyncio
import ctypes
import os
import sys
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path

from bot.adapters.ballast import Ballast
from bot.domain.errors import HavnError
from bot.domain.messages import Channel
from tests.faults.judge import judge
from tests.faults.kills import told
from tests.faults.ledger import Ledger
from tests.faults.lives import FAULTY, Course, Life, fresh_folder, run_all, warm_up
from tests.faults.points import Failpoints, install
from tests.faults.report import Result
from tests.faults.town import SCREENS, Stranger, Town, town

_PAGE = 4096
_DISK = 24 * 1024 * 1024
_BALLAST = 2 * 1024 * 1024
# linux/sched.h and sys/mount.h
_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14
# Telegram and browsers bring a wish again; it must be granted while the disk is still full.
_WISHES = 3


def can_mount() -> bool:
    """Tell whether this machine lets a process have a small disk of its own."""
    child = os.fork()
    if not child:
        try:
            _mount_of_its_own(Path("/mnt"))
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def carry_out(pages: range, jobs: int = 2) -> Result:
    """Fill the disk up to so many pages, for each number of them in turn."""
    warm_up()
    failures: list[str] = []
    seen: Counter[str] = Counter()

    def course(life: Life) -> Course:
        life.folder.mkdir()
        end = yield life, 0
        ledger = Ledger(life.ledger)
        for fact in ledger.read().all("saw"):
            seen[fact["of"]] += 1
        ledger.close()
        if end.status:
            failures.extend(told(life, end.status))

    with fresh_folder() as folder:
        lives = (Life(folder / f"disk{free}", free, f"{free} pages free") for free in pages)
        run_all(map(course, lives), jobs, _live)
    if not seen["refused"]:
        failures.append("no disk was full: this proves nothing")
    return Result("full disk, SQLite", {"disks": len(pages), **seen}, failures)


def _live(life: Life) -> None:
    ledger = Ledger(life.ledger)
    disk = life.folder / "disk"
    disk.mkdir()
    _mount_of_its_own(disk)
    points = Failpoints(lambda _point: None)
    install(points, lambda sent: ledger.tell("marked", references=sent))
    asyncio.run(_fill_up(life, disk, ledger, points))


async def _fill_up(life: Life, disk: Path, ledger: Ledger, points: Failpoints) -> None:
    async with town(disk, ledger, points, "full", 0) as here:
        Ballast(here.app.settings.data_dir / "ballast", _BALLAST).fill()
        old = [here.stranger(channel) for channel in (Channel.TELEGRAM, Channel.WEB) * 3]
        for one in old:
            await one.does("starts")
            await one.does("reads", SCREENS[0])
            await one.is_known()
        await here.quiet()
        filler = disk / "filler"
        _fill(filler, life.number * _PAGE)
        await _suffer(here, old[:4])
        for one in old[4:]:
            await _forget(here, one)
        await _suffer(here, old[:4])
        filler.unlink()
        await here.come_to_rest()
        for fault in (faults := await judge(here)):
            ledger.tell("fault", fault=fault)
        if faults:
            sys.exit(FAULTY)


async def _suffer(here: Town, old: list[Stranger]) -> None:
    """Go on as if the disk were not full."""
    strangers = [here.stranger(channel) for channel in (Channel.TELEGRAM, Channel.WEB)]
    for one in strangers:
        await _try(here, one.does("starts"))
    for one in old:
        await _try(here, one.does("reads", here.dice.choice(_unread(here, one))))
    await _try(here, here.app.keeper.round())
    await here.app.reception.close()
    await here.deliver()


def _unread(here: Town, visitor: Stranger) -> list[str]:
    read = {one.what for one in here.ledger.read().messages if one.sender == visitor.sender}
    return [screen for screen in SCREENS if screen not in read]


async def _forget(here: Town, visitor: Stranger) -> None:
    """Wish to be forgotten, and wish it again as a channel does."""
    here.ledger.tell("saw", of="wish to be forgotten")
    wish = visitor.sends("forgets", "action_forget")
    for _ in range(_WISHES):
        if await _try(here, here.bring([wish])):
            break
    await here.app.reception.close()
    if await here.ids([visitor.sender]):
        here.ledger.tell("fault", fault=f"{visitor.sender} was not forgotten on a full disk")
        sys.exit(FAULTY)
    here.ledger.tell("saw", of="forgotten")


async def _try(here: Town, act: Awaitable[object]) -> bool:
    try:
        await act
    except HavnError:
        here.ledger.tell("saw", of="refused")
        return False
    here.ledger.tell("saw", of="accepted")
    return True


def _fill(filler: Path, free: int) -> None:
    """Take all room but so many bytes."""
    status = os.statvfs(filler.parent)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - free)


def _mount_of_its_own(folder: Path) -> None:
    """Give this process a small disk that nobody else sees; OSError where it may not have one."""
    libc = ctypes.CDLL(None, use_errno=True)
    kinds = _NEW_MOUNTS if os.geteuid() == 0 else _NEW_MOUNTS | _NEW_USER
    _require(libc.unshare(kinds))
    _require(libc.mount(b"none", b"/", None, _PRIVATE | _RECURSIVE, None))
    _require(libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, f"size={_DISK}".encode()))


def _require(status: int) -> None:
    if status:
        raise OSError(ctypes.get_errno(), "no disk of its own")
