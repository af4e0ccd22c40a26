"""Mobile V-MoE: a ViT whose last layers have one MLP per expert, routed per image.

arXiv 2309.04354, section 3. Its dense model is a ViT.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.models.families.mobile_vmoe.config import MobileVMoEConfig
from mvmoe_deploy.models.families.mobile_vmoe.network import MobileVMoE
from mvmoe_deploy.models.families.vit import (
    DIGITS,
    FASHION_MNIST,
    GRID,
    FamilyMadeOfViTs,
    ViTConfig,
    require_vit,
)

__all__ = ["PART", "MobileVMoE", "MobileVMoEConfig", "MobileVMoEFamily"]


class MobileVMoEFamily(FamilyMadeOfViTs[MobileVMoEConfig, MobileVMoE]):
    """The family of Mobile V-MoE."""

    name = "mobile_vmoe"
    config = MobileVMoEConfig
    model = MobileVMoE

    def presets(self) -> Mapping[str, MobileVMoEConfig]:
        """Two for small data sets, and the models of the paper's grid."""
        grid = {f"mobile_vmoe_{name}": _routed(dense) for name, dense in GRID.items()}
        small = {"digits": DIGITS, "fashion_mnist": FASHION_MNIST}
        return {**{name: _routed(dense, experts=4) for name, dense in small.items()}, **grid}

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
