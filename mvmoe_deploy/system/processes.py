"""How a process of ours ends: by a signal like by Ctrl-C, and with the process that started it."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType

_SIGNALS = ("SIGTERM", "SIGHUP")
"""What asks a process to end; the second, on Unix alone, says that its terminal is gone."""


class SignalInterrupt(KeyboardInterrupt):
    """A signal that asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise SignalInterrupt, as Ctrl-C does KeyboardInterrupt.

    So it is while the block lasts.

    A signal that this process was started to ignore (by `nohup`, or a shell's `trap ''`) or that is
    handled already stays as it is. For the main thread alone.
    """
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    handled = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    for number in handled:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def interruption_in(error: BaseException | None) -> KeyboardInterrupt | None:
    """The interruption that an error is, or that was being dealt with when it came up."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return error
        error = error.__context__
    return None


def interruption_code(error: BaseException | None) -> int:
    """The exit code of an interruption, as shells count: 128 and the signal's number.

    Work may answer a signal with a KeyboardInterrupt of its own: the signal is behind it then.
    """
    while error is not None:
        if isinstance(error, SignalInterrupt):
            return 128 + error.number
        error = error.__context__
    return 128 + signal.SIGINT


def usable_cores() -> int:
    """The CPU cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def end_when_closed(descriptor: int) -> None:
    """End this process, at once, when the other end of a pipe is closed; nothing is written there.

    The process that holds the other end need not do anything for that: the system closes it when
    that process ends, however it ends.
    """
    wait = partial(_wait_for_end, descriptor)
    threading.Thread(target=_end_after, args=(wait,), daemon=True).start()


def end_with_parent() -> None:
    """End this process, which `multiprocessing` has started, at once when its parent has ended."""
    import multiprocessing

    if parent := multiprocessing.parent_process():
        threading.Thread(target=_end_after, args=(parent.join,), daemon=True).start()


def _wait_for_end(descriptor: int) -> None:
    """Read a pipe to its end."""
    # Not through `sys.stdin`: Python aborts at its end if a thread holds the lock of that.
    while os.read(descriptor, 1024):
        pass


def _end_after(wait: Callable[[], object]) -> None:
    """End this process when `wait` returns."""
    wait()
    os._exit(1)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the work, unless an earlier interruption is being cleaned up.

    A terminal that is closed sends two signals, one right after the other.
    """
    if interruption_in(sys.exception()) is None:
        raise SignalInterrupt(number)
