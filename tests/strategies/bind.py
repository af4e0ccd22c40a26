"""A strategy of another package: one graph, which takes the experts' weights as inputs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.strategies import Build, Strategy, TensorType


class Bind(Strategy):
    """The graph takes gates `[1, k]`, then the weights of the expert in each slot of the route."""

    name: ClassVar[str] = "bind"

    def inputs(self, rule: Rule, graph: Route | None, batch: int) -> dict[str, TensorType]:
        """The gates of the route."""
        return {"gates": TensorType((batch, rule.longest), "float32")}

    def write(
        self,
        inputs: Mapping[str, np.ndarray],
        position: int,
        route: Route,
        gates: Sequence[float],
    ) -> None:
        """The gates as they are; the weights are bound, not written."""
        inputs["gates"][position] = gates

    def weights(self, rule: Rule, build: Build) -> dict[str, dict[str, Any]]:
        """For each weight of a slot the contents of all experts."""
        found: dict[str, dict[str, Any]] = {}
        for expert in range(rule.experts):
            for slot in range(rule.longest):
                module = build(_route_with(expert, slot, rule.longest))
                for name in _names(rule, slot, build):
                    contents = found.setdefault(f"slot{slot}.{name}", {})
                    contents[f"e{expert}.slot{slot}.{name}"] = module.get_parameter(name)
        return found

    def content(self, name: str, route: Route) -> str | None:
        """`slot1.fc.weight` of the route (2, 5) is `e5.slot1.fc.weight`."""
        slot = name.partition(".")[0].removeprefix("slot")
        return f"e{route[int(slot)]}.{name}" if slot.isdigit() else None

    def interchangeable(self, rule: Rule) -> Iterator[Route]:
        """Every expert in every slot."""
        yield tuple(range(rule.longest))
        for expert in range(rule.experts):
            for slot in range(rule.longest):
                yield _route_with(expert, slot, rule.longest)

    def require_batch(self, batch: int) -> None:
        """One image at a time, for the weights are those of its route."""
        if batch != 1:
            raise InputError("strategy bind takes one image at a time; give --batch 1")

    def module(self, rule: Rule, graph: Route | None, build: Build) -> Any:
        """The module of the first route without the weights that it takes as inputs."""
        from torch import nn
        from torch.func import functional_call

        template = build(tuple(range(rule.longest)))
        bound = [name for slot in range(rule.longest) for name in _names(rule, slot, build)]
        tensors = [*template.named_parameters(), *template.named_buffers()]
        own = {name: tensor for name, tensor in tensors if name not in bound}

        class BoundExperts(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.own = nn.ParameterDict(
                    {
                        name.replace(".", "/"): nn.Parameter(tensor, requires_grad=False)
                        for name, tensor in own.items()
                    }
                )
                self.hidden = [template]  # No sub-module: its weights are not those of the graph.

            def forward(self, tokens: Any, gates: Any, *weights: Any) -> Any:
                """The stage's output with the given weights."""
                contents = {name: self.own[name.replace(".", "/")] for name in own}
                contents |= dict(zip(bound, weights, strict=True))
                return functional_call(self.hidden[0], contents, (tokens, gates))

        return BoundExperts()


def _names(rule: Rule, slot: int, build: Build) -> list[str]:
    """The weights that change with the expert of a slot."""
    size = rule.longest
    first = dict(build(tuple(range(size))).named_parameters())
    other = dict(build(_route_with(rule.experts - 1, slot, size)).named_parameters())
    return [name for name, tensor in first.items() if tensor.data_ptr() != other[name].data_ptr()]


def _route_with(expert: int, slot: int, size: int) -> Route:
    """The first experts, another one at `slot`; if it is one of them, the two change places."""
    route = list(range(size))
    if expert < size:
        route[expert] = slot
    route[slot] = expert
    return tuple(route)


PART = Bind()
