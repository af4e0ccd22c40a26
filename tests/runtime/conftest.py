"""Two small bundles with lively weights, their PyTorch models, and a runner that can be watched."""

import shutil
import weakref
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner
from mvmoe_export import Identity, export_bundle

CONFIG = {
    "image_size": 8,
    "patch_size": 4,
    "num_classes": 5,
    "width": 32,
    "depth": 2,
    "heads": 2,
    "mlp_ratio": 2.0,
    "moe_layers": 1,
}

PRIOR = ((0, 0.2), (1, 0.1), (2, 0.4), (3, 0.3))
"""Shares of the four experts of the first bundle."""


def enliven(model):
    """Random weights under which experts differ clearly and images spread over routes."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 10
            parameter.copy_((3.0 if name.startswith("router") else 1.0) * noise / fan_in**0.5)
    return spread(model.eval())


def spread(model):
    """Move the routers' biases so that no expert is preferred over all images."""
    images = torch.from_numpy(images_for(model, 64))
    with torch.no_grad():
        for stage, router in enumerate(model.routers):
            router.bias -= model.forward_routed(images).router_logits[stage].mean(0)
    return model


def images_for(model, count, seed=5):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((count, *model.input.shape), dtype=np.float32)


def make(path, identity=None, batch=1, strategy="dispatch", **changes):
    model = enliven(build(MobileVMoEConfig(**CONFIG | changes), seed=0))
    export_bundle(model, path, batch=batch, identity=identity, strategy=strategy)
    images = images_for(model, 32)
    with torch.no_grad():
        output = model.forward_routed(torch.from_numpy(images))
    routes = [list(map(route_of, stage.numpy())) for stage in output.members]
    return SimpleNamespace(
        path=path, model=model, images=images, answers=output.logits.numpy(), routes=routes
    )


@pytest.fixture(scope="session")
def make_model():
    """Makes a model, its bundle at a path, and what PyTorch says of some images."""
    return make


@pytest.fixture(scope="session")
def single(tmp_path_factory):
    """Four experts, one router, one image at a time; `routes[0]` are those of `images`."""
    prior = (tuple(RouteShare((expert,), share) for expert, share in PRIOR),)
    identity = Identity(labels=["ant", "bee", "cat", "dog", "elk"], usage_prior=prior)
    made = make(tmp_path_factory.mktemp("single") / "model.bundle", identity, experts=4)
    assert set(made.routes[0]) == {(0,), (1,), (2,), (3,)}
    return made


@pytest.fixture(scope="session")
def batched(tmp_path_factory):
    """Three experts, a router for each of two layers, four images at a time."""
    path = tmp_path_factory.mktemp("batched") / "model.bundle"
    made = make(path, batch=4, experts=3, depth=3, moe_layers=2, routers="per-layer")
    assert all(len(set(routes)) > 1 for routes in made.routes)
    return made


@pytest.fixture
def copied(single, tmp_path):
    """The first bundle as a copy that a test may damage."""
    return shutil.copytree(single.path, tmp_path / "copy.bundle")


@pytest.fixture(scope="session")
def assert_answers():
    """Engine against PyTorch in fp32: they add in another order, a wrong route is off by 1e-2."""

    def check(given, wanted):
        np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())

    return check


class Watched:
    """A real runner that counts loads, and refuses the graphs in `broken`."""

    def __init__(self, runner):
        self.runner = runner
        self.loads = Counter()
        self.given = []
        self.broken = set()
        self.before_load = lambda name: None

    def alive(self):
        """Names of the graphs that somebody still holds."""
        return {name for name, graph in self.given if graph() is not None}

    def load(self, name):
        self.before_load(name)
        self.loads[name] += 1
        if name in self.broken:
            raise EngineError(
                f"graph {name} is broken on purpose", graph=name, found="broken on purpose"
            )
        graph = self.runner.load(name)
        self.given.append((name, weakref.ref(graph)))
        return graph


@pytest.fixture
def watched():
    """Makes a dispatcher over a watched runner; gives both, and closes at the end."""
    opened = []

    def open_(made, **options):
        bundle = Bundle.open(made.path)
        runner = Watched(OnnxRunner.open(bundle.path, bundle.target("onnx"), 1))
        dispatcher = Dispatcher(bundle, "onnx", runner, **options)
        runner.loads.clear()
        opened.append(dispatcher)
        return dispatcher, runner

    yield open_
    for dispatcher in opened:
        dispatcher.close()
