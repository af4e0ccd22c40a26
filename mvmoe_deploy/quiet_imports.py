"""Importing an engine without its warnings about the machine, and with a clear error.

coremltools says at import which optional parts it does not find: scikit-learn's version, the
version of PyTorch, the library that exists on macOS only. None of it concerns our users.
"""

import contextlib
from collections.abc import Iterator

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
