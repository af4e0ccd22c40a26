"""Experts that stand for the end of an image, and so compute nothing.

Where every route has one expert, one whose route finishes an image is never computed. A strategy
that puts several experts into one graph asks for it all the same, and gives it a gate.
"""

from typing import Any

from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.strategies import DEFAULT, Build
from mvmoe_export.flow import StageFlow


def computing(flow: StageFlow) -> list[int]:
    """The experts of a stage that compute something: all but those that only finish images."""
    record = flow.record
    single = record.routing.longest == 1
    ends = {expert for (expert,) in record.finishes} if single else set()
    return [expert for expert in range(record.routing.experts) if expert not in ends]


def computing_experts(flow: StageFlow, build: Build) -> Build:
    """`build` for any experts of a stage, of which those that only finish images are left out.

    Its modules take a gate for each expert that was asked for. They raise InputError if none of
    these computes anything.
    """
    ends = set(range(flow.record.routing.experts)).difference(computing(flow))
    if not ends:
        return build

    def made(route: Route) -> nn.Module:
        kept = [slot for slot, expert in enumerate(route) if expert not in ends]
        if not kept:
            raise InputError(
                f"stage {flow.index} finishes images on the route {list(route)}, so there is no "
                f"expert for it; export the model with --strategy {DEFAULT}",
                code="model.contract",
                stage=flow.index,
                name="finishes",
                found=list(route),
            )
        module = build(tuple(route[slot] for slot in kept))
        return module if len(kept) == len(route) else _SomeGates(module, kept)

    return made


class _SomeGates(nn.Module):
    """A stage that takes a gate for more experts than it has."""

    def __init__(self, stage: nn.Module, kept: list[int]) -> None:
        super().__init__()
        self.stage, self._kept = stage, kept

    def forward(self, *inputs: Tensor) -> Any:
        """The stage's outputs for its tensors and gates `[B, k]`."""
        *tensors, gates = inputs
        return self.stage(*tensors, gates[:, self._kept])
