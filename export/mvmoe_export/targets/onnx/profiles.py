"""Which rewrites make a graph quick, or one piece, for each of ONNX Runtime's providers."""

from mvmoe_export.rewrites import names_for
from mvmoe_export.targets.onnx.engines import ENGINES

_ENGINES = {engine.name: engine for engine in ENGINES}


def rewrites_for(profile: str, *, is_bound: bool = False, in_int8: bool = False) -> tuple[str, ...]:
    """The rewrites of a profile's graphs, as `EngineFacts.needs_of` tells them apart.

    `docs/rewrites.md` has the measurements behind them.
    """
    return names_for(_ENGINES[profile].needs_of(is_bound=is_bound, in_int8=in_int8))


REWRITES = {profile: rewrites_for(profile) for profile in _ENGINES}
"""By profile, of graphs in fp32 that hold all weights."""
