"""Importing an engine without its warnings about the machine, and with a clear error.

coremltools says at import which optional parts it does not find: scikit-learn's version, the
version of PyTorch, the library that exists on macOS only. None of it concerns our users.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from threading import get_ident
from typing import Any, cast

from mvmoe_deploy.errors import MissingExtraError

_BELOW_EVERY_HANDLER = -1
"""A level that no handler writes: the lowest that one can have is 0."""


@contextlib.contextmanager
def import_quietly(what: str = "coremltools", extra: str = "coreml") -> Iterator[None]:
    """Import inside this block: this thread shows no warnings, and logs nothing up to WARNING.

    Other threads are not affected.

    Raises MissingExtraError for `what` with the pip command of `extra` if an import fails.
    """
    silence = _Silence()
    silence.begin()
    try:
        yield
    except ImportError as error:
        raise MissingExtraError.from_import(error, what, extra) from error
    finally:
        silence.end()


class _Silence:
    """Drops warnings and log lines of the thread that made it, from `begin` to `end`.

    Python has one list of warnings filters and one factory of log records for all threads. So both
    ask here which thread it is. Another thread may have kept a copy of the list, or have put a
    factory of its own over this one, when `end` is called: what is left there then does nothing.
    """

    def __init__(self) -> None:
        self._thread = get_ident()
        self._ended = False
        self._filters = cast("list[tuple[Any, ...]]", warnings.filters)
        self._entry = ("ignore", self, Warning, None, 0)
        self._make_record = logging.getLogRecordFactory()
        self._factory = self._record

    def begin(self) -> None:
        """Drop them from now on."""
        self._filters.insert(0, self._entry)
        logging.setLogRecordFactory(self._factory)

    def end(self) -> None:
        """Drop nothing any more."""
        self._ended = True
        if logging.getLogRecordFactory() is self._factory:
            logging.setLogRecordFactory(self._make_record)
        with contextlib.suppress(ValueError):
            self._filters.remove(self._entry)

    def match(self, text: str) -> bool:
        """Whether a warning is dropped: it stands where a warnings filter has its pattern."""
        return get_ident() == self._thread and not self._ended

    def _record(self, *arguments: Any, **options: Any) -> logging.LogRecord:
        """A log record; one that is dropped has a level that no handler writes."""
        record = self._make_record(*arguments, **options)
        if record.levelno <= logging.WARNING and self.match(record.name):
            record.levelno = _BELOW_EVERY_HANDLER
        return record
