"""Recipe `int4`: weights of layers in 4 bits, with a scale for each 32 of an output."""

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.compression.contract import NumberTypes, Recipe

_BOUNDS = Bounds(
    router_error=1e-1,
    answer_error=2e-1,
    psnr_db=20.0,
    agreement=0.95,
    routing_agreement=0.99,
    own_error_factor=0.0,
    conditioned_error=0.0,
    reason="to be measured",
)

PART = Recipe(
    name="int4",
    summary="Layers in 4 bits, a scale for each 32 weights: the fewest bytes, not the fastest.",
    numbers=(
        NumberTypes("int4", "dynamic-int8"),
        NumberTypes("int4", "float32"),
        NumberTypes("int4", "float16"),
    ),
    bounds=_BOUNDS,
)
