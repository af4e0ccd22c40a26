"""Recipe `fp32`: weights and computation as PyTorch has them."""

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.compression.contract import FLOAT32, Recipe

# The numbers are the defaults of `Bounds`. A factor of 8 on PyTorch's own error: both are the
# largest of a few random numbers of one spread, and engines add in other orders and approximate exp
# and erf by a few units in the last place; up to 4.4 times was measured on models made
# ill-conditioned on purpose. No more than 5e-3 counts: a wrong expert or a lost gate is off by 1e-2
# and more.
_BOUNDS = Bounds(
    reason=(
        "engines add in another order than PyTorch: measured at 4e-6 over twelve layers, while a "
        "wrong expert or a lost gate is off by 1e-2 and more"
    ),
)

PART = Recipe(
    name="fp32",
    summary="Weights and computation in fp32, as PyTorch has them.",
    numbers=(FLOAT32,),
    bounds=_BOUNDS,
)
