"""A routed model as stages and graphs, for one strategy: what every target exports.

Here is decided which graphs exist, what they take and give, and which of them share a
structure. How a target writes them is not known here.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import islice
from typing import TypeVar

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.consistency import MAX_ELEMENTS, stage_graphs
from mvmoe_deploy.bundle.graph_stages import ROUTER_LOGITS, STEERING, steering_type
from mvmoe_deploy.bundle.manifest import MAX_BATCH, Routers
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.strategies import DEFAULT, INTEGER, Build, Strategy, TensorType, find_strategy
from mvmoe_deploy.strategies.contract import shown_count
from mvmoe_deploy.strategies.places import first_route, placements, places_of_weights
from mvmoe_export.declared_facts import require_declared
from mvmoe_export.expert_flow import ExpertFlow, expert_flow
from mvmoe_export.finishing import computing, computing_experts
from mvmoe_export.flow import ModelFlow, StageFlow, flow_of, type_name
from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.in_graph import SteeredModel, in_graph_flow, require_in_graph
from mvmoe_export.interchangeable import require_alike, require_interchangeable
from mvmoe_export.structure import StructureGroup, group_by_structure

T = TypeVar("T")

_LONGEST_NAME = 100
"""Characters that the experts of a route may take in a graph's name, which is a file's too."""

MAX_GRAPHS = 256
"""Graphs of one stage; a model with more routes is better served by another strategy."""


@dataclass(frozen=True)
class Filling:
    """Where the weights of an expert at a place of the route are: in the module that it builds."""

    expert: int
    place: int
    build: Callable[[], nn.Module]
    """Makes the module of a route that has the expert at the place."""


@dataclass(frozen=True)
class GraphSpec:
    """One graph to export: a stage, and its route where the strategy has a graph per route."""

    name: str
    stage: int
    route: Route | None
    build: Callable[[], nn.Module]
    """Makes the stage's module; it shares the model's parameters."""
    inputs: dict[str, Tensor]
    """Example inputs by name, in order: they fix shapes and types."""
    outputs: dict[str, Tensor]
    """Examples of what it gives, in the same way."""
    bound: Mapping[str, int] = field(default_factory=dict)
    """Those of the module's weights that it takes as inputs, with the place in the route of the
    expert that each belongs to; which experts' they may be, `fillings` say."""
    fillings: tuple[Filling, ...] = ()
    roles: GraphRoles = field(default_factory=GraphRoles)
    """What its outputs are for."""


@dataclass(frozen=True)
class StageSpec:
    """One stage with all its graphs."""

    flow: StageFlow
    graphs: tuple[GraphSpec, ...]
    experts: ExpertFlow | None = None
    """How tensors go through its experts, where each has a graph and another one joins them."""

    @property
    def index(self) -> int:
        """The number of the stage; 0 is the stem."""
        return self.flow.index

    @property
    def name(self) -> str:
        """Its name in the manifest."""
        return self.flow.record.name

    @property
    def rule(self) -> Rule | None:
        """Its routing rule; the stem has none."""
        return self.flow.record.rule

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what it gives, in the order of its graphs' outputs."""
        return tuple(self.flow.outputs)


@dataclass(frozen=True)
class Stages:
    """A model's stages for one strategy and batch size."""

    model: RoutedModel
    strategy: Strategy
    batch: int
    specs: tuple[StageSpec, ...]
    """Those that have graphs: the model's, or one where the routers are inside of the graph."""
    flow: ModelFlow
    """How tensors go through the model's own stages, and which of them are outputs."""
    routers: Routers = manifest.HOST
    """Who selects routes, as a manifest says it."""

    @cached_property
    def on_host(self) -> "Stages":
        """The same model and strategy with the routers on the host."""
        if self.routers == manifest.HOST:
            return self
        return make_stages(self.model, self.strategy.name, self.batch)

    @property
    def outputs(self) -> tuple[manifest.Output, ...]:
        """The model's outputs, without labels."""
        return self.flow.outputs

    @property
    def records(self) -> tuple[manifest.Stage, ...]:
        """The stages as the manifest describes them."""
        return self.flow.records

    @property
    def graphs(self) -> Iterator[tuple[StageSpec, GraphSpec]]:
        """Every graph with its stage, stem first."""
        return ((stage, graph) for stage in self.specs for graph in stage.graphs)

    @property
    def bound_experts(self) -> tuple[int, ...]:
        """How many experts each routed stage has whose weights are inputs of graphs."""
        if not self.strategy.binds_weights:
            return ()
        return tuple(spec.flow.record.routing.experts for spec in self.specs[1:])

    def in_order(self, items: Iterable[T], name: Callable[[T], str]) -> list[T]:
        """Items of graphs, by the name of the graph of each, in the order of the graphs."""
        order = {graph.name: place for place, (_, graph) in enumerate(self.graphs)}
        return sorted(items, key=lambda item: order[name(item)])

    @cached_property
    def groups(self) -> tuple[StructureGroup, ...]:
        """All graphs by structure, found once for all targets; raises InputError."""
        return group_by_structure(graph for _, graph in self.graphs)

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of all weights that the graphs read, equal contents once: what a bundle stores.

        Weights of the model that no stage reads (a head for the training) are not among them.
        """
        modules = [self.model.stage(0, ())]
        for flow in self.flow.stages[1:]:
            build = computing_experts(flow, partial(self.model.stage, flow.index))
            modules.append(build(tuple(range(flow.record.routing.experts))))
        tensors = {id(t): t for module in modules for t in module.state_dict().values()}
        return sum({_content(tensor): tensor.nbytes for tensor in tensors.values()}.values())

    def graph(self, stage: int, route: Route) -> GraphSpec:
        """The graph that gives what `stage` gives for images of `route`."""
        last = self.strategy.serving(route)[-1]
        return next(graph for graph in self.specs[stage].graphs if graph.route == last)


def dtype_of(tensor: Tensor) -> manifest.DType:
    """The type of a tensor, as a manifest says it."""
    found: manifest.DType = msgspec.convert(type_name(tensor.dtype), manifest.DType)
    return found


def _content(tensor: Tensor) -> tuple[str, torch.Size, torch.dtype]:
    """What tells a tensor from others, whatever it is called."""
    data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return hashlib.sha256(data.data).hexdigest(), tensor.shape, tensor.dtype


def make_stages(
    model: RoutedModel,
    strategy: str = DEFAULT,
    batch: int = 1,
    max_graphs: int = MAX_GRAPHS,
    *,
    routers: Routers = manifest.HOST,
) -> Stages:
    """Cut `model` into stages, or make them one with the routers inside of its graph.

    Raises InputError for a strategy that cannot serve it.
    """
    found = find_strategy(strategy)
    _require_contract(model)
    _require_batch(model, batch)
    _require_strategy(model, found, batch, max_graphs)
    specs = []
    flows = flow_of(model, batch)
    if routers == manifest.IN_GRAPH:
        require_in_graph(model, found, flows)
        whole = _with_roles(_whole(model, found, flows, batch), flows)
        return Stages(model, found, batch, (whole,), flows, routers)
    for flow in flows.stages:
        stem = GraphSpec(
            "stem", 0, None, partial(flow.module, model, ()), flow.inputs, flow.outputs
        )
        graphs: tuple[GraphSpec, ...] = (stem,)
        experts: ExpertFlow | None = None
        if (rule := flow.record.rule) is not None and found.slots(rule):
            routes = list(stage_graphs(found, flow.record))
            experts = expert_flow(model, flow, found.slots(rule), [one for one in routes if one])
            graphs = tuple(_expert_graphs(model, experts, found, routes))
        elif rule is not None:
            build = computing_experts(flow, partial(flow.module, model))
            make = _bound_graphs if found.binds_weights else _graphs
            graphs = tuple(make(model, flow, found, build))
        specs.append(_with_roles(StageSpec(flow, graphs, experts), flows))
    return Stages(model, found, batch, tuple(specs), flows)


def _with_roles(spec: StageSpec, flows: ModelFlow) -> StageSpec:
    """A stage whose graphs say what their outputs are for."""
    routers = {record.router for record in flows.records} - {None}
    inner = set(flows.inner_routers)
    answers = {tensor for output in flows.outputs for tensor in output.tensors}
    gives = spec.flow.record.gives
    graphs = []
    for graph in spec.graphs:
        # What an expert gives for others to be joined with is no answer yet.
        whole = list(graph.outputs) == list(spec.flow.outputs)
        tensors = {name: gives.get(name, "") for name in graph.outputs} if whole else {}
        roles = GraphRoles(
            outputs=tuple(graph.outputs),
            routers=frozenset(
                name
                for name in graph.outputs
                if name == ROUTER_LOGITS or tensors.get(name) in routers
            ),
            inner_routers=frozenset(name for name, tensor in tensors.items() if tensor in inner),
            answers=frozenset(name for name, tensor in tensors.items() if tensor in answers),
        )
        graphs.append(replace(graph, roles=roles))
    return replace(spec, graphs=tuple(graphs))


def _whole(model: RoutedModel, strategy: Strategy, flows: ModelFlow, batch: int) -> StageSpec:
    """The whole model as one graph that routes by itself."""
    for flow in flows.stages[1:]:
        build = partial(flow.module, model)
        require_interchangeable(model, flow.index, strategy, build, flow.inputs)
    flow = in_graph_flow(model, flows, batch)
    steering = steering_type(model.routing, batch)
    inputs = {**flow.inputs, STEERING: torch.zeros(steering.shape)}
    build_whole = partial(_evaluated, SteeredModel, model, strategy)
    graph = GraphSpec("model", 0, None, build_whole, inputs, flow.outputs)
    return StageSpec(flow, (graph,))


def _evaluated(make: Callable[..., nn.Module], *arguments: object) -> nn.Module:
    """A module in evaluation mode."""
    return make(*arguments).eval()


def _expert_graphs(
    model: RoutedModel, experts: ExpertFlow, strategy: Strategy, routes: Sequence[Route | None]
) -> Iterator[GraphSpec]:
    """The graphs of one routed stage, one for each expert and one that joins them."""
    flow, rule = experts.stage, experts.stage.record.routing
    for route in routes:
        label = strategy.label(rule, route) or _route_name(route or ())
        make = partial(_strategys_module, strategy, rule, route, partial(experts.module, model))
        own = _route_inputs(strategy, rule, route, flow.record.first_route, experts.batch)
        outputs = experts.outputs if strategy.is_joined(rule, route) else flow.outputs
        yield _graph(
            flow,
            label,
            route,
            build=make,
            tensors=experts.inputs(route or ()),
            own=own,
            outputs=outputs,
            strategy=strategy,
        )


def _bound_graphs(
    model: RoutedModel, flow: StageFlow, strategy: Strategy, build: Build
) -> Iterator[GraphSpec]:
    """The graphs of one routed stage that take the weights of experts as inputs."""
    numbers = computing(flow)

    def of_numbers(route: Route) -> nn.Module:
        """The module of experts that compute, by their number among those."""
        return build(tuple(numbers[number] for number in route))

    for graph in _graphs(model, flow, strategy, of_numbers):
        size = len(graph.route or ())
        every = list(placements(len(numbers), size))
        bound = places_of_weights(len(numbers), size, of_numbers)
        routes = [first_route(size), *(route for _, _, route in every)]
        require_alike(model, flow.index, routes, strategy, of_numbers, tensors=flow.inputs)
        fillings = tuple(
            Filling(numbers[number], place, partial(of_numbers, route))
            for number, place, route in every
        )
        yield replace(graph, bound=bound, fillings=fillings)


def _graphs(
    model: RoutedModel, flow: StageFlow, strategy: Strategy, build: Build
) -> Iterator[GraphSpec]:
    """The graphs of one routed stage, which takes tensors of stages before."""
    rule = flow.record.routing
    require_interchangeable(model, flow.index, strategy, build, flow.inputs)
    batch = len(next(iter(flow.inputs.values())))
    for route in stage_graphs(strategy, flow.record):
        label = strategy.label(rule, route) or _route_name(route or ())
        make = partial(_strategys_module, strategy, rule, route, build)
        example = route or flow.record.first_route
        own = _route_inputs(strategy, rule, route, example, batch)
        yield _graph(
            flow,
            label,
            route,
            build=make,
            tensors=flow.inputs,
            own=own,
            outputs=flow.outputs,
            strategy=strategy,
        )


def _graph(
    flow: StageFlow,
    label: str,
    route: Route | None,
    *,
    build: Callable[[], nn.Module],
    tensors: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    strategy: Strategy,
) -> GraphSpec:
    """One graph of a stage, which takes some tensors, and `own` inputs behind them."""
    if taken := sorted(own.keys() & tensors.keys()):
        raise InputError(
            f"stage {flow.index} takes a tensor of the name {taken[0]}, which graphs of the "
            f"strategy {strategy.name} have for something else; give it another name",
            code="model.contract",
            stage=flow.index,
            name=taken[0],
        )
    name = f"{flow.record.name}_{label}"
    return GraphSpec(name, flow.index, route, build, {**tensors, **own}, dict(outputs))


def _route_name(route: Route) -> str:
    """`e2_e7`; of very many experts the first, how many more, and a hash of them all."""
    name = "_".join(f"e{expert}" for expert in route)
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"e{route[0]}_and_{len(route) - 1}_more_{digest}"


def _strategys_module(
    strategy: Strategy, rule: Rule, route: Route | None, build: Build
) -> nn.Module:
    """The module of one graph of a strategy."""
    return strategy.module(rule, route, build).eval()


def _route_inputs(
    strategy: Strategy, rule: Rule, route: Route | None, example: Route, batch: int
) -> dict[str, Tensor]:
    """Examples of what a graph of a routed stage takes beside the tensors of the stage before."""
    wanted = strategy.inputs(rule, route, batch)
    if not wanted:
        return {}
    arrays = {name: np.zeros(*_as_numpy(tensor)) for name, tensor in wanted.items()}
    for position in range(batch):
        strategy.write(arrays, position, example, [1 / len(example)] * len(example))
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _as_numpy(tensor: TensorType) -> tuple[tuple[int, ...], str]:
    """The shape of a tensor, and its type in a stage's module."""
    return tensor.shape, "int64" if tensor.dtype == INTEGER else tensor.dtype


def _require_contract(model: RoutedModel) -> None:
    """Refuse what is not a routed model in fp32."""
    if not isinstance(model, nn.Module) or not isinstance(model, RoutedModel):
        lacks = [name for name in ("input", "routing", "stage") if not hasattr(model, name)]
        raise InputError(
            f"{type(model).__name__} is no routed model: it lacks {', '.join(lacks) or 'nn.Module'}"
            "; see docs/own_model.md for the contract",
            code="model.contract",
        )
    require_declared(model)
    for what, tensors in (("parameters", model.parameters()), ("buffers", model.buffers())):
        # Of buffers, tables of indices and masks have other types by right.
        kinds = {
            type_name(tensor.dtype)
            for tensor in tensors
            if what == "parameters" or tensor.is_floating_point() or tensor.is_complex()
        } - {"float32"}
        if kinds:
            raise InputError(
                f"{type(model).__name__} has {what} of {', '.join(sorted(kinds))}; call .float() "
                "on it first: the precision of graphs is the target's choice",
                code="model.contract",
            )


def _require_batch(model: RoutedModel, batch: int) -> None:
    """Refuse a batch that a bundle cannot have."""
    if not 1 <= batch <= MAX_BATCH:
        raise InputError(
            f"batch {batch} was given; expected at least 1 and at most {MAX_BATCH}",
            code="input.option",
            name="batch",
            given=batch,
        )
    elements = batch * math.prod(model.input.shape)
    if elements > MAX_ELEMENTS:
        raise InputError(
            f"batch {batch} of images of {list(model.input.shape)} has {elements:,} elements; a "
            f"bundle's tensors have at most {MAX_ELEMENTS:,}: give a smaller --batch",
            code="input.option",
            name="batch",
            given=batch,
        )


def _require_strategy(model: RoutedModel, strategy: Strategy, batch: int, max_graphs: int) -> None:
    """Refuse a strategy that would make too many graphs or cannot take this batch."""
    strategy.require_batch(batch)
    for index, rule in enumerate(model.routing, start=1):
        if _has_more_graphs(strategy, rule, max_graphs):
            few = [
                name
                for name in part_lookup.names("strategies")
                if not _has_more_graphs(find_strategy(name), rule, 1)
            ]
            raise InputError(
                f"routed stage {index} selects {rule.describe()}, which has "
                f"{shown_count(rule.count())} routes: strategy {strategy.name} makes more graphs "
                f"of it than the limit of {max_graphs}; "
                f"use a strategy that makes one ({' or '.join(f'--strategy {one}' for one in few)})"
                ", or raise --max-graphs",
                code="export.too-many-graphs",
                stage=index,
                limit=max_graphs,
            )


def _has_more_graphs(strategy: Strategy, rule: Rule, most: int) -> bool:
    """Whether a strategy makes more than `most` graphs of a routed stage."""
    return next(islice(strategy.graphs(rule), max(most, 0), None), strategy) is not strategy
