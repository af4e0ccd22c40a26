"""Manifests of extreme numbers: what opens can be summarised, shown and planned for, in little
memory; what cannot is refused in one sentence when it is opened."""

import io
import itertools
import json
import math
import sys
import tracemalloc
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from expected_errors import raises
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from mvmoe_bench.measure.planning import distribution
from mvmoe_bench.measure.planning.bench_presets import PRESETS
from mvmoe_bench.measure.planning.inputs import Inputs, load_inputs
from mvmoe_bench.measure.planning.queries import QueryPlan, budgets
from mvmoe_bench.measure.planning.running import _bundle_record
from mvmoe_bench.report.sections.parity.figures import target_parities
from mvmoe_bench.report.sections.size.figures import target_sizes
from mvmoe_deploy.bundle import Bundle, consistency, golden
from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.bundle.summary import summarize
from mvmoe_deploy.cli.bundle_view import BundleView, show_bundle
from mvmoe_deploy.errors import BundleError, InputError
from mvmoe_deploy.routing.top_k import TopK

MOST = 2**53
EXTREMES = [0, 1, 2, 3, 255, 4096, 2**31 - 1, MOST - 1, MOST, 1e-30, 1e30, 0.5, 1.0, -1, None]


def encoded(content):
    return json.dumps(content).encode()


def used(content):
    """Whatever the product does with a manifest before any file of the bundle is read."""
    manifest = parse_manifest(encoded(content), "the test")
    view = BundleView.of("the test", manifest, None)
    json.dumps(msgspec.to_builtins(view), allow_nan=False)
    show_bundle(Console(file=io.StringIO(), width=200), view)
    bundle = Bundle(None, manifest, "0" * 64)
    record = _bundle_record("b", bundle)
    msgspec.json.encode([*target_sizes(record), *target_parities(record)])
    inputs = Inputs("synthetic", np.zeros((2, 1, 1, 1)), ("a", "b"), (None, None), "name")
    questions = QueryPlan(manifest, inputs, None, 0)
    try:
        asked = questions.rounds(PRESETS["quick"], 0, None)
    except InputError as error:
        assert "more routes than equal shares" in str(error)
        return
    for target in manifest.targets.values():
        budgets(target)
        assert buffer_bytes(target) <= consistency.MAX_BUFFER_BYTES
        known = [query.routes or () for query in asked]
        questions.coverage(target, known, PRESETS["quick"], 0)


def buffer_bytes(target):
    """Bytes of the buffers that a dispatcher makes: one set for each stage."""
    first = {graph.stage: graph for graph in reversed(target.graphs)}
    tensors = [spec for graph in first.values() for spec in (*graph.inputs, *graph.outputs)]
    return sum(math.prod(spec.shape) * np.dtype(spec.dtype).itemsize for spec in tensors)


def numbers(value, path=()):
    """The paths of all numbers in plain data, of lists of many alike only the first."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:3]):
            yield from numbers(inner, (*path, index))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def put(content, path, value):
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = value


def with_sizes(content):
    """A manifest that also says what experts weigh."""
    for target in content["targets"].values():
        target["sizes"] = {"distinct_bytes": 50, "shared_bytes": 20, "expert_bytes": [[10] * 3]}
    return content


def test_any_number_can_be_extreme(plain):
    """One number after the other, each replaced by every extreme: refused or of use."""
    base = with_sizes(plain())
    opened = 0
    for path, extreme in itertools.product(list(numbers(base)), EXTREMES):
        content = with_sizes(plain())
        put(content, path, extreme)
        try:
            parse_manifest(encoded(content), "the test")
        except BundleError:
            continue
        used(content)
        opened += 1
    assert opened > 100


COUNTS = st.sampled_from([0, 1, 7, 2**31, MOST])
SIZES = st.none() | st.fixed_dictionaries(
    {
        "distinct_bytes": COUNTS,
        "shared_bytes": COUNTS,
        "expert_bytes": st.lists(st.lists(COUNTS, max_size=4), max_size=2),
    }
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_all_counts_can_be_extreme_at_once(plain, data):
    content = plain()
    for key in ("params_total", "params_active", "macs"):
        content["model"][key] = data.draw(COUNTS)
    (target,) = content["targets"].values()
    target["sizes"] = data.draw(SIZES)
    target["weights"] = data.draw(st.sampled_from([target["weights"], None]))
    common = data.draw(st.booleans())
    for file in target["files"]:
        file["bytes"] = data.draw(COUNTS)
    for graph in target["graphs"]:
        graph["weight_bytes"] = data.draw(COUNTS)
        graph["exclusive_bytes"] = data.draw(st.sampled_from([0, graph["weight_bytes"]]))
        graph["file"] = target["graphs"][0]["file"] if common else graph["file"]
    try:
        parse_manifest(encoded(content), "the test")
    except BundleError as error:
        assert "bytes of" in str(error)
        return
    used(content)


@pytest.mark.parametrize(
    ("strategy", "rows"),
    [("dispatch", [[]]), ("dispatch", [[1, 2]]), ("dispatch", [[1, 2, 3]] * 2), ("gather", [[1]])],
)
def test_experts_bytes_are_those_of_the_experts(make_bundle, strategy, rows):
    content = json.loads((make_bundle(strategies=(strategy,)) / "manifest.json").read_text())
    (target,) = content["targets"].values()
    target["sizes"] = {"distinct_bytes": 0, "shared_bytes": 0, "expert_bytes": rows}
    with raises(BundleError, "bundle.manifest-inconsistent") as caught:
        parse_manifest(encoded(content), "the test")
    assert "has the bytes of" in str(caught.value)


def reshaped(content, tokens, batch=1):
    """The manifest with tokens of another shape."""
    for target in content["targets"].values():
        target["batch"] = batch
        for graph in target["graphs"]:
            for spec in (*graph["inputs"], *graph["outputs"]):
                spec["shape"][0] = batch
                if "tokens" in spec["name"]:
                    spec["shape"] = tokens
    return content


@pytest.mark.parametrize(
    "tokens", [[1, 2**31 - 1, 2**31 - 1], [1, 2**29], [1, *[2**31 - 1] * 7], [1, 2, 2**31 - 1]]
)
def test_a_tensor_of_terabytes_is_refused(plain, tokens):
    with pytest.raises(BundleError) as caught:
        parse_manifest(encoded(reshaped(plain(), tokens)), "the test")
    assert (caught.value.code, caught.value.fields) == ("bundle.too-large", {"limit": 2**28})


def test_many_tensors_of_the_allowed_size_are_refused(plain):
    content = plain()
    (target,) = content["targets"].values()
    stages, routed = 6, [graph for graph in target["graphs"] if graph["stage"] == 1]
    rule = content["stages"][1]["rule"]
    content["usage_prior"] = None
    passed_on = {"tokens": "stem.tokens", "logits": "stem.logits"}
    for i in range(1, stages):
        taken, passed_on = passed_on, {"tokens": f"more{i}.tokens", "logits": f"more{i}.logits"}
        gives = {"next_tokens": passed_on["tokens"], "logits": passed_on["logits"]}
        more = {"name": f"more{i}", "rule": rule, "router": taken["logits"]}
        more |= {"takes": {"tokens": taken["tokens"]}, "gives": gives}
        content["stages"][i:] = [more]
    content["stages"][-1]["gives"] = {"answer": "answer"}
    content["outputs"][0]["tensors"] = ["answer"]
    given = json.loads(json.dumps(target["graphs"][0]["outputs"]).replace("tokens", "next_tokens"))
    for stage in range(1, stages):
        for graph in routed:
            copy = json.loads(json.dumps(graph))
            copy |= {"name": f"s{stage}_{graph['name']}", "stage": stage}
            if stage < stages - 1:
                copy["outputs"] = json.loads(json.dumps(given))
            target["graphs"].append(copy)
    target["graphs"] = [g for g in target["graphs"] if g not in routed]
    used(reshaped(json.loads(json.dumps(content)), [1, 2**20]))
    with pytest.raises(BundleError) as caught:
        parse_manifest(encoded(reshaped(content, [1, 2**28])), "the test")
    assert (caught.value.code, caught.value.fields) == ("bundle.too-large", {"limit": 2**32})


def test_golden_vectors_that_are_too_many_together_are_refused(plain):
    content = plain()
    # Image and answer have 2^28 elements each: every one of them is allowed alone.
    content["golden"]["images"] = 2**12
    content["input"] |= {"height": 256, "width": 256}
    content["outputs"][0]["labels"] = None
    for target in content["targets"].values():
        for graph in target["graphs"]:
            for spec in (*graph["inputs"], *graph["outputs"]):
                if spec["name"] == "image":
                    spec["shape"] = [1, 1, 256, 256]
                if spec["name"] == "answer":
                    spec["shape"] = [1, 2**16]
    with pytest.raises(BundleError) as caught:
        parse_manifest(encoded(content), "the test")
    assert (caught.value.code, caught.value.fields) == ("bundle.too-large", {"limit": 2**31})


def test_a_summary_takes_work_in_proportion_to_the_files_and_graphs(plain):
    def steps(count):
        content = plain()
        (target,) = content["targets"].values()
        graph, file = target["graphs"][1], target["files"][0]
        content["usage_prior"] = None
        content["stages"][1]["rule"] |= {"experts": count, "k": 1}
        target["graphs"] = [target["graphs"][0]] + [
            {**graph, "name": f"e{i}", "route": [i], "file": f"p/{i}.onnx"} for i in range(count)
        ]
        target["graphs"][0]["outputs"][1]["shape"] = [1, count]
        target["files"] += [{**file, "path": f"p/{i}.onnx/x"} for i in range(count)]
        manifest = parse_manifest(encoded(content), "the test")
        calls = 0

        def seen(_frame, event, _argument):
            nonlocal calls
            calls += event == "call"

        sys.setprofile(seen)
        try:
            summarize(manifest)
        finally:
            sys.setprofile(None)
        return calls

    # Linear work grows 4 times, work in proportion to pairs 16 times.
    assert steps(400) < 6 * steps(100)


def test_checking_paths_takes_memory_in_proportion_to_them(plain):
    def most_memory(count):
        content = plain()
        (target,) = content["targets"].values()
        graph, file = target["graphs"][1], target["files"][0]
        content["usage_prior"] = None
        content["stages"][1]["rule"] |= {"experts": count, "k": 1}
        folders = "/".join("d" * 40)
        target["graphs"] = [target["graphs"][0]] + [
            {**graph, "name": f"e{i}", "route": [i], "file": f"p{i}"} for i in range(count)
        ]
        target["graphs"][0]["outputs"][1]["shape"] = [1, count]
        target["files"] += [{**file, "path": f"p{i}/{folders}/x"} for i in range(count)]
        manifest = parse_manifest(encoded(content), "the test")
        tracemalloc.start()
        try:
            consistency._check_files(manifest)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Linear memory grows 4 times, a set of all folders for each graph 16 times.
    assert most_memory(400) < 6 * most_memory(100)
    # Nor has each file its forty folders in memory: 100 bytes of path, and as much again.
    assert most_memory(400) < 400 * 1000


def test_equal_shares_of_long_routes_are_refused():
    rule = TopK(experts=4096, k=4095)
    with raises(InputError, "input.option", name="distribution"):
        distribution.uniform([rule])


def test_the_largest_input_has_one_synthetic_image(plain):
    content = plain()
    content["input"] |= {"height": 4096, "width": 4096}
    content["golden"]["images"] = 1
    for target in content["targets"].values():
        for graph in target["graphs"]:
            for spec in graph["inputs"]:
                if spec["name"] == "image":
                    spec["shape"] = [1, 1, 4096, 4096]
    manifest = parse_manifest(encoded(content), "the test")
    vectors = {"image": np.zeros((1, 1, 4096, 4096), np.float32)}
    bundle = SimpleNamespace(manifest=manifest, golden=lambda: vectors)
    # Of 32 such images each process that measures would hold two gigabytes.
    assert load_inputs("synthetic", [bundle], 0).images.nbytes <= 2**28


def test_numbers_of_thousands_of_digits_are_refused_however_python_is_set(plain):
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        # Of 30 million digits, which a manifest may have, Python would take hours.
        text = encoded(plain()).replace(b'"version": 2', b'"version": ' + b"9" * 100_000)
        with pytest.raises(
            BundleError, check=lambda error: error.code == "bundle.manifest-out-of-range"
        ):
            parse_manifest(text, "the test")
    finally:
        sys.set_int_max_str_digits(before)


def test_nesting_is_refused_however_python_is_set(plain):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**7)
    try:
        for text in (b"[" * 10**6, b'{"a":' * 10**6, b'{"format": ' + b"[" * 10**6):
            with pytest.raises(
                BundleError, check=lambda error: error.code == "bundle.manifest-too-deep"
            ):
                parse_manifest(text, "the test")
    finally:
        sys.setrecursionlimit(before)
    content = plain()
    content["model"]["name"] = "[{" * 300
    assert parse_manifest(encoded(content), "the test").model.name == "[{" * 300
    assert msgspec.to_builtins(parse_manifest(encoded(plain()), "x")) is not None


def test_golden_vectors_with_a_huge_header_are_refused_unparsed(plain):
    manifest = parse_manifest(encoded(plain()), "the test")
    data = (2**21).to_bytes(8, "little") + b"{" + b" " * 2**21
    with pytest.raises(BundleError, check=lambda error: error.code == "bundle.golden-invalid"):
        golden.parse_vectors(data, manifest, "the test")
