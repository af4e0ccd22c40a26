"""The life of a dispatcher: its calls in flight, and how it ends.

    open --close()--> closing --the last call has ended--> closed

What has to hold although anything may be raised at any line (Ctrl-C, a signal handler, an
asynchronous exception): a call is counted from its registration until it ends, whatever it
raises; `close` returns once the calls of other threads have ended; the resources are freed exactly
when no call can use them any more. So no lock is held while Python code of ours runs: dicts,
lists and SimpleQueue, whose operations are atomic, hold the state, and ending a call is written so
that it may be done twice.
"""

import atexit
import ctypes
import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import get_ident
from time import monotonic
from typing import Any, Generic, NoReturn, TypeVar
from weakref import WeakValueDictionary

from mvmoe_deploy.errors import InputError, ProcessBoundError

B = TypeVar("B")
R = TypeVar("R")

_EXIT_SECONDS = 30.0
"""How long the end of the process waits for calls in flight in daemon threads, in all."""


class Calls(Generic[B]):
    """Calls in flight, each with buffers of its own; `free` releases what all of them use.

    `make` makes buffers, which later calls use again. `free` is called once no call is in flight
    and none can begin; it may be called more than once.
    """

    def __init__(self, make: Callable[[], B], free: Callable[[], None]) -> None:
        self._make = make
        self._free_resources = free
        self._idle: list[B] = []
        self._running: dict[tuple[int, object], tuple[B, ...]] = {}
        """By thread and call; its buffers, once it has taken some."""
        self._ended: SimpleQueue[None] = SimpleQueue()
        """Has an entry whenever a call ended after `close` began."""
        self._closing = _process.ending
        self._process = _process.id
        _process.register(self)

    @property
    def closing(self) -> bool:
        """Whether no further call may begin."""
        return self._closing

    def run(self, work: Callable[..., R], *arguments: Any) -> R:
        """`work(buffers, *arguments)` as one call.

        Raises InputError after `close`, ProcessBoundError in a forked child, and what `work` does.
        """
        call = (get_ident(), object())
        # Twice: an exception may be raised at any line, that of the clean-up too.
        try:
            try:
                self._running[call] = ()
                if self._closing or self._process is not _process.id:
                    self._end(call)
                    self._refuse()
                return work(self._take(call), *arguments)
            finally:
                self._end(call)
        finally:
            if self._closing or call in self._running:
                self._end(call)

    def require_open(self) -> None:
        """Raise what `run` would raise of its own."""
        if self._closing or self._process is not _process.id:
            self._refuse()

    def close(self, seconds: float | None = None) -> bool:
        """Let no further call begin, wait for those of other threads, free the resources.

        Where the calling thread itself has a call in flight, which a signal handler has
        interrupted, the end of that call frees them. In a forked child nothing is done: the
        engine's threads are not there to end. Gives whether all was done within `seconds`.
        """
        if self._process is not _process.id:
            return True
        self._closing = True
        while self._others():
            try:
                self._ended.get(timeout=seconds)
            except Empty:
                return False
        self._settle()
        return True

    def abandon(self) -> None:
        """Never free the resources: in a forked child engines would wait for threads for ever."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._free_resources))

    def _take(self, call: tuple[int, object]) -> B:
        """Buffers that no other call has until this one ends."""
        try:
            buffers = self._idle.pop()
        except IndexError:
            buffers = self._make()
        self._running[call] = (buffers,)
        return buffers

    def _end(self, call: tuple[int, object]) -> None:
        """Take a call out; does nothing if it is out."""
        # One line: what is taken out of one table is in the other.
        self._idle.extend(self._running.pop(call, ()))
        if self._closing:
            self._settle()

    def _settle(self) -> None:
        """Free the resources if no call is left, and wake whoever waits for that."""
        if not self._running:
            self._idle.clear()
            self._free_resources()
        self._ended.put(None)

    def _others(self) -> bool:
        """Whether a call of another thread is in flight."""
        me = get_ident()
        return any(thread != me for thread, _ in list(self._running))

    def _refuse(self) -> NoReturn:
        """Say why no call may begin."""
        if self._process is not _process.id:
            raise ProcessBoundError(
                "this dispatcher was opened in the process that this one was forked from; open "
                "the bundle again in this process"
            )
        if _process.ending and threading.current_thread() is not threading.main_thread():
            # Python is about to end this daemon thread; inside an engine that would be a crash.
            threading.Event().wait()
        raise InputError("this dispatcher is closed; open the bundle again")


class _Process:
    """What the calls of all dispatchers of this process share."""

    def __init__(self) -> None:
        self.id = object()
        """Another one in each forked child."""
        self.ending = False
        self._live: WeakValueDictionary[int, Calls[Any]] = WeakValueDictionary()

    def register(self, calls: Calls[Any]) -> None:
        """Know of a dispatcher's calls as long as they exist."""
        self._live[id(calls)] = calls

    def after_fork(self) -> None:
        """In the child: the parent's dispatchers are unusable, and must not be torn down."""
        self.id = object()
        for calls in self._all():
            calls.abandon()
        self._live = WeakValueDictionary()

    def end(self) -> None:
        """Close all dispatchers before Python ends its daemon threads.

        A thread that Python ends inside an engine's C++ code brings the whole process down.
        """
        self.ending = True
        last = monotonic() + _EXIT_SECONDS
        for calls in self._all():
            calls.close(max(last - monotonic(), 0.0))

    def _all(self) -> list[Calls[Any]]:
        """All that are left; other threads may register some meanwhile."""
        return [calls for ref in self._live.valuerefs() if (calls := ref()) is not None]


_process = _Process()
atexit.register(_process.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.after_fork)
