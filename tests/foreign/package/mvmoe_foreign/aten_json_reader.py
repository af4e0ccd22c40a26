"""Reader `aten-json`: the operators of graphs of the target `aten-json`, for the advisor."""

import json
from pathlib import Path

from mvmoe_bench.advice.readers import ReadGraph
from mvmoe_bench.advice.readers.contract import UNKNOWN, operator
from mvmoe_deploy.errors import BundleError


def read(root: Path, file: str) -> ReadGraph:
    """What gives the operators of the one graph of a file; their tensors are not known."""
    try:
        types = [call["operator"] for call in json.loads((root / file).read_text())["calls"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{file} is no graph ({type(error).__name__}); export it again"
        ) from error
    found = tuple(operator(each, (UNKNOWN,), (UNKNOWN,)) for each in types)
    return lambda _: found


PART = read
