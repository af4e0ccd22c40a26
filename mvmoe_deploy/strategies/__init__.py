"""How routing becomes graphs: one module for each strategy, found by its name."""

from mvmoe_deploy import part_lookup
from mvmoe_deploy.strategies.contract import (
    INTEGER,
    Build,
    Strategy,
    Suitability,
    TensorType,
    slot_input,
    slot_of,
)

DEFAULT = "dispatch"
"""The strategy of an export that names none."""

__all__ = [
    "DEFAULT",
    "INTEGER",
    "Build",
    "Strategy",
    "Suitability",
    "TensorType",
    "find_strategy",
    "slot_input",
    "slot_of",
]


def find_strategy(name: str, *, plugins: bool = True) -> Strategy:
    """The strategy of that name; raises InputError as `parts.find` does."""
    found: Strategy = part_lookup.find("strategies", name, plugins=plugins)
    return found
