"""The configuration of a routed detector."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mvmoe_deploy.models.model_config import ModelConfig, require
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.top_k import TopK

STRIDES = (8, 16, 32)
"""Pixels of the input for one cell of each scale."""

_TENSORS_OF_BLOCK = 5
"""A kernel, and weight, bias, mean and variance of a norm."""


@dataclass(frozen=True, kw_only=True)
class RoutedDetectorConfig(ModelConfig):
    """A detector whose backbone has a routed stage at each of three scales.

    `stem_width` channels at strides 2 and 4, `widths` at 8, 16 and 32, `head_width` in the head.
    `experts` of the three stages, of which an image uses `top_k` each; (1, 1, 1) is the dense twin,
    which has no routers.
    """

    family: ClassVar[str] = "routed_detector"

    image_size: int = 320
    num_classes: int = 80
    stem_width: int = 24
    widths: tuple[int, int, int] = (48, 96, 192)
    head_width: int = 64
    experts: tuple[int, int, int] = (4, 8, 16)
    top_k: int = 2

    @property
    def is_dense(self) -> bool:
        """Whether it has no routers."""
        return self.experts == (1, 1, 1)

    @property
    def routing(self) -> tuple[Rule, ...]:
        """One rule for each scale, gates renormalised; none for the dense twin."""
        if self.is_dense:
            return ()
        return tuple(TopK(experts=n, k=self.top_k, renormalize=True) for n in self.experts)

    @property
    def usual_input(self) -> Mapping[str, Any]:
        """The whole image, its proportions kept, levels between 0 and 1."""
        return {
            "resize": "letterbox",
            "interpolation": "bilinear",
            "mean": (0.0,) * self.in_channels,
            "std": (1.0,) * self.in_channels,
        }

    @property
    def least_tensors(self) -> int:
        """Those of the experts."""
        return _TENSORS_OF_BLOCK * sum(self.experts)

    def __post_init__(self) -> None:
        """Refuse sizes that make no network; raises InputError."""
        super().__post_init__()
        self.require_ranges(stem_width=(1, 4096), head_width=(1, 4096), top_k=(1, 4096))
        require(
            self.image_size % STRIDES[-1] == 0 and self.image_size >= 2 * STRIDES[-1],
            f"image_size {self.image_size}",
            f"a multiple of {STRIDES[-1]}, at least {2 * STRIDES[-1]}",
        )
        require(
            all(1 <= width <= 4096 for width in self.widths), f"widths {self.widths}", "1 to 4096"
        )
        fewest = max(2, self.top_k)
        require(
            self.is_dense or all(fewest <= count <= 4096 for count in self.experts),
            f"experts {self.experts}",
            f"{fewest} to 4096 of each stage (top_k is {self.top_k}), or 1, 1, 1 without routers",
        )

    def dense(self) -> Self:
        """The dense twin: one expert a stage, and no routers."""
        return self.replace(experts=(1, 1, 1), top_k=1)
