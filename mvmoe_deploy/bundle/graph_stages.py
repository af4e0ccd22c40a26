"""The stages that a target's graphs are.

With the routers on the host they are the stages of the model. With the routers inside of graphs
(`Target.routers`) there is one graph of the whole model. Beside the image it takes `steering`,
which is added to the logits of all routers, one after the other: of zeros each image takes its own
routes, and with other numbers tools look at every route. It gives those logits as they were.
"""

import itertools
from collections.abc import Sequence

from mvmoe_deploy.bundle.manifest import IMAGE, IN_GRAPH, Manifest, Stage, Target
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.strategies import TensorType

STEERING = "steering"
"""The input `[B, sum of E]` (fp32)."""

ROUTER_LOGITS = "router_logits"
"""The output `[B, sum of E]` (fp32), and the tensor that it is."""


def graph_stages(manifest: Manifest, target: Target) -> tuple[Stage, ...]:
    """The stages that the graphs of a target are, in order."""
    if target.routers != IN_GRAPH:
        return manifest.stages
    # Without routes that finish images an output is one tensor.
    given = {output.name: output.tensors[-1] for output in manifest.outputs}
    return (whole_stage(manifest.stages[-1].name, given),)


def whole_stage(name: str, gives: dict[str, str]) -> Stage:
    """One stage that is the whole model; `gives` are its outputs with the tensor of each."""
    gives = {**gives, ROUTER_LOGITS: ROUTER_LOGITS}
    return Stage(name=name, rule=None, router=None, takes={IMAGE: IMAGE}, gives=gives)


def steering_type(rules: Sequence[Rule], batch: int) -> TensorType:
    """The type of `steering` and `router_logits` of a model with these rules."""
    return TensorType((batch, sum(rule.experts for rule in rules)), "float32")


def columns_of(rules: Sequence[Rule]) -> list[slice]:
    """Where the logits of each router are in `router_logits`."""
    ends = [0]
    for rule in rules:
        ends.append(ends[-1] + rule.experts)
    return [slice(begin, end) for begin, end in itertools.pairwise(ends)]
