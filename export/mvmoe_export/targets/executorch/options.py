"""What a caller may choose of the ExecuTorch target."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from mvmoe_export.targets.contract import TargetOptions

Delegate = Literal["xnnpack", "portable", "coreml"]
ComputeUnits = Literal["all", "cpu_only", "cpu_and_gpu", "cpu_and_ne"]
DeploymentTarget = Literal["iOS16", "iOS17", "iOS18", "iOS26"]


class ExecuTorchOptions(TargetOptions, frozen=True):
    """Options of the ExecuTorch target; raises InputError for a value that does not exist.

    Delegates are written side by side; the first is the bundle's `executorch`, the others are
    `executorch-<delegate>`.
    """

    target: ClassVar[str] = "executorch"

    delegate: Annotated[
        tuple[Delegate, ...], Meta(description="What runs the graphs below ExecuTorch.")
    ] = ("xnnpack",)
    compute_units: Annotated[ComputeUnits, Meta(description="Of the delegate coreml.")] = "all"
    deployment_target: Annotated[
        DeploymentTarget,
        Meta(description="The oldest system that runs graphs of the delegate coreml."),
    ] = "iOS18"


class LoweringOptions(Struct, frozen=True, kw_only=True):
    """What the compiler of one delegate is told; see `ExecuTorchOptions`."""

    delegate: Delegate
    compute_units: ComputeUnits
    deployment_target: DeploymentTarget
