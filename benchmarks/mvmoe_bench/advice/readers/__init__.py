"""One file per format: from a target's files to the operators of its graphs.

A reader is a part of the kind `readers`, called like the format: a function that takes the bundle's
root and the target's record. It gives what each graph computes, or why it cannot be read, and
raises MissingExtraError if the format's package is not installed. Weights are never read.
ExecuTorch has no reader: operators that were handed to a delegate are in the delegate's own form,
and those outside of it are in the manifest.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from mvmoe_bench.advice.contract import Op
from mvmoe_bench.advice.readers.contract import UnreadableGraph
from mvmoe_deploy import parts
from mvmoe_deploy.bundle.manifest import Target

Reader = Callable[[Path, Target], Mapping[str, tuple[Op, ...] | UnreadableGraph]]

__all__ = ["Reader", "UnreadableGraph", "find_reader"]


def find_reader(format_: str, *, plugins: bool = False) -> Reader | None:
    """The reader of a format; None if there is none.

    Raises InputError if it is a plug-in's and those are not allowed.
    """
    if format_ not in parts.names("readers"):
        return None
    found: Reader = parts.find("readers", format_, plugins=plugins)
    return found
