"""The layers of a Union of Experts: a ViT's attention and MLP, cut into experts that add up.

A product of matrices is the sum of the products of their blocks: so the results of all heads, each
through its own columns of the projection, add up to attention's, and those of all slices of the
hidden features to the MLP's. The output bias is added once.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mvmoe_deploy.models.expert_sums import ExpertSum
from mvmoe_deploy.models.families.uoe.config import UoEConfig
from mvmoe_deploy.models.token_selection import add_tokens, take_tokens, top_tokens


class HeadGroup(nn.Module):
    """Some heads of an attention layer, and their columns of its projection."""

    def __init__(self, config: UoEConfig) -> None:
        super().__init__()
        features = config.width // config.head_groups
        self.heads = config.heads // config.head_groups
        self.qkv = nn.Linear(config.width, 3 * features)
        self.proj = nn.Linear(features, config.width, bias=config.mean_outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        """Attend among tokens `[B, N, D]` of one image."""
        batch, count, _ = tokens.shape
        shape = (batch, count, self.heads, self.proj.in_features // self.heads)
        q, k, v = (part.reshape(shape).transpose(1, 2) for part in self.qkv(tokens).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        output: Tensor = self.proj(mixed.reshape(batch, count, self.proj.in_features))
        return output


class MlpSlice(nn.Module):
    """Some hidden features of an MLP."""

    def __init__(self, config: UoEConfig) -> None:
        super().__init__()
        features = config.mlp_width // config.experts
        self.fc1 = nn.Linear(config.width, features)
        self.act = nn.GELU(approximate="none" if config.gelu == "erf" else "tanh")
        self.fc2 = nn.Linear(features, config.width, bias=config.mean_outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        """Transform each of the tokens `[B, N, D]`."""
        output: Tensor = self.fc2(self.act(self.fc1(tokens)))
        return output


class SelectedUnion(nn.Module):
    """The experts of one route of one layer, and the layer's own bias.

    The gates of a route are 1, so none is multiplied by: what is added up then is one narrower
    layer. Of a module that has more experts than a route the gates tell which ones are active.
    """

    def __init__(self, experts: nn.Module, bias: nn.Parameter, *, has_gates: bool) -> None:
        super().__init__()
        self.experts = experts
        self.bias = bias
        self._has_gates = has_gates

    def forward(self, tokens: Tensor, gates: Tensor) -> Tensor:
        """Tokens `[B, N, D]` and gates `[B, len(route)]` to tokens."""
        taken = gates if self._has_gates else None
        output: Tensor = self.experts(tokens, taken) + self.bias
        return output


class UnionLayer(ExpertSum):
    """An attention layer or MLP in its experts, of which each image uses some."""

    def __init__(self, experts: Sequence[nn.Module], width: int, active: int) -> None:
        super().__init__(experts)
        self.bias = nn.Parameter(torch.zeros(width))
        self._active = active

    def forward(self, tokens: Tensor, members: Tensor, gates: Tensor) -> Tensor:
        """Tokens `[B, N, D]`, routes `[B, E]` (bool) and gates `[B, E]` to tokens."""
        return super().forward(tokens, members, gates) + self.bias

    def selected(self, route: Sequence[int]) -> SelectedUnion:
        """The part of this layer that images of `route` use."""
        selected = super().selected(route)
        return SelectedUnion(selected, self.bias, has_gates=self.has_gates(len(route)))

    def has_gates(self, count: int) -> bool:
        """Whether `count` experts are multiplied by gates: those of a route are not."""
        return count != self._active


class TokenUnionLayer(nn.Module):
    """An attention layer or MLP in its experts, each of which takes some tokens of an image.

    Every token has a score for every expert, the softmax of a linear layer, and every expert takes
    the tokens with its highest scores. In training what it gives is multiplied by
    `1 + (p - stop_gradient(p))`, p being the score: the value stays, and the router learns.
    """

    def __init__(self, experts: Sequence[nn.Module], width: int) -> None:
        super().__init__()
        self.experts = nn.ModuleList(experts)
        self.bias = nn.Parameter(torch.zeros(width))
        self.router = nn.Linear(width, len(experts))

    def forward(self, tokens: Tensor, count: int) -> Tensor:
        """Tokens `[B, N, D]` to what the experts add to `count` of them each."""
        scores = self.router(tokens).softmax(dim=-1)
        mixed = self.bias.expand_as(tokens)
        for number, expert in enumerate(self.experts):
            own = scores[..., number]
            index = top_tokens(own, count)
            rows = expert(take_tokens(tokens, index))
            if self.training:
                taken = own.gather(1, index)
                rows = rows * (1 + (taken - taken.detach()))[..., None]
            mixed = add_tokens(mixed, index, rows.to(mixed.dtype))
        return mixed


def _union(experts: Sequence[nn.Module], config: UoEConfig, active: int) -> nn.Module:
    """A layer of experts of which an image uses `active`, or all with some of its tokens."""
    if config.selection == "per-token":
        return TokenUnionLayer(experts, config.width)
    return UnionLayer(experts, config.width, active)


class UnionBlock(nn.Module):
    """A pre-norm transformer layer whose attention and MLP are unions of experts."""

    def __init__(self, config: UoEConfig) -> None:
        super().__init__()
        heads = [HeadGroup(config) for _ in range(config.head_groups)]
        slices = [MlpSlice(config) for _ in range(config.experts)]
        self.norm1 = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.attn = _union(heads, config, config.active_head_groups)
        self.norm2 = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.mlp = _union(slices, config, config.top_k)

    @property
    def layers(self) -> "list[Residual]":
        """Attention and MLP, each with the norm before it; they are this block's own modules."""
        return [Residual(self.norm1, self.attn), Residual(self.norm2, self.mlp)]

    def forward(self, tokens: Tensor, count: int) -> Tensor:
        """Tokens `[B, N, D]` through the block, `count` of them through each expert."""
        for layer in self.layers:
            tokens = layer(tokens, count)
        return tokens


class Residual(nn.Module):
    """Tokens, and what a layer makes of their norm, added up."""

    def __init__(self, norm: nn.Module, layer: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.layer = layer

    def selected(self, route: Sequence[int]) -> "Residual":
        """The same with the experts of one route."""
        layer = self.layer
        assert isinstance(layer, UnionLayer)
        return Residual(self.norm, layer.selected(route))

    def forward(self, tokens: Tensor, *routing: object) -> Tensor:
        """Tokens `[B, N, D]`; `routing` is what the layer takes beside them."""
        output: Tensor = tokens + self.layer(self.norm(tokens), *routing)
        return output
