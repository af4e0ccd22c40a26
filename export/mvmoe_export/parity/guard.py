"""The route guard: after an export, every graph of every route against the PyTorch model.

Three questions, each for every route:

1. Does the graph do as the model's stage does? Asked with gates that are far from what a router
   gives, one slot loud at a time: an expert that got lost or a gate that is ignored then shows far
   above rounding.
2. Do the model's stages in a row, forced down the route, answer as its own `forward` forced down
   it? This finds stages that do not say what the model does. Asked of PyTorch alone, in double
   precision: a router gives an expert that it does not want a gate of nearly nothing, and so little
   of a wrong expert drowns in fp32.
3. Does the whole way through the graphs answer as `forward` does?
"""

import copy
from collections.abc import Callable, Iterator
from functools import cached_property
from math import inf, isnan
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.routing import Route, RoutingRule
from mvmoe_deploy.runtime.contract import LoadedGraph, Runner, run
from mvmoe_deploy.runtime.memory import return_free_memory
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_export.parity.bounds import bounds_for
from mvmoe_export.parity.figures import listed_routes
from mvmoe_export.parity.images import synthetic_images
from mvmoe_export.stages import Stages, StageSpec, routes_of
from mvmoe_export.user_code import user_code

_TORCH_TOLERANCE = 1e-4
"""Between two ways through the same PyTorch model in fp32, relative to the largest value."""

_QUIET, _LOUD = 0.5, 4.0
"""Gates of the first question."""

_STAGES_TOLERANCE = 1e-6
"""Of the second question, relative to the largest answer and to the quietest gate of the route:
gates are fp32."""

_DOUBLE_ROUNDING = 1e-9
"""What the second question takes for rounding, relative to the largest answer, however small the
gates are: a thousand additions in another order make 1e-13."""


def guard(
    name: str,
    stages: Stages,
    record: manifest.Target,
    root: Path,
    progress: Callable[[str], None] = lambda _: None,
    *,
    witness: "Witness | None" = None,
) -> manifest.Parity:
    """Ask all three of every route of target `name`, written below `root`.

    A `witness` that several targets share asks PyTorch the second question once for all of them.
    Raises CheckFailedError that names the graph and what is wrong with it.
    """
    runner = open_runner(root, record, threads=1)
    tolerance = bounds_for(record.format, record.precision, record.rewrites).answer_error
    graphs = _Graphs(runner, record)
    check = _Guard(name, stages, graphs, tolerance, witness or Witness(stages))
    with torch.no_grad():
        errors = list(check.run(progress))
    return manifest.Parity(
        graphs=len(record.graphs), max_abs_error=max(errors), tolerance=tolerance
    )


def checked_routes(rule: RoutingRule) -> list[Route]:
    """The routes that the guard looks at: all, or of very many some that cover every expert."""
    return list(listed_routes(rule, np.empty((0, rule.k), np.int64)))


class Witness:
    """What PyTorch says of a model, whichever target asks: its images, and answers by route."""

    def __init__(self, stages: Stages) -> None:
        self.model = stages.model
        self.images = synthetic_images(stages.model.input, stages.batch, seed=1)
        self.answers: dict[tuple[Route, ...], Tensor] = {}
        """The model's own answer down routes that have passed the second question."""

    @cached_property
    def precise(self) -> tuple[RoutedModel, Tensor]:
        """The model and one image for the second question."""
        return _double(self.model, self.images[:1])

    @cached_property
    def precise_start(self) -> tuple[Tensor, Tensor]:
        """What the stem of that model gives for that image."""
        model, image = self.precise
        return model.stage(0, ()).eval()(image)


class _Graphs:
    """Runs exported graphs on tensors; a graph stays in memory until it is released."""

    def __init__(self, runner: Runner, record: manifest.Target) -> None:
        self._runner = runner
        self._loaded: dict[str, LoadedGraph] = {}
        self._records = {graph.name: graph for graph in record.graphs}

    def run(self, graph: str, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs of a graph by name."""
        record = self._records[graph]
        feeds = {
            spec.name: np.ascontiguousarray(inputs[spec.name].numpy(), spec.dtype)
            for spec in record.inputs
        }
        outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in record.outputs}
        if graph not in self._loaded:
            self._loaded[graph] = self._runner.load(graph)
        given = run(self._loaded[graph], feeds, outputs)
        return {name: torch.from_numpy(array) for name, array in given.items()}

    def release(self, graph: str) -> None:
        """Drop a graph that is done with."""
        self._loaded.pop(graph, None)
        return_free_memory()


class _Guard:
    """The questions over all stages and routes of one target."""

    def __init__(
        self, target: str, stages: Stages, graphs: _Graphs, tolerance: float, witness: Witness
    ) -> None:
        self.target = target
        self.witness = witness
        self.tolerance = tolerance
        """Of the graphs, relative to the largest value of the reference."""
        self.stages = stages
        self.graphs = graphs
        self.model = stages.model
        self.images = witness.images
        self.tokens: list[Tensor] = []
        """Example tokens for each routed stage."""
        self.start: dict[str, Tensor] = {}
        """What the exported stem gives for the images."""

    def run(self, progress: Callable[[str], None]) -> Iterator[float]:
        """Check everything; gives the absolute errors that were seen."""
        stem = self.stages.specs[0]
        before = _named(stem, stem.graphs[0].build()(self.images))
        self.tokens = list(self._tokens(before))
        self.start = self.graphs.run("stem", {"image": self.images})
        if not _close(self.start, before, self.tolerance):
            self._fail("stem", _difference(self.start, before, self.tolerance))
        yield _error(self.start, before)
        progress("stem")
        for stage in self.stages.specs[1:]:
            for route in checked_routes(stage.rule):
                step = self.step(stage, route)
                yield step.check_graph()
                yield step.check_whole_way(wanted=step.check_stages())
                self.graphs.release(step.graph.name)
                progress(step.graph.name)
        if len(self.stages.specs) == 1:
            answer = self.forward(self.model, self.images, routes=[])
            yield self.check_answer("stem", self.start["answer"], answer, routes=[])

    def step(self, stage: StageSpec, route: Route) -> "_Step":
        """The questions about one route."""
        return _Step(self, stage, route, self.tokens[stage.index - 1])

    def check_answer(
        self, graph: str, answer: Tensor, wanted: Tensor, routes: list[Route]
    ) -> float:
        """The third question: an answer against the model's own, forced down the same routes."""
        self._require_answer(graph, answer, wanted, routes, self.tolerance)
        return _error({"answer": answer}, {"answer": wanted})

    def check_stages(self, graph: str, routes: list[Route]) -> Tensor:
        """The second question; `graph` is that of the route in question.

        Gives the model's own answer `[1, classes]`, which the third question asks for as well.
        """
        answers = self.witness.answers
        if tuple(routes) in answers:
            return answers[tuple(routes)]
        model, image = self.witness.precise
        quietest = 1.0
        output = self.witness.precise_start
        for stage, (rule, route) in enumerate(zip(model.routing, routes, strict=True), start=1):
            tokens, logits = output
            _, gates = select(logits, rule, route)
            quietest = min(quietest, gates.min().item())
            output = model.stage(stage, route).eval()(tokens, gates)
        wanted = self.forward(model, image, routes)
        tolerance = max(_DOUBLE_ROUNDING, _STAGES_TOLERANCE * quietest)
        if not _close({"answer": output}, {"answer": wanted}, tolerance):
            # So small a difference may be rounding, where a part of forward stays in fp32.
            self._blame(routes)
        self._require_answer(graph, output, wanted, routes, _TORCH_TOLERANCE)
        answers[tuple(routes)] = wanted.float()
        return answers[tuple(routes)]

    def forward(self, model: RoutedModel, images: Tensor, routes: list[Route]) -> Tensor:
        """A model's own answer, down forced routes."""
        name = f"{type(model).__name__}.forward"
        try:
            with user_code(name, passing=TypeError):
                answer = model(images.clone(), routes=routes) if routes else model(images.clone())
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

    def _tokens(self, output: dict[str, Tensor]) -> Iterator[Tensor]:
        """Example tokens for each routed stage, from what the stem gives."""
        for stage in self.stages.specs[1:]:
            yield output["next_tokens"]
            output = _Step(self, stage, _first(stage.rule), output["next_tokens"]).eager()

    def _blame(self, routes: list[Route]) -> None:
        """Fail if an experiment shows one of the model's own stages to be wrong."""
        for stage, route in zip(self.stages.specs[1:], routes, strict=True):
            step = self.step(stage, route)
            if fault := step.find_fault():
                self._fail(step.graph.name, fault)

    def _require_answer(
        self, graph: str, answer: Tensor, wanted: Tensor, routes: list[Route], tolerance: float
    ) -> None:
        """Fail if an answer is not that of `forward`; without other evidence `graph` is named."""
        if _close({"answer": answer}, {"answer": wanted}, tolerance):
            return
        self._blame(routes)
        self._fail(
            graph,
            f"answers with an error of {_error({'a': answer}, {'a': wanted}):.3g} against "
            f"{type(self.model).__name__}.forward forced down routes {routes}: the two compute, or "
            "weigh their gates, in different ways",
        )

    def _fail(self, graph: str, what: str) -> NoReturn:
        raise CheckFailedError(
            f"graph {graph} of target {self.target} {what}; the bundle was not written"
        )


class _Step:
    """The questions about one route of one routed stage."""

    def __init__(self, guard: _Guard, stage: StageSpec, route: Route, tokens: Tensor) -> None:
        self.guard = guard
        self.stage = stage
        self.route = route
        self.tokens = tokens
        self.graph = guard.stages.graph(stage.index, route)
        self.module = guard.model.stage(stage.index, route).eval()

    def eager(self, gates: Tensor | None = None) -> dict[str, Tensor]:
        """What the model's stage gives."""
        if gates is None:
            gates = torch.ones(len(self.tokens), len(self.route), dtype=torch.float32)
        with user_code(f"graph {self.graph.name}"):
            return _named(self.stage, self.module(self.tokens.clone(), gates.clone()))

    def exported(self, tokens: Tensor, gates: Tensor) -> dict[str, Tensor]:
        """What the exported graph gives, its inputs as its strategy takes them."""
        inputs = {"tokens": tokens, "gates": gates}
        if self.guard.stages.strategy == "gather":
            inputs["experts"] = torch.tensor([self.route])
        elif self.guard.stages.strategy == "all-experts":
            everyone = torch.zeros(len(gates), self.stage.rule.experts, dtype=torch.float32)
            inputs["gates"] = everyone.index_copy(1, torch.tensor(self.route), gates)
        return self.guard.graphs.run(self.graph.name, inputs)

    def check_graph(self) -> float:
        """The first question: the graph against the model's stage, with loud gates."""
        worst = 0.0
        for gates in _loud_gates(len(self.tokens), len(self.route)):
            given, wanted = self.exported(self.tokens, gates), self.eager(gates)
            if not _close(given, wanted, self.guard.tolerance):
                self.guard._fail(self.graph.name, self._explain(given, wanted, gates))
            worst = max(worst, _error(given, wanted))
        return worst

    def routes(self) -> list[Route]:
        """This route at its stage, the first one at every other."""
        routes = [_first(rule) for rule in self.guard.model.routing]
        routes[self.stage.index - 1] = self.route
        return routes

    def check_stages(self) -> Tensor:
        """The second question: all stages in a row, forced down this route at this stage."""
        return self.guard.check_stages(self.graph.name, self.routes())

    def check_whole_way(self, wanted: Tensor) -> float:
        """The third question: all graphs in a row, forced down this route at this stage."""
        guard = self.guard
        state = guard.start
        for spec, route in zip(guard.stages.specs[1:], self.routes(), strict=True):
            step = self if spec is self.stage else _Step(guard, spec, route, self.tokens)
            _, gates = select(state["logits"], spec.rule, route)
            state = step.exported(state["next_tokens"], gates)
        answer = state["answer"][: len(wanted)]
        return guard.check_answer(self.graph.name, answer, wanted, self.routes())

    def find_fault(self) -> str | None:
        """What is wrong with the model's stage, if one of the usual faults is."""
        name = f"comes from a model.stage({self.stage.index}, {self.route}) that"
        for gates in _loud_gates(len(self.tokens), len(self.route)):
            given = self.eager(gates)
            if _close(given, self.eager(gates * 2)):
                return f"{name} ignores its gates"
            if (lost := self._lost(given, gates)) is not None:
                return f"{name} loses expert {lost}"
            if (other := self._baked(given, gates)) is not None:
                return f"{name} computes route {other}: a route is baked in"
        return None

    def _lost(
        self, given: dict[str, Tensor], gates: Tensor, tolerance: float = _TORCH_TOLERANCE
    ) -> int | None:
        """The expert whose gate makes no difference to `given`."""
        for slot, expert in enumerate(self.route):
            without = self.eager(gates.index_fill(1, torch.tensor([slot]), 0.0))
            if _close(given, without, tolerance):
                return expert
        return None

    def _baked(
        self, given: dict[str, Tensor], gates: Tensor, tolerance: float = _TORCH_TOLERANCE
    ) -> Route | None:
        """The other route whose stage gives just `given`."""
        for other in routes_of(self.stage.rule):
            module = self.guard.model.stage(self.stage.index, other).eval()
            computed = _named(self.stage, module(self.tokens, gates))
            if other != self.route and _close(given, computed, tolerance):
                return other
        return None

    def _explain(self, given: dict[str, Tensor], wanted: dict[str, Tensor], gates: Tensor) -> str:
        """Why a graph differs from its stage, as far as an experiment can tell."""
        tolerance = self.guard.tolerance
        if _close(given, self.exported(self.tokens, gates * 2), tolerance):
            return f"ignores its gates for route {self.route}"
        if (lost := self._lost(given, gates, tolerance)) is not None:
            return f"loses expert {lost} of route {self.route}"
        if (other := self._baked(given, gates, tolerance)) is not None:
            return f"has route {other} baked in where it should compute route {self.route}"
        return f"{_difference(given, wanted, tolerance)} on route {self.route}"


def _double(model: RoutedModel, images: Tensor) -> tuple[RoutedModel, Tensor]:
    """A model and images in double precision; as they are if the model does not run there."""
    try:
        twin, precise = copy.deepcopy(model).double(), images.double()
        twin(precise, routes=[_first(rule) for rule in model.routing] or None)
        output = twin.stage(0, ()).eval()(precise)
        for index, rule in enumerate(model.routing, start=1):
            gates = torch.ones(len(precise), rule.k, dtype=torch.float32)
            output = twin.stage(index, _first(rule)).eval()(output[0], gates)
    except (Exception, SystemExit):  # The model's own code: an assertion on types, for example.
        return model, images
    return twin, precise


def _named(stage: StageSpec, output: Tensor | tuple[Tensor, ...]) -> dict[str, Tensor]:
    """A stage module's output by the names of the stage."""
    values = output if isinstance(output, tuple) else (output,)
    return dict(zip(stage.outputs, values, strict=True))


def _loud_gates(batch: int, k: int) -> Iterator[Tensor]:
    """Gates `[batch, k]` with one slot after another loud, and first all quiet."""
    yield torch.full((batch, k), _QUIET, dtype=torch.float32)
    for slot in range(k):
        gates = torch.full((batch, k), _QUIET, dtype=torch.float32)
        gates[:, slot] = _LOUD
        yield gates


def _first(rule: RoutingRule) -> Route:
    return tuple(range(rule.k))


def _error(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    """The largest absolute difference over all outputs; infinite where a value is not finite."""
    differences = [(given[name] - wanted[name]).abs().max().item() for name in wanted]
    return max(inf if isnan(difference) else difference for difference in differences)


def _difference(given: dict[str, Tensor], wanted: dict[str, Tensor], tolerance: float) -> str:
    """How a graph differs from PyTorch, in words."""
    if not all(tensor.isfinite().all() for tensor in wanted.values()):
        return "has nothing to be compared with: the model itself gives values that are not finite"
    return (
        f"differs from PyTorch by {_error(given, wanted):.3g} (tolerance {tolerance:g} of the "
        "largest value)"
    )


def _close(
    given: dict[str, Tensor], wanted: dict[str, Tensor], tolerance: float = _TORCH_TOLERANCE
) -> bool:
    """Whether every output is within the tolerance of its own largest value."""
    return all(
        (
            (given[name] - tensor).abs().max() <= tolerance * tensor.abs().max().clamp(min=1e-3)
        ).item()
        for name, tensor in wanted.items()
    )
