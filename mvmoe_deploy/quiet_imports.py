"""Importing coremltools without its warnings about the machine, and with a clear error.

coremltools says at import which optional parts it does not find: scikit-learn's version, the
version of PyTorch, the library that exists on macOS only. None of it concerns our users.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator

from mvmoe_deploy.errors import MissingExtraError


@contextlib.contextmanager
def import_quietly(what: str = "coremltools", extra: str = "coreml") -> Iterator[None]:
    """Import inside this block: no warnings are shown while it lasts.

    Python has one switch for a whole process: warnings and log lines of other threads, up to
    WARNING, are dropped for as long as well.

    Raises MissingExtraError for `what` with the pip command of `extra` if an import fails.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ImportError as error:
        raise MissingExtraError.from_import(error, what, extra) from error
    finally:
        logging.disable(before)
