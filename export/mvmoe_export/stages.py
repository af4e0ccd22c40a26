"""A routed model as stages and graphs, for one strategy: what every target exports.

Here is decided which graphs exist, what they take and give, and which of them share a
structure. How a target writes them is not known here.
"""

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mvmoe_deploy.bundle.consistency import MAX_ELEMENTS
from mvmoe_deploy.bundle.manifest import MAX_BATCH
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route, Rule
from mvmoe_export.gather import GatheredExperts, require_one_computation
from mvmoe_export.user_code import user_code

_LONGEST_NAME = 100
"""Characters that the experts of a route may take in a graph's name, which is a file's too."""

_TOKEN_TYPES = (torch.float32, torch.float16)

Strategy = Literal["dispatch", "gather", "all-experts"]

MAX_GRAPHS = 256
"""Graphs of one stage; a model with more routes is better served by another strategy."""


@dataclass(frozen=True)
class GraphSpec:
    """One graph to export: a stage, and its route where the strategy has a graph per route."""

    name: str
    stage: int
    route: Route | None
    build: Callable[[], nn.Module]
    """Makes the stage's module; it shares the model's parameters."""


@dataclass(frozen=True)
class StageSpec:
    """One stage with all its graphs."""

    index: int
    name: str
    rule: Rule | None
    inputs: dict[str, Tensor]
    """Example inputs by name, in order: they fix shapes and types."""
    outputs: tuple[str, ...]
    graphs: tuple[GraphSpec, ...]


@dataclass(frozen=True)
class Stages:
    """A model's stages for one strategy and batch size."""

    model: RoutedModel
    strategy: Strategy
    batch: int
    specs: tuple[StageSpec, ...]
    classes: int
    """How many values an answer has."""

    @property
    def graphs(self) -> Iterator[tuple[StageSpec, GraphSpec]]:
        """Every graph with its stage, stem first."""
        return ((stage, graph) for stage in self.specs for graph in stage.graphs)

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of all weights that the graphs read, equal contents once: what a bundle stores.

        Weights of the model that no stage reads (a head for the training) are not among them.
        """
        rules = self.model.routing
        modules = [self.model.stage(0, ())]
        modules += [self.model.stage(i, tuple(range(r.experts))) for i, r in enumerate(rules, 1)]
        tensors = {id(t): t for module in modules for t in module.state_dict().values()}
        return sum({_content(tensor): tensor.nbytes for tensor in tensors.values()}.values())

    def graph(self, stage: int, route: Route) -> GraphSpec:
        """The graph that images of `route` run at `stage`."""
        graphs = self.specs[stage].graphs
        return next(graph for graph in graphs if graph.route in (route, None))


def _content(tensor: Tensor) -> tuple[str, torch.Size, torch.dtype]:
    """What tells a tensor from others, whatever it is called."""
    data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return hashlib.sha256(data).hexdigest(), tensor.shape, tensor.dtype


def make_stages(
    model: RoutedModel,
    strategy: Strategy = "dispatch",
    batch: int = 1,
    max_graphs: int = MAX_GRAPHS,
) -> Stages:
    """Cut `model` into stages; raises InputError for a strategy that cannot serve it."""
    _require_contract(model)
    _require_strategy(model, strategy, batch, max_graphs)
    images = torch.zeros(batch, *model.input.shape, dtype=torch.float32)
    stem = GraphSpec("stem", 0, None, _builder(model, 0, ()))
    inputs: dict[str, Tensor] = {"image": images}
    specs = []
    for index in range(len(model.routing) + 1):
        rule = model.routing[index - 1] if index else None
        last = index == len(model.routing)
        name = f"step{index}" if index else "stem"
        if index and strategy == "gather":
            require_one_computation(model, index, inputs["tokens"])
        graphs = _graphs(model, strategy, index, name) if index else (stem,)
        outputs = ("answer",) if last else ("next_tokens", "logits")
        specs.append(StageSpec(index, name, rule, inputs, outputs, graphs))
        output = _example_output(model, index, inputs)
        if last:
            _require_answer(output, batch, f"stage {index} of {type(model).__name__}")
        else:
            rule = model.routing[index]
            _require_tokens(output, batch, rule, f"stage {index} of {type(model).__name__}")
            inputs = _step_inputs(output[0], rule, strategy)
    return Stages(model, strategy, batch, tuple(specs), output.shape[1])


def routes_of(rule: Rule) -> Iterator[Route]:
    """Every route that a rule can select, in lexicographic order."""
    return itertools.combinations(range(rule.experts), rule.k)


def _graphs(model: RoutedModel, strategy: Strategy, index: int, name: str) -> tuple[GraphSpec, ...]:
    """The graphs of one routed stage."""
    rule = model.routing[index - 1]
    if strategy == "all-experts":
        everyone = tuple(range(rule.experts))
        build = _builder(model, index, everyone)
        return (GraphSpec(f"{name}_all", index, None, build),)
    if strategy == "gather":
        return (
            GraphSpec(f"{name}_gather", index, None, lambda: GatheredExperts(model, index).eval()),
        )
    return tuple(
        GraphSpec(
            f"{name}_{_route_name(route)}",
            index,
            route,
            _builder(model, index, route),
        )
        for route in routes_of(rule)
    )


def _route_name(route: Route) -> str:
    """`e2_e7`; of very many experts the first, how many more, and a hash of them all."""
    name = "_".join(f"e{expert}" for expert in route)
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"e{route[0]}_and_{len(route) - 1}_more_{digest}"


def _builder(model: RoutedModel, index: int, route: Route) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        with user_code(f"{type(model).__name__}.stage({index}, {route})"):
            return model.stage(index, route).eval()

    return build


def _example_output(model: RoutedModel, index: int, inputs: dict[str, Tensor]) -> Any:
    """What stage `index` gives on its example inputs, down its first route."""
    rule = model.routing[index - 1] if index else None
    module = _builder(model, index, tuple(range(rule.k)) if rule else ())()
    given = [inputs["image"]] if rule is None else [inputs["tokens"], _ones(inputs, rule.k)]
    with torch.no_grad(), user_code(f"stage {index} of {type(model).__name__}"):
        return module(*(tensor.clone() for tensor in given))


def _require_tokens(output: Any, batch: int, rule: Rule, where: str) -> None:
    """Refuse what is not the output of a stage before the last."""
    if not (isinstance(output, tuple) and len(output) == 2):
        raise InputError(
            f"{where} gives {type(output).__name__}; the contract expects (tokens, logits) before "
            "the last stage"
        )
    tokens, logits = output
    _require_type(tokens, f"{where} gives tokens", _TOKEN_TYPES)
    _require_type(logits, f"{where} gives logits", (torch.float32,))
    if tuple(logits.shape) != (batch, rule.experts) or tokens.ndim < 2 or len(tokens) != batch:
        raise InputError(
            f"{where} gives tokens {list(tokens.shape)} and logits {list(logits.shape)}; the "
            f"contract expects [{batch}, ...] and [{batch}, {rule.experts}]"
        )


def _require_answer(output: Any, batch: int, where: str) -> None:
    """Refuse what is not the output of the last stage."""
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != batch:
        given = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise InputError(
            f"{where} gives {given}; the contract expects the answer [{batch}, classes] of the "
            "last stage"
        )
    _require_type(output, f"{where} gives an answer", (torch.float32,))


def _require_type(given: Any, what: str, expected: tuple[torch.dtype, ...]) -> None:
    """Refuse what is no tensor of one of some types."""
    kind = _type_name(given.dtype) if isinstance(given, Tensor) else type(given).__name__
    names = [_type_name(dtype) for dtype in expected]
    if kind not in names:
        raise InputError(
            f"{what} of type {kind}; the contract expects {' or '.join(names)}: convert it at the "
            "end of the stage"
        )


def _type_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _ones(inputs: dict[str, Tensor], k: int) -> Tensor:
    return torch.ones(len(inputs["tokens"]), k, dtype=torch.float32)


def _step_inputs(tokens: Tensor, rule: Rule, strategy: Strategy) -> dict[str, Tensor]:
    """Example inputs of a routed step."""
    width = rule.experts if strategy == "all-experts" else rule.k
    # In the order of memory that a runner's buffers have, whatever the stage before gave.
    tokens = tokens.clone(memory_format=torch.contiguous_format)
    gates = torch.full((len(tokens), width), 1 / width, dtype=torch.float32)
    inputs = {"tokens": tokens, "gates": gates}
    if strategy == "gather":
        inputs["experts"] = torch.arange(rule.k)[None]
    return inputs


def _require_contract(model: RoutedModel) -> None:
    """Refuse what is not a routed model in fp32."""
    if not isinstance(model, nn.Module) or not isinstance(model, RoutedModel):
        lacks = [name for name in ("input", "routing", "stage") if not hasattr(model, name)]
        raise InputError(
            f"{type(model).__name__} is no routed model: it lacks {', '.join(lacks) or 'nn.Module'}"
            "; see docs/own_model.md for the contract"
        )
    for what, tensors in (("parameters", model.parameters()), ("buffers", model.buffers())):
        # Of buffers, tables of indices and masks have other types by right.
        kinds = {
            _type_name(tensor.dtype)
            for tensor in tensors
            if what == "parameters" or tensor.is_floating_point() or tensor.is_complex()
        } - {"float32"}
        if kinds:
            raise InputError(
                f"{type(model).__name__} has {what} of {', '.join(sorted(kinds))}; call .float() "
                "on it first: the precision of graphs is the target's choice"
            )


def _require_strategy(model: RoutedModel, strategy: Strategy, batch: int, max_graphs: int) -> None:
    """Refuse a strategy that would make too many graphs or cannot take this batch."""
    if not 1 <= batch <= MAX_BATCH:
        raise InputError(f"batch {batch} was given; expected at least 1 and at most {MAX_BATCH}")
    elements = batch * math.prod(model.input.shape)
    if elements > MAX_ELEMENTS:
        raise InputError(
            f"batch {batch} of images of {list(model.input.shape)} has {elements:,} elements; a "
            f"bundle's tensors have at most {MAX_ELEMENTS:,}: give a smaller --batch"
        )
    if strategy == "gather" and batch != 1:
        raise InputError(
            f"strategy gather takes one image at a time, not batch {batch}; give --batch 1"
        )
    for index, rule in enumerate(model.routing, start=1):
        routes = math.comb(rule.experts, rule.k)
        if strategy == "dispatch" and routes > max_graphs:
            raise InputError(
                f"routed stage {index} selects {rule.k} of {rule.experts} experts, which makes "
                f"{routes} graphs, more than the limit of {max_graphs}; use --strategy gather (one "
                "graph) or raise --max-graphs"
            )
