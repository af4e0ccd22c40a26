"""`dynamic-linears`, `dynamic-convolutions`, `gathered-weights`: weights that are no constants."""

import logging
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from mvmoe_export.programs import capture_stage, make_program
from mvmoe_export.rewrites import AtenGraph, apply
from mvmoe_export.rewrites.graph import is_weight
from mvmoe_export.targets.executorch.job import REWRITES as EXECUTORCH

XNNPACK = EXECUTORCH["xnnpack"]
PRODUCTS = "views", "slices", "dynamic-linears", "dynamic-convolutions", "gathered-weights", "views"
X = torch.randn(2, 5, 4)


def moved_at_run_time(module):
    """What reads a matrix that is chosen by an input, but for products."""
    chosen = module.graph.find_nodes(op="call_function", target=torch.ops.aten.index_select.default)
    readers = [user for node in chosen if node.meta["val"].ndim > 2 for user in node.users]
    assert readers
    return [reader for reader in readers if reader.target != torch.ops.aten.bmm.default]


@settings(max_examples=8, deadline=None)
@given(lead=st.lists(st.integers(1, 3), max_size=4), bias=st.booleans(), data=st.data())
def test_any_linear_layer(check, lead, bias, data):
    taken, made = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    weights = [torch.randn(made, taken), *([torch.randn(made)] if bias else [])]
    graph = check("dynamic-linears", F.linear, torch.randn(*lead, taken), *weights)
    assert graph.changed == 1
    assert "linear.default" not in graph.operators
    assert graph.operators.count("bmm.default") == 1


@pytest.mark.parametrize("operator", ["linear", "conv"])
def test_a_bias_that_alone_is_no_constant_is_added_after_the_layer(check, operator):
    name, function, x, weight = {
        "linear": ("dynamic-linears", F.linear, X, torch.randn(3, 4)),
        "conv": ("dynamic-convolutions", F.conv2d, X[None], torch.randn(3, 2, 1, 1)),
    }[operator]

    def layer(x, bias, weight):
        return function(x, weight, bias)

    graph = check(name, layer, x, torch.randn(3), weight=weight)
    assert graph.operators[-1] == "add.Tensor"
    assert check(name, function, x, weight=weight).changed == 0


def test_layers_with_constant_weights_stay(check):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(1), nn.Linear(18, 4))
    for name in ("dynamic-linears", "dynamic-convolutions", "gathered-weights"):
        assert check(name, model, torch.randn(1, 2, 4, 5)).changed == 0


def test_a_weight_of_two_layers_is_turned_once(check):
    def twice(x, weight):
        return F.linear(F.linear(x, weight), weight)

    graph = check("dynamic-linears", twice, X, torch.randn(4, 4))
    assert graph.changed == 2
    assert graph.operators.count("permute.default") == 1


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
LAYERS = st.fixed_dictionaries(
    {
        "kernel": PAIRS,
        "stride": PAIRS,
        "padding": st.tuples(st.integers(0, 2), st.integers(0, 2)),
        "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
    }
)


def layer(kernel, stride, padding, dilation):
    return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}


@settings(max_examples=12, deadline=None)
@given(options=LAYERS, batch=st.sampled_from([None, 1, 3]), channels=PAIRS, more=PAIRS)
@example(layer((3, 3), (2, 1), (1, 1), (1, 1)), 3, (2, 3), (5, 4))
@example(layer((1, 1), (2, 3), (0, 0), (1, 1)), 1, (2, 3), (5, 4))
@example(layer((2, 2), (2, 2), (0, 1), (1, 2)), 1, (2, 3), (5, 4))
def test_any_convolution(check, options, batch, channels, more):
    """`more` rows and columns than the kernel covers, less one."""
    options = dict(options)
    kernel, (taken, made) = options.pop("kernel"), channels
    covered = zip(kernel, options["padding"], options["dilation"], more, strict=True)
    sizes = [max(d * (k - 1) - 2 * p + extra, 1 + extra) for k, p, d, extra in covered]
    x = torch.randn(*([] if batch is None else [batch]), taken, *sizes)
    weights = [torch.randn(made, taken, *kernel), *([torch.randn(made)] if made > 1 else [])]

    def conv(x, *weights):
        return F.conv2d(x, *weights, **options)

    graph = check("dynamic-convolutions", conv, x, *weights)
    assert graph.changed == 1
    assert not {"conv2d.default", "convolution.default"} & {*graph.operators}
    assert graph.rank <= 4
    slices = graph.module.graph.find_nodes(op="call_function", target=torch.ops.aten.slice.Tensor)
    assert all(len(node.args) == 4 for node in slices), "a slice with a step"


@pytest.mark.parametrize(("size", "count"), [(2, 1), (16, 1), (3, 3)])
def test_patches_are_one_product(check, size, count):
    def patches(x, weight):
        return F.conv2d(x, weight, stride=2 if size == 3 else size)

    graph = check(
        "dynamic-convolutions", patches, torch.randn(2, 3, 35, 37), torch.randn(4, 3, size, size)
    )
    assert graph.operators.count("bmm.default") == count


KEPT = {
    "depthwise": (torch.randn(4, 1, 3, 3), {"groups": 4}),
    "groups": (torch.randn(2, 2, 3, 3), {"groups": 2}),
    "a large kernel": (torch.randn(2, 4, 8, 8), {"padding": 4}),
}


@pytest.mark.parametrize("name", KEPT)
def test_convolutions_that_stay(check, name):
    weight, options = KEPT[name]

    def conv(x, weight):
        return F.conv2d(x, weight, **options)

    assert check("dynamic-convolutions", conv, torch.randn(1, 4, 6, 6), weight).changed == 0


@pytest.mark.parametrize("transposed", [F.conv_transpose2d, F.conv1d])
def test_other_convolutions_stay(check, transposed):
    axes = 2 if transposed is F.conv_transpose2d else 1
    x, weight = torch.randn(1, 3, *[6] * axes), torch.randn(3, 3, *[3] * axes)
    assert check("dynamic-convolutions", transposed, x, weight).changed == 0


class Gathered(nn.Module):
    """An expert's layers, whose weights are taken out of stacks by an index."""

    def __init__(self):
        super().__init__()
        sizes = {"qkv": (12, 4), "qkv_bias": (12,), "conv": (6, 4, 3, 3), "point": (4, 6, 1, 1)}
        sizes |= {"less": (3, 4), "less_bias": (3,)}
        for name, size in sizes.items():
            self.register_buffer(name, torch.randn(5, *size))

    def forward(self, x, index):
        weights = {name: stack.index_select(0, index)[0] for name, stack in self.named_buffers()}
        q, k, v = F.linear(x, weights["qkv"], weights["qkv_bias"]).chunk(3, -1)
        image = (q * k + v).transpose(1, 2).reshape(-1, 4, 6, 6)
        image = F.relu(F.conv2d(image, weights["conv"], padding=1))
        image = F.conv2d(image, weights["point"], stride=2)
        return F.linear(image.flatten(2).transpose(1, 2), weights["less"], weights["less_bias"])


INDEX = torch.tensor([3])


def test_nothing_of_a_gathered_weight_is_moved_at_run_time():
    x, module = torch.randn(2, 36, 4), Gathered().eval()
    names = ("views", "slices", "projections", *PRODUCTS[2:])
    program = make_program("graph", module, {"x": x, "index": INDEX}, names)
    given = program.exported.module(check_guards=False)
    # Another order of summation in each of five layers.
    torch.testing.assert_close(given(x, INDEX), module(x, INDEX), rtol=1e-4, atol=1e-4)
    assert moved_at_run_time(given) == []
    operators = Counter(node.target for node in given.graph.nodes)
    # Three parts of qkv, three rows of the 3x3 kernel, one of the others.
    assert operators[torch.ops.aten.bmm.default] == 8
    assert not operators[torch.ops.aten.linear.default] + operators[torch.ops.aten.conv2d.default]


@pytest.mark.parametrize("index", [torch.tensor([0, 2]), torch.tensor([], dtype=torch.long)])
def test_several_entries_of_a_stack_are_turned_where_they_are(check, index):
    def turned(x, index, stack):
        return x @ stack.index_select(0, index).permute(0, 2, 1)

    graph = check(
        "gathered-weights", turned, X[:1], index, before=("views",), stack=torch.randn(3, 6, 4)
    )
    assert graph.changed == 0


def test_a_stack_that_is_an_input_and_entries_of_another_axis_stay(check):
    def turned(x, stack, index):
        return x @ stack.index_select(0, index)[0].t()

    stack = torch.randn(3, 6, 4)
    assert check("gathered-weights", turned, X, stack, INDEX % 3, before=("views",)).changed == 0

    def of_the_second_axis(x, index, stack):
        return x @ stack.index_select(1, index)[:, 0].t()

    check_it = (of_the_second_axis, X, INDEX)
    assert (
        check(
            "gathered-weights",
            *check_it,
            before=("views", "slices"),
            stack=torch.randn(4, 6, 4).permute(2, 1, 0).contiguous(),
        ).changed
        == 0
    )


def test_weights_that_are_bound_later_are_turned_before_the_graph_runs():
    class Expert(nn.Module):
        def __init__(self):
            super().__init__()
            self.own, self.shared, self.conv = nn.Linear(4, 4), nn.Linear(4, 4), nn.Conv2d(2, 2, 3)

        def forward(self, x):
            return self.conv(F.relu(self.shared(self.own(x))))

    x = torch.randn(1, 2, 5, 4)
    module = capture_stage("graph", Expert(), {"x": x}).module(check_guards=False)
    bound = {"stage.own.weight", "stage.own.bias", "stage.conv.weight", "stage.conv.bias"}
    graph = AtenGraph(module, (x,), frozenset(bound))
    expected = module(x)
    assert apply(graph, PRODUCTS)["dynamic-linears"] == 1
    # Another order of summation in two layers.
    torch.testing.assert_close(module(x), expected, rtol=1e-5, atol=1e-5)
    operators = Counter(node.target for node in module.graph.nodes)
    assert operators[torch.ops.aten.linear.default] == 1
    assert operators[torch.ops.aten.conv2d.default] == 0
    for product in module.graph.find_nodes(op="call_function", target=torch.ops.aten.bmm.default):
        assert is_weight(product.args[1])


def test_xnnpack_takes_a_gathered_mlp_in_one_piece():
    executorch = pytest.importorskip("executorch.exir")
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    class Expert(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.randn(3, 8, 4), torch.randn(3, 4, 8)

        def forward(self, x, index):
            first, second = (stack.index_select(0, index)[0] for stack in (self.first, self.second))
            return F.linear(F.gelu(F.linear(x, first)), second)

    program = make_program("graph", Expert(), {"x": X, "index": INDEX % 3}, XNNPACK)
    logging.disable(logging.WARNING)
    try:
        lowered = executorch.to_edge_transform_and_lower(
            program.exported, partitioner=[XnnpackPartitioner()]
        )
    finally:
        logging.disable(logging.NOTSET)
    nodes = lowered.exported_program().graph.nodes
    calls = Counter(str(node.target) for node in nodes if node.op == "call_function")
    assert calls["executorch_call_delegate"] == 1
    assert {name for name in calls if "index_select" not in name} == {
        "executorch_call_delegate",
        "<built-in function getitem>",
    }
