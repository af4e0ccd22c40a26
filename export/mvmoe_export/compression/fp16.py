"""Recipe `fp16`: weights in half precision, and computation where the engine does that well."""

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.compression.contract import FLOAT16, NumberTypes, Recipe

# The rounding of fp16 is 2^13 times that of fp32; 0.3 of that ratio was measured, since sums are
# kept in more than fp16, and twice the ratio is allowed. No more than 5e-2 counts: answers that are
# off by a twentieth are of no use.
_BOUNDS = Bounds(
    router_error=1e-2,
    answer_error=1e-2,
    psnr_db=45.0,
    agreement=1.0,
    routing_agreement=1.0,
    own_error_factor=2.0 * 2**13,
    conditioned_error=5e-2,
    reason=(
        "fp16 rounds each value by up to 4.9e-4, and about a hundred roundings on the way through "
        "twelve layers add up like a random walk to ten times that at most; 1.5e-3 was measured "
        "with the output of every module of a 12-layer model rounded in PyTorch"
    ),
)

PART = Recipe(
    name="fp16",
    summary="Half of the bytes: fp16, also in computation where an engine does that well.",
    numbers=(FLOAT16, NumberTypes("float16", "float32")),
    bounds=_BOUNDS,
)
