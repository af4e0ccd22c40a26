"""A bundle against its PyTorch model on real, labelled images: routes, answers, accuracy."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.preprocessing import ImageLike, preprocess
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime import Dispatcher
from mvmoe_export.parity.reference import follow


@dataclass(frozen=True)
class Comparison:
    """Shares are of the images, from 0 to 1; `usage` counts routes of the first routed stage."""

    images: int
    top1_pytorch: float
    top1_bundle: float
    top1_agreement: float
    routing_agreement: float
    max_abs_error: float
    usage: dict[Route, int]


def compare(
    model: RoutedModel, dispatcher: Dispatcher, images: Sequence[ImageLike], labels: np.ndarray
) -> Comparison:
    """Answer every image with both; `labels` `[n]` are class indices.

    Raises ImageError, RoutingError or EngineError as `Dispatcher.predict` does.
    """
    inputs = np.stack([preprocess(image, model.input) for image in images])
    with torch.no_grad():
        wanted = follow(model, torch.from_numpy(inputs))
    given = [dispatcher.predict(image) for image in images]
    theirs = wanted["answer"].argmax(axis=1)
    ours = np.array([prediction.label_index for prediction in given])
    routes = [wanted[f"route.{stage}"].tolist() for stage in range(1, len(model.routing) + 1)] or [
        [()] * len(images)
    ]
    expected = list(zip(*routes, strict=True))
    agreed = [
        tuple(map(tuple, route)) == (prediction.routes or ((),))
        for route, prediction in zip(expected, given, strict=True)
    ]
    errors = np.abs(np.stack([prediction.logits for prediction in given]) - wanted["answer"])
    return Comparison(
        images=len(images),
        top1_pytorch=float(np.mean(theirs == labels)),
        top1_bundle=float(np.mean(ours == labels)),
        top1_agreement=float(np.mean(ours == theirs)),
        routing_agreement=float(np.mean(agreed)),
        max_abs_error=float(errors.max()),
        usage=dict(sorted(Counter(prediction.route for prediction in given).items())),
    )
