"""What every target that binds weights asks of the stages and its options."""

from typing import TYPE_CHECKING

from mvmoe_deploy.errors import InputError
from mvmoe_export.compression.contract import Recipe

if TYPE_CHECKING:
    from mvmoe_export.stages import Stages


def require_unchanged_weights(recipe: Recipe, stages: "Stages") -> None:
    """Refuse a recipe that changes weights which graphs take as inputs; raises InputError."""
    if recipe.changes_weights and stages.bound_experts:
        raise InputError(
            f"the recipe {recipe.name} changes weights, and graphs of the strategy "
            f"{stages.strategy.name} take theirs as inputs; give another strategy or --precision"
        )
