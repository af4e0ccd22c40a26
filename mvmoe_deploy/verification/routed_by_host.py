"""A target between whose graphs the host routes, as an engine of whole images."""

from collections.abc import Sequence

import numpy as np

from mvmoe_deploy.bundle.manifest import IMAGE, Output, Stage
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.contract import members_of
from mvmoe_deploy.verification.run_stages import (
    StageEngine,
    Vectors,
    rows_of,
    run_stages,
    run_stem,
)

_TWICE = np.array([0, 0])


class RoutedByHost:
    """Graphs of stages, between which the reference's rules route (see `ImageEngine`)."""

    def __init__(
        self, graphs: StageEngine, stages: Sequence[Stage], outputs: Sequence[Output]
    ) -> None:
        self._graphs, self._stages, self._outputs = graphs, stages, outputs

    def start(self, images: np.ndarray) -> Vectors:
        """What the stem gives."""
        return run_stem(self._graphs, self._stages, images)

    def own(self, start: Vectors) -> Vectors:
        """Images down their own routes."""
        return run_stages(self._graphs, self._stages, self._outputs, start)

    def down(self, start: Vectors, wanted: Vectors) -> Vectors:
        """Images down the reference's routes, with the gates that their own logits give them."""
        imposed = [wanted[f"members.{number}"] for number in range(1, len(self._stages))]
        return run_stages(self._graphs, self._stages, self._outputs, start, imposed=imposed)

    def unreached(
        self, model: StageEngine, start: Vectors, stage: int, routes: Sequence[Route]
    ) -> tuple[Vectors, Vectors]:
        """Twice: with the gates that its scores give, and with gates of 1 at the stage.

        An expert that its router does not want has a gate of nearly nothing, and so little of a
        broken one does not show.
        """
        pairs = zip(self._stages[1:], routes, strict=True)
        imposed = [members_of([route, route], each.routing.experts) for each, route in pairs]
        theirs = run_stem(model, self._stages, start[IMAGE])
        given = [
            run_stages(
                engine,
                self._stages,
                self._outputs,
                rows_of(rows, _TWICE),
                imposed=imposed,
                unit_gate_stage=np.array([0, stage]),
            )
            for engine, rows in ((model, theirs), (self._graphs, start))
        ]
        return given[0], given[1]
