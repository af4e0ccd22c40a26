"""Recipe `palette-4`: weights of layers as indices of 4 bits into tables of values."""

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
    name="palette-4",
    summary="Layers as 4-bit indices, a table of 16 values for each 16 outputs.",
    numbers=(NumberTypes("palette-4", "float16"),),
    bounds=_BOUNDS,
)
