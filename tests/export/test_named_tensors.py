"""Stages that pass on named tensors, read by any stage after them: from export to answer."""

import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import count
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.verification.bundle_verification import verify_bundle
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.flow import flow_of
from mvmoe_export.parity.pytorch import verify_against_model

EXPERTS = (2, 3, 4)
TOLERANCE = {"onnx": 1e-5, "executorch": 1e-5, "coreml": 2e-2}
"""Relative to the largest answer; Core ML's default is fp16."""


class Level(nn.Module):
    """One scale: half the size, experts mixed by their gates, a router for the next scale."""

    def __init__(self, experts, width=8):
        super().__init__()
        self.down = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.experts = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(experts))


class Scales(nn.Module):
    """Three routed scales, k of each one's experts; the last stage also reads all scales."""

    def __init__(self, k=2, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.input = Preprocessing(height=32, width=32, channel_order="L", mean=(0.5,), std=(0.25,))
        self.routing = tuple(TopK(experts=count, k=k, renormalize=True) for count in EXPERTS)
        self.patches = nn.Conv2d(1, 8, 4, stride=4)
        self.levels = nn.ModuleList(Level(count) for count in EXPERTS)
        self.routers = nn.ModuleList(nn.Linear(8, count) for count in EXPERTS)
        self.head = nn.Linear(3 * 8, 5)

    def forward(self, images, routes=None):
        state = Stem(self)(images)
        for index, rule in enumerate(self.routing):
            _, gates = select(state["logits"], rule, routes[index] if routes else None)
            every = tuple(range(rule.experts))
            step = (Last if index == 2 else Step)(self, index, every)
            names = ("p2", "p3", "p4")[index]
            given = [state["p3"], state["p4"]] if index == 2 else [state[names]]
            state |= step(*given, gates)
        return state["answer"]

    def stage(self, index, route):
        if index == 0:
            return Stem(self)
        return (Last if index == 3 else First if index == 1 else Second)(self, index - 1, route)

    def expert(self, stage, index):
        return (Coarsest if stage == 3 else Finer)(self.levels[stage - 1], index)

    def join(self, stage, count):
        return JoinedScales(self) if stage == 3 else Joined(self, stage - 1)


class Stem(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.patches, self.router = model.patches, model.routers[0]

    def forward(self, images):
        maps = self.patches(images)
        return {"p2": maps, "logits": self.router(maps.mean((2, 3)))}


class Step(nn.Module):
    def __init__(self, model, index, route):
        super().__init__()
        level = model.levels[index]
        self.down = level.down
        self.experts = nn.ModuleList(level.experts[expert] for expert in route)
        self.router = model.routers[index + 1] if index < 2 else None
        self.name = f"p{index + 3}"

    def mix(self, maps, gates):
        down = self.down(maps)
        parts = [
            gates[:, slot, None, None, None] * one(down) for slot, one in enumerate(self.experts)
        ]
        return down + sum(parts)

    def forward(self, maps, gates):
        mixed = self.mix(maps, gates)
        return {self.name: mixed, "logits": self.router(mixed.mean((2, 3)))}


class First(Step):
    def forward(self, p2, gates):
        return super().forward(p2, gates)


class Second(Step):
    def forward(self, p3, gates):
        return super().forward(p3, gates)


class Last(Step):
    def __init__(self, model, index, route):
        super().__init__(model, index, route)
        self.head = model.head

    def forward(self, p3, p4, gates):
        scales = (p3, p4, self.mix(p4, gates))
        return {"answer": self.head(torch.cat([maps.mean((2, 3)) for maps in scales], dim=1))}


class Finer(nn.Module):
    """An expert that reads the one tensor of its stage, whatever it is called."""

    def __init__(self, level, index):
        super().__init__()
        self.down, self.expert = level.down, level.experts[index]

    def forward(self, maps):
        down = self.down(maps)
        return {"down": down, "added": self.expert(down)}


class Coarsest(Finer):
    """An expert that reads one of two tensors."""

    def forward(self, p4):
        return super().forward(p4)


class Joined(nn.Module):
    """What follows the experts of a scale; it takes nothing but what they gave."""

    def __init__(self, model, index):
        super().__init__()
        self.router, self.name = model.routers[index + 1], f"p{index + 3}"

    def forward(self, *experts_and_gates):
        mixed = joined(*experts_and_gates)
        return {self.name: mixed, "logits": self.router(mixed.mean((2, 3)))}


class JoinedScales(nn.Module):
    """What follows the experts of the last scale, and reads the others too."""

    def __init__(self, model):
        super().__init__()
        self.head = model.head

    def forward(self, p4, p3, *experts_and_gates):
        scales = (p3, p4, joined(*experts_and_gates))
        return {"answer": self.head(torch.cat([maps.mean((2, 3)) for maps in scales], dim=1))}


def joined(*experts_and_gates):
    *experts, gates = experts_and_gates
    parts = [gates[:, slot, None, None, None] * one["added"] for slot, one in enumerate(experts)]
    return experts[0]["down"] + sum(parts)


@pytest.fixture(scope="module")
def model():
    return Scales().eval()


def test_each_tensor_has_a_name_of_its_own_in_the_manifest(model):
    stem, first, second, last = flow_of(model).records
    assert (stem.takes, stem.router) == ({"image": "image"}, None)
    assert stem.gives == {"p2": "stem.p2", "logits": "stem.logits"}
    assert (first.takes, first.router) == ({"p2": "stem.p2"}, "stem.logits")
    assert first.gives == {"p3": "step1.p3", "logits": "step1.logits"}
    assert (second.takes, second.router) == ({"p3": "step1.p3"}, "step1.logits")
    assert last.takes == {"p3": "step1.p3", "p4": "step2.p4"}
    assert (last.router, last.gives) == ("step2.logits", {"answer": "step3.answer"})


@pytest.mark.parametrize(
    ("strategy", "targets"),
    [
        ("dispatch", ["onnx", "executorch", "coreml"]),
        ("experts", ["onnx", "executorch", "coreml"]),
        ("gather", ["onnx"]),
        ("all-experts", ["onnx"]),
    ],
)
def test_a_stage_reads_what_any_stage_before_it_gave(model, tmp_path, strategy, targets):
    path = tmp_path / "scales.bundle"
    export_bundle(model, path, targets=targets, strategy=strategy)
    bundle = Bundle.open(path)
    verify_bundle(bundle).require_ok()
    verify_against_model(bundle, model).require_ok()
    images = bundle.golden()["image"]
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    for target in targets:
        with Dispatcher.open(path, target, threads=1) as dispatcher:
            together = dispatcher.run(images)["answer"]
            alone = np.concatenate([dispatcher.run(image[None])["answer"] for image in images])
        for given in (together, alone):
            bound = TOLERANCE[target] * np.abs(wanted).max()
            np.testing.assert_allclose(given, wanted, rtol=0, atol=bound)


def test_several_images_go_through_one_graph(model, tmp_path):
    path = tmp_path / "scales.bundle"
    export_bundle(model, path, batch=3, options=ExportOptions())
    images = Bundle.open(path).golden()["image"]
    with Dispatcher.open(path, threads=1) as dispatcher, torch.no_grad():
        given, wanted = dispatcher.run(images)["answer"], model(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def test_what_one_image_costs_is_counted_through_all_stages(model):
    """By hand: a product for each weight at each place where it is used."""
    stem = 8 * 16 * 64 + 8 * 2
    levels = [(64 * 9 + 2 * 64) * places for places in (16, 4, 1)]
    assert count(model).macs == stem + sum(levels) + 8 * 3 + 8 * 4 + 24 * 5


def broken(stage_index, forward):
    """The model with another forward of one stage."""

    class Broken(Scales):
        def stage(self, index, route):
            module = super().stage(index, route)
            if index == stage_index:
                module.forward = forward.__get__(module)
            return module

    return Broken().eval()


def unknown_tensor(self, p3, p5, gates):
    raise AssertionError


def none_named_answer(self, p3, p4, gates):
    return {"result": self.head(torch.cat([p4.mean((2, 3))] * 3, dim=1))}


def no_logits(self, images):
    return {"p2": self.patches(images)}


def upper_case(self, images):
    return {"P2": self.patches(images), "logits": self.router(self.patches(images).mean((2, 3)))}


def over_the_image(self, images):
    return {"image": images, "logits": self.router(self.patches(images).mean((2, 3)))}


def no_tensor(self, images):
    return {"p2": 3, "logits": self.router(self.patches(images).mean((2, 3)))}


@pytest.mark.parametrize(
    ("index", "forward", "sentence"),
    [
        (3, unknown_tensor, "takes p3, p5 and gates, but the stages before it give image, p2, "),
        (3, none_named_answer, "gives the output answer; they give p2, logits, p3, p4, result"),
        (0, no_logits, "gives no logits, which the rule of the next stage decides on"),
        (0, upper_case, "a tensor of the name 'P2'; names are lower-case letters"),
        (0, over_the_image, "a tensor of the name 'image'"),
        (0, no_tensor, "gives p2 of type int"),
    ],
)
def test_a_stage_that_breaks_the_contract_is_refused(index, forward, sentence):
    with raises(InputError, "model.contract") as caught:
        flow_of(broken(index, forward))
    assert sentence in str(caught.value)


def test_a_tensor_that_is_called_as_what_a_strategy_adds_is_refused(tmp_path):
    class Odd(Scales):
        def stage(self, index, route):
            return (OddStem if index == 0 else OddFirst)(self, index - 1, route)

    class OddStem(Stem):
        def __init__(self, model, *_):
            super().__init__(model)

        def forward(self, images):
            state = super().forward(images)
            return {"experts": state["p2"], "logits": state["logits"]}

    class OddFirst(Step):
        def forward(self, experts, gates):
            return self.mix(experts, gates).mean((2, 3))

    model = Odd().eval()
    model.routing = model.routing[:1]
    with raises(InputError, "model.contract", stage=1, name="experts"):
        export_bundle(model, tmp_path / "a.bundle", strategy="gather")
