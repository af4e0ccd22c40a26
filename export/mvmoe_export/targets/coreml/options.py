"""What a caller may choose of the Core ML target."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from mvmoe_deploy.bundle.manifest import PartName
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_export.compression import FLOAT16, FLOAT32, NumberTypes, Recipe, RecipesIn, find_recipe
from mvmoe_export.targets.contract import TargetOptions

DeploymentTarget = Literal["iOS16", "iOS17", "iOS18", "iOS26"]
INT8 = NumberTypes("int8", "float16")
STATIC_INT8 = NumberTypes("int8", "static-int8-float16")
INT4 = NumberTypes("int4", "float16")
PALETTE_6 = NumberTypes("palette-6", "float16")
PALETTE_4 = NumberTypes("palette-4", "float16")

_RUNS = (FLOAT16, FLOAT32, INT8, STATIC_INT8, INT4, PALETTE_6, PALETTE_4)
"""The numbers that Core ML's graphs may have."""

_NEWER = (INT4, PALETTE_4, STATIC_INT8)
"""Those of weights with several scales for an output, or several tables; and of inputs in 8 bits,
which only chips of newer systems multiply as they are."""

_OLDER = ("iOS16", "iOS17")
"""Their packages hold one function, so that graphs cannot share weights; a weight has one table, or
one scale for each output."""


class CoreMLOptions(TargetOptions, frozen=True):
    """Options of the Core ML target; raises InputError for a value that does not exist."""

    target: ClassVar[str] = "coreml"

    deployment_target: Annotated[
        DeploymentTarget,
        Meta(
            description="The oldest system that runs the graphs; from iOS18 on they share one "
            "copy of the weights."
        ),
    ] = "iOS18"
    precision: Annotated[
        PartName,
        Meta(
            description="Of weights and computation; inputs and outputs are fp32 either way.",
            extra={"allowed": RecipesIn(*_RUNS)},
        ),
    ] = "fp16"
    input: Annotated[
        Literal["tensor", "image"],
        Meta(description="image: the stem takes pixels and normalises them itself."),
    ] = "tensor"

    def __post_init__(self) -> None:
        """Also refuses a recipe that the systems of the deployment target do not have."""
        super().__post_init__()
        if self.numbers in _NEWER and not self.blockwise:
            raise InputError(
                f"the coreml precision {self.precision} needs iOS18, and the deployment target is "
                f"{self.deployment_target}; give --coreml-deployment-target iOS18, or another "
                "--coreml-precision",
                code="input.option",
                name="the coreml precision",
                given=self.precision,
            )

    @property
    def recipe(self) -> Recipe:
        """The recipe that `precision` names."""
        return find_recipe(self.precision)

    @property
    def numbers(self) -> NumberTypes:
        """Those of the recipe that its graphs have."""
        return self.recipe.numbers_on(_RUNS)

    @property
    def multifunction(self) -> bool:
        """Whether one package holds all graphs."""
        return self.deployment_target not in _OLDER

    @property
    def blockwise(self) -> bool:
        """Whether the systems take weights in blocks, each with a scale or a table of its own."""
        return self.deployment_target not in _OLDER


class ConversionOptions(Struct, frozen=True, kw_only=True):
    """What the compiler is told."""

    chosen: CoreMLOptions
    identity: dict[str, str]
    """Texts that a package has a place for: name, author, license, description, version."""
    preprocessing: Preprocessing
    facts: dict[str, str]
    """What a package says of the model to its readers, JSON by key: labels, stages, input."""


def require_one_image(batch: int) -> None:
    """Refuse a batch of an image input, which is one image; raises InputError."""
    if batch != 1:
        raise InputError(
            f"Core ML's image input takes one image, not batch {batch}; give --batch 1 or "
            "--coreml-input tensor",
            code="input.option",
            name="batch",
            given=batch,
        )
