"""The route guard: after an export, every graph of every route against the PyTorch model.

Two questions, each for every route:

1. Does the graph do as the model's stage does? Asked with gates that are far from what a router
   gives, one slot loud at a time: an expert that got lost or a gate that is ignored then shows far
   above rounding.
2. Does the whole way through the graphs, forced down the route, answer as the model's own
   `forward` forced down it? This finds stages that do not say what the model does.
"""

from collections.abc import Callable, Iterator
from math import inf, isnan
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.routing import Route, RoutingRule
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_export.parity.images import synthetic_images
from mvmoe_export.stages import Stages, StageSpec, routes_of

TOLERANCE = 1e-4
"""Largest error of an fp32 graph, relative to the largest value of the reference.

Engines add in another order than PyTorch; over twelve layers that was measured at 4e-6. A wrong
expert or a lost gate is off by 1e-2 and more with loud gates.
"""

_QUIET, _LOUD = 0.5, 4.0
"""Gates of the first question."""


def guard(
    name: str,
    stages: Stages,
    record: manifest.Target,
    root: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> manifest.Parity:
    """Run both questions for every route of target `name`, written below `root`.

    Raises CheckFailedError that names the graph and what is wrong with it.
    """
    runner = open_runner(name, root, record)
    check = _Guard(name, stages, _Graphs(runner, record))
    with torch.no_grad():
        errors = list(check.run(progress))
    return manifest.Parity(
        graphs=len(record.graphs), max_abs_error=max(errors), tolerance=TOLERANCE
    )


class _Graphs:
    """Runs exported graphs on tensors, one graph in memory at a time."""

    def __init__(self, runner: Runner, record: manifest.Target) -> None:
        self._runner = runner
        self._records = {graph.name: graph for graph in record.graphs}

    def run(self, graph: str, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs of a graph by name."""
        record = self._records[graph]
        feeds = {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in inputs.items()}
        outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in record.outputs}
        self._runner.load(graph).bind(feeds, outputs)()
        return {name: torch.from_numpy(array) for name, array in outputs.items()}

    def release(self, graph: str) -> None:
        """Drop a graph that is done with."""
        self._runner.release(graph)


class _Guard:
    """The two questions over all stages and routes of one target."""

    def __init__(self, target: str, stages: Stages, graphs: _Graphs) -> None:
        self.target = target
        self.stages = stages
        self.graphs = graphs
        self.model = stages.model
        self.images = synthetic_images(stages.model.input, stages.batch, seed=1)

    def run(self, progress: Callable[[str], None]) -> Iterator[float]:
        """Check everything; gives the absolute errors that were seen."""
        stem = self.stages.specs[0]
        before = _named(stem, stem.graphs[0].build()(self.images))
        given = self.graphs.run("stem", {"image": self.images})
        if not _close(given, before):
            self._fail("stem", _difference(given, before))
        yield _error(given, before)
        progress("stem")
        for stage in self.stages.specs[1:]:
            for route in routes_of(stage.rule):
                step = _Step(self, stage, route, before["next_tokens"])
                yield step.check_graph()
                yield step.check_whole_way()
                self.graphs.release(step.graph.name)
                progress(step.graph.name)
            before = _Step(self, stage, _first(stage.rule), before["next_tokens"]).eager()
        if len(self.stages.specs) == 1:
            yield self.check_answer("stem", self.images, given["answer"], routes=None)

    def check_answer(
        self, graph: str, images: Tensor, answer: Tensor, routes: list[Route] | None
    ) -> float:
        """The second question: an answer against the model's own, forced down the same routes."""
        wanted = self._forward(images, routes)
        if _close({"answer": answer}, {"answer": wanted}):
            return _error({"answer": answer}, {"answer": wanted})
        return self._fail(graph, self._explain(answer, wanted, routes))

    def _explain(self, answer: Tensor, wanted: Tensor, routes: list[Route] | None) -> str:
        """Why a whole way answers otherwise than the model."""
        for stage, rule in enumerate(self.model.routing if routes else ()):
            for other in routes_of(rule):
                swapped = [*routes[:stage], other, *routes[stage + 1 :]]
                if other != routes[stage] and _close(
                    {"answer": answer}, {"answer": self._forward(self.images, swapped)}
                ):
                    return f"answers as route {other} of stage {stage + 1} does in model.forward"
        return (
            f"answers with an error of {_error({'a': answer}, {'a': wanted}):.3g} against "
            f"model.forward forced down routes {routes}: model.stage bakes a route in, loses an "
            "expert or ignores its gate"
        )

    def _forward(self, images: Tensor, routes: list[Route] | None) -> Tensor:
        """The model's own answer, down forced routes."""
        name = f"{type(self.model).__name__}.forward"
        try:
            answer = self.model(images, routes=routes) if routes else self.model(images)
        except TypeError as error:
            raise CheckFailedError(
                f"{name} cannot be forced down a route ({error}); the contract asks for "
                "forward(images, routes=None)"
            ) from error
        if not isinstance(answer, Tensor) or answer.ndim != 2 or len(answer) != len(images):
            given = list(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
            raise CheckFailedError(
                f"{name} gives {given}; the contract asks for the answer [{len(images)}, classes]"
            )
        return answer

    def _fail(self, graph: str, what: str) -> float:
        raise CheckFailedError(
            f"graph {graph} of target {self.target} {what} (tolerance {TOLERANCE:g} of the largest "
            "value); the bundle was not written"
        )


class _Step:
    """Both questions for one route of one routed stage."""

    def __init__(self, guard: _Guard, stage: StageSpec, route: Route, tokens: Tensor) -> None:
        self.guard = guard
        self.stage = stage
        self.route = route
        self.tokens = tokens
        self.graph = guard.stages.graph(stage.index, route)
        self.module = guard.model.stage(stage.index, route).eval()

    def eager(self, gates: Tensor | None = None) -> dict[str, Tensor]:
        """What the model's stage gives."""
        gates = torch.ones(len(self.tokens), len(self.route)) if gates is None else gates
        return _named(self.stage, self.module(self.tokens, gates))

    def exported(self, tokens: Tensor, gates: Tensor) -> dict[str, Tensor]:
        """What the exported graph gives, its inputs as its strategy takes them."""
        inputs = {"tokens": tokens, "gates": gates}
        if self.guard.stages.strategy == "gather":
            inputs["experts"] = torch.tensor([self.route])
        elif self.guard.stages.strategy == "all-experts":
            everyone = torch.zeros(len(gates), self.stage.rule.experts)
            inputs["gates"] = everyone.index_copy(1, torch.tensor(self.route), gates)
        return self.guard.graphs.run(self.graph.name, inputs)

    def check_graph(self) -> float:
        """The first question: the graph against the model's stage, with loud gates."""
        worst = 0.0
        for gates in _loud_gates(len(self.tokens), len(self.route)):
            given, wanted = self.exported(self.tokens, gates), self.eager(gates)
            if not _close(given, wanted):
                self.guard._fail(self.graph.name, self._explain(given, wanted, gates))
            worst = max(worst, _error(given, wanted))
        return worst

    def check_whole_way(self) -> float:
        """The second question: all graphs in a row, forced down this route at this stage."""
        guard = self.guard
        routes = [_first(rule) for rule in guard.model.routing]
        routes[self.stage.index - 1] = self.route
        state = guard.graphs.run("stem", {"image": guard.images})
        for spec, route in zip(guard.stages.specs[1:], routes, strict=True):
            step = self if spec is self.stage else _Step(guard, spec, route, self.tokens)
            _, gates = select(state["logits"], spec.rule, route)
            state = step.exported(state["next_tokens"], gates)
        return guard.check_answer(self.graph.name, guard.images, state["answer"], routes)

    def _explain(self, given: dict[str, Tensor], wanted: dict[str, Tensor], gates: Tensor) -> str:
        """Why a graph differs from its stage, as far as an experiment can tell."""
        if _close(given, self.exported(self.tokens, gates * 2)):
            return f"ignores its gates for route {self.route}"
        for slot, expert in enumerate(self.route):
            if _close(given, self.eager(gates.index_fill(1, torch.tensor([slot]), 0.0))):
                return f"loses expert {expert} of route {self.route}"
        for other in routes_of(self.stage.rule):
            module = self.guard.model.stage(self.stage.index, other).eval()
            if _close(given, _named(self.stage, module(self.tokens, gates))):
                return f"has route {other} baked in where it should compute route {self.route}"
        return f"{_difference(given, wanted)} on route {self.route}"


def _named(stage: StageSpec, output: Tensor | tuple[Tensor, ...]) -> dict[str, Tensor]:
    """A stage module's output by the names of the stage."""
    values = output if isinstance(output, tuple) else (output,)
    return dict(zip(stage.outputs, values, strict=True))


def _loud_gates(batch: int, k: int) -> Iterator[Tensor]:
    """Gates `[batch, k]` with one slot after another loud, and first all quiet."""
    yield torch.full((batch, k), _QUIET)
    for slot in range(k):
        gates = torch.full((batch, k), _QUIET)
        gates[:, slot] = _LOUD
        yield gates


def _first(rule: RoutingRule) -> Route:
    return tuple(range(rule.k))


def _error(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    """The largest absolute difference over all outputs; infinite where a value is not finite."""
    differences = [(given[name] - wanted[name]).abs().max().item() for name in wanted]
    return max(inf if isnan(difference) else difference for difference in differences)


def _difference(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> str:
    """How a graph differs from PyTorch, in words."""
    if not all(tensor.isfinite().all() for tensor in wanted.values()):
        return "has nothing to be compared with: the model itself gives values that are not finite"
    return f"differs from PyTorch by {_error(given, wanted):.3g}"


def _close(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> bool:
    """Whether every output is within the tolerance of its own largest value."""
    return all(
        (
            (given[name] - tensor).abs().max() <= TOLERANCE * tensor.abs().max().clamp(min=1e-3)
        ).item()
        for name, tensor in wanted.items()
    )
