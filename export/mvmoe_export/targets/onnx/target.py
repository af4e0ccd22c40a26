"""The ONNX target as it is found by its name; importing this imports no ONNX and no PyTorch."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import MissingExtraError
from mvmoe_export.graph_taps import GraphTap
from mvmoe_export.targets.contract import (
    ExportOptions,
    InlineJob,
    Records,
    require_fitting,
    require_images,
)
from mvmoe_export.targets.onnx.engines import ENGINES
from mvmoe_export.targets.onnx.operators import read
from mvmoe_export.targets.onnx.options import OnnxOptions

if TYPE_CHECKING:
    from mvmoe_export.stages import Stages


class OnnxTarget:
    """The `onnx` target, for ONNX Runtime on any of its platforms."""

    name = "onnx"
    extra = "export"
    binds = True
    options = OnnxOptions
    packages = ("torch", "onnx", "onnxscript", "onnxruntime")
    engines = ENGINES
    read_operators = staticmethod(read)

    def require(self, stages: "Stages", options: ExportOptions) -> None:
        """Raises InputError for options that it cannot serve, MissingExtraError."""
        chosen = options.of(self.name, self.options)
        require_fitting(chosen.recipe, chosen.numbers, stages)
        require_images(chosen.recipe, chosen.numbers, options)
        for package in ("onnxscript", "onnxruntime"):
            if find_spec(package) is None:
                raise MissingExtraError.of(package, self.extra)

    def tap(self, root: Path, record: manifest.Target, graph: manifest.Graph) -> GraphTap:
        """A graph whose values can be made outputs; raises BundleError, MissingExtraError."""
        try:
            from mvmoe_export.targets.onnx.tapping import OnnxTap
        except ImportError as error:
            raise MissingExtraError.from_import(error, "onnx", self.extra) from error
        return OnnxTap(root, graph)

    def room(self, stages: "Stages", options: ExportOptions) -> int:
        """One file of weights, whatever the profiles."""
        return stages.weight_bytes

    def start(
        self, stages: "Stages", options: ExportOptions, root: Path, scratch: Path
    ) -> InlineJob:
        """Write `onnx/<graph>.onnx` and `onnx/weights.bin` below `root` when asked to finish."""
        chosen = options.of(self.name, self.options)

        def write() -> Records:
            from mvmoe_export.targets.onnx.writing import write_graphs

            return write_graphs(stages, options, chosen, root)

        return InlineJob(write)
