"""Ill-conditioned models export, sabotaged ones do not: bounds know PyTorch's own rounding."""

import re

import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE
from mvmoe_deploy.models.presets import preset
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.verification.bundle_verification import verify_bundle
from mvmoe_export import export_bundle
from mvmoe_export.parity.double_precision import DoublePrecisionCopy, whole_way_error
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.parity.reference_outputs import reference_outputs
from mvmoe_export.parity.synthetic_images import synthetic_images
from mvmoe_export.targets.onnx.template import Template


def shifted(seed=0, by=0.1):
    """The digits preset with a number added to every weight: magnifies rounding by thousands."""
    model = build(preset("digits"), seed=seed).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(by)
    return model


@pytest.fixture(scope="module")
def ill(tmp_path_factory):
    model = shifted()
    path = tmp_path_factory.mktemp("ill") / "model.bundle"
    export_bundle(model, path)
    return model, path


def test_an_ill_conditioned_model_is_exported(ill):
    model, path = ill
    parity = Bundle.open(path).manifest.targets["onnx"].parity
    assert 1e-4 < parity.tolerance <= 5e-3
    assert 1e-4 < parity.verification.answer_error_bound <= 5e-3
    vectors = reference_outputs(model, synthetic_images(model.input, 8))
    # PyTorch's own fp32 is beyond what a well-conditioned model's graphs may be off by.
    assert whole_way_error(model, vectors)[1] > 2e-5


def test_its_bundle_verifies_with_and_without_the_model(ill):
    model, path = ill
    assert verify_against_model(Bundle.open(path), model).ok
    assert verify_bundle(Bundle.open(path)).ok


def test_one_that_refuses_doubles_is_exported_too(tmp_path):
    class Picky(MobileVMoE):
        def forward(self, images, routes=None):
            assert images.dtype == torch.float32
            return super().forward(images, routes)

    model = shifted()
    model.__class__ = Picky
    record = export_bundle(model, tmp_path / "a.bundle").targets["onnx"]
    assert 1e-4 < record.parity.tolerance <= 5e-3


def spoiled(monkeypatch, change):
    """What fills one expert's graph is changed."""
    healthy, filled = Template.fill, []

    def fill(self, module, ranges=None):
        filled.append(healthy(self, module))
        return change(len(filled) - 1, filled)

    monkeypatch.setattr(Template, "fill", fill)


@pytest.mark.parametrize("kind", ["another expert", "a scaled weight", "no bias"])
def test_a_sabotaged_ill_conditioned_model_is_caught(monkeypatch, tmp_path, kind):
    def change(position, filled):
        if position != 2:
            return filled[position]
        if kind == "another expert":
            return filled[1]
        own = [n for n in filled[2] if not np.array_equal(filled[2][n], filled[1][n])]
        dimensions = 1 if kind == "no bias" else 2
        name = next(n for n in own if filled[2][n].ndim == dimensions)
        factor = 0.0 if kind == "no bias" else 1.05
        return {**filled[2], name: filled[2][name] * np.float32(factor)}

    model = shifted()
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        for name, parameter in model.named_parameters():
            if "experts" in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    spoiled(monkeypatch, change)
    with pytest.raises(
        CheckFailedError,
        check=lambda error: (error.code, error.fields["graph"]) == ("check.failed", "step1_e1"),
    ):
        export_bundle(model, tmp_path / "a.bundle")
    assert not list(tmp_path.iterdir())


def test_a_message_gives_the_figure_that_was_compared(monkeypatch, tmp_path, zoo):
    def change(position, filled):
        if position != 1:
            return filled[position]
        name = next(name for name in filled[1] if name.endswith("0.weight"))
        return {**filled[1], name: filled[1][name] * np.float32(1.0015)}

    spoiled(monkeypatch, change)
    with pytest.raises(CheckFailedError) as error:
        export_bundle(zoo.enliven(zoo.Foreign(experts=2)), tmp_path / "a.bundle")
    found = re.search(r"by (\S+) of the largest value of answer \(bound (\S+)\)", str(error.value))
    assert float(found[1]) > float(found[2]) == 1e-4


def test_a_model_without_doubles_is_judged_by_moved_inputs():
    class Steep(nn.Module):
        def forward(self, x):
            assert x.dtype == torch.float32
            return ((x - 1.0) * 1e4).sum((2, 3))

    class Model(nn.Module):
        input = Preprocessing(height=1, width=4, channel_order="L", mean=(0.5,), std=(0.25,))
        routing = ()

        def stage(self, index, route):
            return Steep()

    in_double = DoublePrecisionCopy(Model(), torch.ones(1, 1, 1, 4))
    assert in_double.model is None
    own, precise = in_double.own_error(
        ("y",), lambda model: model.stage(0, ()), [torch.full((1, 1, 1, 4), 1.01)]
    )
    assert precise is None
    assert 1e-6 < own["y"] < 1e-3


def test_conditioning_is_small_where_a_model_is_tame(vmoe):
    model = vmoe()
    assert isinstance(model, MobileVMoE)
    images = synthetic_images(model.input, 8)
    router, answer = whole_way_error(model, reference_outputs(model, images))
    assert 0 < router < 1e-5
    assert 0 < answer < 1e-5


def test_answers_that_fp32_does_not_define_are_refused_in_words_about_rounding(zoo, tmp_path):
    class Magnified(nn.Linear):
        def forward(self, x):
            near = 1000 + 1e-3 * super().forward(x)
            return torch.nn.functional.layer_norm(near, (16,), eps=1e-12)

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return Magnified(16, 16)

    with raises(CheckFailedError, "check.failed", target="onnx", graph="step1_e0") as caught:
        export_bundle(zoo.enliven(Model()), tmp_path / "a.bundle")
    assert re.search("PyTorch's own fp32 is off by .* magnifies round", str(caught.value))
