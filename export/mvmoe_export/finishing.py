"""Experts that compute nothing: those that stand for the end of an image, and those dropped.

Where every route has one expert, one whose route finishes an image is never computed; nor is one
that the rule does not select. A strategy that puts several experts into one graph asks for it all
the same, and gives it a gate.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.strategies import DEFAULT, Build
from mvmoe_export.flow import StageFlow


def computing(flow: StageFlow) -> list[int]:
    """The experts of a stage that compute something: those that some image runs."""
    record = flow.record
    single = record.routing.longest == 1
    ends = {expert for (expert,) in record.finishes} if single else set()
    return [expert for expert in record.routing.usable if expert not in ends]


def computing_experts(flow: StageFlow, build: Build) -> Build:
    """`build` for any experts of a stage, of which those that compute nothing are left out.

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


def columns(rows: Tensor, experts: Sequence[int]) -> Tensor:
    """The columns `[B, k]` of rows `[B, E]` of some experts.

    They are cut out: delegates leave a selection by an index outside.
    """
    parts = [rows[:, expert : expert + 1] for expert in experts]
    return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]


class _SomeGates(nn.Module):
    """A stage that takes a gate for more experts than it has."""

    def __init__(self, stage: nn.Module, kept: list[int]) -> None:
        super().__init__()
        self.stage, self._kept = stage, kept

    def forward(self, *inputs: Tensor) -> Any:
        """The stage's outputs for its tensors and gates `[B, k]`."""
        *tensors, gates = inputs
        return self.stage(*tensors, columns(gates, self._kept))
