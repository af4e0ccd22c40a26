"""Which limit of the process or the machine was reached: engines say only that they failed."""

import contextlib
import errno
import mmap
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from mvmoe_deploy.errors import MvmoeError, ResourceLimitError

try:
    import resource
except ImportError:  # Not on Windows.
    resource = None  # type: ignore[assignment]

_FILES = (errno.EMFILE, errno.ENFILE)
_FILES_TEXT = re.compile(
    rf"too many open files|system error number (?:{errno.EMFILE}|{errno.ENFILE})\b", re.IGNORECASE
)
_MEMORY_TEXT = re.compile(
    r"cannot allocate memory|bad[_ ]alloc|out of memory|failed to allocate|"
    rf"system error number {errno.ENOMEM}\b|MemoryAllocationFailed",
    re.IGNORECASE,
)
_THREADS_TEXT = re.compile(
    r"can't start new thread|pthread_create|resource temporarily unavailable", re.IGNORECASE
)

_PROBE_BYTES = 2**22
"""Small compared with any engine: where even this is refused, no memory is left."""


class Limit(NamedTuple):
    """A limit that was met: its error code, and a clause that says what it is and what to do."""

    code: str
    advice: str


def limit_met(error: BaseException) -> Limit | None:
    """The limit that an exception, or one that it was raised from, is about; None for none."""
    current: BaseException | None = error
    while current is not None:
        found = _limit_of(current)
        if found is not None:
            return found
        current = current.__cause__ or current.__context__
    if _files_are_exhausted():
        return _files()
    return _memory() if _memory_is_exhausted() else None


def raise_if_limit(error: BaseException, what: str) -> None:
    """Raise ResourceLimitError, beginning with `what`, if an exception means that."""
    found = limit_met(error)
    if found is not None:
        raise ResourceLimitError(f"{what}: {found.advice}", code=found.code) from error


@contextlib.contextmanager
def resource_limits(what: str) -> Iterator[None]:
    """Turn exceptions that mean a limit into ResourceLimitError, beginning with `what`."""
    try:
        yield
    except (MvmoeError, MemoryError, OSError, RuntimeError, ImportError) as error:
        if not isinstance(error, ResourceLimitError):
            raise_if_limit(error, what)
        raise


def _limit_of(error: BaseException) -> Limit | None:
    """The limit that one exception is about."""
    number = error.errno if isinstance(error, OSError) else None
    text = str(error)
    if number in _FILES or _FILES_TEXT.search(text):
        return _files()
    if isinstance(error, MemoryError) or number == errno.ENOMEM or _MEMORY_TEXT.search(text):
        return _memory()
    if number == errno.EAGAIN or _THREADS_TEXT.search(text):
        return Limit(
            "limit.threads",
            f"no further thread can be started{_soft_limit('RLIMIT_NPROC', 'processes')}; end "
            "some, or raise the limit (ulimit -u)",
        )
    return None


def _files() -> Limit:
    return Limit(
        "limit.files",
        f"no further file can be opened{_soft_limit('RLIMIT_NOFILE', 'open files')}; close "
        "dispatchers or files, or raise the limit (ulimit -n)",
    )


def _memory() -> Limit:
    return Limit(
        "limit.memory",
        f"memory ran out{_soft_limit('RLIMIT_AS', 'bytes of address space')}; close "
        "dispatchers, bound max_resident_experts, or give the process more",
    )


def _memory_is_exhausted() -> bool:
    """Whether a few pages more are refused: ExecuTorch, for one, does not say why it failed."""
    try:
        mmap.mmap(-1, _PROBE_BYTES).close()
    except OSError as error:
        return error.errno == errno.ENOMEM
    return False


def _files_are_exhausted() -> bool:
    """Whether the table of open files is full: engines do not always say why they failed."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in _FILES
    return False


def _soft_limit(name: str, what: str) -> str:
    """The limit of this process in words, if it has one."""
    if resource is None or not hasattr(resource, name):
        return ""
    soft, _ = resource.getrlimit(getattr(resource, name))
    return "" if soft == resource.RLIM_INFINITY else f" (the limit is {soft} {what})"
