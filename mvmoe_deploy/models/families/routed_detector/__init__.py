"""A detector of three routed stages: convolutional experts, two of them an image, at three scales.

The structure of routed detectors in use: a backbone whose stages of strides 8, 16 and 32 have 4, 8
and 16 experts, k = 2, gates renormalised, one decision an image and stage, and a head that reads
the maps of all three. Its dense twin has one expert a stage.
"""

from collections.abc import Mapping

from torch import Tensor

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import Family, FamilyModel, RoutedOutput
from mvmoe_deploy.models.families.routed_detector.config import RoutedDetectorConfig
from mvmoe_deploy.models.families.routed_detector.detection_losses import detection_losses
from mvmoe_deploy.models.families.routed_detector.network import REACH, RoutedDetector

__all__ = ["PART", "RoutedDetector", "RoutedDetectorConfig", "RoutedDetectorFamily"]

_ROUTERS = "routers."


class RoutedDetectorFamily(Family[RoutedDetectorConfig, RoutedDetector]):
    """The family of routed detectors."""

    name = "routed_detector"
    config = RoutedDetectorConfig
    model = RoutedDetector

    def presets(self) -> Mapping[str, RoutedDetectorConfig]:
        """One for the drawn shapes, two for photographs, and one that tests can afford."""
        shapes = RoutedDetectorConfig(
            image_size=96, num_classes=5, stem_width=16, widths=(24, 48, 64), head_width=32
        )
        return {
            "shapes": shapes,
            "routed_detector_320": RoutedDetectorConfig(),
            "routed_detector_640": RoutedDetectorConfig(image_size=640),
            "routed_detector_tiny": RoutedDetectorConfig(
                image_size=64,
                num_classes=5,
                stem_width=8,
                widths=(12, 16, 20),
                head_width=12,
                experts=(2, 3, 4),
            ),
        }

    def dense(self, config: RoutedDetectorConfig) -> RoutedDetectorConfig:
        """The same network with one expert a stage and no routers."""
        return config.dense()

    def from_dense(self, dense: FamilyModel, config: RoutedDetectorConfig) -> RoutedDetector:
        """All experts of a stage are copies of the dense one; the routers are random.

        Raises InputError for another model than the dense twin.
        """
        if dense.config != config.dense():
            raise InputError(
                f"a {self.name} starts from its dense twin, {config.dense()}, but {dense.config} "
                "was given",
                code="model.config-invalid",
                name="experts",
            )
        model = self.build(config, dense.input)
        model.input_origins = dict(dense.input_origins)
        stored = dense.state_dict()
        model.load_state_dict(
            {
                name: tensor if name.startswith(_ROUTERS) else stored[_of_dense(name)]
                for name, tensor in model.state_dict().items()
            }
        )
        return model

    def losses(self, output: RoutedOutput, labels: Tensor, smoothing: float) -> dict[str, Tensor]:
        """Overlaps and scores; labels `[B, M, 5]` are boxes, and scores are not smoothed."""
        given = output.for_loss
        strides = given["reach"][:, -1] / REACH
        return detection_losses(given["raw"], output.logits, labels, given["centres"], strides)


def _of_dense(name: str) -> str:
    """The dense twin's name of a parameter: its expert is the first."""
    if not name.startswith("experts."):
        return name
    stage, _, rest = name.removeprefix("experts.").split(".", 2)
    return f"experts.{stage}.0.{rest}"


PART = RoutedDetectorFamily()
