"""Writes in place: kept as values in every graph, or refused; never lost."""

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from expected_errors import raises
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.errors import InputError
from mvmoe_export import export_bundle, rewrites
from mvmoe_export.fingerprint import fingerprint
from mvmoe_export.programs import make_program
from mvmoe_export.targets.onnx.template import make_template
from mvmoe_export.writes import first_write, require_functional

REWRITES = (
    "views",
    "slices",
    "projections",
    "rank",
    "attention",
    "layer-norm",
    "averages",
    "views",
)
X = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(0)) * 3


class Writing(nn.Module):
    """A linear layer, and a function that changes what it gives."""

    def __init__(self, write):
        super().__init__()
        self.linear, self.write = nn.Linear(8, 8), write
        self.register_buffer("scale", torch.ones(8))
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        return self.write(self, self.linear(x), x)


def clamp_of_a_slice(model, y, x):
    y[:, 0].clamp_(max=0.1)
    return y


def copy_into_a_slice(model, y, x):
    y[:, 1].copy_(x[:, 0])
    return y


def index_put(model, y, x):
    y[:, torch.tensor([0, 2])] = x[:, :2]
    return y


def masked_fill_of_a_view(model, y, x):
    y[:, :, 1].masked_fill_(x[:, :, 0] > 0, -7.0)
    return y


def mask_as_an_index(model, y, x):
    y[y > 0.2] = 0.2
    return y


def add_to_slices(model, y, x):
    y[:, 1:3].add_(x[:, 1:3], alpha=2)
    return y


def product_of_a_turned_view(model, y, x):
    y.transpose(1, 2)[:, 3].mul_(0.5)
    return y


def out_argument(model, y, x):
    torch.add(y, x, out=y[:])
    return y


def views_of_views(model, y, x):
    y[:, 0][:, :4].fill_(2.0)
    return y


def parts(model, y, x):
    for part in y.unbind(1):
        part.clamp_(min=0)
    return y


def a_write_that_another_output_sees(model, y, x):
    flat, total = y.view(1, 32), y.sum(2)
    y.relu_()
    return flat, total


def scatter(model, y, x):
    y.scatter_(2, torch.zeros(1, 4, 1, dtype=torch.long), 5.0)
    return y


WRITES = [
    clamp_of_a_slice,
    copy_into_a_slice,
    index_put,
    masked_fill_of_a_view,
    mask_as_an_index,
    add_to_slices,
    product_of_a_turned_view,
    out_argument,
    views_of_views,
    parts,
    a_write_that_another_output_sees,
    scatter,
]


@pytest.mark.parametrize("names", [(), REWRITES], ids=["plain", "rewritten"])
@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_a_write_is_kept(write, names):
    module = Writing(write).eval()
    program = make_program("graph", module, {"x": X.clone()}, names)
    assert first_write(program.exported.graph_module) is None
    with torch.no_grad():
        found = program.exported.module(check_guards=False)(X.clone())
        torch.testing.assert_close(found, module(X.clone()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("write", WRITES[:5], ids=lambda write: write.__name__)
def test_a_write_is_kept_by_onnx(write):
    module = Writing(write).eval()
    template = make_template("graph", module, {"x": X.clone()}, ("y",), 20)
    session = onnxruntime.InferenceSession(template.body.SerializeToString())
    (found,) = session.run(None, {"x": X.numpy(), **template.fill(module)})
    with torch.no_grad():
        np.testing.assert_allclose(found, module(X.clone()), rtol=1e-5, atol=1e-5)


def test_a_head_that_clamps_one_class_answers_as_the_model(zoo, tmp_path):
    class Head(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            y[:, 0].clamp_(max=3.0)
            return y

    model = zoo.Foreign()
    model.head = Head(16, 5)
    zoo.enliven(model)
    export_bundle(model, tmp_path / "a.bundle")
    image = torch.full((1, 1, 8, 8), 3.0)
    # The direction in which class 0 grows: no picture of the guard's has to go so far.
    with torch.no_grad():
        for _ in range(3):
            with torch.enable_grad():
                asked = image.clone().requires_grad_()
                F.linear(model.embed(asked.flatten(1)), model.head.weight)[0, 0].backward()
            image = image + 20 * asked.grad.sign()
        wanted = model(image)
        assert wanted[0, 0] == 3.0
        with Dispatcher.open(tmp_path / "a.bundle", threads=1) as dispatcher:
            found = dispatcher.run(image.numpy())["answer"]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * wanted.abs().max().item())


def count(model, y, x):
    model.scale.add_(1)
    return y + model.scale


def part_of_a_buffer(model, y, x):
    model.scale[:2].zero_()
    return y + model.scale


def the_input(model, y, x):
    x.add_(1)
    return y + x


def a_view_of_the_input(model, y, x):
    x[:, 0].clamp_(max=0.1)
    return y + x


def batch_statistics(model, y, x):
    norm = model.norm
    return F.batch_norm(y, norm.running_mean, norm.running_var, training=True)


def instance_statistics(model, y, x):
    norm = model.norm
    return F.instance_norm(y, norm.running_mean, norm.running_var, use_input_stats=True)


def behind_autograd(model, y, x):
    y.data[:, 0].zero_()
    return y


@pytest.mark.parametrize("names", [(), REWRITES], ids=["plain", "rewritten"])
@pytest.mark.parametrize(
    ("write", "named"),
    [
        (count, "scale"),
        (part_of_a_buffer, "scale"),
        (the_input, "inputs_0"),
        (a_view_of_the_input, "inputs_0"),
        (batch_statistics, "norm.running_mean"),
        (instance_statistics, "what it is given"),
        (behind_autograd, "a tensor"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_write_to_what_is_not_the_graphs_own_is_refused(write, named, names):
    with raises(InputError, "export.graph-refused", graph="this", name=named) as error:
        make_program("this", Writing(write).eval(), {"x": X.clone()}, names)
    assert "\n" not in str(error.value)


def weight_by_its_data(model, y, x):
    model.linear.weight.data.mul_(2.0)
    return y


@pytest.mark.parametrize(
    ("write", "named"), [(weight_by_its_data, "linear.weight"), (count, "scale")]
)
def test_a_write_to_a_weight_is_refused_before_it_is_captured(write, named):
    # PyTorch's exporter ends the whole process for the first of these.
    with raises(InputError, "model.contract", graph="graph g", name=named):
        fingerprint(Writing(write).eval(), [X.clone()], "graph g")


def test_a_clean_up_that_meets_a_write_refuses():
    class Plain(nn.Module):
        def forward(self, x):
            y = x + 1
            y[:, 0].clamp_(max=0.1)
            return y

    graph = torch.export.export(Plain(), (X,)).module(check_guards=False)
    for refuse in (require_functional, lambda module: rewrites.AtenGraph(module, (X,))):
        with raises(InputError, "export.graph-refused", operator="aten.clamp_.default"):
            refuse(graph)
