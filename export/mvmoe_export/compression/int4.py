"""Recipe `int4`: weights of layers in 4 bits, with a scale for each 32 of an output."""

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.compression.contract import NumberTypes, Recipe

# What counts is what is decided; the errors only say that a graph computes the right thing.
_BOUNDS = Bounds(
    router_error=0.5,
    answer_error=0.6,
    psnr_db=10.0,
    agreement=0.95,
    routing_agreement=0.99,
    own_error_factor=0.0,
    conditioned_error=0.0,
    reason=(
        "a weight is off by up to 1/14 of the largest of its group: some tenths of the largest "
        "answer were measured over twelve layers with random weights"
    ),
)

PART = Recipe(
    name="int4",
    summary="Layers in 4 bits, a scale for each 32 weights: the fewest bytes, not the fastest.",
    numbers=(
        NumberTypes("int4", "dynamic-int8"),
        NumberTypes("int4", "float16"),
    ),
    bounds=_BOUNDS,
)
