"""What a results file repeats of a bundle's manifest, which may have any shape."""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def read(found: Any, kind: type[T]) -> T | None:
    """What was found, if it is of the kind; else None."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError:
        return None
