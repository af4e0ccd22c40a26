"""What a caller may choose of the ONNX target."""

from dataclasses import dataclass

from mvmoe_deploy.errors import InputError

OPSETS = range(18, 24)
"""Operator sets that the exporter writes and ONNX Runtime runs."""
PROFILES = ("cpu", "nnapi", "coreml-ep")


@dataclass(frozen=True)
class OnnxOptions:
    """Raises InputError for what does not exist.

    `profiles` are written side by side over one file of weights; the first is the bundle's `onnx`,
    the others are `onnx-<profile>`.
    """

    profiles: tuple[str, ...] = ("cpu",)
    opset: int = 20

    def __post_init__(self) -> None:
        if self.opset not in OPSETS:
            raise InputError(
                f"opset {self.opset} is not supported; give {OPSETS[0]} to {OPSETS[-1]}"
            )
        if not self.profiles or len(set(self.profiles)) < len(self.profiles):
            raise InputError(
                f"ONNX profiles {list(self.profiles)} were given; give at least one, each once"
            )
        for profile in self.profiles:
            if profile not in PROFILES:
                raise InputError(
                    f"ONNX profile {profile!r} is unknown; give one of {', '.join(PROFILES)}"
                )
