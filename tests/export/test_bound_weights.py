"""Bundles of the strategy `bind`, whose graphs take the experts' weights as inputs."""

import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from expected_errors import raises

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import BundleReplacedError, InputError
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.routing.top_p import TopP
from mvmoe_deploy.runtime.stored_weights import StoredWeights
from mvmoe_deploy.runtime.tracing import TracingDispatcher
from mvmoe_export import Identity, export_bundle
from mvmoe_export.stages import make_stages

ALIGNMENT = 16_384


def answers_as_pytorch(path, model, target, tolerance):
    images = torch.randn(24, *model.input.shape, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        wanted = model(images).numpy()
    with Dispatcher.open(path, target, threads=1) as dispatcher:
        together = dispatcher.run(images.numpy())["answer"]
        single = np.concatenate([dispatcher.run(image[None].numpy())["answer"] for image in images])
        assert dispatcher.resident == ()
    for given in (together, single):
        np.testing.assert_allclose(given, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


@pytest.fixture(scope="module", params=[1, 2], ids=["k1", "k2"])
def bound(request, zoo, export):
    """A model of two routed stages, and its bundle; the export has checked and verified it."""
    model = zoo.enliven(zoo.Foreign(experts=3, k=request.param, stages=2))
    return model, export(model, strategy="bind")


@pytest.fixture(scope="module")
def everywhere(zoo, export):
    """The same of one stage, for all engines; two experts, all on the route of an image."""
    model = zoo.enliven(zoo.Foreign(experts=2, k=2))
    return model, export(model, strategy="bind", targets=["onnx", "executorch", "coreml"])


def test_a_bundle_whose_graphs_take_weights_answers_as_pytorch(bound):
    model, path = bound
    answers_as_pytorch(path, model, "onnx", 1e-4)


@pytest.mark.parametrize(
    ("target", "tolerance"), [("onnx", 1e-4), ("executorch", 1e-4), ("coreml", 2e-2)]
)
def test_every_engine_takes_them(everywhere, target, tolerance):
    """Core ML's are fp16."""
    model, path = everywhere
    answers_as_pytorch(path, model, target, tolerance)


@pytest.mark.parametrize("target", ["onnx", "executorch", "coreml"])
def test_each_experts_weights_are_one_range_and_are_stored_once(everywhere, target, distinct_bytes):
    model, path = everywhere
    record = Bundle.open(path).target(target)
    (row,) = record.experts
    half = 2 if target == "coreml" else 1
    own = sum(p.nbytes for p in model.experts[0][0].parameters()) // half
    assert record.sizes.expert_bytes == ((own, own),)
    assert record.sizes.distinct_bytes <= distinct_bytes(model) // half + 256
    for expert in row:
        assert expert.offset % ALIGNMENT == 0
        assert own <= expert.bytes <= own + 64 * len(expert.tensors)
    # Another program reads the ranges: the contents are the model's own weights.
    file = (path / record.weights).read_bytes()
    for expert, module in zip(row, model.experts[0], strict=True):
        wanted = {p.detach().numpy().astype(f"f{4 // half}").tobytes() for p in module.parameters()}
        wanted |= {
            p.detach().numpy().T.astype(f"f{4 // half}").tobytes() for p in module.parameters()
        }
        for tensor in expert.tensors.values():
            size = int(np.prod(tensor.shape)) * 4 // half
            assert file[tensor.offset : tensor.offset + size] in wanted


def test_a_stage_has_one_graph_whatever_the_number_of_experts(bound):
    model, path = bound
    target = Bundle.open(path).target("onnx")
    assert [graph.name for graph in target.graphs] == ["stem", "step1_bind", "step2_bind"]
    k = model.routing[0].k
    for graph in target.graphs[1:]:
        # Two layers of a weight and a bias each, for every place.
        assert len(graph.bound) == 4 * k == len(graph.inputs) - 2
        assert {bound.place for bound in graph.bound.values()} == set(range(k))
    assert [len(row) for row in target.experts] == [3, 3]


def test_stages_of_one_structure_are_compiled_once(zoo):
    """The last one gives an answer; those before it compute the same with other weights."""
    groups = make_stages(zoo.Foreign(experts=4, k=2, stages=4), "bind").groups
    assert [[graph.name for graph in group.members] for group in groups] == [
        ["stem"],
        ["step1_bind", "step2_bind", "step3_bind"],
        ["step4_bind"],
    ]


def test_the_graphs_hold_no_weight_of_an_expert(bound):
    _, path = bound
    for graph in Bundle.open(path).target("onnx").graphs[1:]:
        proto = onnx.load(path / graph.file, load_external_data=False)
        # An expert is as wide as nothing else.
        assert all(24 not in tensor.dims for tensor in proto.graph.initializer)


def test_bound_weights_are_factors_as_they_are(bound):
    """They were turned when the graph was made; NNAPI and the CoreML provider take no Gemm."""
    _, path = bound
    for graph in Bundle.open(path).target("onnx").graphs[1:]:
        nodes = onnx.load(path / graph.file, load_external_data=False).graph.node
        readers = {node.op_type for node in nodes if set(node.input) & set(graph.bound)}
        assert readers == {"MatMul", "Add"}


def test_routes_of_several_lengths_are_served_by_a_graph_for_each(zoo, export):
    model = zoo.Foreign(experts=3)
    model.routing = (TopP(experts=3, p=0.6, k_max=2),)
    path = export(zoo.enliven(model), strategy="bind")
    target = Bundle.open(path).target("onnx")
    assert [graph.name for graph in target.graphs] == ["stem", "step1_bind_1", "step1_bind_2"]
    # An expert has the same tensors in both graphs.
    assert all(len(expert.tensors) == 4 for expert in target.experts[0])
    answers_as_pytorch(path, model, "onnx", 1e-4)


def test_a_batch_is_grouped_by_the_routes_of_its_images(zoo, export):
    model = zoo.enliven(zoo.Foreign(experts=3, k=2))
    answers_as_pytorch(export(model, strategy="bind", batch=4), model, "onnx", 1e-4)


def test_experts_that_differ_in_more_than_weights_are_refused(zoo, tmp_path):
    with raises(InputError, "model.contract", name="experts.0.0.weight"):
        export_bundle(zoo.Different(), tmp_path / "a.bundle", strategy="bind")


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_weights_of_another_bundle_are_not_bound(bound, tmp_path, change):
    """The stem is loaded when the bundle is opened, an expert's weights when a route needs them."""
    model, path = bound
    copied = shutil.copytree(path, tmp_path / "copied.bundle")
    weights = copied / "onnx" / "weights.bin"
    images = np.random.default_rng(0).random((2, *model.input.shape), np.float32)
    with Dispatcher.open(copied) as dispatcher:
        if change == "replaced":
            other = 1.25 * np.fromfile(weights, np.float32)
            other.tofile(tmp_path / "other.bin")
            (tmp_path / "other.bin").replace(weights)
        else:
            weights.unlink()
        for batch in (images[:1], images):
            with raises(BundleReplacedError, "bundle.replaced"):
                dispatcher.run(batch)


def test_an_expert_whose_weights_were_bound_is_not_looked_into_again(bound):
    """Another route of experts that were checked costs no question to the file system."""
    model, path = bound
    k = model.routing[0].k
    image = np.zeros((1, *model.input.shape), np.float32)
    experts = [tuple(sorted((number, (number + 1) % 3)[:k])) for number in range(3)]
    with TracingDispatcher.open(path) as dispatcher:
        asked = []
        files = dispatcher._graphs._files
        require, files.require = files.require, lambda listed: asked.append(require(listed))
        for route in experts[:2]:
            dispatcher.trace(image, [route, route])
        # The file was mapped when the bundle was opened: one look for each route at each stage.
        assert len(asked) == 2 * 2
        asked.clear()
        dispatcher.trace(image, [experts[2], experts[2]])
        assert len(asked) == (2 if k == 1 else 0)


def test_experts_that_are_exchanged_in_the_manifest_fail_the_golden_vectors(bound, tmp_path):
    """Every hash is right then, and every range; the answers are not."""
    copied = shutil.copytree(bound[1], tmp_path / "copied.bundle")
    path = copied / "manifest.json"
    content = json.loads(path.read_text())
    row = content["targets"]["onnx"]["experts"][0]
    row.append(row.pop(0))
    path.write_text(json.dumps(content))
    with Dispatcher.open(copied) as dispatcher:
        check = dispatcher.check()
    assert not check.ok


def test_what_a_route_needs_can_be_asked_for_when_a_bundle_is_opened(bound):
    _, path = bound
    route = tuple(range(Bundle.open(path).manifest.rules[0].longest))
    with Dispatcher.open(path, pin=[route, 2]) as dispatcher:
        assert dispatcher.resident == ()
    with pytest.raises(InputError, check=lambda error: error.code == "routing.unknown-route"):
        Dispatcher.open(path, pin=7)


def test_prewarming_binds_what_is_used_most(zoo, export, monkeypatch):
    prior = ((RouteShare((2,), 0.25), RouteShare((1,), 0.75)),)
    path = export(zoo.Foreign(), strategy="bind", identity=Identity(usage_prior=prior))
    asked = []
    inputs = StoredWeights.inputs
    monkeypatch.setattr(
        StoredWeights, "inputs", lambda self, *given: asked.append(given[1]) or inputs(self, *given)
    )
    with Dispatcher.open(path) as dispatcher:
        # What can be made beforehand was, for each expert; no route was bound.
        assert asked == [(0,), (1,), (2,)]
        asked.clear()
        dispatcher.prewarm()
        assert asked == [(1,)]


def test_the_manifest_of_a_bundle_is_the_same_every_time(bound, tmp_path):
    model, path = bound
    export_bundle(model, tmp_path / "again.bundle", strategy="bind")
    for file in ("manifest.json", "onnx/weights.bin", "onnx/step1_bind.onnx"):
        assert (path / file).read_bytes() == (tmp_path / "again.bundle" / file).read_bytes()


def test_a_target_that_cannot_store_such_weights_is_refused(zoo, tmp_path, monkeypatch):
    from mvmoe_export.targets.onnx.target import OnnxTarget

    monkeypatch.delattr(OnnxTarget, "binds")
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        export_bundle(zoo.Foreign(), tmp_path / "a.bundle", strategy="bind")


def test_a_file_that_was_there_only_while_it_was_mapped_is_not_used(bound, tmp_path, monkeypatch):
    """It is exchanged after the bundle is opened, and put back before anybody looks again."""
    model, path = bound
    copied = shutil.copytree(path, tmp_path / "copied.bundle")
    weights, kept = copied / "onnx" / "weights.bin", tmp_path / "kept.bin"
    images = np.random.default_rng(0).random((2, *model.input.shape), np.float32)
    with Dispatcher.open(path) as dispatcher:
        wanted = dispatcher.run(images[:1])["answer"].copy()
    advise = StoredWeights.advise

    def advise_and_put_back(self, *given):
        try:
            advise(self, *given)
        finally:
            if kept.exists():
                kept.replace(weights)

    monkeypatch.setattr(StoredWeights, "advise", advise_and_put_back)
    with Dispatcher.open(copied) as dispatcher:
        other = 1.25 * np.fromfile(weights, np.float32)
        weights.rename(kept)
        other.tofile(weights)
        np.testing.assert_array_equal(dispatcher.run(images[:1])["answer"], wanted)
