"""Routing: how the router's logits become a route and its gates, on the host.

One module is one rule, found by its name; `contract.py` says what a rule does. These are the
reference semantics for every language. Nothing here knows of graphs, engines or images.
"""

from mvmoe_deploy.routing.contract import Route, Rule, gates_of, require_route
from mvmoe_deploy.routing.prior import RouteShare, UsagePrior, check_usage_prior

__all__ = [
    "Route",
    "RouteShare",
    "Rule",
    "UsagePrior",
    "check_usage_prior",
    "gates_of",
    "require_route",
]
