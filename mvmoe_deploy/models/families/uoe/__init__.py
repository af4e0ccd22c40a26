"""Union of Experts: a ViT whose attention and MLPs are cut into equal experts (arXiv 2503.02495).

A trained dense ViT becomes one exactly, without training: with every expert active the answer is
the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from torch import Tensor

from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.models.families.uoe.calibration import mean_outputs
from mvmoe_deploy.models.families.uoe.config import UoEConfig
from mvmoe_deploy.models.families.uoe.cutting import cut, merge, set_mean_outputs
from mvmoe_deploy.models.families.uoe.network import UoE
from mvmoe_deploy.models.families.vit import (
    DIGITS,
    FASHION_MNIST,
    GRID,
    FamilyMadeOfViTs,
    ViT,
    ViTConfig,
    require_same_sizes,
    require_vit,
)

__all__ = ["PART", "UoE", "UoEConfig", "UoEFamily"]

_HEADS = {384: 8, 192: 4, 96: 4, 64: 4}
"""Heads by width: a multiple of four experts."""

_FORMS: Mapping[str, Mapping[str, Any]] = {
    "uoe": {},
    "uoe_blocks": {"routers": "per-block"},
    "uoe_tokens": {"selection": "per-token"},
}
"""One router for all blocks; one for each attention and MLP; experts that take tokens."""


class UoEFamily(FamilyMadeOfViTs[UoEConfig, UoE]):
    """The family of Union of Experts."""

    name = "uoe"
    config = UoEConfig
    model = UoE
    calibrated = "mean_outputs"

    def presets(self) -> Mapping[str, UoEConfig]:
        """Three forms of the models of small data sets and of every size of Mobile V-MoE's grid."""
        sizes = {"digits": DIGITS, "fashion_mnist": FASHION_MNIST, **GRID}
        return {
            f"{form}_{name}": _form(dense, **fields)
            for form, fields in _FORMS.items()
            for name, dense in sizes.items()
        }

    def from_dense(self, dense: FamilyModel, config: UoEConfig) -> UoE:
        """The ViT cut into experts; the routers are random.

        Raises InputError for a model that is no ViT, or one of other sizes.
        """
        vit = require_vit(dense, self.name)
        require_same_sizes(vit, config)
        return cut(vit, config)

    def to_dense(self, model: UoE) -> ViT:
        """The experts put together again."""
        return merge(model)

    def calibrate(self, model: UoE, batches: Iterable[Tensor]) -> None:
        """Experts that are left out give their mean output on these images from now on."""
        set_mean_outputs(model, mean_outputs(model, batches))


def _form(dense: ViTConfig, **fields: Any) -> UoEConfig:
    """One form of a dense model, whose heads are a multiple of four."""
    sizes = asdict(dense) | {"heads": _HEADS[dense.width]}
    return UoEConfig(**sizes, **fields)


PART = UoEFamily()
