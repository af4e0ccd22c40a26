"""Union of Experts: a ViT whose attention and MLPs are cut into equal experts (arXiv 2503.02495).

A trained dense ViT becomes one exactly, without training: with every expert active the answer is
the same.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from torch import Tensor

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import AdaptedState, Family, FamilyModel
from mvmoe_deploy.models.families.uoe.calibration import mean_outputs
from mvmoe_deploy.models.families.uoe.config import UoEConfig
from mvmoe_deploy.models.families.uoe.cutting import cut, merge, set_mean_outputs
from mvmoe_deploy.models.families.uoe.network import UoE
from mvmoe_deploy.models.families.vit import (
    DIGITS,
    FASHION_MNIST,
    GRID,
    ViT,
    ViTConfig,
    positions,
    require_vit,
    timm_architectures,
)
from mvmoe_deploy.models.families.vit import PART as VIT
from mvmoe_deploy.models.timm_config import TimmConfig

__all__ = ["PART", "UoE", "UoEConfig", "UoEFamily"]

_HEADS = {384: 8, 192: 4, 96: 4, 64: 4}
"""Heads by width: a multiple of four experts."""

_FORMS: Mapping[str, Mapping[str, Any]] = {
    "uoe": {},
    "uoe_blocks": {"routers": "per-block"},
    "uoe_tokens": {"selection": "per-token"},
}
"""One router for all blocks; one for each attention and MLP; experts that take tokens."""


class UoEFamily(Family[UoEConfig, UoE]):
    """The family of Union of Experts."""

    name = "uoe"
    config = UoEConfig
    model = UoE
    without_decay = VIT.without_decay
    bound_to_weights = VIT.bound_to_weights
    calibrated = "mean_outputs"

    def presets(self) -> Mapping[str, UoEConfig]:
        """Three forms of the models of small data sets and of every size of Mobile V-MoE's grid."""
        sizes = {"digits": DIGITS, "fashion_mnist": FASHION_MNIST, **GRID}
        return {
            f"{form}_{name}": _form(dense, **fields)
            for form, fields in _FORMS.items()
            for name, dense in sizes.items()
        }

    def fits(self, name: str, tensor: Tensor, expected: Tensor) -> bool:
        """Position embeddings may be of another grid."""
        return positions.fits(name, tensor, expected)

    def adapt(self, state: Mapping[str, Tensor], config: UoEConfig) -> AdaptedState:
        """Resample position embeddings of another grid."""
        return positions.resampled(state, config)

    def differences_from_timm(
        self, config: UoEConfig, described: TimmConfig
    ) -> Sequence[tuple[str, Any, str, Any]]:
        """What the head reads."""
        return timm_architectures.differences(config, described)

    def dense(self, config: UoEConfig) -> ViTConfig:
        """The same network with nothing left out, a ViT."""
        return config.dense()

    def from_dense(self, dense: FamilyModel, config: UoEConfig) -> UoE:
        """The ViT cut into experts; the routers are random.

        Raises InputError for a model that is no ViT, or one of other sizes.
        """
        vit = require_vit(dense, self.name)
        for field in dataclasses.fields(ViTConfig):
            found, wanted = getattr(vit.config, field.name), getattr(config, field.name)
            if found != wanted:
                raise InputError(
                    f"a {self.name} of {field.name} {wanted} was asked for, but the ViT that it is "
                    f"cut from has {found}; give the ViT's",
                    code="model.config-invalid",
                    name=field.name,
                    expected=found,
                    found=wanted,
                )
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
