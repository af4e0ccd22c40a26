"""How much further than other engines Core ML may be from PyTorch."""

from collections.abc import Mapping

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.compression.contract import Activation

BOUNDS: Mapping[Activation, Bounds] = {
    "float32": Bounds(
        router_error=1e-3,
        answer_error=1e-3,
        psnr_db=70.0,
        own_error_factor=0.0,
        conditioned_error=0.0,
        reason=(
            "Core ML may choose the GPU, whose exponentials and divisions are approximations of a "
            "few units in the last place"
        ),
    ),
    "float16": Bounds(
        router_error=2e-2,
        answer_error=2e-2,
        psnr_db=40.0,
        own_error_factor=0.0,
        conditioned_error=0.0,
        reason=(
            "the Neural Engine is not documented to add up in more than fp16, which can double the "
            "error; a reference evaluator of the same program was measured at 4.9e-4 over four "
            "layers; to be narrowed once it is measured on devices"
        ),
    ),
}
"""By what graphs compute in; the recipe says itself how errors grow in an ill-conditioned model."""
