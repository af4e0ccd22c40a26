"""One file per format: from a target's files to the operators of its graphs.

A reader takes the bundle's root and the target's record. It gives what each graph computes, or why
it cannot be read, and raises MissingExtraError if the format's package is not installed. Weights
are never read. ExecuTorch has no reader: operators that were handed to a delegate are in the
delegate's own form, and those outside of it are in the manifest.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from mvmoe_bench.advice.contract import Op
from mvmoe_bench.advice.readers.contract import Unread
from mvmoe_bench.advice.readers.coreml import read as read_coreml
from mvmoe_bench.advice.readers.onnx import read as read_onnx
from mvmoe_deploy.bundle.manifest import Target

Reader = Callable[[Path, Target], Mapping[str, tuple[Op, ...] | Unread]]

READERS: dict[str, Reader] = {"onnx": read_onnx, "coreml": read_coreml}

__all__ = ["READERS", "Reader", "Unread"]
