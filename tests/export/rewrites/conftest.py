"""How a rewrite is checked on any function or module, none of them ours."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mvmoe_export import rewrites
from mvmoe_export.programs import _decompositions
from mvmoe_export.pytorch_silence import exporting


class Lambda(nn.Module):
    """A function of inputs and weights, which it takes by name."""

    def __init__(self, function, weights):
        super().__init__()
        self.function = function
        for name, weight in weights.items():
            self.register_buffer(name, weight)

    def forward(self, *inputs):
        return self.function(*inputs, **dict(self.named_buffers()))


def aten(module, inputs):
    """The graph of a module as rewrites get it."""
    with torch.no_grad(), exporting():
        captured = torch.export.export(module.eval(), inputs, strict=False)
        captured = captured.run_decompositions(_decompositions())
    return rewrites.AtenGraph(captured.module(check_guards=False), inputs)


def close(given, expected, error):
    """Values differ by at most `error` relative to the largest."""
    if isinstance(expected, tuple | list):
        for one, other in zip(given, expected, strict=True):
            close(one, other, error)
        return
    assert given.shape == expected.shape and given.dtype == expected.dtype
    if not error:
        assert torch.equal(given, expected)
    elif expected.numel():
        bound = error * max(expected.abs().max().item(), 1e-30)
        assert (given - expected).abs().max().item() <= bound


def check(name, module, *inputs, error=None, before=(), **weights):
    """Apply a rewrite: same values, a second application changes nothing; gives the graph.

    `before` are rewrites that make what this one finds.
    """
    if not isinstance(module, nn.Module):
        module = Lambda(module, weights)
    graph = aten(module, inputs)
    rewrites.apply(graph, before)
    with torch.no_grad():
        expected = graph.module(*inputs)
        changed = rewrites.apply(graph, [name])[name]
        found = graph.module(*inputs)
        close(found, expected, rewrites.find_rewrite(name).error if error is None else error)
        assert rewrites.apply(graph, [name])[name] == 0
        close(graph.module(*inputs), found, 0)
    nodes = list(graph.module.graph.nodes)
    values = [node.meta["val"] for node in nodes if "val" in node.meta]
    return SimpleNamespace(
        changed=changed,
        operators=[
            str(node.target).removeprefix("aten.") for node in nodes if node.op == "call_function"
        ],
        rank=max(value.ndim for value in values if isinstance(value, torch.Tensor)),
        module=graph.module,
        values=found,
    )


@pytest.fixture(name="check", scope="session")
def fixture_check():
    return check
