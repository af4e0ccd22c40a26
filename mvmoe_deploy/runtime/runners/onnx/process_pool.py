"""The pool of threads that the sessions of a process may share, of which ONNX Runtime has one.

The pool is made once, and its number of threads stays as it is. From then on ONNX Runtime refuses
sessions with pools of their own, so that all later ones of the process use it.
"""

import threading
from typing import Any

from mvmoe_deploy.errors import InputError

_STARTING = threading.Lock()
_started: list[int] = []
"""The number of threads, once there is a pool; 0 for as many as ONNX Runtime chose."""


def is_started() -> bool:
    """Whether this process has a pool that its sessions have to use."""
    return bool(_started)


def start(engine: Any, threads: int | None) -> None:
    """Make the pool, unless it is there; None leaves its size to ONNX Runtime.

    Raises InputError if there is one already that has another size, or that other code made.
    """
    # On one line: at a line of its own, leaving the block could be interrupted.
    with _STARTING: _start(engine, threads or 0)  # fmt: skip  # noqa: E701


def _start(engine: Any, wanted: int) -> None:
    """As `start`; the lock is held."""
    if not _started:
        try:
            engine.set_global_thread_pool_sizes(wanted, 1)
        except Exception as error:  # Its exceptions share no base class of their own.
            raise InputError(
                "pool=process was given, but other code of this process has made ONNX Runtime's "
                "pool, whose size cannot be asked for; leave the engine option pool out",
                code="engine.option",
                option="pool",
            ) from error
        _started.append(wanted)
    if _started[0] != wanted:
        found = _started[0] or "as many as ONNX Runtime chose"
        raise InputError(
            f"threads {wanted or None} was given, but this process has one pool for all graphs of "
            f"ONNX Runtime, with {found}; give that number, or use another process",
            code="engine.option",
            option="pool",
        )
