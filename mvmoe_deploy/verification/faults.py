"""Where a target begins to differ from the model: the stage, the graph, the operator."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from mvmoe_deploy.bundle.manifest import Bounds, Target
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.verification.metrics import in_enough_digits


@dataclass(frozen=True)
class FaultLocation:
    """The first graph of a target that differs from the model on what the model gives it.

    `operator`, its node in the graph's program and the `layer` that is nearest to it are the
    model's, `engine_operator` and the value `engine_value` that it makes are the exported graph's.
    They are None where no operator could be told: then `reason` says why. `error` is relative to
    the largest value of what the operator gives, or of the graph's output that is furthest off.
    """

    stage: int
    route: Route
    graph: str
    error: float
    bound: float
    operator: str | None = None
    node: str | None = None
    layer: str | None = None
    engine_operator: str | None = None
    engine_value: str | None = None
    reason: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """What an error says of it in its fields; those that are not known are left out."""
        known = {
            "graph": self.graph,
            "stage": self.stage,
            "route": list(self.route),
            "operator": self.operator,
            "node": self.node,
            "layer": self.layer,
            "engine_operator": self.engine_operator,
            "engine_value": self.engine_value,
        }
        return {name: value for name, value in known.items() if value is not None}

    @property
    def sentence(self) -> str:
        """Where it is, in words."""
        place = f"it begins in graph {self.graph} (stage {self.stage})"
        figures = "it has values that are not finite"
        if isfinite(self.error):
            error, bound = in_enough_digits(self.error, self.bound)
            figures = f"off by {error} of its largest value, bound {bound}"
        if self.operator is None:
            return f"{place}, by its output ({figures}); {self.reason}"
        near = f" near layer {self.layer}" if self.layer else ""
        engine = (
            f", {self.engine_operator} ({self.engine_value}) in the graph"
            if self.engine_operator
            else ""
        )
        return (
            f"{place} at operator {self.operator} ({self.node}){near}{engine}: the first whose "
            f"output leaves its bound ({figures})"
        )


@dataclass(frozen=True)
class SearchedTarget:
    """A target with a figure that is beyond its bound."""

    root: Path
    """The bundle's directory."""
    record: Target
    bounds: Bounds
    """What it was held to."""
    open_runner: Callable[[Path, Target], Runner]
    plugins: bool = False
    """Whether parts of other distributions may be imported."""


@dataclass(frozen=True)
class ShownBy:
    """An image that shows the figure, and its way."""

    image: np.ndarray
    """The model's input `[1, C, H, W]`."""
    routes: tuple[Route, ...]
    """Its route at each routed stage; () where it was finished before."""
    unit_gate_stage: int | None = None
    """The stage at which its gates are all 1; None where they are what the scores give."""
