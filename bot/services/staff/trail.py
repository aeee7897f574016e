"""The audit trail as a whole: anchored outside the database, and verified."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from bot.domain.audit import Anchor, AuditEvent, Entry, Happening, Report, Verification
from bot.domain.errors import HavnError
from bot.domain.staff import StaffId
from bot.logs import error_class, logger
from bot.ports import Clock, Store
from bot.staff_ports import Anchors, Vault

log = logger(__name__)

ANCHORED = timedelta(hours=1)
_PAGE = 1000


def _no_report(_done: int) -> None:
    """Say nothing about how far it is."""


class Trail:
    """Writes the head of the trail down elsewhere, and finds out whether it is whole."""

    def __init__(self, store: Store, clock: Clock, vault: Vault, anchors: Anchors) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._anchors = anchors

    async def run(self) -> None:
        """Anchor the trail now and every hour, until cancelled; a failure is logged and retried."""
        while True:
            try:
                await self.anchor()
            except (HavnError, OSError) as error:
                log.error("audit_not_anchored", error=error_class(error))
            await asyncio.sleep(ANCHORED.total_seconds())

    async def anchor(self) -> Anchor | None:
        """Write down the head, unless that was done already or there is none."""
        async with self._store.begin() as unit:
            last = await unit.audit.last()
        if last is None:
            return None
        written = await self._anchors.all()
        if written and written[-1].number == last.number:
            return None
        anchor = Anchor(self._clock.now(), last.number, last.digest)
        await self._anchors.add(anchor)
        return anchor

    async def verify(
        self, first_key: bytes | None = None, report: Callable[[int], None] = _no_report
    ) -> Report:
        """Check every entry; ``report`` is told how many are done.

        With the key that the trail began with, MACs are checked as well. Until an auditor has
        taken that key it is used by itself.
        """
        first_key = first_key or await self._vault.first_chain_key()
        # Anchors first: an entry that comes meanwhile is no cut.
        verification = Verification(await self._anchors.all(), first_key)
        number, done = -1, 0
        while page := await self._page(number):
            for entry in page:
                verification.take(entry)
            number, done = page[-1].number, done + len(page)
            report(done)
            await asyncio.sleep(0)
        async with self._store.begin() as unit:
            for entry in await unit.audit.after(number, _PAGE):
                verification.take(entry)
            # Within the transaction: nothing is recorded between the last entry and the key.
            return verification.finish(await self._vault.chain_key())

    async def verify_for(self, auditor: StaffId) -> Report:
        """Verify on the wish of an auditor, which is recorded with the result."""
        report = await self.verify()
        reason = "sound" if report.sound else "flawed"
        async with self._store.begin() as unit:
            await unit.audit.record(
                Happening(auditor, AuditEvent.AUDIT_VERIFIED, self._clock.now(), reason=reason)
            )
        return report

    async def length(self) -> int:
        """Return how many entries there are to verify, about."""
        async with self._store.begin() as unit:
            last = await unit.audit.last()
        return last.number + 1 if last else 0

    async def hand_over_key(self) -> bytes | None:
        """Return the key the trail began with and erase it here; None when it was taken before."""
        await self._vault.chain_key()
        key = await self._vault.first_chain_key()
        if key is not None:
            await self._vault.hand_over_first_chain_key()
        return key

    async def _page(self, number: int) -> list[Entry]:
        async with self._store.begin() as unit:
            return list(await unit.audit.after(number, _PAGE))
