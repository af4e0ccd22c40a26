"""Another distribution's family in one file: each image goes through one of a few colour networks.

It has its own configuration, loss and presets, and its dense twin is of the family too: a network
of one expert without a router.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from mvmoe_deploy.models.contract import Family, FamilyModel, RoutedOutput
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.top_k import TopK


@dataclass(frozen=True, kw_only=True)
class ColourConfig(ModelConfig):
    """`experts` is 0 for a dense network."""

    family: ClassVar[str] = "colour_moe"

    features: int = 8
    experts: int = 2

    def __post_init__(self) -> None:
        """Raises InputError."""
        super().__post_init__()
        self.require_ranges(features=(1, 64), experts=(0, 8))

    @property
    def routing(self) -> tuple[Rule, ...]:
        """One routed stage, or none."""
        return (TopK(experts=self.experts, k=1),) if self.experts else ()


class ColourModel(FamilyModel):
    """Pixels to features, one expert of them, a head on their mean."""

    config: ColourConfig

    def __init__(self, config: ColourConfig, preprocessing: Preprocessing | None = None) -> None:
        super().__init__(config, preprocessing)
        self.stem = nn.Conv2d(config.in_channels, config.features, 2, stride=2)
        self.experts = nn.ModuleList(
            nn.Linear(config.features, config.features) for _ in range(max(1, config.experts))
        )
        self.router = nn.Linear(config.features, config.experts) if config.experts else None
        self.head = nn.Linear(config.features, config.num_classes)

    def features(self, images: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to features `[B, F]`."""
        return self.stem(images).relu().mean((2, 3))

    def answer(self, features: Tensor) -> Tensor:
        """Features `[B, F]` to class logits `[B, classes]`."""
        return self.head(features.relu())

    def forward_routed(self, images: Tensor, routes: Sequence[Route] | None = None) -> RoutedOutput:
        features = self.features(images)
        if self.router is None:
            return RoutedOutput(self.answer(self.experts[0](features)), [], [], [])
        logits = self.router(features)
        members, gates = select(logits, self.routing[0], routes[0] if routes else None)
        experts = [expert(features) for expert in self.experts]
        mixed = sum(gates[:, i, None] * expert for i, expert in enumerate(experts))
        return RoutedOutput(self.answer(mixed), [logits], [members], [gates])

    def stage(self, index: int, route: Route) -> nn.Module:
        if self.router is None:
            return self
        return Step(self, route) if index else Stem(self)


class Stem(nn.Module):
    def __init__(self, model: ColourModel) -> None:
        super().__init__()
        self.stem, self.router = model.stem, model.router

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.stem(images).relu().mean((2, 3))
        return features, self.router(features)


class Step(nn.Module):
    def __init__(self, model: ColourModel, route: Route) -> None:
        super().__init__()
        self.experts = nn.ModuleList(model.experts[expert] for expert in route)
        self.head = model.head

    def forward(self, features: Tensor, gates: Tensor) -> Tensor:
        mixed = gates[:, :1] * self.experts[0](features)
        for slot in range(1, len(self.experts)):
            mixed = mixed + gates[:, slot : slot + 1] * self.experts[slot](features)
        return self.head(mixed.relu())


class ColourFamily(Family[ColourConfig, ColourModel]):
    name = "colour_moe"
    config = ColourConfig
    model = ColourModel

    def presets(self) -> Mapping[str, ColourConfig]:
        return {"colour_tiny": ColourConfig(image_size=8, in_channels=1, num_classes=10)}

    def dense(self, config: ColourConfig) -> ColourConfig:
        return config.replace(experts=0)

    def from_dense(self, dense: FamilyModel, config: ColourConfig) -> ColourModel:
        model = self.build(config, dense.input)
        model.input_origins = dict(dense.input_origins)
        model.stem.load_state_dict(dense.stem.state_dict())
        model.head.load_state_dict(dense.head.state_dict())
        for expert in model.experts:
            expert.load_state_dict(dense.experts[0].state_dict())
        return model

    def losses(self, output: RoutedOutput, labels: Tensor, smoothing: float) -> dict[str, Tensor]:
        """The margin of the right class, and small logits."""
        return {
            "margin": F.multi_margin_loss(output.logits, labels),
            "size": 1e-3 * output.logits.square().mean(),
        }


PART = ColourFamily()
