"""How far the graphs of a target may be from PyTorch: what an export writes into the manifest.

Each bound is an attribute of what causes it: the recipe, the target, whose engine may be further
off than others, and the rewrites that approximate. `docs/verify.md` shows the same numbers. The
route guard and `mvmoe verify` hold graphs to those of the manifest.
"""

from collections.abc import Iterable
from functools import reduce

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.verification.used_bounds import looser
from mvmoe_export.compression import find_recipe
from mvmoe_export.rewrites import find_rewrite
from mvmoe_export.targets import TargetPart


def bounds_for(
    target: TargetPart,
    precision: str,
    rewrites: Iterable[str] = (),
    *,
    activations: str | None = None,
) -> Bounds:
    """The bounds of graphs that a target made with the recipe `precision`, and with `rewrites`.

    `activations` are what they compute in, where that is not what the recipe prefers. Of all that
    the recipe, the target and the rewrites allow, the loosest. Raises InputError for a recipe or a
    rewrite that is not installed.
    """
    recipe = find_recipe(precision)
    computed = activations or recipe.numbers[0].activations
    added = [getattr(target, "bounds", {}).get(computed)]
    added += [find_rewrite(name).bounds for name in rewrites]
    return reduce(looser, filter(None, added), recipe.bounds)
