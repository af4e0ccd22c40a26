"""The dense model beside a routed one: what it answers to the same images, for its accuracy alone.

It is never timed: the subject `dense` is a graph of as much work as the routed model's.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.bundle.model_outputs import class_output
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import RoutedModel, load_checkpoint
from mvmoe_deploy.models.stage_tensors import DEFAULT_OUTPUTS
from mvmoe_export.parity.forward import forward


@dataclass(frozen=True)
class DenseModel:
    """A model in evaluation mode that answers with classes."""

    model: RoutedModel
    labels: tuple[str, ...]
    """The names of its classes; their numbers where they have none."""

    def answers(self, images: np.ndarray) -> list[str]:
        """The best class of each image `[n, C, H, W]` (fp32), one at a time as subjects answer."""
        found = []
        with torch.inference_mode():
            for image in torch.split(torch.from_numpy(images), 1):
                (values,) = forward(self.model, image).values()
                found.append(self.labels[int(values[0].argmax())])
        return found


def load_dense(path: Path, manifest: Manifest) -> DenseModel:
    """The model of a checkpoint that is to be compared with a bundle's.

    Raises CheckpointError as `load_checkpoint`, InputError for a model that routes, that takes
    other inputs than the bundle, or that answers with other classes.
    """
    loaded = load_checkpoint(path)
    model, classes = loaded.model, class_output(manifest)
    where = f"dense checkpoint {path}"
    if model.routing:
        raise InputError(
            f"{where} holds a model that routes; give the dense model that it is compared with, "
            "such as the folder dense of a training",
            code="checkpoint.other-model",
            expected="dense",
            found=loaded.config.family,
        )
    if model.input != manifest.input:
        raise InputError(
            f"{where} takes other images than the bundle (size, colours, mean or crop differ); "
            "give a dense model that was trained on the same input",
            code="checkpoint.other-model",
            expected="the input of the bundle",
            found="another",
        )
    labels = tuple(loaded.labels or (str(i) for i in range(loaded.config.num_classes)))
    wanted = None if classes is None else {classes.label(i) for i in range(classes.classes)}
    if set(labels) != wanted or model.outputs != DEFAULT_OUTPUTS:
        raise InputError(
            f"{where} does not answer with the classes of the bundle; give a dense model that was "
            "trained on the same classes",
            code="checkpoint.other-model",
            expected=sorted(wanted or ())[:5],
            found=list(labels[:5]),
        )
    return DenseModel(model.eval(), labels)
