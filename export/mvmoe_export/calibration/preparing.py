"""What a caller asks of calibration, and the model and the images that an export goes on with."""

from dataclasses import dataclass

from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.samples import Samples, load_samples
from mvmoe_export.calibration.recording import CalibrationRun, record_stages, require_images
from mvmoe_export.calibration.smoothing import smoothed

MOST_IMAGES = 512
"""Ranges hardly change with more, and each target answers all of them in the end."""


@dataclass(frozen=True)
class CalibrationRequest:
    """The images to calibrate with: a data set's name or a directory, or samples as they are.

    With labels the export also says how many right answers each target loses.
    """

    data: str | Samples
    smooth: bool = False
    """Whether outlier channels are moved into the weights of layers (`smoothing.py`)."""
    images: int = MOST_IMAGES
    """At most so many, spread over the data."""


@dataclass(frozen=True)
class Calibrated:
    """What an export goes on with."""

    model: RoutedModel
    """The same, or one that computes the same with smaller ranges."""
    samples: Samples | None = None
    run: CalibrationRun | None = None
    smoothed_norms: int = 0


def calibrate(
    model: RoutedModel, described: Manifest, request: CalibrationRequest | None
) -> Calibrated:
    """Take calibration images through a model; raises InputError for images that say too little."""
    if request is None:
        return Calibrated(model)
    if isinstance(request.data, Samples):
        samples, name = request.data, "samples"
    else:
        samples, name = load_samples(request.data, described, request.images), request.data
    require_images(samples, name)
    if samples.inputs.shape[1:] != described.input.shape:
        raise InputError(
            f"--calibrate {name} has inputs {list(samples.inputs.shape)}; the model takes "
            f"{list(described.input.shape)} for each image",
            code="input.option",
            name="calibrate",
        )
    run = record_stages(model, samples.inputs)
    if not request.smooth:
        return Calibrated(model, samples, run)
    found = smoothed(model, run.calls)
    # Of the model that is exported: ranges have changed.
    again = record_stages(found.model, samples.inputs)
    return Calibrated(found.model, samples, again, found.norms)
