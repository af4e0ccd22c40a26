"""Recipe `coarse`: weights on a grid of 128 steps up to the largest of each tensor."""

from typing import TYPE_CHECKING

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.compression import FLOAT32, Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from mvmoe_export.programs import Program

_STEPS = 128


def _on_grid(contents: "dict[str, Tensor]") -> "dict[str, Tensor]":
    """Each matrix rounded; biases, norms and indices as they are."""
    return {
        slot: _rounded(tensor) if tensor.is_floating_point() and tensor.ndim > 1 else tensor
        for slot, tensor in contents.items()
    }


def _rounded(tensor: "Tensor") -> "Tensor":
    step = tensor.abs().max().clamp(min=1e-12) / _STEPS
    return (tensor / step).round() * step


def _compress(program: "Program") -> "Program":
    return program.compressed(_on_grid)


PART = Recipe(
    name="coarse",
    summary="Weights on a grid of 128 steps up to the largest of each tensor.",
    numbers=(FLOAT32,),
    bounds=Bounds(
        router_error=4e-2,
        answer_error=4e-2,
        psnr_db=35.0,
        own_error_factor=0.0,
        conditioned_error=0.0,
        reason="a weight is off by up to half a step, 1/256 of the largest one",
    ),
    compress=_compress,
)
