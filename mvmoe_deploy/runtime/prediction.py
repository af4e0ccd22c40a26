"""The answer for one image: its label, route, gates and timings."""

from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.errors import RoutingError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.timing import LapTimer, Timings


@dataclass(frozen=True)
class Prediction:
    """The answer for one image.

    `routes` and `gates` have one tuple for each routed stage, gates in the order of the experts.
    """

    label: str
    label_index: int
    probability: float
    routes: tuple[Route, ...]
    stage_gates: tuple[tuple[float, ...], ...]
    logits: np.ndarray
    timings: Timings

    @property
    def route(self) -> tuple[int, ...]:
        """The experts of the first routed stage, which for one router is all; `()` if dense."""
        return self.routes[0] if self.routes else ()

    @property
    def gates(self) -> tuple[float, ...]:
        """The gates of `route`."""
        return self.stage_gates[0] if self.stage_gates else ()


def make_prediction(
    answer: np.ndarray,
    routes: list[Route],
    gates: list[tuple[float, ...]],
    labels: tuple[str, ...] | None,
    timer: LapTimer,
) -> Prediction:
    """The prediction of class logits `[classes]`; raises RoutingError if one is not finite."""
    require_finite(answer[None])
    index = int(answer.argmax())
    # The softmax of the highest logit alone, whose own exponential is 1.
    probability = 1.0 / float(np.exp(answer - answer[index]).sum())
    return Prediction(
        label=labels[index] if labels else str(index),
        label_index=index,
        probability=probability,
        routes=tuple(routes),
        stage_gates=tuple(gates),
        logits=answer.copy(),
        timings=timer.timings(),
    )


def require_finite(answers: np.ndarray) -> None:
    """Refuse class logits `[B, classes]` that are not finite; raises RoutingError."""
    if np.count_nonzero(np.isfinite(answers)) == answers.size:  # Half the time of `.all()`.
        return
    images = np.flatnonzero(~np.isfinite(answers).all(axis=1)).tolist()
    which = "" if len(answers) == 1 else f" for the images {images[:20]} of the batch"
    raise RoutingError(
        f"the answer holds a value that is not finite{which}; check the weights of the model",
        code="routing.not-finite",
        image=images[0],
    )


def without_finite_answer(answers: np.ndarray) -> dict[int, RoutingError]:
    """An error for each image whose class logits, a row of `[B, classes]`, are not finite."""
    images = np.flatnonzero(~np.isfinite(answers).all(axis=1)).tolist()
    return {
        image: RoutingError(
            f"the answer for image {image} of the batch holds a value that is not finite; check "
            "the weights of the model",
            code="routing.not-finite",
            image=image,
        )
        for image in images
    }
