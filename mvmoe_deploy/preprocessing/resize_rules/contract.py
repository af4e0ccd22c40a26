"""What a resize rule says; nothing here reads pixels."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from mvmoe_deploy.preprocessing.resizing import Window
    from mvmoe_deploy.preprocessing.spec import Preprocessing

RuleField = Literal["crop_fraction", "resize_size", "pad_level", "pad_place", "pad_rounding"]
"""The fields of `Preprocessing` that only some rules read."""

RULE_FIELDS: Mapping[RuleField, Any] = {
    "crop_fraction": 1.0,
    "resize_size": None,
    "pad_level": None,
    "pad_place": None,
    "pad_rounding": None,
}
"""Their values where the rule does not read them."""


class ResizeRule(Protocol):
    """Where an image lies in the input, and what is around it."""

    reads: frozenset[RuleField]
    """The fields that it reads; the others must have the values of `RULE_FIELDS`."""

    usual: Mapping[RuleField, Any]
    """What nobody has stated of those, where it is not left to the kind of model."""

    def require(self, spec: "Preprocessing") -> None:
        """Refuse values that this rule cannot use; raises InputError."""

    def window(self, image: tuple[int, int], spec: "Preprocessing") -> "Window":
        """What an image of this size (width, height) is resized to, and where the input begins."""

    def fill(self, spec: "Preprocessing") -> tuple[int, ...]:
        """The levels around an image that does not fill the input, channels as decoded."""


def size_of(spec: "Preprocessing") -> tuple[int, int]:
    """The input's size as (width, height)."""
    return spec.width, spec.height


def mean_colour(spec: "Preprocessing") -> tuple[int, ...]:
    """The mean of the training images, which becomes about zero; channels as decoded."""
    levels = tuple(min(max(round(255 * mean), 0), 255) for mean in spec.mean)
    return levels[::-1] if spec.channel_order == "BGR" else levels
