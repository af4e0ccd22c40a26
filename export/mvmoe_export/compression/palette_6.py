"""Recipe `palette-6`: weights of layers as indices of 6 bits into tables of values."""

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
        "64 values of a table come as near to Gaussian weights as 1/50 of their spread: some "
        "hundredths of the largest answer were measured over twelve layers with random weights"
    ),
)

PART = Recipe(
    name="palette-6",
    summary="Layers as 6-bit indices into one table of 64 values for each weight.",
    numbers=(NumberTypes("palette-6", "float16"),),
    bounds=_BOUNDS,
)
