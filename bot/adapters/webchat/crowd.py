"""A flood of new chats from one network is slowed down; nobody is ever refused (security 6).

The address is used in memory only, as a hash under a key that is thrown away every day.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network

_DAY = 86_400.0
_WINDOW = 600.0
# A shelter or a library may open some chats at once behind one address; a script opens hundreds.
_FREE = 20
_STEP = 0.25
_LONGEST = 4.0
_NETWORKS = 10_000


class Crowd:
    """Counts new chats of each network within ten minutes, and waits longer the more there are."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._renew()

    async def arrive(self, address: str) -> None:
        """Let a new chat begin, after a wait of at most four seconds if its network is busy."""
        name = network(address)
        wait = self._wait(name) if name else 0
        if wait:
            await self._sleep(wait)

    def _wait(self, name: str) -> float:
        now = self._clock()
        if now - self._since > _DAY:
            self._renew()
        digest = hmac.new(self._key, name.encode(), hashlib.sha256).digest()
        arrivals = self._arrivals.setdefault(digest, deque(maxlen=_FREE * 2))
        self._arrivals.move_to_end(digest)
        while arrivals and now - arrivals[0] > _WINDOW:
            arrivals.popleft()
        arrivals.append(now)
        while len(self._arrivals) > _NETWORKS:
            self._arrivals.popitem(last=False)
        return min(_LONGEST, max(0, len(arrivals) - _FREE) * _STEP)

    def _renew(self) -> None:
        self._key = secrets.token_bytes(32)
        self._since = self._clock()
        self._arrivals: OrderedDict[bytes, deque[float]] = OrderedDict()


def network(address: str) -> str:
    """Return the /24 or /64 an address belongs to; "" for what is no visitor's address.

    The machine's own address is that of a proxy which does not say who stands behind it: slowing
    that down would slow everybody.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    if ip.is_loopback:
        return ""
    return str(ip_network(f"{ip}/{24 if ip.version == 4 else 64}", strict=False))  # noqa: PLR2004
