"""Keep back what PyTorch logs, prints and warns of itself, in one thread alone.

A failure of an export is one sentence; PyTorch adds pages to it. Python's own switches (the levels
of loggers, `warnings.catch_warnings`, `sys.stderr`) are those of the whole process: what another
thread says meanwhile would be lost. So what is installed here, once and for ever, asks whether the
thread that speaks is a silenced one, and changes nothing for all others. Unlike the general
`mvmoe_deploy.system.silence`, from which it takes the warnings, it knows how PyTorch prints and
logs, and keeps back its errors too.
"""

import builtins
import contextlib
import logging
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import torch.export._trace
import torch.fx.graph_module

from mvmoe_deploy.system.silence import without_warnings
from mvmoe_export.pytorch_listing import operators_listed_once

_silent: ContextVar[bool] = ContextVar("silent", default=False)
_LIBRARIES = ("torch", "onnxscript")
"""The packages whose loggers are kept back."""

_PRINTING: tuple[ModuleType, ...] = (torch.export._trace, torch.fx.graph_module)
"""Modules of PyTorch that print to stderr where they fail."""

_INSTALLING = threading.Lock()
_EXPORTING = threading.RLock()


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Keep back warnings, and log lines up to ERROR of PyTorch, of this thread in this block."""
    _install()
    token = _silent.set(True)
    try:
        with without_warnings():
            yield
    finally:
        _silent.reset(token)


@contextlib.contextmanager
def exporting() -> Iterator[None]:
    """Alone and in silence with what PyTorch keeps of an export: it does so in global variables.

    Another thread that exports waits until this block has ended.
    """
    with _EXPORTING, silenced(), operators_listed_once():
        yield


class _OfAnother(logging.Filter):
    """Passes a record unless it is PyTorch's and the thread that logs is silenced."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show a record: a filter is asked by the thread that logs."""
        return not (_silent.get() and _is_kept_back(record.name, record.levelno))


def _is_kept_back(logger: str, level: int) -> bool:
    """Whether silence is about lines of that logger and level."""
    return level <= logging.ERROR and logger.partition(".")[0] in _LIBRARIES


_FILTER = _OfAnother()


def _print(*values: Any, **options: Any) -> None:
    """`print`, unless the thread is silenced."""
    if not _silent.get():
        builtins.print(*values, **options)


def _install() -> None:
    """Put in place what asks for the thread, wherever it is not yet."""
    with _INSTALLING:
        for module in _PRINTING:
            vars(module).setdefault("print", _print)
        for name, logger in list(logging.root.manager.loggerDict.items()):
            # PyTorch's own handlers show what its loggers say; where a library has none, they pass
            # it on to others', so that it is kept back at the logger.
            if name.partition(".")[0] in _LIBRARIES and isinstance(logger, logging.Logger):
                logger.addFilter(_FILTER)
                for handler in logger.handlers:
                    handler.addFilter(_FILTER)
