"""What no recipe can compress: weights that are no finite numbers."""

from torch import Tensor

from mvmoe_deploy.errors import InputError
from mvmoe_export.source_location import PREFIX


def require_finite(slot: str, weight: Tensor) -> None:
    """Refuse a weight that fewer bits cannot store; raises InputError."""
    if not weight.isfinite().all():
        raise InputError(
            f"the weight {slot.removeprefix(PREFIX)} has values that are no finite numbers, which "
            "fewer bits cannot store; give another checkpoint, or --precision fp32",
            code="export.graph-refused",
            name=slot.removeprefix(PREFIX),
        )
