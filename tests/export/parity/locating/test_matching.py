"""Which values are which: by what they hold, in whatever shape, each operator standing for one."""

import numpy as np
import pytest
import torch
from torch import nn

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.graph_taps import EngineOperator
from mvmoe_export.parity.locating.matching import Matching, TappedValues
from mvmoe_export.parity.locating.reference_values import reference_values
from mvmoe_export.parity.locating.value_limits import Limits


class Model(nn.Module):
    """A product, a sum, an activation, a gate and an answer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(6, 4), nn.Linear(4, 3)

    def forward(self, x, gate):
        return self.last(torch.relu(self.first(x)) * gate)


INPUTS = (torch.linspace(-1, 1, 12).reshape(2, 6), torch.ones(2, 1))
OPERATORS = [
    EngineOperator("MatMul", ("x",), ("product",)),
    EngineOperator("Add", ("product",), ("sum",)),
    EngineOperator("Relu", ("sum",), ("active",)),
    EngineOperator("Mul", ("active", "gate"), ("gated",)),
    EngineOperator("Gemm", ("gated",), ("answer",), adds_bias=True),
]


@pytest.fixture(scope="module")
def right():
    """What each operator should give, and the program's values."""
    model = Model().eval()
    program = torch.export.export(model, INPUTS)
    with torch.no_grad():
        product = INPUTS[0] @ model.first.weight.T
        total = product + model.first.bias
        active = total.relu()
        values = {"product": product, "sum": total, "active": active, "gated": active}
        values["answer"] = model.last(active)
    return reference_values(program, INPUTS), {name: t.numpy() for name, t in values.items()}


def first_astray(right, values, *, operators=OPERATORS, astray=("answer",)):
    reference, _ = right
    tapped = TappedValues(operators, values, {"answer": values["answer"]}, frozenset(astray))
    return Matching(reference, tapped, Bounds()).first_astray()


def wrong_from(right, first):
    """The right values up to one operator, others from there on."""
    names = [operator.gives[0] for operator in OPERATORS]
    later = names[names.index(first) :]
    return {name: a + 1.5 if name in later else a for name, a in right[1].items()}


@pytest.mark.parametrize(
    ("value", "node", "kind"),
    [
        ("product", "linear", "MatMul"),
        ("sum", "linear", "Add"),
        ("active", "relu", "Relu"),
        ("gated", "mul", "Mul"),  # A gate of 1: its value is that of the node before.
        ("answer", "linear_1", "Gemm"),
    ],
)
def test_the_first_operator_whose_value_is_wrong_is_named(right, value, node, kind):
    found = first_astray(right, wrong_from(right, value))
    assert (found.node.name, found.operator.kind) == (node, kind)
    assert found.error > found.bound


def test_nothing_is_astray_where_outputs_are_right(right):
    values = wrong_from(right, "active") | {"answer": right[1]["answer"]}
    assert first_astray(right, values, astray=()) is None


def test_a_node_that_the_engine_computes_with_the_next_one_is_no_fault(right):
    fused = [
        EngineOperator("LinearRelu", ("x",), ("active",), adds_bias=True),
        *OPERATORS[3:],
    ]
    values = {name: a for name, a in wrong_from(right, "gated").items() if name != "sum"}
    found = first_astray(right, values, operators=fused)
    assert (found.node.name, found.operator.kind) == ("mul", "Mul")


def test_a_layer_that_lost_its_bias_is_not_its_product(right):
    merged = [EngineOperator("Gemm", ("x",), ("sum",), adds_bias=True), *OPERATORS[2:]]
    values = wrong_from(right, "active") | {"sum": right[1]["product"]}
    found = first_astray(right, values, operators=merged)
    assert (found.node.name, found.operator.gives) == ("linear", ("sum",))


def test_a_value_is_known_with_its_axes_turned(right):
    values = wrong_from(right, "active")
    values["sum"] = np.ascontiguousarray(values["sum"].T)
    assert first_astray(right, values).node.name == "relu"


def test_one_wrong_element_of_many_is_seen():
    """Few elements are compared first: those that are right are not taken for all."""
    inputs = (torch.linspace(-3, 3, 100).reshape(2, 50),)
    module = nn.Sequential(nn.Sigmoid(), nn.Tanh(), nn.Hardtanh(0.4, 0.5))
    names = ["sigmoid", "tanh", "clamp"]
    operators = [
        EngineOperator(name.title(), (before,), (name,))
        for before, name in zip(["x", *names], names, strict=False)
    ]
    values, array = {}, inputs[0]
    with torch.no_grad():
        for name, layer in zip(names, module, strict=True):
            array = layer(array)
            values[name] = array.numpy().copy()
    values["tanh"][0, 1] += 0.1
    values["clamp"][0, 1] += 0.1
    reference = reference_values(torch.export.export(module.eval(), inputs), inputs)
    tapped = TappedValues(operators, values, {"clamp": values["clamp"]}, frozenset(["clamp"]))
    found = Matching(reference, tapped, Bounds()).first_astray()
    assert (found.node.name, found.operator.kind) == ("tanh", "Tanh")


def test_an_error_everywhere_counts_although_none_is_large():
    wanted = np.ones(1000)
    limits = Limits.of(Bounds())
    assert limits.error(wanted + 9e-5, wanted) > limits.largest
    one = wanted.copy()
    one[3] += 9e-5
    assert limits.error(one, wanted) <= limits.largest
    assert Limits.of_router(Bounds()).error(wanted + 9e-5, wanted) <= limits.largest


def test_what_is_not_a_number_is_infinitely_far_and_equal_infinities_are_near():
    limits = Limits.of(Bounds())
    mask = np.array([0.0, -np.inf])
    assert limits.error(mask, mask) == 0
    assert limits.error(np.array([0.0, np.nan]), mask) == np.inf
