"""Dropping warnings and log lines of one thread, and of no other."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from threading import get_ident
from typing import Any, cast

_BELOW_EVERY_HANDLER = -1
"""A level that no handler writes: the lowest that one can have is 0."""


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Show no warning that this thread gives while the block lasts; those of others are shown."""
    silence = _Silence()
    # Python has one list of filters for all threads. Another one may have kept a copy of it when
    # the block ends: an entry that is left there then drops nothing.
    filters = cast("list[tuple[Any, ...]]", warnings.filters)
    entry = ("ignore", silence, Warning, None, 0)
    filters.insert(0, entry)
    try:
        yield
    finally:
        silence.ended = True
        with contextlib.suppress(ValueError):
            filters.remove(entry)


@contextlib.contextmanager
def without_log_lines() -> Iterator[None]:
    """Log nothing up to WARNING of this thread while the block lasts; what others log is kept."""
    silence, make_record = _Silence(), logging.getLogRecordFactory()

    def record_of_thread(*arguments: Any, **options: Any) -> logging.LogRecord:
        """A log record; one that is dropped has a level that no handler writes."""
        record = make_record(*arguments, **options)
        if record.levelno <= logging.WARNING and silence.match(record.name):
            record.levelno = _BELOW_EVERY_HANDLER
        return record

    # Python has one factory for all threads. Another one may have put its own over this one when
    # the block ends: this one then stays below it, and drops nothing.
    logging.setLogRecordFactory(record_of_thread)
    try:
        yield
    finally:
        silence.ended = True
        if logging.getLogRecordFactory() is record_of_thread:
            logging.setLogRecordFactory(make_record)


class _Silence:
    """Whether something is dropped: what the thread gives that made it, until it has ended."""

    def __init__(self) -> None:
        self._thread = get_ident()
        self.ended = False

    def match(self, text: str) -> bool:
        """The answer, whatever the text: it stands where a warnings filter has its pattern."""
        return get_ident() == self._thread and not self.ended
