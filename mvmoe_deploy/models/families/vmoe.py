"""V-MoE: a ViT in some of whose layers every token takes a few of the experts (arXiv 2106.05974).

An expert computes at most `expert_tokens` tokens of an image, a constant; those that find no place
are dropped, which leaves them what the residual connection gives. All of it happens inside of one
graph of constant shapes. The paper fills the places of a group of images together; here each image
has its own, so that its answer never depends on others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.balance import squared_variation
from mvmoe_deploy.models.contract import RoutedOutput
from mvmoe_deploy.models.families.vit import (
    DIGITS,
    FASHION_MNIST,
    GRID,
    ExpertLayersConfig,
    FamilyWithExpertLayers,
    ViTConfig,
    ViTWithExperts,
    expert_mlps,
    through_experts,
)
from mvmoe_deploy.models.model_config import require
from mvmoe_deploy.models.token_selection import add_tokens, take_tokens, top_tokens
from mvmoe_deploy.routing import Route


@dataclass(frozen=True, kw_only=True)
class VMoEConfig(ExpertLayersConfig):
    """V-MoE: every token takes the `top_k` experts with its highest scores.

    `capacity_ratio` is the paper's C: an expert has places for `ceil(N * top_k * C / experts)` of
    an image's N tokens. `priority` says whose turn it is to take one: first choices before second
    ones, and among those `position`, the order of the tokens (algorithm 1), or `confidence`, the
    tokens with the highest scores first (algorithm 2, batch prioritised routing, of one image).

    The others are of training alone. Routers see noise of a standard deviation of
    `router_noise / experts`; `auxiliary_weight` is the paper's lambda, of the losses that keep
    experts in balance.
    """

    family: ClassVar[str] = "vmoe"

    moe_layers: int | tuple[int, ...] = 2
    top_k: int = 1
    capacity_ratio: float = 1.05
    priority: Literal["position", "confidence"] = "position"
    router_noise: float = 1.0
    auxiliary_weight: float = 0.01

    @property
    def expert_tokens(self) -> int:
        """Tokens of an image that an expert has places for."""
        # As the number is written: in binary 1.12 * 50 is more than 56.
        share = Fraction(str(self.capacity_ratio)) * self.top_k / self.experts
        return min(self.tokens, math.ceil(self.tokens * share))

    def __post_init__(self) -> None:
        """Refuse sizes that make no network; raises InputError."""
        super().__post_init__()
        self.require_ranges(top_k=(1, self.experts))
        ratio = self.capacity_ratio
        require(0 < ratio <= 4096, f"capacity_ratio {ratio}", "above 0 and at most 4096")
        for name in ("router_noise", "auxiliary_weight"):
            value = getattr(self, name)
            require(0 <= value <= 1e6, f"{name} {value}", "at least 0 and at most 1000000")


class TokenExperts(nn.Module):
    """The experts of a layer and the router that sends tokens to them."""

    def __init__(self, config: VMoEConfig) -> None:
        super().__init__()
        self.router = nn.Linear(config.width, config.experts, bias=False)
        self.experts = expert_mlps(config)
        self._top_k = config.top_k
        self._places = config.expert_tokens
        self._by_confidence = config.priority == "confidence"
        self._deviation = config.router_noise / config.experts

    def forward(self, tokens: Tensor, uses: "list[_Uses] | None" = None) -> Tensor:
        """Tokens `[B, N, D]` to what the experts add; `uses` gets how much each was used."""
        clean = self.router(tokens)
        noisy = clean
        if self.training and self._deviation:
            noisy = clean + self._deviation * torch.randn_like(clean)
        if uses is not None:
            uses.append(_Uses(clean, noisy, self._deviation, self._top_k))
        return self._mixed(tokens, noisy.softmax(dim=-1))

    def _mixed(self, tokens: Tensor, scores: Tensor) -> Tensor:
        """What the experts add to tokens `[B, N, D]` of scores `[B, N, E]`.

        A place that nobody wants goes to some token all the same, with a gate of 0.
        """
        gates, urgency = self._wanted(scores)
        taken = top_tokens(urgency, self._places)
        gates = gates.gather(1, taken)
        images, count = len(tokens), len(self.experts) * self._places
        places = taken.reshape(images, count)
        rows = through_experts(self.experts, take_tokens(tokens, places))
        return add_tokens(torch.zeros_like(tokens), places, gates.reshape(images, count, 1) * rows)

    def _wanted(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """By expert, of each token `[B * E, N]`: its gate, and how early its turn is.

        Of tokens that do not want the expert the gate is 0, and the turn after all others.
        """
        flat = scores.flatten(0, 1)
        choices = top_tokens(flat, self._top_k)
        best = flat.gather(1, choices)
        gates = torch.zeros_like(flat).scatter(1, choices, best)
        turns = -torch.arange(self._top_k, dtype=flat.dtype, device=flat.device)
        # A score is at most 1 and above 0: so the turns of two choices do not overlap.
        turns = turns + best[:, :1] if self._by_confidence else turns.expand_as(best)
        last = torch.full_like(flat, -self._top_k)
        urgency = last.scatter(1, choices, turns)
        return _by_expert(gates, scores), _by_expert(urgency, scores)


def _by_expert(values: Tensor, scores: Tensor) -> Tensor:
    """What is `[B * N, E]`, as `scores` are `[B, N, E]`, for each expert: `[B * E, N]`."""
    return values.reshape(scores.shape).transpose(1, 2).flatten(0, 1)


@dataclass(frozen=True)
class _Uses:
    """How a router used its experts on a batch: logits `[B, N, E]`, as they are and with noise."""

    clean: Tensor
    noisy: Tensor
    deviation: float
    top_k: int

    def importance(self) -> Tensor:
        """The paper's L_imp: the variation of the experts' scores, added up over all tokens."""
        return squared_variation(self.clean.softmax(dim=-1).sum(dim=(0, 1)))

    def load(self) -> Tensor:
        """The paper's L_load: of the probability that other noise lets a token take an expert.

        Without noise there is none, and it is 0.
        """
        if not self.deviation:
            return self.clean.new_zeros(())
        threshold = self.noisy.topk(self.top_k, dim=-1).values[..., -1:]
        above = torch.special.ndtr((self.clean - threshold) / self.deviation)
        return squared_variation(above.sum(dim=(0, 1)))


class VMoE(ViTWithExperts):
    """A ViT whose tokens take experts."""

    config: VMoEConfig

    def expert_layer(self) -> nn.Module:
        """Experts, and the router of their tokens."""
        return TokenExperts(self.config)

    def forward_routed(self, images: Tensor, routes: Sequence[Route] | None = None) -> RoutedOutput:
        """The answer, and while it trains what keeps the experts in balance."""
        if not self.training:
            return super().forward_routed(images, routes)
        self.require_no_routes(routes)
        tokens, uses = self.embed(images), list[_Uses]()
        for number, block in enumerate(self.blocks):
            tokens = block(tokens, uses) if number in self.config.moe_places else block(tokens)
        terms = {
            "importance": torch.stack([each.importance() for each in uses]),
            "load": torch.stack([each.load() for each in uses]),
        }
        # The paper's L_aux is the mean of the two.
        penalties = {
            name: self.config.auxiliary_weight / 2 * each.mean() for name, each in terms.items()
        }
        return RoutedOutput(self.answer(tokens), [], [], [], penalties)


class VMoEFamily(FamilyWithExpertLayers[VMoEConfig, VMoE]):
    """The family of V-MoE."""

    name = "vmoe"
    config = VMoEConfig
    model = VMoE

    def presets(self) -> Mapping[str, VMoEConfig]:
        """Two for small data sets, and the peer of Mobile V-MoE's main model."""
        return {
            "vmoe_digits": _with_experts(DIGITS, experts=4),
            "vmoe_fashion_mnist": _with_experts(FASHION_MNIST, experts=4),
            "vmoe_12x192_p32_224": _with_experts(GRID["12x192_p32_224"]),
        }


def _with_experts(dense: ViTConfig, **fields: Any) -> VMoEConfig:
    """A dense model with experts in its last two layers."""
    return VMoEConfig(**asdict(dense), **fields)


PART = VMoEFamily()
