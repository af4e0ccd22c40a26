"""Which field a decoder has refused, for the fields of an error."""

import re

import msgspec

from mvmoe_deploy.errors import MvmoeError

_PLACE = re.compile(r"`\$\S*\.(\w+)(?:\[\S*\])?`$")
"""Where a value is, at the end of the decoder's sentence."""


def refused_field(error: msgspec.ValidationError) -> dict[str, object]:
    """The fields of our own error that the decoder has wrapped, or the name of the field."""
    cause = error.__cause__
    if isinstance(cause, MvmoeError):
        return dict(cause.fields)
    found = _PLACE.search(str(error))
    return {"name": found[1]} if found else {}
