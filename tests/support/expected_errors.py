"""Expects an error of ours by what a program reads of it: its class, its code and its fields."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mvmoe_deploy.errors import MvmoeError

_GENERAL = (".invalid", ".failed", ".error")
"""The ends of codes that say too little alone (`docs/errors.md`)."""


@contextmanager
def raises(
    kind: type[MvmoeError], code: str, /, **fields: object
) -> Iterator[pytest.ExceptionInfo[MvmoeError]]:
    """Expect an error of this class and code whose fields have these values; others are free.

    A general code needs a field that tells the error from its neighbours.
    """
    __tracebackhide__ = True
    assert fields or not code.endswith(_GENERAL), f"{code} is general: ask for a field too"
    with pytest.raises(kind) as caught:
        yield caught
    error = caught.value
    found = {name: error.fields[name] for name in fields if name in error.fields}
    assert (error.code, found) == (code, fields), str(error)
