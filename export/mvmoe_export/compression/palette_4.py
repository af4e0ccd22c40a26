"""Recipe `palette-4`: weights of layers as indices of 4 bits into tables of values."""

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
        "16 values of a table are off by up to a tenth of the weights' spread: some tenths of the "
        "largest answer were measured over twelve layers with random weights"
    ),
)

PART = Recipe(
    name="palette-4",
    summary="Layers as 4-bit indices, a table of 16 values for each 16 outputs.",
    numbers=(NumberTypes("palette-4", "float16"),),
    bounds=_BOUNDS,
)
