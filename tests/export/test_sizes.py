"""What an expert owns, what is shared, and what one more expert would cost."""

import msgspec
import pytest

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.summary import size_report
from mvmoe_export import export_bundle
from mvmoe_export.sizes import exclusive, sizes
from mvmoe_export.stages import make_stages

NEAR = 0.1
"""How far the estimate of one more expert may be from the truth, relative."""


def reads_of(stages):
    """What each graph reads: its parameters, each memory once, tied ones too."""
    return {
        graph.name: {
            (tensor.data_ptr(), tensor.shape): tensor.nbytes
            for tensor in graph.build().parameters()
        }
        for _, graph in stages.graphs
    }


def measured(model, strategy="dispatch"):
    stages = make_stages(model, strategy, 1)
    return sizes(stages, reads_of(stages))


def own(modules):
    return sum(parameter.nbytes for parameter in modules.parameters())


@pytest.mark.parametrize("k", [1, 2, 3])
def test_an_expert_owns_its_weights_on_all_its_routes(zoo, k):
    model = zoo.Foreign(experts=4, k=k)
    found = measured(model)
    experts = tuple(own(expert) for expert in model.experts[0])
    assert found.expert_bytes == (experts,)
    assert found.distinct_bytes == own(model)
    assert found.shared_bytes == own(model) - sum(experts)


def test_with_every_expert_on_the_only_route_all_own_all(zoo):
    model = zoo.Foreign(experts=2, k=2)
    found = measured(model)
    (row,) = found.expert_bytes
    assert row[0] == row[1]
    assert found.distinct_bytes == own(model)


def test_routers_of_each_layer_have_a_row_each(zoo):
    model = zoo.Foreign(experts=3, stages=2)
    found = measured(model)
    expert = own(model.experts[0][0])
    assert found.expert_bytes == ((expert,) * 3,) * 2
    assert found.distinct_bytes == found.shared_bytes + 6 * expert


def test_tied_experts_own_nothing(zoo):
    model = zoo.Tied()
    found = measured(model)
    # The first two are one; each of the others has one layer twice.
    assert found.expert_bytes == ((0, 0) + (own(model.experts[0][2]),) * 3,)
    assert found.distinct_bytes == own(model)


@pytest.mark.parametrize("strategy", ["gather", "all-experts"])
def test_where_one_graph_holds_all_experts_none_has_bytes(zoo, strategy):
    found = measured(zoo.Foreign(experts=3), strategy)
    assert found.expert_bytes == ()
    assert found.shared_bytes == found.distinct_bytes


def test_exclusive_is_what_no_other_graph_reads():
    reads = {"a": {1: 10, 2: 20}, "b": {2: 20, 3: 30}, "c": {}}
    assert exclusive(reads) == {"a": 10, "b": 30, "c": 0}


@pytest.fixture(scope="module")
def bundles(made_once, zoo):
    """Bundles of a model by its experts and k."""

    def make(experts, k, strategy="dispatch"):
        model = zoo.enliven(zoo.Foreign(experts=experts, k=k))
        path = made_once(
            f"sizes-{experts}-{k}-{strategy}.bundle",
            lambda path: export_bundle(model, path, skip_verify=True, strategy=strategy),
        )
        return Bundle.open(path).manifest

    return make


@pytest.fixture
def pair(bundles, shared_templates, request):
    """The manifests of a model and of the same with one more expert."""
    return bundles(3, *request.param), bundles(4, *request.param)


@pytest.mark.parametrize("pair", [(1, "dispatch"), (2, "dispatch"), (2, "experts")], indirect=True)
def test_one_more_expert_costs_what_was_said(pair):
    before, after = (manifest.targets["onnx"] for manifest in pair)
    said = size_report(before, pair[0].rules).one_more_expert
    cost = on_disk(after) - on_disk(before)
    assert abs(said - cost) <= NEAR * cost


@pytest.mark.parametrize("pair", [(1, "dispatch"), (2, "dispatch")], indirect=True)
def test_one_more_expert_costs_its_packages_where_each_graph_has_its_own(pair):
    before, after = (packaged(manifest.targets["onnx"]) for manifest in pair)
    report = size_report(before, pair[0].rules)
    cost = on_disk(after) - on_disk(before)
    assert abs(report.one_more_expert - cost) <= NEAR * cost
    assert report.stored == report.separate
    assert report.saved == 0
    assert report.repeated == report.stored - report.distinct > 0


@pytest.mark.parametrize("pair", [(1, "dispatch"), (2, "dispatch")], indirect=True)
def test_sharing_saves_what_separate_files_would_take(pair):
    target = pair[0].targets["onnx"]
    report = size_report(target, pair[0].rules)
    weights = next(file.bytes for file in target.files if file.path == target.weights)
    assert report.distinct == report.stored <= weights
    assert report.saved == sum(graph.weight_bytes for graph in target.graphs) - report.distinct
    assert report.saved > 0
    assert report.repeated == 0


def test_weights_of_other_profiles_are_no_part_of_a_program(pair_of_profiles):
    alone, among_others, rules = pair_of_profiles
    reports = [size_report(target, rules) for target in (alone, among_others)]
    assert reports[0] == reports[1]


@pytest.fixture
def pair_of_profiles(bundles, shared_templates):
    """A target, and the same with a file of weights that holds another profile's as well."""
    manifest = bundles(3, 1)
    target = manifest.targets["onnx"]
    files = tuple(
        msgspec.structs.replace(file, bytes=file.bytes * 3) if file.path == target.weights else file
        for file in target.files
    )
    return target, msgspec.structs.replace(target, files=files), manifest.rules


def packaged(target):
    """The same graphs with their weights in their own files."""
    reads = {graph.file: graph.weight_bytes for graph in target.graphs}
    files = tuple(
        msgspec.structs.replace(file, bytes=file.bytes + reads[file.path])
        for file in target.files
        if file.path != target.weights
    )
    return msgspec.structs.replace(target, files=files, weights=None)


def on_disk(target):
    return sum(file.bytes for file in target.files)


@pytest.mark.parametrize("stored", [10, 0])
def test_a_dense_model_has_nothing_to_share(bundles, shared_templates, stored):
    target = bundles(3, 1).targets["onnx"]
    stem = msgspec.structs.replace(target.graphs[0], weight_bytes=stored)
    dense = msgspec.structs.replace(
        target, graphs=(stem,), weights=None,
        sizes=msgspec.structs.replace(target.sizes, expert_bytes=()),
    )  # fmt: skip
    report = size_report(dense, ())
    assert (report.saved, report.repeated, report.one_more_expert) == (0, 0, None)
    assert size_report(msgspec.structs.replace(dense, sizes=None), ()) is None
