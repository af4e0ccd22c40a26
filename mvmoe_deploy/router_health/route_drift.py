"""How many images one engine sends down the same route as another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.router_health.judging import share_of_images
from mvmoe_deploy.router_health.stage_health import HealthData, ShareOfImages

MarginLimit = Callable[[int, float], float]
"""Of a stage (from 1) and the largest error of its logits the margin up to which rounding may send
an image elsewhere."""


class StageDrift(HealthData, frozen=True):
    """One stage, of the images that came so far on the same way in both.

    `near_ties` are those of the images on another route that the reference's margin excuses: it
    is at most `margin_limit`. What can be said of no image is None.
    """

    stage: int
    compared: int
    same_route: ShareOfImages | None
    other_route: int
    near_ties: int
    margin_limit: float | None
    largest_logit_error: float | None


class RouteDrift(HealthData, frozen=True):
    """One engine against another; `whole_way` are the images on the same route at every stage."""

    reference: str
    whole_way: ShareOfImages
    stages: list[StageDrift]


@dataclass(frozen=True)
class ComparedStage:
    """What two engines did with the same n images at one stage."""

    wanted: np.ndarray
    """The reference's memberships `[n, E]`, no expert for images that lack the stage."""
    given: np.ndarray
    """The other's."""
    margins: np.ndarray
    """The reference's, `[n]`."""
    errors: np.ndarray
    """The largest error of each image's logits, `[n]`; 0 without any."""


def drift_of(reference: str, compared: Sequence[ComparedStage], limit: MarginLimit) -> RouteDrift:
    """Compare the routed stages of at least one image, in their order."""
    together = np.ones(len(compared[0].wanted), bool)
    stages = []
    for number, stage in enumerate(compared, start=1):
        here = together & (stage.wanted.any(axis=1) | stage.given.any(axis=1))
        same = (stage.wanted == stage.given).all(axis=1)
        stages.append(_stage_drift(number, stage, here, same, limit))
        together &= same
    whole = share_of_images(int(together.sum()), len(together))
    return RouteDrift(reference=reference, whole_way=whole, stages=stages)


def _stage_drift(
    number: int, stage: ComparedStage, here: np.ndarray, same: np.ndarray, limit: MarginLimit
) -> StageDrift:
    """One stage of the images that are `here` `[n]`, `same` `[n]` those on one route."""
    largest = float(stage.errors[here].max(initial=0.0))
    up_to, compared, other = limit(number, largest), int(here.sum()), here & ~same
    return StageDrift(
        stage=number,
        compared=compared,
        same_route=share_of_images(int((here & same).sum()), compared) if compared else None,
        other_route=int(other.sum()),
        near_ties=int((other & (stage.margins <= up_to)).sum()),
        margin_limit=up_to if compared else None,
        largest_logit_error=largest if compared else None,
    )
