"""What stages took when images were sent through them, and how much of it ranges are set by."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.verification.run_stages import in_chunks

MOST_FOR_RANGES = 128
"""Images of one call by which ranges are set; they hardly grow with more."""


@dataclass(frozen=True)
class StageCall:
    """A stage that was run down a route, with what it took."""

    stage: int
    route: Route
    inputs: tuple[np.ndarray, ...]
    """Tensors `[n, ...]` in the order of its arguments, and the gates `[n, k]` behind them."""

    def for_ranges(self) -> "StageCall":
        """No more of it than ranges are set by."""
        return StageCall(
            self.stage, self.route, tuple(array[:MOST_FOR_RANGES] for array in self.inputs)
        )


def batches(
    calls: Iterable[StageCall], stage: int, route: Route, size: int
) -> Iterator[list[Tensor]]:
    """What a stage took down a route, in batches of `size`; the last is filled up.

    Raises InputError, when it is asked for the first, if no image was sent down that route.
    """
    found = [call for call in calls if (call.stage, call.route) == (stage, route)]
    if not found:
        experts = ", ".join(map(str, route)) or "none"
        raise InputError(
            f"no calibration image takes the experts {experts} of stage {stage}, so the ranges of "
            "that graph are unknown; give more images, or --precision int8, which needs none",
            code="input.option",
            name="calibrate",
            given=list(route),
        )
    for call in found:
        inputs = call.for_ranges().inputs
        for rows in in_chunks(len(inputs[0]), size):
            yield [torch.from_numpy(array[rows]) for array in inputs]
