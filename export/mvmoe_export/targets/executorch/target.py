"""The ExecuTorch target as it is found by its name; importing this imports no PyTorch."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import MissingExtraError
from mvmoe_export.compression import find_recipe
from mvmoe_export.graph_taps import GraphTap
from mvmoe_export.targets.contract import ExportOptions, TargetJob, require_fitting
from mvmoe_export.targets.executorch.engines import ENGINES
from mvmoe_export.targets.executorch.options import ExecuTorchOptions

if TYPE_CHECKING:
    from mvmoe_export.stages import Stages

_PRECISIONS: Mapping[str, str] = {"coreml": "fp16"}
"""Of the delegates that compute in another one than fp32."""


def precision_of(delegate: str) -> str:
    """The name of the recipe that a delegate's graphs are made with."""
    return _PRECISIONS.get(delegate, "fp32")


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
            recipe = find_recipe(precision_of(delegate))
            require_fitting(recipe, recipe.numbers[0], stages)
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
        """The weights that the compilers read, and for each delegate the program that it writes."""
        weights = stages.weight_bytes
        recipes = [find_recipe(precision_of(name)) for name in self._chosen(options).delegate]
        return weights + sum(recipe.numbers[0].stored(weights) for recipe in recipes)

    def start(
        self, stages: "Stages", options: ExportOptions, root: Path, scratch: Path
    ) -> TargetJob:
        """Start a compiler for each delegate."""
        from mvmoe_export.targets.executorch.job import start

        self.require(stages, options)
        return start(stages, options, self._chosen(options), root, scratch)

    def _chosen(self, options: ExportOptions) -> ExecuTorchOptions:
        return options.of(self.name, self.options)
