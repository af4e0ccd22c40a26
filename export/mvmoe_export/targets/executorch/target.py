"""The ExecuTorch target as it is found by its name; importing this imports no PyTorch."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import InputError, MissingExtraError
from mvmoe_export.graph_taps import GraphTap
from mvmoe_export.targets.contract import (
    ExportOptions,
    TargetJob,
    require_fitting,
    require_images,
)
from mvmoe_export.targets.executorch.engines import ENGINES
from mvmoe_export.targets.executorch.options import ExecuTorchOptions

if TYPE_CHECKING:
    from mvmoe_export.stages import Stages


class ExecuTorchTarget:
    """Programs for ExecuTorch: XNNPACK (CPU), portable kernels, or Core ML below it."""

    name = "executorch"
    extra = "executorch"
    reads_captured = True
    binds = True
    options = ExecuTorchOptions
    packages = ("torch", "executorch", "torchao", "coremltools")
    engines = ENGINES

    def require(self, stages: "Stages", options: ExportOptions) -> None:
        """Raises InputError for others' options and slow bound layers, MissingExtraError."""
        chosen = self._chosen(options)
        for delegate in chosen.delegate:
            numbers = chosen.numbers_of(delegate)
            require_fitting(chosen.recipe_of(delegate), numbers, stages)
            require_images(chosen.recipe_of(delegate), numbers, options)
            if stages.bound_experts and numbers.changes_layers:
                raise _slow_inputs(chosen.precision)
        if find_spec("executorch") is None:
            raise MissingExtraError.of("ExecuTorch", self.extra)
        if "xnnpack" in chosen.delegate and stages.bound_experts:
            from mvmoe_export.targets.executorch.bound_convolutions import require_products

            require_products(graph for _, graph in stages.graphs)
        if "coreml" in chosen.delegate and find_spec("coremltools") is None:
            raise MissingExtraError.of(
                "coremltools, which ExecuTorch's delegate coreml needs,", "coreml"
            )

    def tap(self, root: Path, record: manifest.Target, graph: manifest.Graph) -> GraphTap:
        """A method whose values can be made outputs; raises BundleError, MissingExtraError."""
        try:
            from mvmoe_export.targets.executorch.tapping import ExecuTorchTap
        except ImportError as error:
            raise MissingExtraError.from_import(error, "ExecuTorch", self.extra) from error
        return ExecuTorchTap(root, graph)

    def room(self, stages: "Stages", options: ExportOptions) -> int:
        """What the compilers read, and for each delegate the program that it writes.

        They read the weights, and what ranges are set by.
        """
        weights, chosen = stages.weight_bytes, self._chosen(options)
        numbers = [chosen.numbers_of(name) for name in chosen.delegate]
        read = weights
        if options.calibration is not None and any(one.needs_images for one in numbers):
            read += options.calibration.range_bytes
        return read + sum(one.stored(weights) for one in numbers)

    def start(
        self, stages: "Stages", options: ExportOptions, root: Path, scratch: Path
    ) -> TargetJob:
        """Start a compiler for each delegate."""
        from mvmoe_export.targets.executorch.job import start

        self.require(stages, options)
        return start(stages, options, self._chosen(options), root, scratch)

    def _chosen(self, options: ExportOptions) -> ExecuTorchOptions:
        return options.of(self.name, self.options)


def _slow_inputs(precision: str) -> InputError:
    """Why a recipe for layers does not go with weights that are inputs."""
    return InputError(
        f"XNNPACK runs the recipe {precision} only with weights that are constants of a graph: as "
        "inputs they gave 0.46 to 0.56 of the speed of fp32 (measured on this project's machine); "
        "give --strategy dispatch, or --executorch-precision fp32",
        code="input.option",
        name="precision",
        given=precision,
    )
