"""timm's crop mode `squash`: both sides become size / `crop_fraction`, the centre is cut out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvmoe_deploy.preprocessing.resize_rules.contract import RuleField, mean_colour, size_of
from mvmoe_deploy.preprocessing.resizing import Window, divided

if TYPE_CHECKING:
    from mvmoe_deploy.preprocessing.spec import Preprocessing


class Squash:
    """The rule `squash`; it does not keep the proportions."""

    reads: frozenset[RuleField] = frozenset({"crop_fraction"})
    usual: Mapping[RuleField, Any] = {"crop_fraction": 1.0}

    def require(self, spec: "Preprocessing") -> None:
        """Every fraction can be used."""

    def window(self, image: tuple[int, int], spec: "Preprocessing") -> Window:
        """All of the input lies in the resized image."""
        return Window.centred(divided(size_of(spec), spec.crop_fraction), size_of(spec))

    def fill(self, spec: "Preprocessing") -> tuple[int, ...]:
        """Nothing is empty."""
        return mean_colour(spec)
