"""Which rewrites make a graph quick, or one piece, for each of ONNX Runtime's providers."""

from mvmoe_export.rewrites import names_for
from mvmoe_export.targets.onnx.engines import ENGINES

REWRITES = {engine.name: names_for(engine.needs) for engine in ENGINES}
"""By profile; `docs/rewrites.md` has the measurements behind them."""

BOUND_REWRITES = {
    engine.name: names_for((*engine.needs, *engine.bound_needs)) for engine in ENGINES
}
"""Those of graphs that take weights as inputs."""
