"""What a caller may choose of the Core ML target."""

from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints

from mvmoe_deploy.errors import InputError

DeploymentTarget = Literal["iOS16", "iOS17", "iOS18", "iOS26"]
_ONE_GRAPH_EACH = ("iOS16", "iOS17")
"""Their packages hold one function, so that graphs cannot share weights."""


@dataclass(frozen=True)
class CoreMLOptions:
    """Options of the Core ML target; raises InputError for a value that does not exist."""

    deployment_target: DeploymentTarget = "iOS18"
    """The oldest system that runs the graphs; from iOS18 on they share one copy of the weights."""
    precision: Literal["fp16", "fp32"] = "fp16"
    """Of weights and computation; inputs and outputs are fp32 either way."""
    input: Literal["tensor", "image"] = "tensor"
    """`image`: the stem takes pixels (a CVPixelBuffer) and normalises them itself."""

    def __post_init__(self) -> None:
        """Refuse unknown values."""
        hints = get_type_hints(type(self))
        for option in fields(self):
            known = get_args(hints[option.name])
            given = getattr(self, option.name)
            if given not in known:
                raise InputError(
                    f"Core ML's {option.name.replace('_', ' ')} {given!r} is unknown; give one of "
                    f"{', '.join(known)}"
                )

    @property
    def multifunction(self) -> bool:
        """Whether one package holds all graphs."""
        return self.deployment_target not in _ONE_GRAPH_EACH


def require_one_image(batch: int) -> None:
    """Refuse a batch of an image input, which is one image; raises InputError."""
    if batch != 1:
        raise InputError(
            f"Core ML's image input takes one image, not batch {batch}; give --batch 1 or "
            "--coreml-input tensor"
        )
