"""The image that shows a figure beyond its bound best, and the way on which it does."""

import numpy as np

from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.contract import images_of, route_of
from mvmoe_deploy.verification.faults import ShownBy
from mvmoe_deploy.verification.metrics import absolute_errors, peak
from mvmoe_deploy.verification.reference import Reference
from mvmoe_deploy.verification.run_stages import Vectors
from mvmoe_deploy.verification.verification_report import BoundExceeded


def shown_by(failure: BoundExceeded, reference: Reference, same: Vectors) -> ShownBy | None:
    """The image with the largest error in the figure; `same` is what was given on its routes.

    None for the row of a route that no image takes: an image has to be forced down it.
    """
    members = reference.members
    if failure.output is None:
        errors = np.zeros(len(reference.samples.names))
        for stage in range(1, len(members) + 1):
            wanted = logits_in(reference.vectors, stage)
            errors = np.maximum(errors, _errors(logits_in(same, stage), wanted))
        images = np.arange(len(errors))
    else:
        name = f"outputs.{failure.output}"
        errors = _errors(same[name], reference.vectors[name])
        images = (
            images_of(failure.route, members[failure.stage - 1])
            if failure.stage
            else np.arange(len(errors))
        )
    if not len(images):
        return None
    image = int(images[errors[images].argmax()])
    return ShownBy(reference.samples.inputs[[image]], routes_of(members, image))


def routes_of(members: list[np.ndarray], image: int) -> tuple[Route, ...]:
    """The route of an image at each routed stage, by their memberships `[n, E]`."""
    return tuple(route_of(stage[image]) for stage in members)


def _errors(given: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The largest error of each image, relative to the largest value of all."""
    errors = absolute_errors(given, wanted).reshape(len(wanted), -1)
    worst: np.ndarray = errors.max(axis=1, initial=0.0) / peak(wanted)
    return worst
