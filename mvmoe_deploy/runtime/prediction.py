"""The answer for one image: its outputs, label, route, gates and timings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Never

import numpy as np

from mvmoe_deploy.bundle.model_outputs import ClassOutput
from mvmoe_deploy.errors import InputError, RoutingError
from mvmoe_deploy.preprocessing import InputTransform
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.timing import Timings

Outputs = Mapping[str, np.ndarray]
"""A model's outputs by name: `[B, ...]` of a batch, `[...]` of one image."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one image.

    `routes` and `gates` have one tuple for each routed stage that the image reached, gates in the
    order of the experts. What is said of a class is of the first output that decides on one.
    """

    outputs: Mapping[str, np.ndarray]
    """By name, `[...]`."""
    routes: tuple[Route, ...]
    stage_gates: tuple[tuple[float, ...], ...]
    last_stage: str
    """The stage that ran last: an image that was finished early has not run the others."""
    transform: InputTransform
    """Where the input lies in the upright image, so that boxes can be drawn on it."""
    timings: Timings
    class_output: ClassOutput | None
    """The output that decides on the class; None for a model that does not classify."""

    @property
    def logits(self) -> np.ndarray:
        """Class logits `[classes]`; raises InputError for a model that does not classify."""
        return self.outputs[self._classes.name]

    @property
    def label_index(self) -> int:
        """The class with the highest logit; raises as `logits`."""
        return int(self.logits.argmax())

    @property
    def label(self) -> str:
        """The name of that class; raises as `logits`."""
        return self._classes.label(self.label_index)

    @property
    def probability(self) -> float:
        """Its share of the softmax; raises as `logits`."""
        logits = self.logits
        # The softmax of the highest logit alone, whose own exponential is 1.
        return 1.0 / float(np.exp(logits - logits.max()).sum())

    @property
    def route(self) -> tuple[int, ...]:
        """The experts of the first routed stage, which for one router is all; `()` if dense."""
        return self.routes[0] if self.routes else ()

    @property
    def gates(self) -> tuple[float, ...]:
        """The gates of `route`."""
        return self.stage_gates[0] if self.stage_gates else ()

    @property
    def _classes(self) -> ClassOutput:
        return self.class_output or _refuse_class(self.outputs)


def _refuse_class(outputs: Outputs) -> Never:
    raise InputError(
        f"the model does not classify; it gives {', '.join(outputs)}: read them in `outputs`",
        code="input.none-classifies",
        outputs=list(outputs),
    )


def finite_copies(outputs: Outputs) -> dict[str, np.ndarray]:
    """Copies of the outputs `[1, ...]` of one image, whose values are finite.

    Raises RoutingError. It stands behind the last graph, where every line runs cold: finding the
    largest value and the least one, of which NaN is both, takes half of what a test of all takes.
    """
    copies = {}
    for name, array in outputs.items():
        copies[name] = copy = array.copy()
        if not (isfinite(copy.item(copy.argmax())) and isfinite(copy.item(copy.argmin()))):
            require_finite({name: copy})
    return copies


def require_finite(outputs: Outputs) -> None:
    """Refuse outputs `[B, ...]` that are not finite; raises RoutingError."""
    for array in outputs.values():
        if np.count_nonzero(np.isfinite(array)) != array.size:  # Half the time of `.all()`.
            break
    else:
        return
    images = _not_finite(outputs)
    count = len(next(iter(outputs.values())))
    which = "" if count == 1 else f" for the images {images[:20]} of the batch"
    raise RoutingError(
        f"the answer holds a value that is not finite{which}; check the weights of the model",
        code="routing.not-finite",
        image=images[0],
    )


def without_finite_answer(outputs: Outputs) -> dict[int, RoutingError]:
    """An error for each image of a batch whose outputs `[B, ...]` are not all finite."""
    return {
        image: RoutingError(
            f"the answer for image {image} of the batch holds a value that is not finite; check "
            "the weights of the model",
            code="routing.not-finite",
            image=image,
        )
        for image in _not_finite(outputs)
    }


def _not_finite(outputs: Outputs) -> Sequence[int]:
    """The images with a value that is not finite, in ascending order."""
    finite = [np.isfinite(array).reshape(len(array), -1).all(axis=1) for array in outputs.values()]
    images: list[int] = np.flatnonzero(~np.logical_and.reduce(finite)).tolist()
    return images
