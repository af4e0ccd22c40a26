"""The route guard: after an export, every graph of every route against the PyTorch model.

Three questions, each for every route:

1. Does the graph do as the model's stage does? Asked with all gates at 0.5, then one slot at a
   time at 4.0, which no router gives: an expert that got lost or a gate that is ignored then shows
   far above rounding. Asked on a smooth picture, on pictures from the edges of what a picture
   can be, and on inputs that reach both sides of the bounds which the stage compares values with.
   Where each expert has a graph: does each as the model's expert does, the join as the model's
   join, and those of a route in a row as the stage?
2. Do the model's stages in a row, forced down the route, answer as its own `forward` forced down
   it? This finds stages that do not say what the model does. Asked of PyTorch alone, in double
   precision: an expert that the router does not want has a tiny gate, and with it the error of a
   wrong expert is below fp32's rounding.
3. Does the whole way through the graphs answer as `forward` does?

Of a graph that falls short the first operator is named whose output does (`locating`).

A graph may be as far from PyTorch as its target's bound says, or, of an ill-conditioned model, a
few times as far as PyTorch's own fp32 is from its fp64 (`bounds.allowed`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import NoReturn, Self, TypeVar

import torch
from torch import Tensor, nn

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.manifest import IMAGE
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.verification.faults import FaultLocation, SearchedTarget, ShownBy
from mvmoe_deploy.verification.metrics import checked_routes
from mvmoe_deploy.verification.used_bounds import FP32, allowed, is_lost_in_rounding
from mvmoe_export.compression import FLOAT16, find_recipe, number_beside
from mvmoe_export.expert_flow import JOIN, ExpertFlow
from mvmoe_export.flow import as_tuple
from mvmoe_export.parity.double_precision import moved
from mvmoe_export.parity.exported_graphs import ExportedGraphs
from mvmoe_export.parity.forward import forward
from mvmoe_export.parity.half import LARGEST, beyond_half
from mvmoe_export.parity.locating.find import FaultSearch
from mvmoe_export.parity.nearness import Nearness, Outputs, compare, difference, peak
from mvmoe_export.parity.probes import probe_gates
from mvmoe_export.parity.torch_reference import TorchReference, named, with_gates
from mvmoe_export.stages import Stages, StageSpec

_T = TypeVar("_T")

_TORCH_TOLERANCE = 1e-4
"""Between two ways through the same PyTorch model in fp32, relative to the largest value."""

_MOST_EVALUATED = 3
"""Extreme inputs of a graph that no engine but a slow reference evaluator runs."""

_FEW = 4
"""Inputs that tell how well an expert is conditioned."""

_STAGES_TOLERANCE = 1e-6
"""Of the second question, relative to the largest answer and to the smallest gate of the route:
gates are fp32."""

_DOUBLE_ROUNDING = 1e-9
"""What the second question takes for rounding, relative to the largest answer, however small the
gates are: a thousand additions in another order make 1e-13."""


def guard(
    name: str,
    stages: Stages,
    record: manifest.Target,
    root: Path,
    progress: Callable[[str | None, int], None] = lambda _, __: None,
    *,
    reference: TorchReference | None = None,
) -> manifest.Parity:
    """Ask all three of every route of target `name`, written below `root`.

    `progress` is called with the name of what was checked (None at the beginning), and how many
    such things there are. A `reference` that several targets share asks PyTorch the second
    question once for all of them.
    Raises CheckFailedError that names the graph and what is wrong with it.
    """
    open_alone = partial(open_runner, threads=1, plugins=True)
    graphs = ExportedGraphs(open_alone(root, record), root, record, stages.strategy)
    searched = SearchedTarget(root, record, record.bounds, open_alone, plugins=True)
    search = FaultSearch(stages, searched)
    reference = reference or TorchReference(stages)
    check = RouteGuard(name, stages, graphs, search=search, record=record, reference=reference)
    with torch.no_grad():
        total = check.count()
        progress(None, total)
        errors = list(check.run(lambda name: progress(name, total)))
    return manifest.Parity(
        graphs=len(record.graphs), max_abs_error=max(errors), tolerance=check.largest_bound
    )


def _computes_in_half(record: manifest.Target) -> bool:
    """Whether graphs compute in fp16."""
    if record.compression is not None:
        return number_beside(record.compression.activations) == "float16"
    return FLOAT16 in find_recipe(record.precision).numbers


class RouteGuard:
    """The questions over all stages and routes of one target."""

    def __init__(
        self,
        target: str,
        stages: Stages,
        graphs: ExportedGraphs,
        *,
        search: FaultSearch,
        record: manifest.Target,
        reference: TorchReference,
    ) -> None:
        self.target = target
        self.search = search
        self.reference = reference
        self.is_half = _computes_in_half(record)
        self.is_compressed = record.compression is not None
        self.bounds = record.bounds
        self.tolerance = record.bounds.answer_error
        """Of the graphs of a well-conditioned model, relative to the largest reference value."""
        self.largest_bound = self.tolerance
        """The largest one that an output was held to."""
        self.stages = stages
        self.graphs = graphs
        self.model = stages.model
        self.images = reference.images
        self.start: dict[str, Tensor] = {}
        """The images, and what the exported stem gives for them, by the manifest's names."""

    def count(self) -> int:
        """How many things `run` says it has checked."""
        return 1 + sum(
            len(stage.graphs)
            if stage.experts is not None
            else len(checked_routes(rule, stage.flow.record.finishes))
            for stage, rule in zip(self.stages.specs[1:], self.model.routing, strict=True)
        )

    def run(self, progress: Callable[[str], None]) -> Iterator[float]:
        """Check everything; gives the absolute errors that were seen."""
        stem = _Stem(self)
        yield stem.check()
        self.start = {IMAGE: self.images, **_by_tensor(stem.stage, stem.start)}
        progress("stem")
        for stage, rule in zip(self.stages.specs[1:], self.model.routing, strict=True):
            if stage.experts is not None:
                yield from _Experts(self, stage, stage.experts).check(progress)
            for route in checked_routes(rule, stage.flow.record.finishes):
                step = self.step(stage, route)
                yield step.check_graph()
                yield step.check_whole_way(wanted=step.check_stages())
                if stage.experts is None:  # Other routes have the experts of this one.
                    self.graphs.release(step.graph.name)
                    progress(step.graph.name)
            for graph in stage.graphs:
                self.graphs.release(graph.name)
            for route in stage.flow.record.finishes:
                yield self.check_finish(stage.index, route)
        if len(self.stages.specs) == 1:
            answer = forward(self.model, self.images)
            given = self.stages.flow.outputs_of(self.start)
            yield self.check_answer("stem", given, answer, routes=[])

    def check_finish(self, stage: int, route: Route) -> float:
        """The second and third question for a route that finishes an image at a stage."""
        specs = self.stages.specs
        routes = [spec.flow.record.first_route for spec in specs[1:]]
        routes[stage - 1] = route
        graph = specs[stage - 1].graphs[0].name
        wanted = self.check_stages(graph, routes)
        state = dict(self.start)
        for spec, taken in zip(specs[1:stage], routes[: stage - 1], strict=True):
            state |= self.step(spec, taken).given(state)
        outputs = _first_images(self.stages.flow.outputs_of(state), wanted)
        return self.check_answer(graph, outputs, wanted, routes)

    def extremes(self, given: list[_T]) -> list[_T]:
        """Those of the extreme inputs of a stage that its graph is compared on."""
        return given[:_MOST_EVALUATED] if self.graphs.is_evaluated else given

    def require_near(
        self, comparison: "GraphComparison", explain: Callable[[Nearness], str]
    ) -> float:
        """Fail unless a graph's outputs are near to its stage's; gives the absolute error.

        An extreme input does not count where the model itself gives values that are not finite, or
        that fp32 does not define: they are rounding and nothing else. Where layers are compressed
        it only has to give finite values: how far those are off on what is no picture says nothing
        of pictures, which are what a recipe's bounds are for.
        """
        if comparison.is_extreme and not _are_finite(comparison.wanted):
            return 0.0
        if comparison.is_extreme and self.is_compressed and _are_finite(comparison.given):
            return 0.0
        near = compare(comparison.given, comparison.wanted, self.tolerance)
        own: dict[str, float] = {}
        if not near.ok and _are_finite(comparison.wanted):
            near, own = self._conditioned(comparison)
        if not near.ok:
            if not comparison.is_extreme or not any(map(is_lost_in_rounding, own.values())):
                self._fail(comparison.graph, explain(near), comparison.fault(self.search))
            return 0.0
        self.largest_bound = max(self.largest_bound, near.bound)
        return near.absolute

    def _conditioned(self, comparison: "GraphComparison") -> tuple[Nearness, dict[str, float]]:
        """The same comparison by bounds that PyTorch's own fp32 error allows, and that error.

        Asked only where the comparison falls short.
        """
        in_double, part = self.reference.in_double, comparison.part
        own, precise = in_double.own_error(part.names, part.module, comparison.inputs)
        most = dict(own)
        for others in part.samples():
            found, _ = in_double.own_error(part.names, part.module, others)
            if not any(map(is_lost_in_rounding, found.values())):
                most = {name: max(error, most[name]) for name, error in found.items()}
        bounds = {name: allowed(self.tolerance, error, self.bounds) for name, error in most.items()}
        return compare(comparison.given, comparison.wanted, bounds, precise), own

    def step(self, stage: StageSpec, route: Route) -> "_Step":
        """The questions about one route."""
        return _Step(self, stage, route)

    def check_answer(
        self, graph: str, answer: Outputs, wanted: Outputs, routes: list[Route]
    ) -> float:
        """The third question: an answer against the model's own, forced down the same routes."""
        return self._require_answer(
            graph, answer, wanted, routes, bound=self.tolerance, bounds=self.bounds
        )

    def check_stages(self, graph: str, routes: list[Route]) -> Outputs:
        """The second question; `graph` is that of the route in question.

        Gives the model's own outputs `[1, ...]`, which the third question asks for as well.
        """
        answers = self.reference.answers
        if tuple(routes) in answers:
            return answers[tuple(routes)]
        image = self.images[:1]
        both = self.reference.in_double.ask(
            lambda double: self._both_ways(double, image.double(), routes)
        )
        output, wanted, smallest = both or self._both_ways(self.model, image, routes)
        tolerance = max(_DOUBLE_ROUNDING, _STAGES_TOLERANCE * smallest)
        if not _close(output, wanted, tolerance):
            # So small a difference may be rounding, where a part of forward stays in fp32.
            self._locate_fault(routes)
        self._require_answer(graph, output, wanted, routes, bound=_TORCH_TOLERANCE, bounds=FP32)
        answers[tuple(routes)] = {name: tensor.float() for name, tensor in wanted.items()}
        return answers[tuple(routes)]

    def _both_ways(
        self, model: RoutedModel, image: Tensor, routes: list[Route]
    ) -> tuple[Outputs, Outputs, float]:
        """The outputs of a model's stages in a row and of its `forward`, and the smallest gate."""
        smallest = 1.0
        state = dict(self.reference.start(model, image))
        for spec, rule, route in zip(self.stages.specs[1:], model.routing, routes, strict=True):
            flow = spec.flow
            if route in flow.record.finishes:
                break
            gates = select(flow.logits(state), rule, route)[1][:, list(route)]
            smallest = min(smallest, gates.min().item())
            with user_code(f"stage {flow.index} of {type(model).__name__}"):
                state |= flow.given(flow.module(model, route)(*flow.taken(state), gates))
        outputs = self.stages.flow.outputs_of(state)
        return outputs, forward(model, image, routes), smallest

    def _locate_fault(self, routes: list[Route]) -> None:
        """Fail if an experiment shows one of the model's own stages to be wrong."""
        for stage, route in zip(self.stages.specs[1:], routes, strict=True):
            if route in stage.flow.record.finishes:
                break
            step = self.step(stage, route)
            if fault := step.find_fault():
                self._fail(step.graph.name, fault)

    def _require_answer(
        self,
        graph: str,
        answer: Outputs,
        wanted: Outputs,
        routes: list[Route],
        *,
        bound: float,
        bounds: manifest.Bounds,
    ) -> float:
        """Fail if an answer is not that of `forward`; without other evidence `graph` is named.

        Gives the absolute error.
        """
        own, near = 0.0, compare(answer, wanted, bound)
        if not near.ok and _are_finite(wanted):
            errors = self._own_answer_errors(wanted, routes)
            bounded = {name: allowed(bound, error, bounds) for name, error in errors.items()}
            near = compare(answer, wanted, bounded)
            own = errors[near.output]
        if not near.ok:
            self._locate_fault(routes)
            shown = ShownBy(self.images[:1].numpy(), tuple(routes))
            self._fail(
                graph,
                f"answers with an error of {near.words} against {type(self.model).__name__}"
                f".forward forced down routes {routes}: {_cause(own)}",
                self.search.on_the_way(shown),
            )
        return near.absolute

    def _own_answer_errors(self, wanted: Outputs, routes: list[Route]) -> dict[str, float]:
        """How far PyTorch's own fp32 outputs are from precise ones, each by its largest value."""
        most = dict.fromkeys(wanted, 0.0)
        for (images,) in self.reference.samples(0, ()):
            precise = self._precise_answer(images[:1], routes)
            if precise is None:
                count = len(next(iter(wanted.values())))
                return _shares(forward(self.model, moved(self.images[:count]), routes), wanted)
            found = _shares(forward(self.model, images[:1], routes), precise)
            for name, own in found.items():
                # An extreme picture on which fp32 says nothing says nothing of the others.
                if images is self.images or not is_lost_in_rounding(own):
                    most[name] = max(most[name], own)
        return most

    def _precise_answer(self, image: Tensor, routes: list[Route]) -> Outputs | None:
        """What `forward` gives in double precision; None where it does not run there."""
        double = image.double()
        return self.reference.in_double.ask(lambda model: forward(model, double, routes))

    def explained(self, module: nn.Module, comparison: "GraphComparison", near: Nearness) -> str:
        """How a graph differs from its stage, in words."""
        if not _are_finite(comparison.wanted):
            return (
                "has nothing to be compared with: the model itself gives values that are not finite"
            )
        half = self.is_half
        beyond = beyond_half(module, comparison.inputs) if half else None
        if beyond is not None:
            return (
                f"differs from PyTorch because it leaves the range of fp16 (up to {LARGEST:g}): "
                f"{beyond}; use a smaller number in the model (-1e4 masks as well), or give "
                "--coreml-precision fp32"
            )
        kind = " on an extreme input" if comparison.is_extreme else ""
        return f"differs from PyTorch by {near.words}{kind}"

    def _fail(self, graph: str, what: str, fault: FaultLocation | None = None) -> NoReturn:
        begins = "" if fault is None else f"; {fault.sentence}"
        fields = {} if fault is None else fault.fields
        raise CheckFailedError(
            f"graph {graph} of target {self.target} {what}{begins}; the bundle was not written",
            code="check.failed",
            target=self.target,
            **{"graph": graph, **fields},
        )


@dataclass(frozen=True)
class ModelPart:
    """A part of the model, which a graph does or several in a row: a stage, an expert, a join."""

    names: tuple[str, ...]
    """What it gives, in order."""
    module: Callable[[RoutedModel], nn.Module]
    """Its module of the model, or of the model's copy in double precision."""
    samples: Callable[[], list[list[Tensor]]]
    """A few of its inputs, to see how well it is conditioned."""


def _stage_part(guard: RouteGuard, stage: StageSpec, route: Route) -> ModelPart:
    """A whole stage, down a route."""
    return ModelPart(
        stage.outputs,
        lambda model: stage.flow.module(model, route),
        lambda: guard.reference.samples(stage.index, route),
    )


@dataclass(frozen=True)
class GraphComparison:
    """What a graph gave for inputs of a part of the model, and what the part gives."""

    graph: str
    place: "RoutePlace"
    part: "ModelPart"
    inputs: list[Tensor]
    given: Outputs
    wanted: Outputs
    is_extreme: bool

    def fault(self, search: FaultSearch) -> FaultLocation | None:
        """Where the graph, or one that serves the same route, begins to differ."""
        place = self.place
        return search.in_stage(place.stage, place.route, place.tensors, place.gates)


@dataclass(frozen=True)
class RoutePlace:
    """A stage, a route, and what the stage takes for it."""

    stage: StageSpec
    route: Route
    tensors: Mapping[str, Tensor]
    gates: Tensor

    @classmethod
    def of(cls, stage: StageSpec, route: Route, inputs: list[Tensor]) -> Self:
        """For the tensors of a stage in order, and behind them the gates of its route."""
        *tensors, gates = inputs if route else [*inputs, torch.ones(len(inputs[0]), 0)]
        return cls(stage, route, dict(zip(stage.flow.record.takes, tensors, strict=True)), gates)


class _Stem:
    """The first question about the stem."""

    def __init__(self, guard: RouteGuard) -> None:
        self.guard = guard
        self.stage = guard.stages.specs[0]
        self.module = self.stage.graphs[0].build()
        self.start: dict[str, Tensor] = {}
        """What the graph gives for the images."""

    def check(self) -> float:
        """The graph against the model's stem; gives the largest absolute error."""
        guard, reference = self.guard, self.guard.reference
        reaching = reference.reaching(0, ())
        found = reference.outputs(0, (), reaching)
        asked = list(zip(reference.inputs, reference.stem, strict=True))
        beyond = [(images, outputs) for (images,), outputs in zip(reaching, found, strict=True)]
        asked = [asked[0], *guard.extremes(asked[1:]), *beyond]
        return max(self._check(images, wanted) for images, wanted in asked)

    def _check(self, images: Tensor, wanted: dict[str, Tensor]) -> float:
        """The graph against the model's stem on some images; gives the absolute error."""
        given = self.guard.graphs.run_stem("stem", images)
        is_extreme = images is not self.guard.images
        self.start = self.start if is_extreme else given
        part = _stage_part(self.guard, self.stage, ())
        place = RoutePlace.of(self.stage, (), [images])
        comparison = GraphComparison("stem", place, part, [images], given, wanted, is_extreme)
        return self.guard.require_near(
            comparison, partial(self.guard.explained, self.module, comparison)
        )


class _Step:
    """The questions about one route of one routed stage."""

    def __init__(self, guard: RouteGuard, stage: StageSpec, route: Route) -> None:
        self.guard = guard
        self.stage = stage
        self.route = route
        self.rule = guard.model.routing[stage.index - 1]
        self.tensors = guard.reference.tensors[stage.index][0]
        self.graph = guard.stages.graph(stage.index, route)
        self.module = stage.flow.module(guard.model, route)

    def eager(self, gates: Tensor) -> dict[str, Tensor]:
        """What the model's stage gives for the smooth picture's tensors."""
        with user_code(f"graph {self.graph.name}"):
            given = [tensor.clone() for tensor in (*self.tensors, gates)]
            return named(self.stage.flow, self.module(*given))

    def exported(self, *inputs: Tensor) -> dict[str, Tensor]:
        """What the exported graph gives for the tensors of its stage and gates `[B, k]`."""
        *tensors, gates = inputs
        by_name = dict(zip(self.stage.flow.record.takes, tensors, strict=True))
        return self.guard.graphs.run_step(self.stage.index, by_name, self.route, gates)

    def check_graph(self) -> float:
        """The first question: the graph against the model's stage; gives the largest error.

        With one larger gate at a time on the smooth picture, with gates of 1 on the extreme ones.
        """
        probes = probe_gates(len(self.tensors[0]), len(self.route))
        errors = [self._check([*self.tensors, gates], self.eager(gates)) for gates in probes]
        reference = self.guard.reference
        extremes = self.guard.extremes(reference.tensors[self.stage.index][1:])
        extremes = [*extremes, *reference.reaching(self.stage.index, self.route)]
        inputs = [with_gates(tensors, self.route) for tensors in extremes]
        wanted = reference.outputs(self.stage.index, self.route, inputs)
        return max([*errors, *map(self._check, inputs, wanted)])

    def _check(self, inputs: list[Tensor], wanted: dict[str, Tensor]) -> float:
        """The graph against the stage on one input; gives the absolute error."""
        given = self.exported(*inputs)
        is_extreme = inputs[0] is not self.tensors[0]
        name = self.graph.name
        part = _stage_part(self.guard, self.stage, self.route)
        place = RoutePlace.of(self.stage, self.route, inputs)
        comparison = GraphComparison(name, place, part, inputs, given, wanted, is_extreme)
        return self.guard.require_near(comparison, partial(self._explain, comparison))

    def routes(self) -> list[Route]:
        """This route at its stage, the first one at every other."""
        routes = [spec.flow.record.first_route for spec in self.guard.stages.specs[1:]]
        routes[self.stage.index - 1] = self.route
        return routes

    def check_stages(self) -> Outputs:
        """The second question: all stages in a row, forced down this route at this stage."""
        return self.guard.check_stages(self.graph.name, self.routes())

    def given(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """What the graph gives for tensors by the manifest's names, by these names as well."""
        flow = self.stage.flow
        gates = select(flow.logits(state), self.rule, self.route)[1][:, list(self.route)]
        return _by_tensor(self.stage, self.exported(*flow.taken(state), gates))

    def check_whole_way(self, wanted: Outputs) -> float:
        """The third question: all graphs in a row, forced down this route at this stage."""
        guard = self.guard
        state = dict(guard.start)
        for spec, route in zip(guard.stages.specs[1:], self.routes(), strict=True):
            step = self if spec is self.stage else _Step(guard, spec, route)
            state |= step.given(state)
        outputs = _first_images(guard.stages.flow.outputs_of(state), wanted)
        return guard.check_answer(self.graph.name, outputs, wanted, self.routes())

    def find_fault(self) -> str | None:
        """What is wrong with the model's stage, if one of the usual faults is."""
        name = f"comes from a model.stage({self.stage.index}, {self.route}) that"
        for gates in probe_gates(len(self.tensors[0]), len(self.route)):
            given = self.eager(gates)
            if _close(given, self.eager(gates * 2)):
                return f"{name} ignores its gates"
            if (lost := self._lost(given, gates)) is not None:
                return f"{name} loses expert {lost}"
            if (other := self._baked(given, gates)) is not None:
                return f"{name} computes route {other}: a route is baked in"
        return None

    def _lost(
        self, given: Outputs, gates: Tensor, tolerance: float = _TORCH_TOLERANCE
    ) -> int | None:
        """The expert whose gate makes no difference to `given`."""
        for slot, expert in enumerate(self.route):
            without = self.eager(gates.index_fill(1, torch.tensor([slot]), 0.0))
            if _close(given, without, tolerance):
                return expert
        return None

    def _baked(
        self, given: Outputs, gates: Tensor, tolerance: float = _TORCH_TOLERANCE
    ) -> Route | None:
        """The other route whose stage gives just `given`."""
        for other in self.rule.routes():
            if other in self.stage.flow.record.finishes:
                continue
            module = self.stage.flow.module(self.guard.model, other)
            computed = named(self.stage.flow, module(*self.tensors, gates))
            if other != self.route and _close(given, computed, tolerance):
                return other
        return None

    def _explain(self, comparison: GraphComparison, near: Nearness) -> str:
        """Why a graph differs from its stage, as far as an experiment can tell."""
        given, gates, tolerance = comparison.given, comparison.inputs[-1], near.bound
        if not comparison.is_extreme and near.error < inf:
            if _close(given, self.exported(*self.tensors, gates * 2), tolerance):
                return f"ignores its gates for route {self.route}"
            if (lost := self._lost(given, gates, tolerance)) is not None:
                return f"loses expert {lost} of route {self.route}"
            if (other := self._baked(given, gates, tolerance)) is not None:
                return f"has route {other} baked in where it should compute route {self.route}"
        return f"{self.guard.explained(self.module, comparison, near)} on route {self.route}"


class _Experts:
    """The first question about single experts of a routed stage, and about their join."""

    def __init__(self, guard: RouteGuard, stage: StageSpec, flow: ExpertFlow) -> None:
        self.guard = guard
        self.stage = stage
        self.flow = flow
        self.graphs = {graph.route or JOIN: graph.name for graph in stage.graphs}
        names = list(stage.flow.record.takes)
        given = guard.reference.tensors[stage.index]
        given = [given[0], *guard.extremes(given[1:])]
        self.inputs = [dict(zip(names, tensors, strict=True)) for tensors in given]
        """The tensors of the stage by name: of the smooth picture, then of extreme ones."""
        self.outputs = stage.outputs

    def check(self, progress: Callable[[str], None]) -> Iterator[float]:
        """Every graph against the model's own module; gives the absolute errors."""
        for route, graph in self.graphs.items():
            yield from self._check_join(graph) if route == JOIN else self._check(route, graph)
            progress(graph)

    def _check(self, route: Route, graph: str) -> Iterator[float]:
        """An expert's graph."""
        every = [self.flow.of(tensors, route) for tensors in self.inputs]
        part = ModelPart(
            tuple(self.flow.outputs),
            lambda model: self.flow.module(model, route),
            lambda: every[:_FEW],
        )
        for number, (tensors, inputs) in enumerate(zip(self.inputs, every, strict=True)):
            given = self.guard.graphs.run_expert(graph, tensors)
            place = self._place(route, tensors)
            yield self._compare(graph, place, part, inputs, given, is_extreme=number > 0)

    def _check_join(self, graph: str) -> Iterator[float]:
        """The join's graph, on what the first experts give."""
        route = tuple(range(self.flow.slots))
        every = [self.flow.join_inputs(self.guard.model, tensors) for tensors in self.inputs]
        batch = len(next(iter(self.inputs[0].values())))
        part = ModelPart(
            self.outputs,
            lambda model: self.flow.module(model, JOIN),
            lambda: [[*inputs.values(), torch.ones(batch, len(route))] for inputs in every[:_FEW]],
        )
        for gates in probe_gates(batch, len(route)):
            for number, (taken, tensors) in enumerate(zip(self.inputs, every, strict=True)):
                given = self.guard.graphs.run_last(graph, tensors, route, gates)
                inputs = [*tensors.values(), gates]
                place = RoutePlace(self.stage, route, taken, gates)
                yield self._compare(graph, place, part, inputs, given, is_extreme=number > 0)

    def _place(self, expert: Route, tensors: Mapping[str, Tensor]) -> RoutePlace:
        """A route that an expert serves, with gates of 1."""
        rule = self.stage.flow.record.routing
        route = next(iter(rule.cover(list(expert))))
        batch = len(next(iter(tensors.values())))
        return RoutePlace(self.stage, route, tensors, torch.ones(batch, len(route)))

    def _compare(
        self,
        graph: str,
        place: RoutePlace,
        part: ModelPart,
        inputs: list[Tensor],
        given: Outputs,
        *,
        is_extreme: bool,
    ) -> float:
        """A graph against its part of the model; gives the absolute error."""
        module = part.module(self.guard.model)
        with user_code(f"graph {graph}"):
            found = as_tuple(module(*(tensor.clone() for tensor in inputs)))
        wanted = {name: t.detach() for name, t in zip(part.names, found, strict=True)}
        comparison = GraphComparison(graph, place, part, inputs, given, wanted, is_extreme)
        explain = partial(self.guard.explained, module, comparison)
        return self.guard.require_near(comparison, explain)


def _by_tensor(stage: StageSpec, outputs: Outputs) -> dict[str, Tensor]:
    """What a stage's graph gave, by the manifest's names of the tensors."""
    return {stage.flow.record.gives[name]: tensor for name, tensor in outputs.items()}


def _first_images(outputs: Outputs, wanted: Outputs) -> Outputs:
    """As many images of each output as the wanted ones are of."""
    return {name: tensor[: len(wanted[name])] for name, tensor in outputs.items()}


def _shares(single: Outputs, precise: Outputs) -> dict[str, float]:
    """How far outputs are off, each relative to its largest value."""
    return {
        name: difference(single[name], tensor) / peak(tensor) for name, tensor in precise.items()
    }


def _cause(own: float) -> str:
    """Why answers may differ, PyTorch's own fp32 being off by `own` of the largest."""
    if not is_lost_in_rounding(own):
        return "the two compute, or weigh their gates, in different ways"
    return (
        f"PyTorch's own fp32 is off by {own:.2g} there, more than can be judged; look for what "
        "magnifies rounding (a tiny eps, a difference of nearly equal values)"
    )


def _are_finite(outputs: Outputs) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in outputs.values())


def _close(given: Outputs, wanted: Outputs, tolerance: float = _TORCH_TOLERANCE) -> bool:
    """Whether every output is within the tolerance of its own largest value."""
    return compare(given, wanted, tolerance).ok
