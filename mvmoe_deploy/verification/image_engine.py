"""What verification asks of a target: whole images, down their own ways and others."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mvmoe_deploy.routing import Route
from mvmoe_deploy.verification.run_stages import StageEngine, Vectors


class ImageEngine(Protocol):
    """A target's graphs, asked for whole images. All methods give what `run_stages` gives.

    They raise RoutingError for router logits that are not finite, and EngineError.
    """

    def start(self, images: np.ndarray) -> Vectors:
        """What is computed once for images `[n, C, H, W]`; the rows of it are those of images."""

    def own(self, start: Vectors) -> Vectors:
        """Images down their own routes."""

    def down(self, start: Vectors, wanted: Vectors) -> Vectors:
        """Images down the routes of `wanted`, which is what the reference gave for them."""

    def unreached(
        self, model: StageEngine, start: Vectors, stage: int, routes: Sequence[Route]
    ) -> tuple[Vectors, Vectors] | None:
        """What the model and the target give for one image on routes that none takes.

        `stage` is the one whose route no image takes; a route is () behind a stage that finishes
        the image. Several rows differ in their gates. None where the target has no way there.
        """
