"""What a caller may choose of the ExecuTorch target."""

from dataclasses import dataclass

from mvmoe_deploy.errors import InputError

DELEGATES = ("xnnpack", "portable", "coreml")
COMPUTE_UNITS = ("all", "cpu_only", "cpu_and_gpu", "cpu_and_ne")
DEPLOYMENT_TARGETS = ("iOS16", "iOS17", "iOS18", "iOS26")


@dataclass(frozen=True)
class ExecuTorchOptions:
    """Raises InputError for what does not exist.

    `delegates` are written side by side; the first is the bundle's `executorch`, the others are
    `executorch-<delegate>`. The others are of the delegate `coreml` alone.
    """

    delegates: tuple[str, ...] = ("xnnpack",)
    compute_units: str = "all"
    deployment_target: str = "iOS18"

    def __post_init__(self) -> None:
        if not self.delegates or len(set(self.delegates)) < len(self.delegates):
            raise InputError(
                f"delegates {list(self.delegates)} of target executorch were given; give at least "
                "one, each once"
            )
        for delegate in self.delegates:
            _require("delegate", delegate, DELEGATES)
        _require("compute unit", self.compute_units, COMPUTE_UNITS)
        _require("deployment target", self.deployment_target, DEPLOYMENT_TARGETS)


def _require(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise InputError(
            f"{what} {given!r} of target executorch is unknown; give one of {', '.join(known)}"
        )
