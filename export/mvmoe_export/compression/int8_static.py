"""Recipe `int8-static`: as `int8`, with ranges of inputs that calibration images have shown."""

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.compression.contract import NumberTypes, Recipe

# What counts is what is decided; the errors only say that a graph computes the right thing.
_BOUNDS = Bounds(
    router_error=0.3,
    answer_error=0.4,
    psnr_db=18.0,
    agreement=0.97,
    routing_agreement=0.995,
    own_error_factor=0.0,
    conditioned_error=0.0,
    reason=(
        "as in 8 bits with ranges found for each image, and what no calibration image has shown is "
        "cut off at the end of its range"
    ),
)

PART = Recipe(
    name="int8-static",
    summary="Layers in 8 bits, ranges of inputs by calibration images (--calibrate).",
    numbers=(NumberTypes("int8", "static-int8"), NumberTypes("int8", "static-int8-float16")),
    bounds=_BOUNDS,
)
