"""Keys that open nothing: their first message was undone after the key had been stored."""

from collections.abc import Callable, Collection
from itertools import islice

from bot.domain.messages import ConversationId
from bot.ports import Sealer, Store

# A transaction lasts seconds; whatever has had no conversation for this long never gets one.
ORPHANED_SECONDS = 3600.0
_LOOKED_UP_AT_ONCE = 500
_DESTROYED_AT_ONCE = 20_000


class Orphans:
    """Destroys keys that were seen without a conversation for an hour.

    When that began is kept in memory, by a clock that cannot jump: nothing that could tell when
    somebody wrote is stored, and after a restart the hour begins anew.
    """

    def __init__(self, *, store: Store, sealer: Sealer, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._sealer = sealer
        self._monotonic = monotonic
        self._since: dict[ConversationId, float] = {}

    async def destroy(self) -> int:
        """Look at every key once; return how many were destroyed. Follow with rotate()."""
        now = self._monotonic()
        # The keys first: one that is made after this is not looked at before the next time.
        alone = await self._without_conversation(await self._sealer.holders())
        self._since = {id_: self._since.get(id_, now) for id_ in alone}
        old = (id_ for id_, since in self._since.items() if now - since >= ORPHANED_SECONDS)
        due = list(islice(old, _DESTROYED_AT_ONCE))
        if due:
            await self._sealer.destroy_keys(due)
        return len(due)

    async def _without_conversation(
        self, ids: Collection[ConversationId]
    ) -> Collection[ConversationId]:
        """Ask in short transactions, so that no message has to wait."""
        alone: list[ConversationId] = []
        rest = iter(ids)
        while some := list(islice(rest, _LOOKED_UP_AT_ONCE)):
            async with self._store.begin() as unit:
                alone += await unit.conversations.unknown(some)
        return alone
