"""One file per format: from a target's files to the operators of its graphs.

A reader is a part of the kind `readers`, called like the format: a function that opens a file of
the bundle at `root` and gives what reads the graphs in it. Both raise BundleError for what cannot
be read, and MissingExtraError if the format's package is not installed. Weights are never read.
ExecuTorch has no reader: operators that were handed to a delegate are in the delegate's own form,
and those outside of it are in the manifest.
"""

from collections.abc import Callable
from pathlib import Path

from mvmoe_bench.advice.contract import Op
from mvmoe_deploy import parts
from mvmoe_deploy.bundle.manifest import Graph

ReadGraph = Callable[[Graph], tuple[Op, ...]]
Reader = Callable[[Path, str], ReadGraph]

__all__ = ["ReadGraph", "Reader", "find_reader"]


def find_reader(format_: str, *, plugins: bool = False) -> Reader | None:
    """The reader of a format; None if there is none.

    Raises InputError if it is a plug-in's and those are not allowed.
    """
    if format_ not in parts.names("readers"):
        return None
    found: Reader = parts.find("readers", format_, plugins=plugins)
    return found
