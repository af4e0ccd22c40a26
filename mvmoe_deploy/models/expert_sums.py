"""The experts of one layer, and those of one route: what they give is weighed and added up."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ExpertSum(nn.Module):
    """All experts of one layer, each image through its own: for training and eager runs."""

    def __init__(self, experts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.experts = nn.ModuleList(experts)

    def forward(self, tokens: Tensor, members: Tensor, gates: Tensor) -> Tensor:
        """`sum_i gate_i * expert_i(x)` over the experts of each image's route.

        Tokens `[B, N, D]`, routes `[B, E]` (bool), gates `[B, E]`.
        """
        mixed = torch.zeros_like(tokens)
        for expert in members.any(dim=0).nonzero().flatten().tolist():
            images = members[:, expert].nonzero().flatten()
            weighted = gates[images, expert, None, None] * self.experts[expert](tokens[images])
            mixed = mixed.index_add(0, images, weighted.to(mixed.dtype))
        return mixed

    def selected(self, route: Sequence[int]) -> nn.Module:
        """The part of this layer that images of `route` use: tokens and gates to tokens."""
        return SelectedSum([self.experts[expert] for expert in route])


class SelectedSum(nn.Module):
    """The experts of one route of one layer: static, nothing left to decide."""

    def __init__(self, experts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.experts = nn.ModuleList(experts)

    def forward(self, tokens: Tensor, gates: Tensor | None) -> Tensor:
        """`sum_i gate_i * expert_i(x)`: tokens `[B, N, D]`, gates `[B, len(route)]`.

        Without gates all are 1.
        """
        # The first expert starts the sum: a zero to start from would stay in the graph.
        mixed = self._weighed(0, tokens, gates)
        for slot in range(1, len(self.experts)):
            mixed = mixed + self._weighed(slot, tokens, gates)
        return mixed

    def _weighed(self, slot: int, tokens: Tensor, gates: Tensor | None) -> Tensor:
        """What the expert in one slot adds."""
        output: Tensor = self.experts[slot](tokens)
        return output if gates is None else gates[:, slot, None, None] * output
