"""Soft MoE: a ViT in some of whose layers experts compute means of tokens (arXiv 2308.00951).

Each expert has some slots. What goes into a slot is a weighted mean of all tokens of the image, and
what comes out is mixed again for each token; both weights are softmaxes of the same scores. Nothing
is chosen or dropped: it is products of matrices of constant shapes, in one graph.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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

_STEADY = 1e-6
"""Added to squared lengths before their root is taken, as in the authors' code."""

_MOST_SLOTS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class SoftMoEConfig(ExpertLayersConfig):
    """Soft MoE: each of the `experts` computes `slots` means of an image's tokens.

    None is so many slots that those of all experts are as many as the tokens, or a little fewer.
    """

    family: ClassVar[str] = "soft_moe"

    slots: int | None = None

    @property
    def expert_slots(self) -> int:
        """Slots of one expert."""
        return max(1, self.tokens // self.experts) if self.slots is None else self.slots

    def __post_init__(self) -> None:
        """Refuse sizes that make no network; raises InputError."""
        super().__post_init__()
        require(
            1 <= self.expert_slots <= _MOST_SLOTS // self.experts,
            f"slots {self.expert_slots}",
            f"1 to {_MOST_SLOTS // self.experts} with {self.experts} experts",
        )


class SoftExperts(nn.Module):
    """The experts of a layer and the parameters `phi` `[E, P, D]` of their slots."""

    def __init__(self, config: SoftMoEConfig) -> None:
        super().__init__()
        self.phi = nn.Parameter(torch.empty(config.experts, config.expert_slots, config.width))
        self.scale = nn.Parameter(torch.ones(()))
        self.experts = expert_mlps(config)
        nn.init.normal_(self.phi, std=config.width**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens `[B, N, D]` to what the experts add: section 2.1 of the paper, with its equations.

        The scores are the cosines of tokens and parameters times `scale` (section 2.3).
        """
        keys = _even(self.phi.flatten(0, 1)) * (self.scale / self.phi.shape[-1])
        scores = F.linear(_even(tokens), keys)
        dispatch = scores.transpose(1, 2).softmax(dim=-1)
        rows = through_experts(self.experts, dispatch @ tokens)
        return scores.softmax(dim=-1) @ rows


def _even(vectors: Tensor) -> Tensor:
    """Vectors `[..., D]` with a mean square of 1: of length sqrt(D).

    Not of length 1: squares are averaged and not added up, so that fp16 holds them.
    """
    squares = (vectors * vectors).mean(dim=-1, keepdim=True)
    return vectors / (squares + _STEADY / vectors.shape[-1]).sqrt()


class SoftMoE(ViTWithExperts):
    """A ViT with slots."""

    config: SoftMoEConfig

    def expert_layer(self) -> nn.Module:
        """Experts and their slots."""
        return SoftExperts(self.config)


class SoftMoEFamily(FamilyWithExpertLayers[SoftMoEConfig, SoftMoE]):
    """The family of Soft MoE."""

    name = "soft_moe"
    config = SoftMoEConfig
    model = SoftMoE

    def presets(self) -> Mapping[str, SoftMoEConfig]:
        """Two for small data sets, and the peer of Mobile V-MoE's main model."""
        return {
            "soft_moe_digits": _with_slots(DIGITS, experts=4, slots=4),
            "soft_moe_fashion_mnist": _with_slots(FASHION_MNIST, experts=4, slots=4),
            "soft_moe_12x192_p32_224": _with_slots(GRID["12x192_p32_224"], slots=6),
        }


def _with_slots(dense: ViTConfig, **fields: Any) -> SoftMoEConfig:
    """A dense model with slots in the last half of its layers."""
    return SoftMoEConfig(**asdict(dense), **fields)


PART = SoftMoEFamily()
