"""Whether the experts of a stage and their join, in PyTorch, do what the stage itself does."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.routing import Route
from mvmoe_deploy.verification.metrics import in_enough_digits
from mvmoe_export.expert_flow import ExpertFlow
from mvmoe_export.flow import as_tuple
from mvmoe_export.parity.nearness import compare
from mvmoe_export.parity.probes import probe_gates

_IN_DOUBLE = 1e-5
"""In double precision, relative to the largest value: a part of the model may stay in fp32."""

_IN_SINGLE = 1e-3
"""Where the model does not run in double precision: the two ways add up in other orders."""


@torch.no_grad()
def require_joined(
    model: RoutedModel, experts: ExpertFlow, routes: Sequence[Route], tensors: Mapping[str, Tensor]
) -> None:
    """Refuse a model whose experts and join do not give what its stage gives, for some routes.

    Asked on tensors `[B, ...]` of the stage with gates that no router gives. Raises
    CheckFailedError with the figures.
    """
    both = _in_double(_TwoWays(model, experts, tensors, _IN_SINGLE), routes[0])
    for route in routes:
        for gates in probe_gates(both.batch, len(route)):
            both.require_equal(route, gates)


@dataclass(frozen=True)
class _TwoWays:
    """A model's experts with their join, and its stage, on the same tensors."""

    model: RoutedModel
    experts: ExpertFlow
    tensors: Mapping[str, Tensor]
    bound: float
    """How far they may differ, relative to the largest value."""

    @property
    def batch(self) -> int:
        """Images in the tensors."""
        return len(next(iter(self.tensors.values())))

    def run(self, route: Route, gates: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """What experts and join give, and what the stage gives; gates are fp32."""
        stage, name = self.experts.stage, type(self.model).__name__
        if any(tensor.dtype == torch.float64 for tensor in self.tensors.values()):
            gates = gates.double()
        with user_code(f"{name}.join({stage.index}, {self.experts.slots})"):
            joined = self.experts.joined(self.model, route, self.tensors, gates)
        given = [self.tensors[tensor].clone() for tensor in stage.record.takes]
        with user_code(f"{name}.stage({stage.index}, {route})"):
            return joined, as_tuple(stage.module(self.model, route)(*given, gates.clone()))

    def require_equal(self, route: Route, gates: Tensor) -> None:
        """Refuse a route on which they differ; the guard judges one whose stage is not finite."""
        joined, wanted = self.run(route, gates)
        if not all(bool(tensor.isfinite().all()) for tensor in wanted):
            return
        names = tuple(self.experts.stage.outputs)
        near = compare(
            dict(zip(names, joined, strict=True)),
            dict(zip(names, wanted, strict=True)),
            self.bound,
        )
        if not near.ok:
            index, name = self.experts.stage.index, type(self.model).__name__
            error, limit = in_enough_digits(near.error, self.bound)
            raise CheckFailedError(
                f"{name}.expert({index}, ...) of the experts {list(route)} and {name}.join("
                f"{index}, {self.experts.slots}) give otherwise than {name}.stage({index}, "
                f"{route}) with the gates {gates[0].tolist()}: they differ by {error} of the "
                f"largest value (bound {limit}); experts and join must do what the stage does, "
                "whatever the gates are, and an expert with the gate 0 must change nothing",
                code="model.unsound",
            )


def _in_double(single: _TwoWays, route: Route) -> _TwoWays:
    """The same in double precision; as it is where the model does not run there."""
    wide = {
        name: tensor.double() if tensor.dtype == torch.float32 else tensor
        for name, tensor in single.tensors.items()
    }
    try:
        double = _TwoWays(copy.deepcopy(single.model).double(), single.experts, wide, _IN_DOUBLE)
        double.run(route, next(probe_gates(single.batch, len(route))))
    # The model's own code: an assertion on types, for example, or a call of sys.exit().
    except (Exception, SystemExit):
        return single
    return double
