"""All kinds of lines of a results file: those of any run, and what measurements declare.

The JSON Schema in `docs/results.schema.json` is generated from here; `docs/benchmarking.md`
explains it.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Union

import msgspec

from mvmoe_bench.measure.schema.records import (
    SCHEMA,
    VERSION,
    Advice,
    Done,
    Failure,
    Record,
    Resumed,
    Run,
)
from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError

_OF_ANY_RUN: tuple[type[Record], ...] = (Run, Resumed, Advice, Failure, Done)


def line_decoder() -> msgspec.json.Decoder[Any]:
    """Decodes a line of any kind, those of other distributions' measurements included.

    Raises InputError if a measurement declares a kind of line that there is already.
    """
    built_in = part_lookup.built_in_names("measurements")
    added = [name for name in part_lookup.names("measurements") if name not in built_in]
    return _decoder((*built_in, *added))


@cache
def _decoder(measurements: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Of the lines of these measurements."""
    return msgspec.json.Decoder(_any_of(measurements))


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of one line of this version, as the built-in parts write it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{SCHEMA} version {VERSION}, one line",
        **msgspec.json.schema(_any_of(part_lookup.built_in_names("measurements"))),
    }


def _any_of(measurements: Iterable[str]) -> Any:
    """The union of all kinds of lines that these measurements may write."""
    kinds: dict[object, type[Record]] = {_kind(record): record for record in _OF_ANY_RUN}
    for name in measurements:
        for record in part_lookup.find("measurements", name).records:
            if kinds.setdefault(_kind(record), record) is not record:
                raise InputError(
                    f"the measurement {name} declares lines of the kind {_kind(record)!r}, which "
                    "there is already; give its record another tag, or remove the plug-in",
                    code="part.invalid",
                    name=name,
                    found=str(_kind(record)),
                )
    return Union[tuple(kinds.values())]  # noqa: UP007  Known when it runs, not before.


def _kind(record: type[Record]) -> object:
    """What lines of a kind of record say in their field `kind`."""
    return record.__struct_config__.tag
