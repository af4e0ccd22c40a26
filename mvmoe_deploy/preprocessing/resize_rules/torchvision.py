"""torchvision's `Resize(resize_size)`, then `CenterCrop`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing.resize_rules.contract import RuleField, mean_colour, size_of
from mvmoe_deploy.preprocessing.resizing import Window, shorter_side_to

if TYPE_CHECKING:
    from mvmoe_deploy.preprocessing.spec import Preprocessing


class Torchvision:
    """The rule `torchvision`."""

    reads: frozenset[RuleField] = frozenset({"resize_size"})
    usual: Mapping[RuleField, Any] = {}

    def require(self, spec: "Preprocessing") -> None:
        """Refuse a size that is missing, or would leave a part of the input empty."""
        largest = max(size_of(spec))
        if spec.resize_size is None:
            raise InputError(
                "the rule torchvision reads resize_size, and none was given; give the pixels of "
                "the shorter side after resizing",
                code="preprocessing.invalid",
                name="resize_size",
            )
        if spec.resize_size < largest:
            raise InputError(
                f"resize_size {spec.resize_size} is smaller than the input; expected at least "
                f"{largest}",
                code="preprocessing.invalid",
                name="resize_size",
            )

    def window(self, image: tuple[int, int], spec: "Preprocessing") -> Window:
        """All of the input lies in the resized image."""
        side = spec.resize_size or max(size_of(spec))
        return Window.centred(shorter_side_to(side, image), size_of(spec))

    def fill(self, spec: "Preprocessing") -> tuple[int, ...]:
        """Nothing is empty."""
        return mean_colour(spec)
