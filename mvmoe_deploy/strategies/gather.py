"""The strategy `gather`: one graph gathers the weights of the selected experts by their index.

It is made from the contract of a routed model alone: the modules of single routes show which
weights depend on the expert, and those are stacked.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.strategies import DEFAULT
from mvmoe_deploy.strategies.contract import INTEGER, Build, Strategy, Suitability, TensorType
from mvmoe_deploy.strategies.places import first_route, is_same, placed, placements, weights_of

if TYPE_CHECKING:
    from torch import Tensor, nn


class GatherStrategy(Strategy):
    """The graph takes gates `[1, k]` and the experts they are of `[1, k]`, one image at a time."""

    name: ClassVar[str] = "gather"
    gathers_weights: ClassVar[bool] = True
    routes_in_graph: ClassVar[bool] = True

    def inputs(self, rule: Rule, graph: Route | None, batch: int) -> dict[str, TensorType]:
        """A gate and an index for each expert of the longest route."""
        shape = (batch, rule.longest)
        return {"gates": TensorType(shape, "float32"), "experts": TensorType(shape, INTEGER)}

    def write(
        self,
        inputs: Mapping[str, np.ndarray],
        position: int,
        route: Route,
        gates: Sequence[float],
    ) -> None:
        """The experts and their gates; a shorter route is filled up with gates of 0."""
        for row, values in (
            (inputs["gates"][position], gates),
            (inputs["experts"][position], route),
        ):
            row[: len(route)] = values
            row[len(route) :] = 0

    def module(self, rule: Rule, graph: Route | None, build: Build) -> "nn.Module":
        """A module that has the weights of all experts in stacks, and runs with those it is given.

        Where a route may have all experts, each of them is computed in any case, so nothing is
        stacked: an expert has its own place, and 0 as its gate unless it is on the route. Experts
        that the rule does not select are in no stack; those that it does keep their numbers.

        Raises InputError for experts whose weights have different names or shapes.
        """
        import torch
        from torch import Tensor, nn
        from torch.func import functional_call

        usable = tuple(rule.usable)
        build = _of_places(build, usable)
        renumbered = len(usable) < rule.experts

        class GatheredExperts(nn.Module):
            """A routed stage for any route of its rule, at batch 1."""

            places: Tensor

            def __init__(self) -> None:
                super().__init__()
                self.template = build(first_route(rule.longest))
                stacks = _stacks(len(usable), rule.longest, self.template, build)
                if renumbered:
                    self.register_buffer("places", torch.tensor(_places(usable, rule.experts)))
                self.slots = {stack.weight: (_key(stack.stored_as), stack.slot) for stack in stacks}
                """The stack and the slot of the route of each stacked weight, by its name."""
                self.stacked = nn.ParameterDict(
                    {_key(stack.stored_as): stack.contents for stack in stacks}
                )
                self.sorts_gates = rule.count() > 1 and rule.longest == len(usable)
                """Whether every expert has its own place, and gates have to be brought to it."""

            def forward(self, *inputs: Tensor) -> Any:
                """The stage's output for its tensors, gates `[1, k]`, experts `[1, k]` (int64)."""
                *tensors, gates, experts = inputs
                if renumbered:
                    experts = self.places.index_select(0, experts[0])[None]
                if self.sorts_gates:
                    places = torch.arange(len(usable), device=experts.device)
                    own = (experts[:, :, None] == places).to(gates.dtype)
                    gates = (gates[:, :, None] * own).sum(dim=1)
                weights = {
                    name: self.stacked[stack].index_select(0, experts[0, slot : slot + 1])[0]
                    for name, (stack, slot) in self.slots.items()
                }
                # Names of one slot that share a tensor each have their own stack: elsewhere they
                # may not share one.
                given = (*tensors, gates)
                return functional_call(self.template, weights, given, tie_weights=False)

        return GatheredExperts()

    def selected(self, experts: "Tensor", gates: "Tensor", rule: Rule) -> "tuple[Tensor, ...]":
        """Gates, and the experts that they are of."""
        return gates, experts

    def interchangeable(self, rule: Rule) -> Iterator[Route]:
        """Every expert in every slot; none where all experts are on every route."""
        usable, size = tuple(rule.usable), rule.longest
        if size < len(usable):
            yield tuple(usable[:size])
            for _, _, places in placements(len(usable), size):
                yield tuple(usable[place] for place in places)

    def suits(self, rules: Sequence[Rule]) -> Suitability | None:
        """After those that read no other expert's weights."""
        return Suitability(30, "one graph a stage gathers the weights of the route's experts")

    def require_batch(self, batch: int) -> None:
        """One image at a time: a batch would need weights for each of its images."""
        if batch != 1:
            raise InputError(
                f"strategy gather takes one image at a time, not batch {batch}; give --batch 1",
                code="input.option",
                name="batch",
                given=batch,
                expected=1,
            )


class _Stack(NamedTuple):
    """The contents of one weight for every expert `[E, ...]`, and the slot that it belongs to."""

    weight: str
    slot: int
    contents: "nn.Parameter"
    stored_as: str
    """The first weight of another slot that has the same contents, or its own name."""


def _of_places(build: Build, usable: Route) -> Build:
    """`build` for the places of experts among those that are usable."""
    return lambda places: build(tuple(usable[place] for place in places))


def _places(usable: Route, experts: int) -> list[int]:
    """The place of each of all experts among those that are usable; 0 for the others."""
    found = [0] * experts
    for place, expert in enumerate(usable):
        found[expert] = place
    return found


def _stacks(experts: int, size: int, template: "nn.Module", build: Build) -> list[_Stack]:
    """Stacks of those weights of the first route's module that depend on an expert.

    `build` makes the module of any `size` of so many experts.
    """
    found: list[_Stack] = []
    # What the first slot has, by where it is in memory: the others mostly have the same.
    known: dict[object, _Stack] = {}
    for slot in range(size if size < experts else 0):
        choices = [weights_of(build(placed(expert, slot, size))) for expert in range(experts)]
        own: dict[object, _Stack] = {}
        for name, tensors in _tensors_of_slot(weights_of(template), choices, size):
            places = tuple((t.data_ptr(), t.shape, t.stride()) for t in tensors)
            stack = known.get(places)
            if stack is None:
                stack = own[places] = _Stack(name, slot, _stacked(tensors), name)
            found.append(stack._replace(weight=name, slot=slot))
        known |= own
    return found


def _stacked(tensors: "list[Tensor]") -> "nn.Parameter":
    """The contents of one weight for every expert `[E, ...]`."""
    import torch

    return torch.nn.Parameter(torch.stack(tensors), requires_grad=False)


def _tensors_of_slot(
    first: "dict[str, Tensor]", choices: "list[dict[str, Tensor]]", size: int
) -> "Iterator[tuple[str, list[Tensor]]]":
    """The weights that change when the expert at a slot does, with those of every expert."""
    if any(choice.keys() != first.keys() for choice in choices):
        raise InputError(
            "strategy gather needs experts with the same parameters; this model's differ: "
            f"export it with --strategy {DEFAULT}",
            code="model.contract",
            name="parameters",
        )
    for name, tensor in first.items():
        # Experts beyond the first route stand in a slot without moving the others. Only those are
        # compared, but all are stacked: one may have weights in common with the expert whose
        # place it takes.
        if all(is_same(tensor, other[name]) for other in choices[size:]):
            continue
        tensors = [choice[name] for choice in choices]
        if len({one.shape for one in tensors}) > 1:
            raise InputError(
                f"strategy gather needs experts of equal shapes, but {name} differs: export it "
                f"with --strategy {DEFAULT}",
                code="model.contract",
                name=name,
            )
        yield name, tensors


def _key(name: str) -> str:
    """A weight's name without dots, which the keys of a ParameterDict cannot have."""
    return name.replace(".", "/")


PART = GatherStrategy()
