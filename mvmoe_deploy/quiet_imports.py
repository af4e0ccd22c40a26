"""Importing an engine without its warnings about the machine, and with a clear error.

coremltools says at import which optional parts it does not find: scikit-learn's version, the
version of PyTorch, the library that exists on macOS only. None of it concerns our users.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from threading import get_ident
from types import ModuleType

from mvmoe_deploy.errors import MissingExtraError
from mvmoe_deploy.system.silence import without_log_lines, without_warnings


@contextlib.contextmanager
def import_quietly(what: str = "coremltools", extra: str = "coreml") -> Iterator[None]:
    """Import inside this block: this thread shows no warnings, and logs nothing up to WARNING.

    Other threads are not affected.

    Raises MissingExtraError for `what` with the pip command of `extra` if an import fails.
    """
    try:
        with without_warnings(), without_log_lines():
            yield
    except ImportError as error:
        raise MissingExtraError.from_import(error, what, extra) from error


@contextlib.contextmanager
def without_packages(*names: str) -> Iterator[None]:
    """Import inside this block as if packages of these names were not installed.

    A library keeps what it found, or did not find, for as long as the process lives: this is for
    processes of our own. A package that is imported already is found, and other threads find all.
    """
    finder = _NotInstalled(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextlib.contextmanager
def without_packages_anywhere(*names: str) -> Iterator[None]:
    """`without_packages` for all threads, and for packages that are imported already.

    Only for a process in which nothing else runs meanwhile.
    """
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]  # None: it is not found.
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(before)


class _NotInstalled:
    """Finds no package of some names for the thread that made it."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)
        self._thread = get_ident()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse a name, or leave it to the next finder."""
        if name in self._names and get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None
