"""How tensors go through the experts of a routed stage and the module that joins what they give.

Found by running every expert of a stage, and the join, once (`ExpertModules`). Inputs and outputs
of their graphs have names: those of the stage's tensors, of what an expert gives, and of the slots
in which the join takes that.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import ExpertModules, RoutedModel
from mvmoe_deploy.models.stage_tensors import expert_takes, join_takes, named_output
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.routing import Route
from mvmoe_deploy.strategies import DEFAULT, slot_input, slot_of
from mvmoe_export.flow import StageFlow, as_tuple, require_names, require_passed_on

_OUTPUT = "output"
"""What an expert's graph calls the one tensor of an expert that gives no names."""

JOIN: Route = ()
"""The join, where experts have their own routes."""


@dataclass(frozen=True)
class ExpertFlow:
    """The experts of one routed stage and its join, with examples of what they take and give."""

    stage: StageFlow
    slots: int
    """Experts of the longest route, which the join's graph takes."""
    takes: Mapping[Route, tuple[str, ...]]
    """The stage's tensors that each expert takes, by its route, and the join."""
    outputs: dict[str, Tensor]
    """What every expert gives, by the names of its graph's outputs."""
    names: tuple[str, ...]
    """The names under which experts give them; empty for one tensor without a name."""

    @property
    def experts(self) -> list[int]:
        """The experts that have a graph."""
        return [route[0] for route in self.takes if route != JOIN]

    @property
    def batch(self) -> int:
        """Images in the examples."""
        return len(next(iter(self.stage.inputs.values())))

    def inputs(self, route: Route) -> dict[str, Tensor]:
        """Examples of what the graph of an expert or of the join takes, the gates left out."""
        taken = {name: self.stage.inputs[name] for name in self.takes[route]}
        if route != JOIN:
            return taken
        # Copies: two inputs of one tensor would be captured as one.
        return taken | {
            slot_input(slot, name): tensor.clone()
            for slot in range(self.slots)
            for name, tensor in self.outputs.items()
        }

    def module(self, model: RoutedModel, route: Route) -> nn.Module:
        """The module of an expert or of the join; it takes and gives what its graph does, in order.

        Raises InputError for what the model's own code raises.
        """
        if route != JOIN:
            return _ExpertInOrder(_own_module(model, self.stage.index, route), self.names)
        return self.joining(model, self.slots)

    def joining(self, model: RoutedModel, count: int) -> nn.Module:
        """The join of `count` experts, in the same way."""
        join = _own_join(model, self.stage.index, count)
        return _JoinInOrder(join, len(self.takes[JOIN]), self.names, self.stage.names)

    def joined(
        self, model: RoutedModel, route: Route, tensors: Mapping[str, Tensor], gates: Tensor
    ) -> tuple[Tensor, ...]:
        """What the experts of a route and the join for all slots make of a stage's tensors.

        As the graphs do: slots that the route leaves are zeros, and so are their gates.
        """
        given = [self.given(model, tensors, expert) for expert in route]
        empty = [tuple(map(torch.zeros_like, given[0]))] * (self.slots - len(route))
        padding = gates.new_zeros(len(gates), len(empty))
        slots = [tensor for outputs in [*given, *empty] for tensor in outputs]
        join = self.module(model, JOIN)
        output = join(*self.of(tensors, JOIN), *slots, torch.cat([gates, padding], dim=1))
        return as_tuple(output)

    def given(
        self, model: RoutedModel, tensors: Mapping[str, Tensor], expert: int
    ) -> tuple[Tensor, ...]:
        """What one expert gives for the tensors of its stage."""
        return as_tuple(self.module(model, (expert,))(*self.of(tensors, (expert,))))

    def join_inputs(self, model: RoutedModel, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the join takes behind the first experts, by name, the gates left out."""
        taken = dict(zip(self.takes[JOIN], self.of(tensors, JOIN), strict=True))
        for slot, expert in zip(range(self.slots), itertools.cycle(self.experts)):
            given = zip(self.outputs, self.given(model, tensors, expert), strict=True)
            taken |= {slot_input(slot, name): tensor.detach() for name, tensor in given}
        return taken

    def of(self, tensors: Mapping[str, Tensor], route: Route) -> list[Tensor]:
        """Copies of those of a stage's tensors that an expert or the join takes, in order."""
        return [tensors[name].clone() for name in self.takes[route]]


class _ExpertInOrder(nn.Module):
    """An expert whose named tensors come as a tuple, or alone."""

    def __init__(self, expert: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.expert, self._names = expert, names

    def forward(self, *tensors: Tensor) -> Any:
        """What the expert gives; an expert that gives what it takes gives a copy."""
        given = self.expert(*tensors)
        outputs = [given[name] for name in self._names] if self._names else [given]
        copies = [_new(output, tensors) for output in outputs]
        return tuple(copies) if len(copies) > 1 else copies[0]


class _JoinInOrder(nn.Module):
    """A join that takes what experts give one tensor after another, and gives tensors in order."""

    def __init__(
        self, join: nn.Module, tensors: int, names: tuple[str, ...], outputs: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.join, self._tensors, self._names, self._outputs = join, tensors, names, outputs

    def forward(self, *inputs: Tensor) -> Any:
        """The stage's outputs, for its tensors, the slots and the gates."""
        tensors, (*slots, gates) = inputs[: self._tensors], inputs[self._tensors :]
        given = self.join(*tensors, *self._experts(slots), gates)
        if not self._outputs:
            return given
        outputs = tuple(given[name] for name in self._outputs)
        return outputs if len(outputs) > 1 else outputs[0]

    def _experts(self, slots: Sequence[Tensor]) -> list[Any]:
        """What each expert gives, as it gives it."""
        if not self._names:
            return list(slots)
        size = len(self._names)
        return [
            dict(zip(self._names, slots[first : first + size], strict=True))
            for first in range(0, len(slots), size)
        ]


def _new(output: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    """A graph cannot give one of its inputs."""
    return output.clone() if any(output is tensor for tensor in inputs) else output


def expert_flow(
    model: RoutedModel, stage: StageFlow, slots: int, routes: Sequence[Route]
) -> ExpertFlow:
    """How tensors go through the experts of a routed stage; raises InputError for a broken one.

    `slots` is the number of experts that the join's graph takes, `routes` those of single experts.
    """
    _require_parts(model, stage)
    known, index = stage.inputs, stage.index
    takes: dict[Route, tuple[str, ...]] = {}
    examples: dict[str, Tensor] = {}
    named = False
    for route in routes:
        where = f"expert {route[0]} of stage {index} of {type(model).__name__}"
        module = _own_module(model, index, route)
        takes[route] = expert_takes(module, known)
        with torch.no_grad(), user_code(where):
            output = module(*(known[name].clone() for name in takes[route]))
        given = _checked(output, len(next(iter(known.values()))), where)
        if not examples:
            examples, named = given, isinstance(output, Mapping)
        _require_equal(given, examples, where)
    takes[JOIN] = join_takes(_own_join(model, index, slots), known, slots)
    taken = {name for names in takes.values() for name in names}
    outputs = {f"next_{name}" if name in taken else name: t for name, t in examples.items()}
    flow = ExpertFlow(stage, slots, takes, outputs, tuple(examples) if named else ())
    _require_join(model, flow, stage.record.first_route)
    return flow


def _require_parts(model: RoutedModel, stage: StageFlow) -> None:
    """Refuse a model without experts of its own, and tensors that would be taken for slots."""
    if not isinstance(model, ExpertModules):
        raise InputError(
            f"{type(model).__name__} has no methods expert(stage, index) and join(stage, count), "
            "which a graph for each expert needs; write them (docs/own_model.md), or give "
            f"--strategy {DEFAULT}",
            code="model.contract",
        )
    if taken := [name for name in stage.inputs if slot_of(name) is not None]:
        raise InputError(
            f"stage {stage.index} takes a tensor of the name {taken[0]}, which graphs of this "
            "strategy have for an expert's output; give it another name",
            code="model.contract",
        )


def _own_module(model: RoutedModel, stage: int, route: Route) -> nn.Module:
    """The model's own module of one expert."""
    assert isinstance(model, ExpertModules)
    with user_code(f"{type(model).__name__}.expert({stage}, {route[0]})"):
        return model.expert(stage, route[0]).eval()


def _own_join(model: RoutedModel, stage: int, count: int) -> nn.Module:
    """The model's own join."""
    assert isinstance(model, ExpertModules)
    with user_code(f"{type(model).__name__}.join({stage}, {count})"):
        return model.join(stage, count).eval()


def _checked(output: Any, batch: int, where: str) -> dict[str, Tensor]:
    """What an expert gives by name; refuses what no graph could pass on."""
    if isinstance(output, Mapping):
        given = named_output(output)
        require_names(given, where)
    elif isinstance(output, Tensor):
        given = {_OUTPUT: output}
    else:
        raise InputError(
            f"{where} gives {type(output).__name__}; the contract expects a tensor, or a dict of "
            "named tensors",
            code="model.contract",
        )
    for name, tensor in given.items():
        require_passed_on(name, tensor, batch, where)
    # In the order of memory that a runner's buffers have, whatever the expert gave.
    return {
        name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in given.items()
    }


def _require_equal(given: Mapping[str, Tensor], first: Mapping[str, Tensor], where: str) -> None:
    """Refuse an expert that gives other tensors than the first expert of its stage."""
    found, wanted = (
        {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
        for tensors in (given, first)
    )
    if found != wanted:
        raise InputError(
            f"{where} gives {_words(given)}, where the first gives {_words(first)}; all experts of "
            "a stage must give the same tensors",
            code="model.contract",
        )


def _words(tensors: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in tensors.items())


def _require_join(model: RoutedModel, flow: ExpertFlow, route: Route) -> None:
    """Refuse a join that gives other tensors than its stage."""
    where = f"the join of stage {flow.stage.index} of {type(model).__name__}"
    gates = torch.ones(flow.batch, len(route), dtype=torch.float32)
    wanted = list(flow.stage.outputs.values())
    with torch.no_grad(), user_code(where):
        given = flow.joined(model, route, flow.stage.inputs, gates)
    found = [list(t.shape) if isinstance(t, Tensor) else type(t).__name__ for t in given]
    if found != [list(tensor.shape) for tensor in wanted]:
        raise InputError(
            f"{where} gives {found}, where model.stage({flow.stage.index}, {route}) gives "
            f"{[list(tensor.shape) for tensor in wanted]}; they must give the same tensors",
            code="model.contract",
        )
