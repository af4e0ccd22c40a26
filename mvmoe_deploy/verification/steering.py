"""Routes of a graph with its routers inside: imposed by what is added to the routers' logits.

The model's stages say which logits an image has on its way; with the difference to logits for which
a rule selects the wanted route (`GraphRule.logits_of`) the graph takes that route, with gates that
are not small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.bundle.manifest import Output, Stage
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.contract import GraphRule, members_of
from mvmoe_deploy.verification.run_stages import StageEngine, Vectors, run_stages, run_stem


@dataclass(frozen=True)
class SteeredWay:
    """What a model's stages give images down imposed routes, and what makes a graph take them."""

    vectors: Vectors
    """As `run_stages` gives them."""
    steering: np.ndarray
    """`[n, sum of E]` (fp32)."""


def steered_way(
    engine: StageEngine,
    stages: Sequence[Stage],
    outputs: Sequence[Output],
    images: np.ndarray,
    routes: Sequence[Route],
) -> SteeredWay | None:
    """Images `[n, C, H, W]` down one route for each routed stage, `engine` being the model's.

    None where some route has no logits that select it. Raises what `run_stages` raises.
    """
    members, gates, wanted = [], [], []
    for stage, route in zip(stages[1:], routes, strict=True):
        rule = stage.routing
        logits = rule.logits_of(route) if isinstance(rule, GraphRule) else None
        if logits is None:
            return None
        row = np.array([logits], np.float32)
        chosen = members_of([route], rule.experts)
        wanted.append(np.repeat(row, len(images), axis=0))
        members.append(np.repeat(chosen, len(images), axis=0))
        gates.append(np.repeat(rule.gates(chosen, row), len(images), axis=0))
    start = run_stem(engine, stages, images)
    vectors = run_stages(engine, stages, outputs, start, imposed=members, imposed_gates=gates)
    found = [logits_in(vectors, number) for number in range(1, len(stages))]
    return SteeredWay(vectors, np.concatenate(wanted, axis=1) - np.concatenate(found, axis=1))
