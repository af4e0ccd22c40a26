"""The Core ML target as it is found by its name; importing this imports no coremltools."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import MissingExtraError
from mvmoe_export.graph_taps import GraphTap
from mvmoe_export.targets.contract import ExportOptions, TargetJob, require_fitting, require_images
from mvmoe_export.targets.coreml.coreml_bounds import BOUNDS
from mvmoe_export.targets.coreml.engines import ENGINES
from mvmoe_export.targets.coreml.operators import read
from mvmoe_export.targets.coreml.options import CoreMLOptions
from mvmoe_export.targets.coreml.pixel_inputs import require_pixels

if TYPE_CHECKING:
    from mvmoe_export.stages import Stages


class CoreMLTarget:
    """The `coreml` target: ML Programs for iOS 16 and later, and macOS 13 and later."""

    name = "coreml"
    extra = "coreml"
    reads_captured = True
    binds = True
    options = CoreMLOptions
    packages = ("torch", "coremltools")
    bounds = BOUNDS
    engines = ENGINES
    read_operators = staticmethod(read)

    def require(self, stages: "Stages", options: ExportOptions) -> None:
        """Raises InputError for options that do not go with the model, MissingExtraError."""
        chosen = self._chosen(options)
        require_fitting(chosen.recipe, chosen.numbers, stages)
        require_images(chosen.recipe, chosen.numbers, options)
        if find_spec("coremltools") is None:
            raise MissingExtraError.of("coremltools", self.extra)
        if chosen.input == "image":
            require_pixels(stages.model.input, stages.batch)

    def tap(self, root: Path, record: manifest.Target, graph: manifest.Graph) -> GraphTap:
        """A function whose values can be made outputs; raises BundleError, MissingExtraError."""
        try:
            from mvmoe_export.targets.coreml.tapping import CoreMLTap
        except ImportError as error:
            raise MissingExtraError.from_import(error, "coremltools", self.extra) from error
        return CoreMLTap(root, graph)

    def room(self, stages: "Stages", options: ExportOptions) -> int:
        """The weights that the compiler reads with what ranges are set by, and what it writes."""
        weights, numbers = stages.weight_bytes, self._chosen(options).numbers
        calls = options.calibration if numbers.needs_images else None
        return weights + numbers.stored(weights) + (0 if calls is None else calls.range_bytes)

    def start(
        self, stages: "Stages", options: ExportOptions, root: Path, scratch: Path
    ) -> TargetJob:
        """Start to write `.mlpackage` directories below `root / "coreml"`.

        Raises InputError for a model that cannot be captured, MissingExtraError.
        """
        from mvmoe_export.targets.coreml.job import start

        self.require(stages, options)
        return start(stages, options, self._chosen(options), root, scratch)

    def _chosen(self, options: ExportOptions) -> CoreMLOptions:
        return options.of(self.name, self.options)
