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
import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from threading import get_ident
from time import monotonic, sleep
from typing import Any, Generic, NoReturn, TypeVar
from weakref import WeakValueDictionary

from mvmoe_deploy.errors import InputError, ProcessBoundError

B = TypeVar("B")
R = TypeVar("R")

_EXIT_SECONDS = 30.0
"""How long the end of the process waits for calls in flight in daemon threads, in all."""

_FORK_SECONDS = 10.0
"""How long a fork waits for the engines, and they for it."""


class _Call(Generic[B]):
    """A call with its buffers: in flight, or idle until another call takes both."""

    __slots__ = ("buffers", "thread")

    def __init__(self, buffers: B) -> None:
        self.buffers = buffers
        self.thread = 0
        """The one that it is in flight in, or was."""


class Calls(Generic[B]):
    """Calls in flight, each with buffers of its own; `free` releases what all of them use.

    `make` makes buffers, which later calls use again. `free` is called once no call is in flight
    and none can begin; it may be called more than once.
    """

    def __init__(self, make: Callable[[], B], free: Callable[[], None]) -> None:
        self._make = make
        self._free_resources = free
        self._idle: list[_Call[B]] = []
        self.running: dict[_Call[B], tuple[_Call[B]]] = {}
        """The calls in flight, each with what goes back to those that are idle."""
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
        try:
            call = self._idle.pop()
        except IndexError:
            call = self._new_call()
        call.thread = get_ident()
        running = self.running
        # Twice: an exception may be raised at any line, that of the clean-up too.
        try:
            try:
                running[call] = (call,)
                if self._closing or self._process is not _process.admitted:
                    self._wait_for_turn(call)
                return work(call.buffers, *arguments)
            finally:
                # One line, so that an interruption between the two tables cannot lose the buffers.
                self._idle.extend(running.pop(call, ()))
                if self._closing:
                    self._wake_and_free()
        finally:
            if self._closing or call in running:
                self._end(call)

    def require_open(self) -> None:
        """Raise the errors that `run` itself raises: closed, or of another process."""
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
        while self.has_others():
            try:
                self._ended.get(timeout=seconds)
            except Empty:
                return False
        self._wake_and_free()
        return True

    def abandon(self) -> None:
        """Never free the resources: in a forked child engines would wait for threads it lacks."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._free_resources))

    def _new_call(self) -> _Call[B]:
        """A call with new buffers; raises as `require_open`."""
        self.require_open()
        return _Call(self._make())

    def _wait_for_turn(self, call: _Call[B]) -> None:
        """Return once a registered call may go on; raises as `require_open`, and has ended then."""
        while self._closing or self._process is not _process.admitted:
            # Without its buffers, which stay this call's.
            self.running.pop(call, None)
            look_again = self._refuse_or_wait()
            self.running[call] = (call,)
            if not (look_again or self._closing):
                break

    def _end(self, call: _Call[B]) -> None:
        """Remove a call that has ended and keep its buffers; does nothing the second time."""
        self._idle.extend(self.running.pop(call, ()))
        if self._closing:
            self._wake_and_free()

    def _wake_and_free(self) -> None:
        """Wake threads that wait for calls to end; free the resources if no call is left."""
        self._ended.put(None)
        if not self.running:
            self._idle.clear()
            _process.run(self._free_resources)

    def has_others(self) -> bool:
        """Whether a call of another thread is in flight."""
        me = get_ident()
        return any(call.thread != me for call in list(self.running))

    def is_inside(self, thread: int) -> bool:
        """Whether a call of a thread is in flight."""
        return any(call.thread == thread for call in list(self.running))

    def _refuse_or_wait(self) -> bool:
        """Raise if no call may begin, else wait for a fork; False if this thread may pass it."""
        self.require_open()
        return _process.wait_for_fork()

    def _refuse(self) -> NoReturn:
        """Raise the error that says why no call may begin."""
        if self._process is not _process.id:
            raise ProcessBoundError(
                "this dispatcher was opened in the process that this one was forked from; open "
                "the bundle again in this process"
            )
        _process.block_if_ending()
        raise InputError(
            "this dispatcher is closed; open the bundle again",
            code="dispatcher.closed",
        )


def engine_work(work: Callable[..., R], *arguments: Any, **options: Any) -> R:
    """`work(...)`, which uses an engine and is no call of a dispatcher yet: opening one.

    Forks and the end of the process wait for it as they do for calls.
    """
    return _process.run(work, *arguments, **options)


class _DispatcherProcess:
    """What the calls of all dispatchers of this process share: its end, and its forks.

    If a process is forked while an engine holds one of its locks, nothing releases that lock in the
    child. So a fork waits until no thread is inside an engine, and no thread enters one until the
    fork is done.
    """

    def __init__(self) -> None:
        self.id = object()
        """A new object in each forked child."""
        self.admitted = self.id
        """Equal to `id`, except while a thread is about to fork: calls then wait."""
        self.ending = False
        self._busy: dict[tuple[int, object], None] = {}
        self._live: WeakValueDictionary[int, Calls[Any]] = WeakValueDictionary()
        self._prepare_for_forks()

    def _prepare_for_forks(self) -> None:
        self._forks = threading.Lock()
        self._forker = 0
        self._forked = threading.Event()

    def register(self, calls: Calls[Any]) -> None:
        """Remember a dispatcher's calls as long as they exist."""
        self._live[id(calls)] = calls

    def run(self, work: Callable[..., R], *arguments: Any, **options: Any) -> R:
        """`work(...)` as engine work that is no call."""
        token = (get_ident(), object())
        # Twice, as in `Calls.run`.
        try:
            try:
                self._busy[token] = None
                self.block_if_ending()
                while self.admitted is not self.id:
                    self._busy.pop(token, None)
                    look_again = self.wait_for_fork()
                    self._busy[token] = None
                    if not look_again:
                        break
                return work(*arguments, **options)
            finally:
                self._busy.pop(token, None)
        finally:
            self._busy.pop(token, None)

    def wait_for_fork(self) -> bool:
        """Wait while another thread is about to fork; the caller then has to look again.

        False for the thread that forks, and inside of work that the fork itself waits for.
        """
        me = get_ident()
        if me == self._forker or self._is_inside(me):
            return False
        if self.admitted is not self.id:
            self._forked.wait(_FORK_SECONDS)
        return True

    def block_if_ending(self) -> None:
        """Block this thread until the process is gone if that is ending; never the main thread.

        Python would end the thread inside an engine, and that crashes.
        """
        if self.ending and threading.current_thread() is not threading.main_thread():
            for token in list(self._busy):
                if token[0] == get_ident():
                    self._busy.pop(token, None)
            threading.Event().wait()

    def before_fork(self) -> None:
        """Wait until no other thread is inside an engine, and keep them out."""
        self._forks.acquire()
        self._forker = get_ident()
        self._forked.clear()
        self.admitted = object()
        last = monotonic() + _FORK_SECONDS
        while self._is_busy() and monotonic() < last:
            sleep(0.0002)

    def after_fork_in_parent(self) -> None:
        """Let calls begin again."""
        self.admitted = self.id
        self._forker = 0
        self._forked.set()
        with contextlib.suppress(RuntimeError):  # `before_fork` was interrupted.
            self._forks.release()

    def after_fork_in_child(self) -> None:
        """In the child: the parent's dispatchers are unusable, and must not be torn down."""
        self.id = self.admitted = object()
        for calls in self._all():
            calls.abandon()
        self._live = WeakValueDictionary()
        self._busy = {}
        self._prepare_for_forks()

    def end(self) -> None:
        """Close all dispatchers before Python ends its daemon threads.

        A thread that Python ends inside an engine's C++ code brings the whole process down.
        """
        self.ending = True
        last = monotonic() + _EXIT_SECONDS
        for calls in self._all():
            calls.close(max(last - monotonic(), 0.0))
        while _of_another_thread(self._busy) and monotonic() < last:
            sleep(0.001)

    def _is_busy(self) -> bool:
        """Whether another thread is inside an engine."""
        return _of_another_thread(self._busy) or any(calls.has_others() for calls in self._all())

    def _is_inside(self, thread: int) -> bool:
        """Whether a thread is inside an engine."""
        if any(one == thread for one, _ in list(self._busy)):
            return True
        return any(calls.is_inside(thread) for calls in self._all())

    def _all(self) -> list[Calls[Any]]:
        """The calls of all dispatchers that exist; other threads may register some meanwhile."""
        return [calls for ref in self._live.valuerefs() if (calls := ref()) is not None]


def _of_another_thread(running: Mapping[tuple[int, object], object]) -> bool:
    """Whether one of the calls is of another thread than this one."""
    me = get_ident()
    return any(thread != me for thread, _ in list(running))


_process = _DispatcherProcess()
atexit.register(_process.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_process.before_fork,
        after_in_parent=_process.after_fork_in_parent,
        after_in_child=_process.after_fork_in_child,
    )
