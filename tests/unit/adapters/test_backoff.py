"""Pauses grow to a minute, begin anew after success, and respect what the server asks."""

from bot.adapters.backoff import Backoff


async def test_ceiling_doubles_to_a_minute_and_falls_back() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    backoff = Backoff(sleep, lambda low, high: high if low == 0 else -1)
    for _ in range(8):
        await backoff.pause()
    assert slept == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    await backoff.pause(30)
    assert slept[-1] == 31


async def test_pause_is_never_nothing() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await Backoff(sleep, lambda low, _high: low).pause()
    assert slept == [0.05]
