"""What the families of ViTs share: the dense one, and those of models that are made of a ViT."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from torch import Tensor

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import AdaptedState, Family, FamilyModel
from mvmoe_deploy.models.families.vit import positions, timm_architectures
from mvmoe_deploy.models.families.vit.config import ViTConfig
from mvmoe_deploy.models.families.vit.network import ViT
from mvmoe_deploy.models.timm_config import TimmConfig

ConfigT = TypeVar("ConfigT", bound=ViTConfig)
ModelT = TypeVar("ModelT", bound=ViT)


class FamilyOfViTs(Family[ConfigT, ModelT]):
    """A family whose models embed, place and pool their tokens as a ViT does."""

    without_decay = frozenset({"pos_embed", "cls_token"})
    bound_to_weights = frozenset({"heads"})

    def fits(self, name: str, tensor: Tensor, expected: Tensor) -> bool:
        """Position embeddings may be of another grid."""
        return positions.fits(name, tensor, expected)

    def adapt(self, state: Mapping[str, Tensor], config: ConfigT) -> AdaptedState:
        """Resample position embeddings of another grid."""
        return positions.resampled(state, config)

    def differences_from_timm(
        self, config: ConfigT, described: TimmConfig
    ) -> Sequence[tuple[str, Any, str, Any]]:
        """What the head reads."""
        return timm_architectures.differences(config, described)


class FamilyMadeOfViTs(FamilyOfViTs[ConfigT, ModelT]):
    """A family whose models start from a trained ViT, their dense twin."""

    def dense(self, config: ConfigT) -> ViTConfig:
        """The same network without experts."""
        return config.dense()


def require_vit(model: FamilyModel, family: str) -> ViT:
    """A dense ViT that a model of another family can be made of; raises InputError for others."""
    if not isinstance(model, ViT) or model.config.family != ViTConfig.family:
        raise InputError(
            f"a {family} is made of a ViT, but the dense model is a {model.config.family}; give "
            "the checkpoint of a ViT",
            code="model.config-invalid",
            name="family",
            expected=ViTConfig.family,
            found=model.config.family,
        )
    return model


def require_same_sizes(vit: ViT, config: ViTConfig) -> None:
    """Refuse a ViT of other sizes than those of the model to make of it; raises InputError."""
    wanted = config.dense()
    for name, found in vars(vit.config).items():
        if found != getattr(wanted, name):
            raise InputError(
                f"a {config.family} of {name} {getattr(wanted, name)} was asked for, but the ViT "
                f"that it is made of has {found}; give the ViT's",
                code="model.config-invalid",
                name=name,
                expected=found,
                found=getattr(wanted, name),
            )
