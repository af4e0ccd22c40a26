"""What a caller may choose of the ExecuTorch target."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from mvmoe_deploy.bundle.manifest import PartName
from mvmoe_deploy.errors import InputError
from mvmoe_export.compression import FLOAT16, FLOAT32, NumberTypes, Recipe, RecipesIn, find_recipe
from mvmoe_export.targets.contract import TargetOptions

Delegate = Literal["xnnpack", "portable", "coreml"]
ComputeUnits = Literal["all", "cpu_only", "cpu_and_gpu", "cpu_and_ne"]
DeploymentTarget = Literal["iOS16", "iOS17", "iOS18", "iOS26"]

DYNAMIC_INT8 = NumberTypes("int8", "dynamic-int8")
STATIC_INT8 = NumberTypes("int8", "static-int8")
DYNAMIC_INT4 = NumberTypes("int4", "dynamic-int8")

_RUNS: Mapping[Delegate, tuple[NumberTypes, ...]] = {
    "xnnpack": (FLOAT32, DYNAMIC_INT8, STATIC_INT8, DYNAMIC_INT4),
    "portable": (FLOAT32,),
    "coreml": (FLOAT16,),
}
"""The numbers that the graphs of each delegate may have."""

_INSTEAD_OF_FP32: Mapping[Delegate, str] = {"coreml": "fp16"}
"""The recipe of delegates that compute in other numbers than fp32 where that is asked for."""


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
    precision: Annotated[
        PartName,
        Meta(
            description="Of weights and computation; of the delegate coreml fp32 means fp16.",
            extra={"allowed": RecipesIn(FLOAT32, DYNAMIC_INT8, STATIC_INT8, DYNAMIC_INT4, FLOAT16)},
        ),
    ] = "fp32"

    def recipe_of(self, delegate: Delegate) -> Recipe:
        """The recipe that the graphs of a delegate are made with.

        Raises InputError if it makes no numbers that the delegate runs.
        """
        recipe = find_recipe(self.precision)
        if FLOAT32 in recipe.numbers and not recipe.changes_weights:
            recipe = find_recipe(_INSTEAD_OF_FP32.get(delegate, recipe.name))
        runs = _RUNS[delegate]
        if set(runs).isdisjoint(recipe.numbers):
            others = [
                name for name, run in _RUNS.items() if not set(run).isdisjoint(recipe.numbers)
            ]
            raise InputError(
                f"ExecuTorch's delegate {delegate} does not run the numbers of the recipe "
                f"{recipe.name}; give --executorch-precision {' or '.join(RecipesIn(*runs))}, or "
                f"--executorch-delegate {' or '.join(others)} alone",
                code="input.option",
                name="precision",
                given=recipe.name,
                expected=list(RecipesIn(*runs)),
            )
        return recipe

    def numbers_of(self, delegate: Delegate) -> NumberTypes:
        """Those of the recipe that the graphs of a delegate have; raises as `recipe_of`."""
        return self.recipe_of(delegate).numbers_on(_RUNS[delegate])


class LoweringOptions(Struct, frozen=True, kw_only=True):
    """What the compiler of one delegate is told; see `ExecuTorchOptions`."""

    delegate: Delegate
    compute_units: ComputeUnits
    deployment_target: DeploymentTarget
