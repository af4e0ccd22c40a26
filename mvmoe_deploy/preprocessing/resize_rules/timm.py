"""timm's crop mode `center`: shorter side to size / `crop_fraction`, the centre is cut out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvmoe_deploy.preprocessing.resize_rules.contract import RuleField, mean_colour, size_of
from mvmoe_deploy.preprocessing.resizing import Window, divided, keeping_ratio, shorter_side_to

if TYPE_CHECKING:
    from mvmoe_deploy.preprocessing.spec import Preprocessing


class Timm:
    """The rule `timm`; timm itself resizes by another function for inputs that are not square."""

    reads: frozenset[RuleField] = frozenset({"crop_fraction"})
    usual: Mapping[RuleField, Any] = {}

    def require(self, spec: "Preprocessing") -> None:
        """Every fraction can be used."""

    def window(self, image: tuple[int, int], spec: "Preprocessing") -> Window:
        """All of the input lies in the resized image."""
        scaled = divided(size_of(spec), spec.crop_fraction)
        if spec.width == spec.height:
            whole = shorter_side_to(scaled[0], image)
        else:
            whole = keeping_ratio(scaled, image, inside=False)
        return Window.centred(whole, size_of(spec))

    def fill(self, spec: "Preprocessing") -> tuple[int, ...]:
        """Rounding may leave a side one pixel short."""
        return mean_colour(spec)
