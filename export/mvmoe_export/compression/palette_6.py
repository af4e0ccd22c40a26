"""Recipe `palette-6`: weights of layers as indices of 6 bits into tables of values."""

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.compression.contract import NumberTypes, Recipe

_BOUNDS = Bounds(
    router_error=5e-2,
    answer_error=1e-1,
    psnr_db=25.0,
    agreement=0.97,
    routing_agreement=0.995,
    own_error_factor=0.0,
    conditioned_error=0.0,
    reason="to be measured",
)

PART = Recipe(
    name="palette-6",
    summary="Layers as 6-bit indices into one table of 64 values for each weight.",
    numbers=(NumberTypes("palette-6", "float16"),),
    bounds=_BOUNDS,
)
