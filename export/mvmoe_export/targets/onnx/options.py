"""What a caller may choose of the ONNX target."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from mvmoe_deploy.bundle.manifest import PartName
from mvmoe_export.compression import FLOAT32, NumberTypes, Recipe, RecipesIn, find_recipe
from mvmoe_export.targets.contract import TargetOptions

Profile = Literal["cpu", "nnapi", "coreml-ep"]

DYNAMIC_INT8 = NumberTypes("int8", "dynamic-int8")
STATIC_INT8 = NumberTypes("int8", "static-int8")
DYNAMIC_INT4 = NumberTypes("int4", "dynamic-int8")
STORED_FLOAT16 = NumberTypes("float16", "float32")
_RUNS = (FLOAT32, DYNAMIC_INT8, STATIC_INT8, DYNAMIC_INT4, STORED_FLOAT16)
"""The numbers that ONNX Runtime's graphs may have."""


class OnnxOptions(TargetOptions, frozen=True):
    """Options of the ONNX target; raises InputError for a value that does not exist.

    Profiles are written side by side over one file of weights; the first is the bundle's `onnx`,
    the others are `onnx-<profile>`.
    """

    target: ClassVar[str] = "onnx"

    profile: Annotated[
        tuple[Profile, ...],
        Meta(description="The provider of ONNX Runtime that the graphs are shaped for."),
    ] = ("cpu",)
    opset: Annotated[int, Meta(ge=18, le=23, description="The version of ONNX's operators.")] = 20
    precision: Annotated[
        PartName,
        Meta(description="Of weights and computation.", extra={"allowed": RecipesIn(*_RUNS)}),
    ] = "fp32"

    @property
    def copies(self) -> int:
        """Each graph is written for every profile."""
        return len(self.profile)

    @property
    def recipe(self) -> Recipe:
        """The recipe that `precision` names."""
        return find_recipe(self.precision)

    @property
    def numbers(self) -> NumberTypes:
        """Those of the recipe that its graphs have."""
        return self.recipe.numbers_on(_RUNS)
