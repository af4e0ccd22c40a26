"""How one call is timed, and in which order subjects take their turns."""

from collections.abc import Callable, Sequence
from time import perf_counter_ns, thread_time_ns
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class ClockReading(NamedTuple):
    """Both clocks at one moment, or what passed between two readings, in nanoseconds."""

    wall: int
    cpu: int
    """What this thread has computed: unlike the wall it stands still while others are let in."""


def read_clocks() -> ClockReading:
    """The real clocks."""
    return ClockReading(perf_counter_ns(), thread_time_ns())


def timed_call(
    call: Callable[[T], object], query: T, clock: Callable[[], ClockReading] = read_clocks
) -> ClockReading:
    """What a call takes that comes right after another one, which is not timed.

    The first one brings the subject's weights back into the caches that the subject before has
    filled with its own, as they are in an application that runs one model.
    """
    call(query)
    before = clock()
    call(query)
    after = clock()
    return ClockReading(after.wall - before.wall, after.cpu - before.cpu)


def rotated(items: Sequence[T], number: int) -> list[T]:
    """The order of round `number`: over the rounds each item stands equally often at each place."""
    start = number % len(items) if items else 0
    return [*items[start:], *items[:start]]
