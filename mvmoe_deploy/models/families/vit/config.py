"""The configuration of a Vision Transformer."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Literal

from mvmoe_deploy.models.model_config import ModelConfig, require

_MAX_TOKENS = 256**2 + 1
"""More would make attention matrices of gigabytes."""

_TENSORS_OF_MLP = 4


@dataclass(frozen=True, kw_only=True)
class ViTConfig(ModelConfig):
    """A Vision Transformer: sizes in pixels, tokens and features.

    `pool` is what the head reads: the CLS token or the mean of the patch tokens.
    """

    family: ClassVar[str] = "vit"

    patch_size: int = 16
    width: int = 192
    depth: int = 12
    heads: int = 3
    mlp_ratio: float = 4.0
    pool: Literal["cls", "mean"] = "cls"
    gelu: Literal["erf", "tanh"] = "erf"
    norm_eps: float = 1e-6

    @property
    def grid(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch_size

    @property
    def tokens(self) -> int:
        """Tokens of one image: the patches and the CLS token."""
        return self.grid**2 + 1

    @property
    def mlp_width(self) -> int:
        """Hidden features of an MLP."""
        return round(self.width * self.mlp_ratio)

    @property
    def mlps(self) -> int:
        """MLPs of the whole model; each has four tensors of its own."""
        return self.depth

    @property
    def least_tensors(self) -> int:
        """The tensors of all MLPs."""
        return _TENSORS_OF_MLP * self.mlps

    def __post_init__(self) -> None:
        """Refuse types and sizes that make no network; raises InputError."""
        super().__post_init__()
        self.require_ranges(
            patch_size=(1, 8192), width=(1, 65536), depth=(1, 1000), heads=(1, 1024)
        )
        require(
            self.image_size % self.patch_size == 0,
            f"image_size {self.image_size}",
            f"a multiple of patch_size {self.patch_size}",
        )
        require(
            self.width % self.heads == 0,
            f"width {self.width}",
            f"a multiple of heads {self.heads}",
        )
        require(
            0 < self.mlp_ratio <= 64 and self.mlp_width > 0,
            f"mlp_ratio {self.mlp_ratio}",
            "at most 64 and large enough for one hidden feature",
        )
        require(
            self.tokens <= _MAX_TOKENS,
            f"image_size {self.image_size} and patch_size {self.patch_size}",
            f"of at most {_MAX_TOKENS} tokens",
        )
        require(0 < self.norm_eps < 1, f"norm_eps {self.norm_eps}", "between 0 and 1")

    def dense(self) -> "ViTConfig":
        """The same network without experts: the dense twin of what is made of a ViT."""
        names = [field.name for field in dataclasses.fields(ViTConfig)]
        return ViTConfig(**{name: getattr(self, name) for name in names})
