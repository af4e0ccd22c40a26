"""The route guard of one graph with its routers inside.

The questions are those of `guard`, each for every route, down which the graph is steered:

1. Does the graph do as the module that it was made of, on the smooth picture, and down one way on
   the extreme ones? Does that module do as the model's stages in a row?
2. Do the model's stages in a row answer as its own `forward`?

A route that no logits select is left out: the graph cannot take it either.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.graph_stages import ROUTER_LOGITS, STEERING
from mvmoe_deploy.bundle.manifest import IMAGE
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.verification.faults import SearchedTarget
from mvmoe_deploy.verification.metrics import checked_routes
from mvmoe_deploy.verification.steering import SteeredWay, steered_way
from mvmoe_export.in_graph import SteeredModel
from mvmoe_export.parity.exported_graphs import ExportedGraphs
from mvmoe_export.parity.guard import GraphComparison, ModelPart, RouteGuard, RoutePlace
from mvmoe_export.parity.locating.find import FaultSearch
from mvmoe_export.parity.nearness import Outputs, compare
from mvmoe_export.parity.torch_reference import TorchReference
from mvmoe_export.parity.torch_stages import TorchStages
from mvmoe_export.stages import Stages

_TORCH_TOLERANCE = 1e-4
"""Between the module of the graph and the model's stages, both PyTorch in fp32."""


def guard_in_graph(
    name: str,
    stages: Stages,
    record: manifest.Target,
    root: Path,
    progress: Callable[[str | None, int], None] = lambda _, __: None,
    *,
    reference: TorchReference | None = None,
) -> manifest.Parity:
    """Ask the questions of every route of target `name`, written below `root`.

    `progress` is that of `guard`. Raises CheckFailedError that says what is wrong with the graph.
    """
    open_alone = partial(open_runner, threads=1, plugins=True)
    graphs = ExportedGraphs(open_alone(root, record), root, record, stages.strategy)
    searched = SearchedTarget(root, record, record.bounds, open_alone, plugins=True)
    questions = RouteGuard(
        name,
        stages.on_host,
        graphs,
        search=FaultSearch(stages, searched),
        record=record,
        reference=reference or TorchReference(stages.on_host),
    )
    with torch.no_grad():
        check = _InGraphGuard(questions, stages)
        total = check.count()
        progress(None, total)
        errors = list(check.run(lambda name: progress(name, total)))
    return manifest.Parity(
        graphs=len(record.graphs), max_abs_error=max(errors), tolerance=questions.largest_bound
    )


class _InGraphGuard:
    """The questions over all routes of one target."""

    def __init__(self, questions: RouteGuard, stages: Stages) -> None:
        self._questions = questions
        self._stages = stages
        (self._whole,) = stages.specs
        (self._graph,) = self._whole.graphs
        self._module = self._graph.build()
        self._engine = TorchStages(stages.model, stages.flow)

    def count(self) -> int:
        """How many ways `run` says it has checked."""
        return sum(len(checked_routes(stage.routing, ())) for stage in self._stages.records[1:])

    def run(self, progress: Callable[[str], None]) -> Iterator[float]:
        """Check everything; gives the absolute errors that were seen."""
        questions, records = self._questions, self._stages.records[1:]
        first = [record.first_route for record in records]
        for number, record in enumerate(records):
            for route in checked_routes(record.routing, ()):
                routes = [*first[:number], route, *first[number + 1 :]]
                questions.check_stages(self._graph.name, routes)
                yield from self._check(questions.images, routes, is_extreme=False)
                progress(f"{record.name} {list(route)}")
        for images in questions.extremes(questions.reference.extremes):
            yield from self._check(images, first, is_extreme=True)

    def _check(self, images: Tensor, routes: list[Route], *, is_extreme: bool) -> Iterator[float]:
        """The first question about one way; gives the absolute error."""
        way = self._way(images, routes)
        if way is None or not np.isfinite(way.steering).all():
            return
        inputs = {IMAGE: images, STEERING: torch.from_numpy(way.steering)}
        found = self._module(*(tensor.clone() for tensor in inputs.values()))
        wanted = dict(zip(self._graph.outputs, found, strict=True))
        if not is_extreme:
            self._require_stages(wanted, way, routes)
        comparison = GraphComparison(
            self._graph.name,
            RoutePlace(self._whole, (), inputs, torch.ones(len(images), 0)),
            ModelPart(tuple(self._graph.outputs), self._of, lambda: [list(inputs.values())]),
            list(inputs.values()),
            self._questions.graphs.run_alone(self._graph.name, inputs),
            wanted,
            is_extreme,
        )
        yield self._questions.require_near(
            comparison,
            lambda near: (
                f"{self._questions.explained(self._module, comparison, near)} on the routes "
                f"{routes}"
            ),
        )

    def _way(self, images: Tensor, routes: list[Route]) -> SteeredWay | None:
        """What the model's stages give down some routes, and what makes the graph take them."""
        flow = self._stages.flow
        return steered_way(self._engine, flow.records, flow.outputs, images.numpy(), routes)

    def _of(self, model: RoutedModel) -> SteeredModel:
        """The module of the graph, of a model or of its copy."""
        return SteeredModel(model, self._stages.strategy).eval()

    def _require_stages(self, found: Outputs, way: SteeredWay, routes: list[Route]) -> None:
        """Refuse a module of the graph that does otherwise than the model's stages."""
        names = {output.name: f"outputs.{output.name}" for output in self._stages.outputs}
        staged = {name: torch.from_numpy(way.vectors[vector]) for name, vector in names.items()}
        logits = [way.vectors[f"logits.{number}"] for number in range(1, len(routes) + 1)]
        staged[ROUTER_LOGITS] = torch.from_numpy(np.concatenate(logits, axis=1))
        near = compare(found, staged, _TORCH_TOLERANCE)
        if not near.ok:
            raise CheckFailedError(
                f"with its routers inside of one graph, {type(self._stages.model).__name__} "
                f"answers otherwise than its stages on the routes {routes}: an error of "
                f"{near.words}; a stage may have to depend on its route in more than its weights, "
                "which the host can route",
                code="check.failed",
            )
