"""Whether a router routes: what the routes of many images say of it. No PyTorch and no engine.

See `docs/routing.md` for the formulas, the thresholds and what to do.

- `route_counts`: which experts the images that reached a stage used, counted.
- `binomial_intervals`: exact intervals of shares, and how many images a bound takes.
- `stage_health`: what is found of a stage, as plain data; `judging` finds it, with the verdict.
- `health_advice`: what to do about a verdict.
- `route_drift`: how many images two engines send down the same route.
"""

from mvmoe_deploy.router_health.health_advice import ModelSource
from mvmoe_deploy.router_health.judging import judge, margin_spread, worst_verdict
from mvmoe_deploy.router_health.route_counts import RouteCounts, count_routes
from mvmoe_deploy.router_health.stage_health import StageHealth, Verdict

__all__ = [
    "ModelSource",
    "RouteCounts",
    "StageHealth",
    "Verdict",
    "count_routes",
    "judge",
    "margin_spread",
    "worst_verdict",
]
