"""Recipe `int8`: weights of layers in 8 bits, each output with a scale of its own."""

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.compression.contract import NumberTypes, Recipe

# What counts is what is decided; the errors only say that a graph computes the right thing.
_BOUNDS = Bounds(
    router_error=0.2,
    answer_error=0.3,
    psnr_db=22.0,
    agreement=0.97,
    routing_agreement=0.995,
    own_error_factor=0.0,
    conditioned_error=0.0,
    reason=(
        "a weight is off by up to 1/254 of the largest of its output, an input by up to 1/510 of "
        "its range: some hundredths of the largest answer were measured over twelve layers"
    ),
)

PART = Recipe(
    name="int8",
    summary="Layers in 8 bits, a scale for each output; needs no calibration.",
    numbers=(NumberTypes("int8", "dynamic-int8"), NumberTypes("int8", "float16")),
    bounds=_BOUNDS,
)
