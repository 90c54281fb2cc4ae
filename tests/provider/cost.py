"""What a reading costs: seconds of this thread's own work, and mebibytes of memory at the peak."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from time import perf_counter, thread_time
from typing import Final

SECONDS: Final = 0.05
"""The most that one reading may take of the processor."""

MEBIBYTES: Final = 32
"""The most that one reading may hold at once, beside the body itself."""

REPETITIONS: Final = 4


def seconds_of(call: Callable[[], object]) -> float:
    """How long a call takes, or a little more.

    Where it takes too long by the clock on the wall, it is made again, and the quickest run counts, without the
    time in which others had the processor: a busy machine and the collection of garbage make a run slower, but
    nothing makes it quicker than the work that it does.
    """
    began = perf_counter()
    call()
    quickest = perf_counter() - began
    for _ in range(REPETITIONS if quickest > SECONDS else 0):
        began = thread_time()
        call()
        quickest = min(quickest, thread_time() - began)
    return quickest


def mebibytes_of(call: Callable[[], object]) -> float:
    """How much memory a call holds at its peak, counting every allocation of Python and of msgspec."""
    tracemalloc.start()
    try:
        call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak / (1 << 20)
