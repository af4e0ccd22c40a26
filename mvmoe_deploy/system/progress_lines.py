"""Progress where no terminal shows bars: a line when a phase begins, each minute, and at its end.

A build server stops work that is silent for long, and whoever reads `nohup.out` wants to know what
is going on: so a thread writes the lines, whether anything was done in that minute or not.
"""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from mvmoe_deploy.text import one_line

INTERVAL_SECONDS = 60.0
"""Between two lines of a phase."""


def duration(seconds: float) -> str:
    """A time for people: `7 s`, `3 min 05 s`, `2 h 10 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def write_line(text: str) -> None:
    """Write one line to stderr; one that is closed, or whose reader is gone, is no reason to stop.

    What its encoding does not have is written as an escape.
    """
    stream = sys.stderr
    if stream is None:
        return
    try:
        encoding = stream.encoding or "ascii"
        shown = one_line(text).encode(encoding, "backslashreplace").decode(encoding)
        print(shown, file=stream, flush=True)
    except (OSError, ValueError):
        pass


@dataclass
class ProgressPhase:
    """How far one phase is."""

    name: str
    total: float
    done: float = 0.0
    words: str = ""
    """What was done last, or what is known of it."""
    unit: str = ""
    """What is counted, where the phase's name does not say it."""

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self._done_before = self.done

    @property
    def is_done(self) -> bool:
        """Whether all of it is done."""
        return self.done >= self.total - 1e-6

    def first_line(self) -> str:
        """That it begins, and how much there is to do."""
        return self.name if self.total <= 1 else f"{self.name}: {self._count}"

    @property
    def _count(self) -> str:
        """How much of it is done: `3 of 8`."""
        if self.total <= 1:
            return "done" if self.is_done else "at work"
        unit = f"{self.unit} " if self.unit else ""
        return f"{unit}{int(self.done + 1e-6)} of {self.total:.0f}"

    def line(self) -> str:
        """Where it is, since when, and for how long still if that can be told."""
        passed = time.monotonic() - self.began
        words = f", {self.words}" if self.words else ""
        text = f"{self.name}: {self._count}{words}, {duration(passed)}"
        made = self.done - self._done_before
        if made > 0 and not self.is_done:
            text += f", about {duration(passed / made * (self.total - self.done))} left"
        return text


class ProgressLines:
    """Writes lines about phases until it is left; any thread may tell it of them."""

    def __init__(
        self, write: Callable[[str], None] = write_line, interval: float | None = None
    ) -> None:
        self._write = write
        self._interval = INTERVAL_SECONDS if interval is None else interval
        self._phases: dict[str, ProgressPhase] = {}
        self._lock = threading.RLock()
        self._left = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._each_interval, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()

    def advance(self, phase: str, item: str | None, total: int) -> None:
        """What is called as `Progress`."""
        with self._lock:
            found = self._phases.get(phase)
            if item is None or found is None:
                found = self.begin(ProgressPhase(phase, total))
            if item is not None:
                found.words = "" if found.done + 1 >= found.total else item
                self.done(found)

    def begin(self, phase: ProgressPhase) -> ProgressPhase:
        """A phase begins, in place of one of the same name."""
        with self._lock:
            self._phases[phase.name] = phase
            self._write(phase.first_line())
        return phase

    def done(self, phase: ProgressPhase, count: float = 1.0) -> None:
        """So much more of a phase is done; its last line is written with the last of it."""
        with self._lock:
            phase.done += count
            if phase.is_done:
                self.end(phase)

    def end(self, phase: ProgressPhase) -> None:
        """A phase is over."""
        with self._lock:
            if self._phases.pop(phase.name, None) is not None:
                self._write(phase.line())

    def _each_interval(self) -> None:
        """Say where every phase is that is not done."""
        while not self._left.wait(self._interval):
            with self._lock:
                for phase in self._phases.values():
                    self._write(phase.line())
