"""Recipe `int8`: weights of layers in 8 bits, each output with a scale of its own."""

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
    name="int8",
    summary="Layers in 8 bits, a scale for each output; needs no calibration.",
    numbers=(NumberTypes("int8", "dynamic-int8"), NumberTypes("int8", "float16")),
    bounds=_BOUNDS,
)
