"""Timers of the parts of one inference."""

from dataclasses import dataclass
from time import perf_counter_ns
from typing import Protocol


@dataclass(frozen=True)
class Timings:
    """Milliseconds of one prediction; `load` is the time to have the expert in memory."""

    preprocess: float = 0.0
    stem: float = 0.0
    select: float = 0.0
    load: float = 0.0
    expert: float = 0.0
    total: float = 0.0


class Timer(Protocol):
    """Is called when each part of an inference ends."""

    def lap(self, name: str) -> None:
        """The part `name` ends now; it began when the part before ended."""


class LapTimer:
    """Adds up the time of all laps of one name."""

    def __init__(self) -> None:
        self._start = self._last = perf_counter_ns()
        self._spent: dict[str, int] = {}

    def lap(self, name: str) -> None:
        """Add the time since the last lap to that of `name`."""
        now = perf_counter_ns()
        self._spent[name] = self._spent.get(name, 0) + now - self._last
        self._last = now

    def timings(self) -> Timings:
        """The time of each part in milliseconds; `total` ends now."""
        parts = {name: spent / 1e6 for name, spent in self._spent.items()}
        return Timings(**parts, total=(perf_counter_ns() - self._start) / 1e6)
