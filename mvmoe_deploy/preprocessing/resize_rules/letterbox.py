"""The rule of detectors: all of the image, its proportions kept, and a constant level beside it.

Ultralytics' `LetterBox` puts the image in the middle and rounds its shorter side to the nearest
pixel; YOLOX puts it at the top left and rounds down. Both fill with the level 114. Their scale is a
quotient of floating-point numbers, which rounds in rare cases to another pixel; here it is a
fraction of integers, so that every language has the same.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing.resize_rules.contract import RuleField, size_of
from mvmoe_deploy.preprocessing.resizing import Window

if TYPE_CHECKING:
    from mvmoe_deploy.preprocessing.spec import Preprocessing

_FIELDS: tuple[RuleField, ...] = ("pad_level", "pad_place", "pad_rounding")


class Letterbox:
    """The rule `letterbox`."""

    reads: frozenset[RuleField] = frozenset(_FIELDS)
    usual: Mapping[RuleField, Any] = {
        "pad_level": 114,
        "pad_place": "around",
        "pad_rounding": "nearest",
    }

    def require(self, spec: "Preprocessing") -> None:
        """Refuse a padding of which a part is not said: none has a meaning that all tools share."""
        for name in _FIELDS:
            if getattr(spec, name) is None:
                raise InputError(
                    f"the rule letterbox reads {', '.join(_FIELDS)}, and {name} was not given; "
                    f"give it ({self.usual[name]!r} is usual)",
                    code="preprocessing.invalid",
                    name=name,
                )

    def window(self, image: tuple[int, int], spec: "Preprocessing") -> Window:
        """One side of the input is filled, the other is filled or too long."""
        width, height = size_of(spec)
        whole = _inside((width, height), image, down=spec.pad_rounding == "down")
        if spec.pad_place == "right-bottom":
            return Window(whole, 0, 0)
        return Window(whole, -((width - whole[0]) // 2), -((height - whole[1]) // 2))

    def fill(self, spec: "Preprocessing") -> tuple[int, ...]:
        """The same level in every channel."""
        return (spec.pad_level or 0,) * spec.channels


def _inside(size: tuple[int, int], image: tuple[int, int], *, down: bool) -> tuple[int, int]:
    """The largest size with the image's proportions inside `size`, in integers throughout."""
    (width, height), (wide, tall) = size, image
    if width * tall <= height * wide:
        return width, _quotient(tall * width, wide, down=down)
    return _quotient(wide * height, tall, down=down), height


def _quotient(dividend: int, divisor: int, *, down: bool) -> int:
    """The rounded quotient, at least 1; a half goes to the even number."""
    quotient, remainder = divmod(dividend, divisor)
    if not down and (2 * remainder, quotient % 2) > (divisor, 0):
        quotient += 1
    return max(1, quotient)
