"""Compression recipes: in which numbers graphs store weights and compute. One file each."""

from collections.abc import Iterator
from dataclasses import dataclass

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_export.compression.contract import FLOAT16, FLOAT32, NumberTypes, Recipe, number_beside

KIND = "recipes"
PARTS_ARE_QUICK_TO_IMPORT = True
"""For `mvmoe parts recipes`, which shows their summaries."""

__all__ = [
    "FLOAT16",
    "FLOAT32",
    "KIND",
    "PARTS_ARE_QUICK_TO_IMPORT",
    "NumberTypes",
    "Recipe",
    "RecipesIn",
    "find_recipe",
    "number_beside",
]


def find_recipe(name: str, *, plugins: bool = True) -> Recipe:
    """The recipe called `name`; raises InputError if no installed package brings it.

    With `plugins=False` one of another distribution is refused and not imported: a bundle's
    manifest may name it.
    """
    found: Recipe = part_lookup.find(KIND, name, plugins=plugins)
    return found


@dataclass(frozen=True)
class RecipesIn:
    """The names of the installed recipes that make numbers which an engine runs.

    It is `extra` of an option:

    precision: Annotated[str, Meta(extra={"allowed": RecipesIn(FLOAT32)})] = "fp32"
    """

    numbers: tuple[NumberTypes, ...]

    def __init__(self, *numbers: NumberTypes) -> None:
        object.__setattr__(self, "numbers", numbers)

    def __contains__(self, name: object) -> bool:
        """Whether it is installed and makes such numbers; imports that recipe alone."""
        try:
            return not set(self.numbers).isdisjoint(find_recipe(str(name)).numbers)
        except InputError:
            return False

    def find(self, name: str, *, plugins: bool) -> Recipe:
        """As `find_recipe`, whether it makes such numbers or not."""
        return find_recipe(name, plugins=plugins)

    def __iter__(self) -> Iterator[str]:
        """In the order of the alphabet; a plug-in that cannot be imported is left out."""
        for name in part_lookup.names(KIND):
            try:
                allowed = name in self
            except Exception:  # A plug-in raises what it likes; other recipes work without it.
                continue
            if allowed:
                yield name
