"""Manifests of targets whose graphs take the weights of experts as inputs, whole and hostile."""

import copy
import itertools
import json

import pytest
from msgspec.structs import replace
from valid_bundles import bound

from mvmoe_deploy.bundle.bound_weights import check_bound_weights, stored_bytes
from mvmoe_deploy.bundle.manifest import RANGE_ALIGNMENT as PAGE
from mvmoe_deploy.bundle.manifest import StoredTensor, TensorSpec
from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.strategies import find_strategy

RANGES = "bundle.ranges-invalid"
TENSORS = "bundle.tensors-mismatch"
GRAPHS = "bundle.graphs-mismatch"
VALID = bound().manifest
FILE = next(
    file["bytes"] for file in VALID["targets"]["onnx"]["files"] if "weights" in file["path"]
)


@pytest.fixture
def target():
    """The target `onnx` of a manifest that `parse` reads: a stage of three experts, one of two."""
    return copy.deepcopy(VALID["targets"]["onnx"])


def parse(target):
    content = {**VALID, "targets": {"onnx": target}}
    return parse_manifest(json.dumps(content).encode(), "the test")


def refusal(target):
    """Code and sentence with which a target is refused."""
    with pytest.raises(BundleError) as caught:
        parse(target)
    return caught.value.code, str(caught.value)


def expert(target, number, stage=1):
    return target["experts"][stage - 1][number]


def graph(target, length):
    """The graph of the first routed stage for routes of a length."""
    return target["graphs"][length]


@pytest.mark.parametrize(
    ("dtype", "count"),
    [("float32", 24), ("float16", 12), ("int64", 48), ("int32", 24), ("int8", 6)],
)
def test_the_bytes_of_a_tensor_are_those_of_its_numbers(dtype, count):
    assert stored_bytes(StoredTensor(offset=64, shape=(2, 1, 3), dtype=dtype)) == count
    assert stored_bytes(TensorSpec(name="a", shape=(2, 1, 3), dtype=dtype)) == count
    assert stored_bytes(StoredTensor(offset=0, shape=(), dtype=dtype)) == count // 6


def test_a_manifest_is_read_with_the_ranges_as_they_are(target):
    found = parse(target).targets["onnx"]
    assert [[one.offset for one in row] for row in found.experts] == [
        [0, PAGE, 2 * PAGE],
        [3 * PAGE, 0],
    ]
    assert [one.bytes for one in found.experts[0]] == [128 + 20] * 3
    assert {name: one.place for name, one in found.graphs[2].bound.items()} == {
        "up_0": 0, "bias_0": 0, "up_1": 1, "bias_1": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (lambda rows: rows.pop(), "the ranges of [3] experts by stage, where [3, 2] are expected"),
        (lambda rows: rows.append([]), "[3, 2, 0]"),
        (lambda rows: rows[0].pop(), "[2, 2]"),
        (lambda rows: rows.clear(), "the ranges of [] experts by stage"),
    ],
)
def test_each_expert_of_each_routed_stage_has_an_entry(target, rows, words):
    rows(target["experts"])
    code, sentence = refusal(target)
    assert code == RANGES
    assert words in sentence
    assert "with the strategy bind" in sentence


def test_targets_of_other_strategies_have_no_ranges(target):
    other = {**copy.deepcopy(VALID["targets"]["plain"]), "experts": target["experts"]}
    code, sentence = refusal(other)
    assert code == RANGES
    assert "where [] are expected with the strategy dispatch" in sentence


@pytest.mark.parametrize("offset", [PAGE // 2, 64, 1])
def test_a_range_begins_at_a_page(target, offset):
    expert(target, 0).update(offset=offset, tensors={})
    code, sentence = refusal(target)
    assert code == RANGES
    where = "the range of expert 0 of routed stage 1 of target onnx"
    assert f"{where} begins at {offset:,}, which is no multiple of 16,384" in sentence


def test_a_range_ends_within_the_file(target):
    last = expert(target, 0, stage=2)
    last["bytes"] = FILE - last["offset"]
    parse(target)
    last["bytes"] += 1
    code, sentence = refusal(target)
    assert code == RANGES
    assert f"expert 0 of routed stage 2 of target onnx ends at {FILE + 1:,}" in sentence
    assert f"beyond its file of weights of {FILE:,} bytes" in sentence


def test_without_a_file_of_weights_there_is_no_range(target):
    target["weights"] = None
    code, sentence = refusal(target)
    assert code == RANGES
    assert "beyond its file of weights of 0 bytes" in sentence


@pytest.mark.parametrize(
    ("number", "tensor", "change"),
    [
        (0, "up", {"offset": 4}),
        (0, "up", {"offset": 32}),
        (1, "up", {"offset": PAGE - 64}),
        (1, "bias", {"offset": PAGE + 192}),
        (1, "bias", {"shape": [6]}),
        (1, "bias", {"dtype": "int64"}),
        (1, "bias", {"offset": 0}),
    ],
)
def test_a_tensor_is_inside_of_its_range_at_a_line(target, number, tensor, change):
    expert(target, number)["tensors"][tensor].update(change)
    code, sentence = refusal(target)
    assert code == RANGES
    assert f"the tensor {tensor} of expert {number} of routed stage 1 of target onnx" in sentence
    assert "is not inside of its range, or at no multiple of 64" in sentence


def test_no_byte_is_in_two_ranges(target):
    expert(target, 0)["bytes"] = PAGE
    parse(target)
    expert(target, 0)["bytes"] += 1
    assert refusal(target)[0] == RANGES
    assert f"target onnx have ranges that overlap, at {PAGE:,}" in refusal(target)[1]


@pytest.mark.parametrize("bytes_", [1, PAGE])
def test_ranges_of_two_stages_have_no_byte_in_common(target, bytes_):
    expert(target, 1, stage=2).update(offset=PAGE, bytes=bytes_)
    assert refusal(target)[0] == RANGES


def test_an_empty_range_is_in_nobodys_way(target):
    """Not even in the middle of another, which reaches over two pages here."""
    last = expert(target, 0, stage=2)
    last["bytes"] = FILE - last["offset"]
    for offset in (0, PAGE, 4 * PAGE):
        expert(target, 1, stage=2)["offset"] = offset
        parse(target)


def test_what_is_bound_is_an_input(target):
    graph(target, 1)["bound"]["more"] = {"place": 0, "tensor": "up"}
    code, sentence = refusal(target)
    assert code == TENSORS
    assert "graph step1_e0 of target onnx binds more, which is none of its inputs" in sentence


@pytest.mark.parametrize("length", [1, 2])
def test_a_place_is_one_of_the_routes(target, length):
    graph(target, length)["bound"]["up_0"]["place"] = length
    code, sentence = refusal(target)
    assert code == TENSORS
    assert f"binds up_0 to the expert at place {length} of a route of {length}" in sentence


def test_every_expert_has_what_is_bound_in_one_shape_and_type(target):
    wrong = []
    for change in ({"shape": [5, 4]}, {"dtype": "int32"}, None):
        changed = copy.deepcopy(target)
        tensors = expert(changed, 2)["tensors"]
        if change is None:
            del tensors["up"]
        else:
            tensors["up"].update(change)
        wrong.append(refusal(changed))
    for code, sentence in wrong:
        assert code == TENSORS
        assert (
            "takes the weight up_0 [4, 5] float32, and expert 2 has no such tensor up" in sentence
        )


def test_what_only_finishes_images_may_lack_it_where_routes_have_one_expert(target):
    assert expert(target, 1, stage=2)["tensors"] == {}
    target["experts"][1].reverse()
    code, sentence = refusal(target)
    assert code == TENSORS
    assert "and expert 0 has no such tensor matrix" in sentence


def test_what_finishes_images_and_has_a_tensor_has_the_right_one(target):
    stored = {"offset": 4 * PAGE, "shape": [12], "dtype": "float32"}
    expert(target, 1, stage=2).update(offset=4 * PAGE, bytes=48, tensors={"matrix": stored})
    assert refusal(target)[0] == TENSORS
    stored["shape"] = [1, 4, 3]
    parse(target)


@pytest.mark.parametrize("name", ["tokens", "gates"])
def test_what_is_no_weight_is_not_bound(target, name):
    """Not even where every expert has a tensor of its shape."""
    spec = next(spec for spec in graph(target, 1)["inputs"] if spec["name"] == name)
    graph(target, 1)["bound"][name] = {"place": 0, "tensor": name}
    for number in range(3):
        kept = {"offset": expert(target, number)["offset"], **spec}
        del kept["name"]
        expert(target, number)["tensors"][name] = kept
    code, sentence = refusal(target)
    assert code == TENSORS
    assert f"binds ['{name}'], which is no weight" in sentence


def test_the_stem_takes_no_weight(target):
    target["graphs"][0]["bound"] = {"image": {"place": 0, "tensor": "up"}}
    assert refusal(target)[0] == TENSORS


def test_graphs_of_other_strategies_take_no_weight(target):
    other = copy.deepcopy(VALID["targets"]["plain"])
    other["graphs"][1].update(bound=graph(target, 1)["bound"], inputs=graph(target, 1)["inputs"])
    assert refusal(other)[0] == TENSORS


def test_weights_are_behind_all_other_inputs(target):
    inputs = graph(target, 1)["inputs"]
    inputs.insert(1, inputs.pop())
    assert refusal(target)[0] == TENSORS


def test_a_weight_is_no_larger_than_any_tensor(target):
    graph(target, 1)["inputs"][2]["shape"] = [2**14, 2**14 + 1]
    assert refusal(target)[0] == "bundle.too-large"


def test_each_length_of_route_has_a_graph_and_no_other_has(target):
    for wrong in ([0, 1, 2], [1, 2], [1], None):
        changed = copy.deepcopy(target)
        graph(changed, 2)["route"] = wrong
        assert refusal(changed)[0] == GRAPHS
    del target["graphs"][1]
    code, sentence = refusal(target)
    assert code == GRAPHS
    assert "has no graph for the route [0]" in sentence


class Counting(dict):
    """Tensors that count how often one is asked for."""

    asked = 0

    def get(self, name, default=None):
        type(self).asked += 1
        return super().get(name, default)


def test_what_every_expert_has_is_asked_once_for_however_many_inputs(target):
    """Both may be many thousands: the time is that of their sum, not of their product."""
    manifest = parse(target)
    record = manifest.targets["onnx"]
    graphs = []
    for made in record.graphs:
        more, specs = {}, []
        for name, weight in itertools.islice(made.bound.items(), 1):
            spec = next(spec for spec in made.inputs if spec.name == name)
            more = {f"more{number}": weight for number in range(40)}
            specs = [replace(spec, name=one) for one in more]
        graphs.append(replace(made, bound=made.bound | more, inputs=(*made.inputs, *specs)))
    Counting.asked = 0
    experts = tuple(
        tuple(replace(one, tensors=Counting(one.tensors)) for one in row) for row in record.experts
    )
    many = replace(record, graphs=tuple(graphs), experts=experts)
    check_bound_weights("onnx", many, find_strategy("bind"), manifest.stages)
    names = [set().union(*(one.tensors for one in row)) for row in experts]
    every = sum(len(row) * len(known) for row, known in zip(experts, names, strict=True))
    assert 0 < Counting.asked <= every
