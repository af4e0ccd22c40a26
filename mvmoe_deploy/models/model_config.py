"""What every model configuration is: frozen, validated, and written in every checkpoint."""

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import msgspec

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.text import quoted


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The base of every family's configuration, a frozen dataclass of plain values.

    The input is square: `[in_channels, image_size, image_size]`.
    """

    family: ClassVar[str]
    """The name of the family whose models this describes."""

    image_size: int = 224
    in_channels: int = 3
    num_classes: int = 1000

    def __post_init__(self) -> None:
        """Refuse types and values that make no network; raises InputError."""
        self._require_types()
        self.require_ranges(image_size=(1, 8192), num_classes=(1, 1_000_000))
        require(self.in_channels in (1, 3), f"in_channels {self.in_channels}", "1 or 3")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape `[C, H, W]` of one input."""
        return (self.in_channels, self.image_size, self.image_size)

    @property
    def routing(self) -> tuple[Rule, ...]:
        """One rule for each routed stage; empty for a dense model."""
        return ()

    @property
    def usual_input(self) -> Mapping[str, Any]:
        """Fields of `Preprocessing` that models of this kind usually have, where nobody says."""
        return {}

    @property
    def least_tensors(self) -> int:
        """At least so many tensors make up the model's state; found without building the model.

        A small file that describes a model of a million layers is refused by it.
        """
        return 1

    @property
    def fixed_input(self) -> Preprocessing | None:
        """What makes the input of an image, where the model alone says it; None where files and
        persons do.
        """
        return None

    @property
    def made_by(self) -> Any:
        """The family of models that no name finds; None for one that is found by `family`."""
        return None

    def for_classes(self, count: int) -> Self:
        """This configuration for data of `count` classes, where their number is free."""
        return self.replace(num_classes=count)

    def replace(self, **fields: Any) -> Self:
        """This configuration with other values in some fields; raises InputError."""
        return dataclasses.replace(self, **fields)

    def require_ranges(self, **ranges: tuple[int, int]) -> None:
        """Refuse the first field outside its closed range; raises InputError."""
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            require(low <= value <= high, f"{name} {value}", f"{low} to {high}")

    def _require_types(self) -> None:
        """Refuse the first field that is not of its declared type."""
        hints = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            hint, value = hints[field.name], getattr(self, field.name)
            try:
                msgspec.convert(value, hint)
            except msgspec.ValidationError as error:
                choices = " or ".join(map(repr, typing.get_args(hint))) or hint.__name__
                raise InputError(
                    f"configuration has {field.name} {value!r}, but it must be {choices}",
                    code="model.config-invalid",
                    name=field.name,
                    expected=choices,
                    found=quoted(value),
                ) from error


def require(holds: bool, given: str, expected: str) -> None:
    """Raise InputError in the one form that all configurations have, unless `holds`."""
    if not holds:
        name, _, found = given.partition(" ")
        raise InputError(
            f"configuration has {given}, but it must be {expected}",
            code="model.config-invalid",
            name=name,
            expected=expected,
            found=found,
        )
