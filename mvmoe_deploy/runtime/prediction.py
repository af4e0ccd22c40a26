"""What a prediction says, and the clocks that time its parts."""

from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np

from mvmoe_deploy.errors import RoutingError
from mvmoe_deploy.routing import Route


@dataclass(frozen=True)
class Timings:
    """Milliseconds of one prediction; `load` is the time to have the expert in memory."""

    preprocess: float = 0.0
    stem: float = 0.0
    select: float = 0.0
    load: float = 0.0
    expert: float = 0.0
    total: float = 0.0


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


class Clock:
    """Adds up the time between laps under the lap's name."""

    def __init__(self) -> None:
        self._start = self._last = perf_counter_ns()
        self._spent: dict[str, int] = {}

    def lap(self, name: str) -> None:
        """Count the time since the last lap as `name`."""
        now = perf_counter_ns()
        self._spent[name] = self._spent.get(name, 0) + now - self._last
        self._last = now

    def timings(self) -> Timings:
        """What was counted, in milliseconds; `total` runs until now."""
        parts = {name: spent / 1e6 for name, spent in self._spent.items()}
        return Timings(**parts, total=(perf_counter_ns() - self._start) / 1e6)


@dataclass(frozen=True)
class Trace:
    """One answer `[1, classes]`, and where its time went."""

    answer: np.ndarray
    routes: tuple[Route, ...]
    cold: tuple[bool, ...]
    """By routed stage: whether the route's graph was not in memory before."""
    laps: tuple[tuple[str, int], ...]
    """Names and nanoseconds in order: `stem`, then `select`, `load` and `expert` of each routed
    stage; `rest`, copying the image in and the answer out, comes first and last. Where a route was
    imposed, `forced` stands after a `select`: what nobody pays who follows the router."""


class Recorder:
    """Keeps every lap by itself, in nanoseconds."""

    def __init__(self) -> None:
        self._laps: list[tuple[str, int]] = []
        self._last = perf_counter_ns()

    @property
    def laps(self) -> tuple[tuple[str, int], ...]:
        """The laps so far."""
        return tuple(self._laps)

    def lap(self, name: str) -> None:
        """Note the time since the last lap as `name`."""
        now = perf_counter_ns()
        self._laps.append((name, now - self._last))
        self._last = now


class NoClock:
    """Counts nothing, for calls that nobody times."""

    @staticmethod
    def lap(name: str) -> None:
        """Nothing."""


def make_prediction(
    answer: np.ndarray,
    routes: list[Route],
    gates: list[tuple[float, ...]],
    labels: tuple[str, ...] | None,
    clock: Clock,
) -> Prediction:
    """The prediction of class logits `[classes]`; raises RoutingError if one is not finite."""
    require_finite(answer[None])
    index = int(answer.argmax())
    # The softmax of the highest logit alone: 1 over the sum of what the others are beside it.
    probability = 1.0 / float(np.exp(answer - answer[index]).sum())
    return Prediction(
        label=labels[index] if labels else str(index),
        label_index=index,
        probability=probability,
        routes=tuple(routes),
        stage_gates=tuple(gates),
        logits=answer.copy(),
        timings=clock.timings(),
    )


def require_finite(answers: np.ndarray) -> None:
    """Refuse class logits `[B, classes]` that are not finite; raises RoutingError."""
    if np.count_nonzero(np.isfinite(answers)) == answers.size:  # Half the time of `.all()`.
        return
    images = np.flatnonzero(~np.isfinite(answers).all(axis=1)).tolist()
    which = "" if len(answers) == 1 else f" for the images {images[:20]} of the batch"
    raise RoutingError(
        f"the answer holds a value that is not finite{which}; check the weights of the model"
    )
