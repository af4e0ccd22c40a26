"""A strategy of another package whose graph takes the experts' weights as inputs."""

import json
import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import torch

from mvmoe_deploy import Dispatcher, parts
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import BundleError, BundleReplacedError, InputError
from mvmoe_export import export_bundle

FOLDER = Path(__file__).parents[1] / "strategies"


@pytest.fixture(scope="module", autouse=True)
def plugin():
    """The strategy `bind` as a plug-in; its module is `tests/strategies/bind.py`."""
    entry = EntryPoint("strategies.bind", "bind", parts.GROUP)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        patch.setattr(parts, "entry_points", lambda group: [entry])
        yield


@pytest.fixture(scope="module", params=[1, 2], ids=["k1", "k2"])
def bound(request, plugin, zoo, export):
    """A model of two routed stages, and its bundle; the export has checked and verified it."""
    model = zoo.enliven(zoo.Foreign(experts=3, k=request.param, stages=2))
    return model, export(model, strategy="bind")


def test_a_bundle_whose_graphs_take_weights_answers_as_pytorch(bound):
    model, path = bound
    images = torch.randn(24, *model.input.shape, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        wanted = model(images).numpy()
    with Dispatcher.open(path, threads=1, plugins=True) as dispatcher:
        together = dispatcher.run(images.numpy())["answer"]
        single = np.concatenate([dispatcher.run(image[None].numpy())["answer"] for image in images])
    for given in (together, single):
        np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


def test_a_stage_has_one_graph_and_each_experts_weights_are_stored_once(bound, distinct_bytes):
    model, path = bound
    target = Bundle.open(path, plugins=True).target("onnx")
    assert [graph.name for graph in target.graphs] == ["stem", "step1_bind", "step2_bind"]
    k = model.routing[0].k
    # Two layers of a weight and a bias each, for every slot.
    assert all(len(graph.inputs) == 2 + 4 * k for graph in target.graphs[1:])
    assert len(target.tensors) == 2 * 3 * 4 * k
    assert distinct_bytes(model) <= target.sizes.distinct_bytes <= distinct_bytes(model) + 256


def test_its_bundle_is_opened_only_where_plugins_are_allowed(bound):
    with pytest.raises(BundleError, match="plug-ins are not allowed here"):
        Dispatcher.open(bound[1])


def test_a_weight_that_is_missing_or_outside_of_the_file_is_refused(bound):
    path = bound[1] / "manifest.json"
    text = path.read_text()
    try:
        for change, says in (
            (lambda tensors: tensors.popitem(), "has no such tensor for the route"),
            (lambda tensors: next(iter(tensors.values())).update(offset=10**9), "ends beyond"),
            (lambda tensors: next(iter(tensors.values())).update(shape=[1]), "no such tensor"),
        ):
            content = json.loads(text)
            change(content["targets"]["onnx"]["tensors"])
            path.write_text(json.dumps(content))
            with pytest.raises(BundleError, match=says):
                Bundle.open(bound[1], plugins=True)
    finally:
        path.write_text(text)


def test_a_target_that_cannot_store_such_weights_is_refused(zoo, tmp_path):
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        export_bundle(zoo.Foreign(), tmp_path / "a.bundle", strategy="bind", targets=["executorch"])


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_weights_of_another_bundle_are_not_bound(bound, tmp_path, change):
    """The stem is loaded when the bundle is opened, an expert's weights when a route needs them."""
    model, path = bound
    copied = shutil.copytree(path, tmp_path / "copied.bundle")
    weights = copied / "onnx" / "weights.bin"
    images = np.random.default_rng(0).random((2, *model.input.shape), np.float32)
    with Dispatcher.open(copied, plugins=True) as dispatcher:
        if change == "replaced":
            other = 1.25 * np.fromfile(weights, np.float32)
            other.tofile(tmp_path / "other.bin")
            (tmp_path / "other.bin").replace(weights)
        else:
            weights.unlink()
        for batch in (images[:1], images):
            with pytest.raises(BundleReplacedError):
                dispatcher.run(batch)
