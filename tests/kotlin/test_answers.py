"""The Kotlin library answers as Python's dispatcher does, over another version of ONNX Runtime."""

import kotlin_runner
import numpy as np
import pytest
import torch
from page_answers import BUNDLES

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.models import build
from mvmoe_deploy.models.presets import preset
from mvmoe_deploy.runtime.tracing import TracingDispatcher
from mvmoe_export import export_bundle

pytestmark = pytest.mark.skipif(
    bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}"
)

BOUND = 1e-5
"""Of the largest answer: versions of ONNX Runtime add up in other orders. 3e-6 were measured."""


@pytest.fixture(scope="module", autouse=True)
def runner():
    """The program, as the sources are."""
    kotlin_runner.build()


def images_of(shape, count):
    return np.random.default_rng(5).standard_normal((count, *shape), dtype=np.float32)


def images_for(model, count):
    return images_of(model.input.shape, count)


def spread(model):
    """Move the router's bias so that no expert is preferred over all images."""
    images = torch.from_numpy(images_for(model, 32))
    with torch.no_grad():
        for stage, router in enumerate(model.routers):
            router.bias -= model.eval().forward_routed(images).router_logits[stage].mean(0)
    return model


@pytest.fixture(scope="module")
def digits():
    """A model of the demo's size; trained weights change nothing here."""
    return spread(build(preset("digits"), seed=0))


@pytest.fixture(scope="module")
def large():
    return spread(build(preset("mobile_vmoe_12x192_p32_224"), seed=0))


def compare(bundle, images, tmp_path, *options):
    """Routes are equal, and all else within the bound; gives the routes."""
    found = kotlin_runner.answers(bundle, images, "--threads", "1", *options, work=tmp_path)
    assert len(found) == len(images)
    routes = []
    with TracingDispatcher.open(bundle, threads=1) as dispatcher:
        outputs = dispatcher.run(images)
        for number, (image, line) in enumerate(zip(images, found, strict=True)):
            trace = dispatcher.trace(image[None])
            routes.append(trace.routes)
            assert tuple(map(tuple, line["routes"])) == trace.routes, f"image {number}"
            assert line["outputs"].keys() == outputs.keys()
    for name, wanted in outputs.items():
        given = np.array([line["outputs"][name] for line in found], np.float32)
        error = np.abs(given.reshape(wanted.shape) - wanted).max() / np.abs(wanted).max()
        assert error <= BOUND, f"{name} is off by {error:.2g}"
    return routes


@pytest.mark.parametrize("strategy", ["dispatch", "bind", "gather", "all-experts"])
def test_a_bundle_of_digits_is_answered_as_in_python(strategy, digits, tmp_path):
    bundle = tmp_path / "digits.mvmoe"
    export_bundle(digits, bundle, strategy=strategy, skip_verify=True)
    images = images_for(digits, 32)
    routes = compare(bundle, images, tmp_path)
    assert len(set(routes)) > 1
    if strategy == "dispatch":
        assert compare(bundle, images, tmp_path, "--max-experts", "1") == routes


@pytest.mark.parametrize("name", ["experts", "two_stages", "in_graph"])
def test_a_bundle_with_several_experts_an_image_is_answered_as_in_python(name, tmp_path):
    bundle = BUNDLES / name
    images = images_of(Bundle.open(bundle).manifest.input.shape, 32)
    routes = compare(bundle, images, tmp_path, "--max-experts", "1")
    assert len(set(routes)) > 1


@pytest.mark.parametrize("strategy", ["dispatch", "bind"])
def test_a_bundle_of_a_phone_s_size_is_answered_as_in_python(strategy, large, tmp_path):
    bundle = tmp_path / "large.mvmoe"
    export_bundle(large, bundle, strategy=strategy, skip_verify=True)
    images = images_for(large, 8)
    assert len(set(compare(bundle, images, tmp_path))) > 1


def test_gates_and_logits_are_those_of_the_golden_vectors(digits, tmp_path):
    """Python's own are compared with these at export: gates within 1e-6 of the same logits."""
    bundle = tmp_path / "digits.mvmoe"
    export_bundle(digits, bundle, skip_verify=True)
    golden = Bundle.open(bundle).golden()
    lines = kotlin_runner.answers(bundle, golden["image"], work=tmp_path)
    peak = np.abs(golden["logits.1"]).max()
    for number, line in enumerate(lines):
        members = golden["members.1"][number]
        assert line["routes"] == [np.flatnonzero(members).tolist()]
        given, wanted = np.array(line["router_logits"][0]), golden["logits.1"][number]
        assert np.abs(given - wanted).max() <= BOUND * peak
        # A score changes by at most a quarter of what its logits do.
        difference = np.abs(np.array(line["gates"][0]) - golden["gates.1"][number][members]).max()
        assert difference <= BOUND * peak + 1e-6
