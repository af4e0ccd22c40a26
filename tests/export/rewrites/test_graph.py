"""What rewrites ask of the graph that they change."""

import torch
from torch import nn

from mvmoe_export.programs import capture_stage
from mvmoe_export.rewrites import AtenGraph


class Weights(nn.Module):
    """One weight is given with the inputs, one is not, and one is chosen by an input."""

    def __init__(self):
        super().__init__()
        self.given, self.own = nn.Parameter(torch.ones(3, 2)), nn.Parameter(torch.ones(3, 2))
        self.stack = nn.Parameter(torch.ones(4, 2, 2))

    def forward(self, x, index):
        scale = torch.arange(2, dtype=x.dtype)
        chosen = self.stack.permute(0, 2, 1).index_select(0, index)[0]
        return x @ self.given.t() @ (self.own * scale), chosen


def dynamic(*bound):
    """Which nodes of `Weights` are dynamic, by their operator or weight."""
    inputs = {"x": torch.ones(1, 2), "index": torch.zeros(1, dtype=torch.long)}
    captured = capture_stage("graph", Weights(), inputs)
    graph = AtenGraph(captured.module(check_guards=False), (*inputs.values(),), frozenset(bound))
    nodes = [node for node in graph.module.graph.nodes if node.op in ("get_attr", "call_function")]
    return {str(node.target).removeprefix("aten."): graph.is_dynamic(node) for node in nodes}


ALWAYS = {"index_select.default": True, "select.int": True, "matmul.default": True}
NEVER = {"stage.own": False, "stage.stack": False, "mul.Tensor": False, "arange.default": False}


def test_what_depends_on_an_input_is_dynamic_and_a_stack_it_is_taken_from_is_not():
    found = dynamic()
    assert found.items() >= (ALWAYS | NEVER).items()
    assert not (found["stage.given"] or found["t.default"] or found["permute.default"])


def test_a_bound_weight_and_what_is_made_of_it_is_dynamic():
    found = dynamic("stage.given")
    assert found.items() >= (ALWAYS | NEVER).items()
    assert found["stage.given"] and found["t.default"]
    assert not found["permute.default"]
