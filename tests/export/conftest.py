"""Tiny models, ours and foreign ones, and the way from a model to a bundle and its answers."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.fingerprint import fingerprint
from mvmoe_export.targets.onnx import OnnxOptions, template, writing

ROOT = Path(__file__).parents[2]
WIDTH = 16

TOLERANCE = 1e-4
"""Relative to the largest answer: ONNX Runtime adds in another order than PyTorch (measured at 4e-6
over twelve layers), a wrong route or gate is off by 1e-2 and more with the weights used here."""

CONFIG = {
    "image_size": 8,
    "patch_size": 4,
    "in_channels": 1,
    "num_classes": 5,
    "width": 32,
    "depth": 3,
    "heads": 2,
    "mlp_ratio": 2.0,
    "experts": 3,
    "moe_layers": 2,
}


def enliven(model, seed=0):
    """Random weights under which experts differ clearly and images spread over routes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 10
            loud = 3.0 if name.startswith("router") else 1.0
            parameter.copy_(loud * noise / fan_in**0.5)
    return model.eval()


class Stem(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.embed, self.router = model.embed, model.routers[0]

    def forward(self, images):
        tokens = self.embed(images.flatten(1))
        return tokens, self.router(tokens)


class Step(nn.Module):
    def __init__(self, model, index, route):
        super().__init__()
        self.experts = nn.ModuleList(model.experts[index - 1][expert] for expert in route)
        self.last = index == len(model.routing)
        self.tail = model.head if self.last else model.routers[index]

    def forward(self, tokens, gates):
        mixed = tokens
        for slot, expert in enumerate(self.experts):
            mixed = mixed + gates[:, slot, None] * expert(tokens)
        return self.tail(mixed) if self.last else (mixed, self.tail(mixed))


class Join(nn.Module):
    """A step whose experts were computed before."""

    def __init__(self, model, index):
        super().__init__()
        self.last = index == len(model.routing)
        self.tail = model.head if self.last else model.routers[index]

    def forward(self, tokens, *outputs_and_gates):
        *outputs, gates = outputs_and_gates
        mixed = tokens
        for slot, output in enumerate(outputs):
            mixed = mixed + gates[:, slot, None] * output
        return self.tail(mixed) if self.last else (mixed, self.tail(mixed))


class Foreign(nn.Module):
    """Not a transformer, no class of ours: an image is one vector, experts add to it.

    `forward` is written without `stage`, so that the two can contradict each other.
    """

    def __init__(self, experts=3, k=1, stages=1, renormalize=False):
        super().__init__()
        self.input = Preprocessing(height=8, width=8, channel_order="L", mean=(0.5,), std=(0.25,))
        self.routing = (TopK(experts=experts, k=k, renormalize=renormalize),) * stages
        self.embed = nn.Linear(64, WIDTH)
        self.routers = nn.ModuleList(nn.Linear(WIDTH, experts) for _ in range(stages))
        self.experts = nn.ModuleList(
            nn.ModuleList(self.make_expert(expert) for expert in range(experts))
            for _ in range(stages)
        )
        self.head = nn.Linear(WIDTH, 5)

    def make_expert(self, expert):
        return nn.Sequential(nn.Linear(WIDTH, 24), nn.ReLU(), nn.Linear(24, WIDTH))

    def gate(self, stage, logits, routes):
        return select(logits, self.routing[stage], routes[stage] if routes else None)

    def forward(self, images, routes=None):
        tokens = self.embed(images.flatten(1))
        for stage, router in enumerate(self.routers):
            members, gates = self.gate(stage, router(tokens), routes)
            mixed = tokens.clone()
            for image, expert in members.nonzero().tolist():
                added = self.experts[stage][expert](tokens[image : image + 1])[0]
                mixed[image] += gates[image, expert] * added
            tokens = mixed
        return self.head(tokens)

    def stage(self, index, route):
        return Step(self, index, route) if index else Stem(self)

    def expert(self, stage, index):
        return self.experts[stage - 1][index]

    def join(self, stage, count):
        return Join(self, stage)


class Different(Foreign):
    """Four experts of four structures: two widths, two activations."""

    def __init__(self):
        super().__init__(experts=4)

    def make_expert(self, expert):
        hidden = 8 if expert % 2 else 24
        activation = nn.Tanh() if expert >= 2 else nn.ReLU()
        return nn.Sequential(nn.Linear(WIDTH, hidden), activation, nn.Linear(hidden, WIDTH))


class Normed(Foreign):
    """Experts with buffers that evaluation reads."""

    def make_expert(self, expert):
        norm = nn.BatchNorm1d(WIDTH)
        generator = torch.Generator().manual_seed(expert)
        norm.running_mean.copy_(torch.randn(WIDTH, generator=generator))
        norm.running_var.copy_(torch.rand(WIDTH, generator=generator) + 0.5)
        return nn.Sequential(nn.Linear(WIDTH, WIDTH), norm)


class Tied(Foreign):
    """One weight under several names: in an expert, between experts, between router and head."""

    def __init__(self):
        super().__init__(experts=5)
        self.experts[0][1] = self.experts[0][0]
        self.head.weight = self.routers[0].weight

    def make_expert(self, expert):
        layer = nn.Linear(WIDTH, WIDTH)
        return nn.Sequential(layer, nn.Tanh(), layer)


class Slice(nn.Module):
    """One expert of a stack: its parameters are views of the model's."""

    def __init__(self, stack, expert):
        super().__init__()
        self.weight = nn.Parameter(stack.weight.detach()[expert])
        self.bias = nn.Parameter(stack.bias.detach()[expert])

    def forward(self, tokens):
        return (tokens @ self.weight + self.bias).tanh()


class Stack(nn.Module):
    """All experts in one parameter each, `[E, ...]`."""

    def __init__(self, experts):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(experts, WIDTH, WIDTH))
        self.bias = nn.Parameter(torch.randn(experts, WIDTH))

    def __getitem__(self, expert):
        return Slice(self, expert)


class Stacked(Foreign):
    """Experts as slices of stacked weights."""

    def __init__(self, experts=3, k=1):
        super().__init__(experts, k)
        self.experts = nn.ModuleList([Stack(experts)])


@pytest.fixture(scope="session")
def zoo():
    return SimpleNamespace(
        Foreign=Foreign,
        Different=Different,
        Normed=Normed,
        Tied=Tied,
        Stacked=Stacked,
        Stem=Stem,
        Step=Step,
        Join=Join,
        enliven=enliven,
    )


@pytest.fixture(scope="session")
def vmoe():
    """Makes a tiny Mobile V-MoE with lively weights."""

    def make(seed=0, **changes):
        return enliven(build(MobileVMoEConfig(**CONFIG | changes), seed=seed), seed)

    return make


@pytest.fixture(scope="session")
def export(tmp_path_factory):
    """Exports a model to a new place; gives the bundle's path."""

    def run(model, **options):
        path = tmp_path_factory.mktemp("export") / "model.bundle"
        export_bundle(model, path, **options)
        return path

    return run


@pytest.fixture(scope="session")
def templates():
    """Templates that were made already, by structure."""
    return {}


@pytest.fixture
def shared_templates(monkeypatch, templates):
    """Exports a structure once for all tests, as a target does for all graphs of a model."""
    make = writing.make_template

    def make_once(name, module, inputs, outputs, opset, *, bound, capture, **chosen):
        structure = fingerprint(module, list(inputs.values()))
        key = (structure, *inputs, *outputs, opset, *chosen.items(), *bound.items())
        key = *key, template.make_program
        if key not in templates:
            templates[key] = make(
                name, module, inputs, outputs, opset, bound=bound, capture=capture, **chosen
            )
        return templates[key]

    monkeypatch.setattr(writing, "make_template", make_once)


@pytest.fixture(scope="session")
def foreign_bundle(export):
    """One healthy foreign model of two routed stages, and its bundle; both are for reading."""
    model = enliven(Foreign(experts=3, stages=2))
    return model, export(model)


def opset(number):
    """The options of an export with another operator set."""
    return ExportOptions(targets={"onnx": OnnxOptions(opset=number)})


OURS = {
    "k1-opset18": ({}, {"options": opset(18)}),
    "k2-tanh-meanpool-opset23": (
        {"top_k": 2, "gelu": "tanh", "pool": "mean"},
        {"options": opset(23)},
    ),
    "per-layer-meanrouter-batch4": (
        {"routers": "per-layer", "router_input": "mean"},
        {"batch": 4},
    ),
    "k2-per-layer-renormalize": (
        {"top_k": 2, "routers": "per-layer", "renormalize": True},
        {},
    ),
    "gather-k1": ({}, {"strategy": "gather"}),
    "gather-k2-per-layer": (
        {"top_k": 2, "routers": "per-layer"},
        {"strategy": "gather", "options": opset(18)},
    ),
    "all-experts-k2-per-layer-batch4": (
        {"top_k": 2, "routers": "per-layer"},
        {"strategy": "all-experts", "batch": 4},
    ),
    "experts-k2-per-layer-batch2": (
        {"top_k": 2, "routers": "per-layer"},
        {"strategy": "experts", "batch": 2},
    ),
}
"""Mobile V-MoE: what changes in its configuration, and how it is exported."""


@pytest.fixture(scope="session", params=OURS)
def ours(request, vmoe, export):
    """A Mobile V-MoE and its bundle, one after the other of all kinds."""
    changes, options = OURS[request.param]
    model = vmoe(**changes)
    return model, export(model, **options)


@pytest.fixture(scope="session")
def distinct_bytes():
    """Bytes of a model's distinct parameters and buffers."""

    def count(model):
        tensors = [*model.parameters(), *model.buffers()]
        return sum(tensor.nbytes for tensor in tensors)

    return count


@pytest.fixture(scope="session")
def doc_blocks():
    """The Python blocks of docs/own_model.md."""
    text = (ROOT / "docs" / "own_model.md").read_text()
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="session")
def assert_answers():
    """Compares a bundle's answers with its PyTorch model's on random images and golden vectors."""

    def check(path, model, count=24, routes=2):
        generator = torch.Generator().manual_seed(7)
        images = torch.randn(count, *model.input.shape, generator=generator)
        with torch.no_grad():
            wanted = model.eval()(images).numpy()
        with Dispatcher.open(path, threads=1) as dispatcher:
            assert_close(dispatcher.run(images.numpy())["answer"], wanted)
            assert_golden(dispatcher, Bundle.open(path).golden(), routes)

    return check


def assert_close(given, wanted):
    np.testing.assert_allclose(given, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def assert_golden(dispatcher, golden, routes):
    assert_close(dispatcher.run(golden["image"])["answer"], golden["outputs.answer"])
    if "members.1" in golden:
        # Otherwise nothing here would notice that all images take one route.
        assert len(np.unique(golden["members.1"], axis=0)) >= routes
