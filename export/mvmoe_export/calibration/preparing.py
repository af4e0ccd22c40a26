"""What a caller asks of calibration, and the model and the images that an export goes on with."""

from dataclasses import dataclass, replace

import numpy as np

from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.samples import Samples, load_samples
from mvmoe_export.calibration.recording import CalibrationRun, record_stages, require_images
from mvmoe_export.calibration.smoothing import smoothed
from mvmoe_export.parity.golden_vectors import golden_vectors
from mvmoe_export.parity.torch_reference import guard_images

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


def load_images(described: Manifest, request: CalibrationRequest) -> Samples:
    """The images of a request, for the model of a manifest.

    Raises InputError for images that say too little or are of another size, and what
    `load_samples` raises.
    """
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
    return samples


def calibrate(model: RoutedModel, samples: Samples, *, smooth: bool) -> Calibrated:
    """Take calibration images through a model, which is smoothed before if that is asked for.

    Raises what the model's own code raises as InputError, CheckFailedError as `smoothed` does.
    """
    # By these pictures graphs are checked later, the golden ones by each device too: a range that
    # cuts them off would fail there.
    pictures = np.concatenate(
        [golden_vectors(model)["image"], guard_images(model.input, 1).numpy()]
    )
    run = _run(model, samples, pictures)
    if not smooth:
        return Calibrated(model, samples, run)
    found = smoothed(model, run.calls)
    # Of the model that is exported: ranges have changed.
    return Calibrated(found.model, samples, _run(found.model, samples, pictures), found.norms)


def _run(model: RoutedModel, samples: Samples, pictures: np.ndarray) -> CalibrationRun:
    """What stages take for the samples, with what they take for some pictures besides."""
    run = record_stages(model, samples.inputs)
    return replace(run, calls=(*run.calls, *record_stages(model, pictures).calls))
