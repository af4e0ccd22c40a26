"""Inputs on both sides of every bound, and the exports that they unmask."""

import pytest
import torch
import torch.nn.functional as F
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_export import export_bundle
from mvmoe_export.parity.synthetic_images import extreme_images, input_range, synthetic_images
from mvmoe_export.parity.thresholds import Searches, unreached
from mvmoe_export.targets.onnx import template as onnx_template

SPAN = torch.full((8,), -2.0), torch.full((8,), 2.0)


class Bounded(nn.Module):
    """A linear layer whose values are compared with a bound that small inputs do not reach."""

    def __init__(self, compare):
        super().__init__()
        self.linear, self.compare = nn.Linear(8, 4), compare
        with torch.no_grad():
            self.linear.weight.copy_(torch.linspace(-1, 1, 32).view(4, 8))
            self.linear.bias.zero_()

    def forward(self, x):
        return self.compare(self.linear(x))


def clamped_view(y):
    y[:, 0].clamp_(max=3.0)
    return y


BOUNDS = {
    "clamp": lambda y: y.clamp(-3.0, 3.0),
    "clamp of a view": clamped_view,
    "clamp with tensors": lambda y: torch.clamp(y, max=torch.full((4,), 3.0)),
    "minimum": lambda y: torch.minimum(y, torch.tensor(3.0)),
    "relu6": lambda y: F.relu6(y * 2),
    "hardtanh": lambda y: F.hardtanh(y, -3.0, 3.0),
    "threshold": lambda y: F.threshold(y, 3.0, 0.0),
    "where": lambda y: torch.where(y > 3.0, torch.zeros_like(y), y),
    "masked fill": lambda y: y.masked_fill(y.ge(3.0), 0.0),
    "index by a mask": lambda y: y * (y < 3.0),
    "hard sigmoid": F.hardsigmoid,
    "softshrink": lambda y: F.softshrink(y, 3.0),
    "relu of a difference": lambda y: F.relu(y - 3.0),
    "leaky relu of a sum": lambda y: F.leaky_relu(y + 3.0),
    "elu of a sum": lambda y: F.elu(y + 3.0, 0.7),
    "prelu of a sum": lambda y: F.prelu(y + 3.0, torch.tensor([0.3])),
    "softplus": lambda y: F.softplus(y, beta=2, threshold=6),
    "buckets": lambda y: torch.bucketize(y, torch.tensor([-3.0, 3.0])).float() + y,
}


@pytest.mark.parametrize("kind", BOUNDS)
def test_an_input_beyond_each_bound_is_found(kind):
    module = Bounded(BOUNDS[kind]).eval()
    small = [[torch.full((1, 8), 0.1)], [torch.full((1, 8), -0.1)]]
    assert unreached(module, small)
    with torch.no_grad():
        found = Searches().find(module, small, [SPAN])
    assert found
    assert all((SPAN[0] <= given).all() and (given <= SPAN[1]).all() for (given,) in found)
    assert not unreached(module, [*small, *found])
    again = Searches().find(module, small, [SPAN])
    assert all(torch.equal(one, other) for (one,), (other,) in zip(found, again, strict=True))


def test_any_tensor_of_a_stage_may_be_what_reaches_a_bound():
    """The clamp is on the second tensor; the gates, which have no range, stay as they are."""

    class Second(nn.Module):
        def forward(self, p3, p4, gates):
            return p3 + p4.clamp(max=1.5) * gates

    start = [torch.full((1, 8), 0.1), torch.full((1, 8), 0.2), torch.ones(1, 1)]
    found = Searches().find(Second(), [start], [SPAN, SPAN])
    assert found
    assert all(len(tensors) == 2 and (tensors[1] > 1.5).any() for tensors in found)


def test_bounds_that_cannot_be_reached_are_given_up():
    module = Bounded(lambda y: y.clamp(max=1e6)).eval()
    assert Searches().find(module, [[torch.full((1, 8), 0.1)]], [SPAN]) == []


def test_a_stage_without_gradients_is_left_alone():
    class Cut(Bounded):
        def forward(self, x):
            return self.linear(x).detach().round().clamp(max=3.0)

    assert Searches().find(Cut(None).eval(), [[torch.full((1, 8), 0.1)]], [SPAN]) == []


@pytest.mark.parametrize("channels", ["L", "RGB", "BGR"])
def test_extreme_images_are_at_the_edges_of_the_range(channels):
    count = 1 if channels == "L" else 3
    spec = Preprocessing(
        height=6, width=9, channel_order=channels, mean=(0.5,) * count, std=(0.25,) * count
    )
    images, (least, largest) = extreme_images(spec), input_range(spec)
    assert images.shape[1:] == spec.shape
    assert images.dtype == torch.float32
    assert ((least <= images) & (images <= largest)).all()
    assert (images == least).all(dim=(1, 2, 3)).any()
    assert (images == largest).all(dim=(1, 2, 3)).any()
    assert len({image.numpy().tobytes() for image in images}) == len(images)
    assert images.std(dim=0).mean() > synthetic_images(spec, 12).std(dim=0).mean()


def without_clamps(monkeypatch):
    """An exporter that loses every bound."""
    healthy = onnx_template.make_program

    def capture(name, module, *arguments, **options):
        def unbounded(x, *_, **__):
            return x

        with monkeypatch.context() as patch:
            patch.setattr(torch.Tensor, "clamp", unbounded)
            return healthy(name, module, *arguments, **options)

    monkeypatch.setattr(onnx_template, "make_program", capture)


@pytest.mark.parametrize("where", ["expert", "head", "stem"])
def test_an_export_that_loses_a_clamp_is_caught(zoo, tmp_path, monkeypatch, where):
    class Clipped(nn.Linear):
        def forward(self, x):
            return super().forward(x).clamp(max=self.most)

    def clipped(outputs, inputs=16):
        layer = Clipped(inputs, outputs)
        layer.most = 1e9
        return layer

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return clipped(16) if where == "expert" else nn.Linear(16, 16)

    model = Model(experts=2)
    if where == "head":
        model.head = clipped(5)
    if where == "stem":
        model.embed = clipped(16, 64)
    zoo.enliven(model)
    layer = {"expert": model.experts[0][1], "head": model.head, "stem": model.embed}[where]
    with torch.no_grad():
        tokens = model.embed(synthetic_images(model.input, 64).flatten(1))
        seen = {
            "expert": tokens,
            "head": tokens,
            "stem": synthetic_images(model.input, 64).flatten(1),
        }
        # No smooth picture reaches it; an extreme one, or a step along the gradient, does.
        layer.most = F.linear(seen[where], layer.weight, layer.bias).max().item() * 1.2
    without_clamps(monkeypatch)
    graph = {"expert": "step1_e1", "head": "step1_e0", "stem": "stem"}[where]
    with raises(CheckFailedError, "check.failed", target="onnx", graph=graph) as error:
        export_bundle(model, tmp_path / "a.bundle")
    assert "on an extreme input" in str(error.value)


def test_a_forward_that_clips_what_no_stage_clips_is_caught(zoo, tmp_path):
    class Model(zoo.Foreign):
        def forward(self, images, routes=None):
            glare = F.relu(images.mean((1, 2, 3)) - 1.97)
            return super().forward(images, routes) + 100 * glare[:, None]

    model = zoo.enliven(Model())
    assert synthetic_images(model.input, 64, seed=2).mean((1, 2, 3)).max() < 1.97
    with pytest.raises(CheckFailedError, check=lambda error: error.code == "model.unsound"):
        export_bundle(model, tmp_path / "a.bundle")


def test_a_model_that_black_pictures_break_is_exported_all_the_same(zoo, export):
    def spread(images):
        apart = images - images.mean((1, 2, 3), keepdim=True)
        return 64 * apart / apart.abs().sum((1, 2, 3), keepdim=True)

    class Stem(zoo.Stem):
        def forward(self, images):
            return super().forward(spread(images))

    class Model(zoo.Foreign):
        def stage(self, index, route):
            return super().stage(index, route) if index else Stem(self)

        def forward(self, images, routes=None):
            return super().forward(spread(images), routes)

    model = zoo.enliven(Model(experts=2))
    with torch.no_grad():
        assert model.stage(0, ())(extreme_images(model.input)[:1])[0].isnan().all()
    assert export(model).exists()
