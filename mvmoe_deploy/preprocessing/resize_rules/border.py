"""timm's crop mode `border`: the longer side becomes size / `crop_fraction`, the mean beside it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvmoe_deploy.preprocessing.resize_rules.contract import RuleField, mean_colour, size_of
from mvmoe_deploy.preprocessing.resizing import Window, divided, keeping_ratio

if TYPE_CHECKING:
    from mvmoe_deploy.preprocessing.spec import Preprocessing


class Border:
    """The rule `border`."""

    reads: frozenset[RuleField] = frozenset({"crop_fraction"})
    usual: Mapping[RuleField, Any] = {"crop_fraction": 1.0}

    def require(self, spec: "Preprocessing") -> None:
        """Every fraction can be used."""

    def window(self, image: tuple[int, int], spec: "Preprocessing") -> Window:
        """The resized image may be smaller than the input, larger, or both."""
        scaled = divided(size_of(spec), spec.crop_fraction)
        return Window.centred(keeping_ratio(scaled, image, inside=True), size_of(spec))

    def fill(self, spec: "Preprocessing") -> tuple[int, ...]:
        """The mean."""
        return mean_colour(spec)
