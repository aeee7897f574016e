"""Work done in a process beside this one."""

from collections.abc import Callable
from multiprocessing import get_context
from typing import TypeVar

_T = TypeVar("_T")


def beside(work: Callable[[], _T]) -> Callable[[], _T]:
    """Begin some work in a process that starts with all that this one knows.

    What is returned waits for the result and returns it; it raises EOFError if the work failed.
    What the work remembers on the side is lost.
    """
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=lambda: there.send(work()))
    process.start()
    there.close()

    def result() -> _T:
        try:
            found: _T = here.recv()
        finally:
            process.join()
        return found

    return result
