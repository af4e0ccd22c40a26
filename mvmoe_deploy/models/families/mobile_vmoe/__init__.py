"""Mobile V-MoE: a ViT whose last layers have one MLP per expert, routed per image.

arXiv 2309.04354, section 3. Its dense model is a ViT.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from torch import Tensor

from mvmoe_deploy.models.contract import AdaptedState, Family, FamilyModel
from mvmoe_deploy.models.families.mobile_vmoe.config import MobileVMoEConfig
from mvmoe_deploy.models.families.mobile_vmoe.network import MobileVMoE
from mvmoe_deploy.models.families.vit import (
    DIGITS,
    FASHION_MNIST,
    GRID,
    ViTConfig,
    positions,
    require_vit,
    timm_architectures,
)
from mvmoe_deploy.models.families.vit import PART as VIT
from mvmoe_deploy.models.timm_config import TimmConfig

__all__ = ["PART", "MobileVMoE", "MobileVMoEConfig", "MobileVMoEFamily"]


class MobileVMoEFamily(Family[MobileVMoEConfig, MobileVMoE]):
    """The family of Mobile V-MoE."""

    name = "mobile_vmoe"
    config = MobileVMoEConfig
    model = MobileVMoE
    without_decay = VIT.without_decay
    bound_to_weights = VIT.bound_to_weights

    def presets(self) -> Mapping[str, MobileVMoEConfig]:
        """Two for small data sets, and the models of the paper's grid."""
        grid = {f"mobile_vmoe_{name}": _routed(dense) for name, dense in GRID.items()}
        small = {"digits": DIGITS, "fashion_mnist": FASHION_MNIST}
        return {**{name: _routed(dense, experts=4) for name, dense in small.items()}, **grid}

    def fits(self, name: str, tensor: Tensor, expected: Tensor) -> bool:
        """Position embeddings may be of another grid."""
        return positions.fits(name, tensor, expected)

    def adapt(self, state: Mapping[str, Tensor], config: MobileVMoEConfig) -> AdaptedState:
        """Resample position embeddings of another grid."""
        return positions.resampled(state, config)

    def differences_from_timm(
        self, config: MobileVMoEConfig, described: TimmConfig
    ) -> Sequence[tuple[str, Any, str, Any]]:
        """What the head reads."""
        return timm_architectures.differences(config, described)

    def dense(self, config: MobileVMoEConfig) -> ViTConfig:
        """The same network without experts, a ViT."""
        return config.dense()

    def from_dense(self, dense: FamilyModel, config: MobileVMoEConfig) -> MobileVMoE:
        """All experts are copies of the dense MLPs; the routers are random.

        Raises InputError for a model that is no ViT.
        """
        vit = require_vit(dense, self.name)
        shared = asdict(vit.config)
        routing = {name: value for name, value in asdict(config).items() if name not in shared}
        return MobileVMoE.from_dense(vit, **routing)


def _routed(dense: ViTConfig, **routing: Any) -> MobileVMoEConfig:
    """The routed model of a dense one."""
    return MobileVMoEConfig(**asdict(dense), **routing)


PART = MobileVMoEFamily()
